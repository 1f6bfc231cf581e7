"""Whisper tiny.en in blindai and, with the same weights, in faster-whisper: the same FLAC file, which both decode."""

import json
import subprocess
import sys
import time

import blindai
import speech_score
from report import peak_mib
from side_by_side import HERE, ROOT, server
from simulated_server import children

WHISPER = ROOT / "build/models/whisper-tiny-en"
SCRIPT = ROOT / "models/blindai-demo-en/session.json"
WARM_UP_SAMPLES = 30 * 16_000
ROUNDS = 2
# Words are aligned in time and memory that grow with their square.
LONGEST_SCORED_S = 900


def whisper_blindai(run, precision):
    """Seconds, text and memory."""
    with server(run.threads, run.config) as running, blindai.connect(addr=running.address, simulation=True) as client:
        client.upload_model(WHISPER, "whisper", kind="whisper", precision=precision)
        client.transcribe(run.samples[:WARM_UP_SAMPLES], "whisper")
        begin = time.perf_counter()
        text = client.transcribe(run.flac, "whisper").text
        seconds = time.perf_counter() - begin
        workers = max(map(peak_mib, children(running.process.pid)))
        return seconds, text, f"front {peak_mib(running.process.pid):.0f} MiB; worker {workers:.0f}"


def faster_whisper(run, wheel, compute_type, *words):
    done = subprocess.run([sys.executable, HERE / "faster_whisper_peer.py", wheel, compute_type, str(run.threads),
                           run.flac, *words], stdout=subprocess.PIPE, text=True, check=True)
    answer = json.loads(done.stdout)
    return answer["seconds"], answer["text"], f"{answer['peak_mib']:.0f} MiB"


def wrong_words(seconds, text):
    script = json.loads(SCRIPT.read_text())
    sessions, rest = divmod(seconds, script["seconds"])
    if rest or seconds > LONGEST_SCORED_S:
        return "–"
    said = " ".join(turn["words"] for turn in script["turns"])
    return f"{100 * speech_score.spoken_words(' '.join([said] * sessions), text).rate:.1f} %"


def whisper_rows(run, wheel):
    """A row each of what was quickest in two rounds, in which all take turns: the machine has other work too."""
    contenders = {
        "blindai f32, words timed": lambda: whisper_blindai(run, "f32"),
        "blindai bf16, words timed": lambda: whisper_blindai(run, "bf16"),
        "faster-whisper float32 (CTranslate2), words timed too": lambda: faster_whisper(run, wheel, "float32", "words"),
        "faster-whisper float32 (CTranslate2)": lambda: faster_whisper(run, wheel, "float32"),
        "faster-whisper int8 (CTranslate2)": lambda: faster_whisper(run, wheel, "int8"),
    }
    answers = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, ask in contenders.items():
            answers[name].append(ask())
            print(f"{name}: {answers[name][-1][0]:.1f} s", file=sys.stderr)
    rows = []
    for name, given in answers.items():
        seconds, text, memory = min(given)
        rows.append([name, f"{seconds:.1f}", f"{seconds / run.seconds:.4f}", wrong_words(run.seconds, text), memory])
    return rows
