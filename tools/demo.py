#!/usr/bin/env python3
"""The demo: a simulated server, its evidence, a model, a recording, and the text of it.

    ./run demo [RECORDING.wav]            (16 kHz, mono, 16 bit)
    ./run demo --session [RECORDING]      two people, by Whisper; any common format
"""

import argparse
import contextlib
import json
import pathlib
import time
import wave

import blindai
import numpy as np

import silero_vad
from simulated_server import ROOT, SimulatedServer

MODEL = ROOT / "models/blindai-demo-en"
WHISPER = ROOT / "build/models/whisper-tiny-en"


def read_wav(path):
    """Samples as the model wants them: 16 kHz mono, zero mean and unit variance."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2), path
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)
    return ((samples - samples.mean()) / np.sqrt(samples.var() + 1e-7))[None]


def greedy(logits):
    """The best character of each frame, repeats merged, blanks dropped: CTC's simplest decoding."""
    characters = {index: text for text, index in json.loads((MODEL / "vocab.json").read_text()).items()}
    ids = logits.argmax(-1)
    kept = [index for index, before in zip(ids, [0, *ids]) if index != before and index > 3]
    return "".join(characters[index] for index in kept).replace("|", " ").strip()


class Steps:
    """Prints each step with its time."""

    def __init__(self):
        self._begin = self._last = time.monotonic()

    def done(self, what):
        now = time.monotonic()
        print(f"  {now - self._last:7.3f} s  {what}", flush=True)
        self._last = now

    def total(self):
        return time.monotonic() - self._begin


@contextlib.contextmanager
def connection(steps, config=""):
    """A client of a server, of this configuration, that both end with the block."""
    log_path = ROOT / "build/log/demo-server.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with open(log_path, "w") as log, SimulatedServer(log=log, config=config) as server:
        steps.done(f"server started at {server.address}")
        with blindai.connect(addr=server.address, simulation=True) as client:
            steps.done("connected; evidence checked, nothing else sent before the verdict")
            print(f"\n{client.verdict}\n")
            yield client
    steps.done("server stopped")


def words(recording):
    """The text of a mono recording: a tensor there, a tensor back."""
    input_values = read_wav(recording)
    steps = Steps()
    with connection(steps) as client:
        client.upload_model(str(MODEL / "blindai-demo-en.onnx"), model_id="blindai-demo-en")
        steps.done("model uploaded, inspected, compiled in its worker")
        response = client.predict("blindai-demo-en", input_values)
        steps.done(f"{input_values.shape[1] / 16000:.2f} s of {recording.name} sent, answer received")
        client.delete_model("blindai-demo-en")
        steps.done("model deleted")
    print(f"\n  text: {greedy(response.output[0].as_numpy()[0])}\n  in {steps.total():.1f} s")


def clock(seconds):
    return f"{int(seconds // 60):02}:{seconds % 60:04.1f}"


def session(recording):
    """Who said what and when: each channel of the recording is a speaker. Silero's network hears where they speak."""
    steps = Steps()
    with connection(steps, silero_vad.config()) as client:
        client.upload_model(str(WHISPER), model_id=WHISPER.name, kind="whisper")
        steps.done("Whisper uploaded, inspected, compiled in its worker")
        transcript = client.transcribe(recording, WHISPER.name, format="diarized_json")
        steps.done(f"{transcript.duration:.1f} s of {recording.name} sent, transcript received")
        client.delete_model(WHISPER.name)
        steps.done("model deleted")
    print()
    for segment in transcript.segments:
        times = f"{clock(segment['start'])} - {clock(segment['end'])}"
        print(f"  {times}  {segment['speaker']}: {segment['text'].strip()}")
    print(f"\n  in {steps.total():.1f} s")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--session", action="store_true")
    arguments.add_argument("recording", nargs="?", type=pathlib.Path)
    given = arguments.parse_args()
    if given.session:
        session(given.recording or MODEL / "session.wav")
    else:
        words(given.recording or MODEL / "hello_world.wav")


if __name__ == "__main__":
    main()
