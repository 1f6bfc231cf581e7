"""How soon live sound becomes text: ./run bench --only live [--model whisper-tiny-en].

The demo conversation, one voice after the other, goes to a real server as a microphone gives it: a piece of 20 ms when
it has been spoken. Told are the times that a listener waits, on the clock, TLS and the Python SDK included: from the
first loud moment of an utterance to its first partial, and from the last one to its final text. The server is told to
take 500 ms of silence for an end, which is in the second figure: nobody knows earlier that it is one. The first voice
is also heard while somebody else's recording is transcribed.
"""

import contextlib
import dataclasses
import pathlib
import statistics
import threading
import time

import blindai
import numpy as np
from report import print_table

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEMO = ROOT / "models/blindai-demo-en"
# What is uploaded, and the milliseconds wanted of the first partial and of the final.
MODELS = {"blindai-demo-en": (DEMO / "blindai-demo-en.onnx", "ctc-speech", 400, 600),
          "whisper-tiny-en": (ROOT / "build/models/whisper-tiny-en", "whisper", 700, 1000)}
RATE = 16_000
PIECE = 320
LOUD = 3.16e-3      # −50 dBFS, as speech/endpointer.h has it
SILENCE_MS = 500
PASSES = 3


@dataclasses.dataclass
class Heard:
    """Seconds that were waited for texts."""

    partials: list = dataclasses.field(default_factory=list)
    finals: list = dataclasses.field(default_factory=list)
    silent: int = 0  # utterances without a word

    def row(self, name):
        def figures(seconds):
            if not seconds:
                return "–"
            return f"{1000 * statistics.median(seconds):.0f} / {1000 * np.percentile(seconds, 90):.0f}"
        return [name, figures(self.partials), figures(self.finals),
                f"{len(self.finals)} ({self.silent} without a word)"]


def voices():
    """The conversation's two voices, each a recording of one channel."""
    both = np.frombuffer((DEMO / "session.wav").read_bytes()[44:], np.int16).reshape(-1, 2)
    return [np.concatenate([both[:, channel], np.zeros(RATE, np.int16)]) for channel in (0, 1)]


def listen(client, sound, heard):
    """Speaks `sound` in real time and notes when its texts come."""
    frames = sound[:len(sound) // PIECE * PIECE].reshape(-1, PIECE).astype(np.float32) / 32768
    loud = np.flatnonzero(np.sqrt((frames ** 2).mean(1)) >= LOUD) * PIECE / RATE  # where the loud frames begin
    begin = []

    def microphone():
        begin.append(time.perf_counter())
        for at in range(0, len(sound), PIECE):
            time.sleep(max(0.0, begin[0] + (at + PIECE) / RATE - time.perf_counter()))
            yield sound[at:at + PIECE]

    started = first_partial = None
    with client.transcribe_live(microphone(), "demo", rate=RATE, silence_ms=SILENCE_MS) as events:
        for event in events:
            now = time.perf_counter() - begin[0]
            if event.kind == "started":
                started, first_partial = event.start, None
            elif event.kind == "partial" and first_partial is None:
                first_partial = now
            elif event.kind == "final":
                if not event.text:
                    heard.silent += 1
                    continue
                inside = loud[(loud >= started) & (loud < event.end)]
                heard.finals.append(now - (inside[-1] + PIECE / RATE))
                if first_partial is not None:
                    heard.partials.append(first_partial - inside[0])


@contextlib.contextmanager
def recordings_beside(address, sound):
    """Recordings that are transcribed one after the other for as long as this lasts."""
    stop = threading.Event()

    def transcribe():
        with blindai.connect(addr=address, simulation=True) as client:
            while not stop.is_set():
                client.transcribe(sound, "demo")

    thread = threading.Thread(target=transcribe)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def live(server, model):
    """`server`: makes one, as side_by_side.server does. `model`: one of MODELS."""
    alone, beside = Heard(), Heard()
    path, kind, partial_ms, final_ms = MODELS[model]
    with server(2) as running, blindai.connect(addr=running.address, simulation=True) as client:
        client.upload_model(path, model_id="demo", kind=kind, visibility="public")
        client.transcribe(DEMO / "hello_world.wav", "demo")  # warm
        both = voices()
        for _ in range(PASSES):
            for sound in both:
                listen(client, sound, alone)
        with recordings_beside(running.address, np.tile(both[1], 10)):
            listen(client, both[0], beside)
    print(f"### Live sound with {model}, {SILENCE_MS} ms of silence end an utterance\n")
    print_table(["", "first partial after the first sound, ms, p50 / p90", "final after the last sound, ms, p50 / p90",
                 "utterances"], [alone.row("alone"), beside.row("while recordings are transcribed")])
    print(f"- Wanted alone: first partial {partial_ms} ms, final {final_ms} ms\n", flush=True)
