"""A Whisper model's words and live sound, by the Python package and the command line, against a real server."""

import json
import subprocess

import numpy as np
import pytest

import blindai
from conftest import BIN, DEMO, needs_whisper

RATE = 16_000

pytestmark = needs_whisper


def samples(name):
    data = np.frombuffer((DEMO / name).read_bytes(), np.uint8)
    return data[44:].view(np.int16)[::int(data[22])]


SESSION = samples("session.wav")[:20 * RATE]


def pieces(sound, size=RATE // 5):
    for at in range(0, len(sound), size):
        yield sound[at:at + size]


def command(client, *words, sound=None):
    return subprocess.run([BIN / "blindai", *words, "--addr", client.addr, "--simulation"], input=sound,
                          capture_output=True, timeout=180)


# ---- Words ----

def test_words_have_times_and_are_the_text(client, whisper):
    answer = client.transcribe(DEMO / "session.wav", whisper, timestamp_granularities=["word", "segment"])
    assert len(answer.words) > 100
    for speaker in ("A", "B"):
        said = [word for word in answer.words if word["speaker"] == speaker]
        for before, after in zip(said, said[1:]):
            assert before["start"] < before["end"] <= after["start"] + 1e-6
    assert " ".join(word["word"] for word in answer.words) == answer.text
    assert all(0 < word["confidence"] <= 1 for word in answer.words)


def test_log_probabilities_are_of_words(client, whisper):
    heard = client.transcribe(DEMO / "hello_world.wav", whisper, format="json", include=["logprobs"])
    tokens = heard.to_dict()["logprobs"]
    assert "".join(token["token"] for token in tokens) == heard.text
    assert all(token["logprob"] <= 0 for token in tokens)


def test_cues_of_subtitles_are_cut_between_words(client, whisper):
    cues = client.transcribe(DEMO / "session.wav", whisper, format="srt").split("\n\n")
    longest = max(len(cue.split("\n", 2)[2]) for cue in cues if cue.strip())
    assert longest <= 84 + len("A: ")


def test_the_command_line_tells_words(client, whisper):
    done = command(client, "transcribe", DEMO / "hello_world.wav", "--model", whisper, "--format", "verbose_json",
                   "--words")
    assert done.returncode == 0
    assert [word["word"] for word in json.loads(done.stdout)["words"]] == ["Hello", "world."]


# ---- Live ----

def test_committed_by_hand_live_sound_is_what_the_file_gives(client, whisper):
    finals = [event for event in client.transcribe_live(pieces(SESSION), whisper, silence_ms=None) if event.final]
    assert [event.text for event in finals] == [client.transcribe(SESSION, whisper, format="text").strip()]
    assert " ".join(word["word"] for word in finals[0].words) == finals[0].text


def test_live_finals_are_nearly_what_the_file_gives(client, whisper):
    said = " ".join(event.text for event in client.transcribe_live(pieces(SESSION), whisper) if event.final)
    wanted = client.transcribe(SESSION, whisper, format="text").strip()
    assert set(said.split()) & set(wanted.split()) >= set("Hello, good to see you".split())
    # Utterances end in silence; a window of the file holds several of them.
    assert abs(len(said.split()) - len(wanted.split())) <= 3


def test_deltas_only_append_and_are_the_beginning_of_the_final(client, whisper):
    told, finals = {}, []
    for event in client.transcribe_live(pieces(SESSION), whisper, delay="low"):
        if event.kind == "delta":
            told[event.utterance] = told.get(event.utterance, "") + event.text
        elif event.final:
            finals.append(event)
    assert finals
    for final in finals:
        assert told.get(final.utterance, "") == final.text


def test_a_delay_and_a_prompt_that_cannot_be_honoured_are_refused(client, whisper, speech):
    with pytest.raises(ValueError, match="minimal, low"):
        client.transcribe_live(pieces(SESSION), whisper, delay="soon")
    with pytest.raises(blindai.ModelError) as error:
        list(client.transcribe_live(pieces(SESSION), speech, prompt="A talk."))
    assert error.value.code == "prompt-unsupported"
    with pytest.raises(blindai.ModelError) as error:
        list(client.transcribe_live(pieces(SESSION), whisper, language="fr"))
    assert error.value.code == "language"


def test_silence_gives_nothing(client, whisper):
    silence = np.zeros(5 * RATE, np.int16)
    assert list(client.transcribe_live(pieces(silence), whisper)) == []


def test_the_command_line_writes_a_line_for_each_utterance_with_and_without_a_delay(client, whisper):
    sound = SESSION.tobytes()
    plain = command(client, "live", "--model", whisper, sound=sound)
    early = command(client, "live", "--model", whisper, "--delay", "minimal", sound=sound)
    assert (plain.returncode, early.returncode) == (0, 0)
    assert len(plain.stdout.splitlines()) == len(early.stdout.splitlines()) >= 2
    assert b"good to see you" in plain.stdout
    wrong = command(client, "live", "--model", whisper, "--delay", "soon", sound=sound)
    assert wrong.returncode == 2 and b"xhigh" in wrong.stderr
