#!/usr/bin/env python3
"""Figures side by side in one run: bare ONNX Runtime, bare OpenVINO, and blindai through TLS, evidence and its worker.

    ./run bench [--rounds N] [--only NAME…]     NAME: inference, connect, tensors, upload, memory, requests,
                                                published, verification, directory, serving, gateway, live,
                                                upload-v06
                 [--model whisper-tiny-en]      of live; without it the demo model

Contenders take turns within each round, so that whatever else the machine does meets all of them; figures are medians.
Prints Markdown for the README, with the machine and the date.
"""

import argparse
import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import blindai
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tools"))
from gateway import gateway  # noqa: E402
from live import MODELS as LIVE_MODELS, live  # noqa: E402
from report import print_table  # noqa: E402
from serving import serving  # noqa: E402
from simulated_server import SimulatedServer  # noqa: E402
from upload_v06 import upload_v06  # noqa: E402

MODELS = ROOT / "build/bench"
WAV2VEC2 = MODELS / "wav2vec2-base.onnx"
LENGTHS_S = (1, 5, 15)
WARM_UP_ROUNDS = 2


class Contender:
    """A process of contender.py: ask it for one run, get its seconds."""

    def __init__(self, kind, target, threads, precision, command=None):
        self.kind, self.precision = kind, precision
        command = command or [sys.executable, HERE / "contender.py", kind, target, str(threads), precision]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.resident_mib = self._answer()["resident_mib"]

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"contender {self.kind} {self.precision} ended with {self._process.wait()}")
        return json.loads(line)

    def run(self, samples):
        self._process.stdin.write(f"{samples}\n")
        self._process.stdin.flush()
        return self._answer()["seconds"]

    def close(self):
        self._process.stdin.close()
        self._process.wait()


@contextlib.contextmanager
def server(threads, config=""):
    """A server whose engine has `threads` threads, with nothing on it; `config`: more of its configuration."""
    with open(ROOT / "build/log/bench-server.log", "a") as log, \
            SimulatedServer(config=f"[engine]\nthreads = {threads}\n{config}", log=log) as running:
        yield running


def connect(running):
    return blindai.connect(addr=running.address, simulation=True)


def median_ms(seconds):
    return 1000 * statistics.median(seconds)


def timed(action, times):
    """Seconds of each of `times` calls, after one that does not count."""
    action()
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - begin)
    return seconds


# ---- What is measured ----

def inference(rounds):
    print("### wav2vec2-base, random weights: ms for 1 / 5 / 15 s of audio\n")
    rows = []
    for threads in (2, 1):
        with contextlib.ExitStack() as stack:
            running = stack.enter_context(server(threads))
            with connect(running) as client:
                for precision in ("f32", "bf16"):
                    client.upload_model(str(WAV2VEC2), model_id=f"wav2vec2-{precision}", precision=precision)
            contenders = []
            for kind, target, precision in (("onnxruntime", WAV2VEC2, "f32"), ("openvino", WAV2VEC2, "f32"),
                                            ("blindai", running.address, "f32"), ("openvino", WAV2VEC2, "bf16"),
                                            ("blindai", running.address, "bf16")):
                contenders.append(Contender(kind, target, threads, precision))
                stack.callback(contenders[-1].close)
            times = {(c, length): [] for c in contenders for length in LENGTHS_S}
            for number in range(WARM_UP_ROUNDS + rounds):
                for length in LENGTHS_S:
                    for contender in contenders:
                        seconds = contender.run(16000 * length)
                        if number >= WARM_UP_ROUNDS:
                            times[contender, length].append(seconds)
        medians = {(c.kind, c.precision): [median_ms(times[c, length]) for length in LENGTHS_S] for c in contenders}
        names = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "blindai": "**blindai**"}
        for (kind, precision), values in medians.items():
            bare = medians["openvino", precision]
            row = [f"{names[kind]} {precision}", str(threads), " / ".join(f"{value:.0f}" for value in values)]
            row.append("–" if kind == "openvino" else " / ".join(f"{v / b:.2f}" for v, b in zip(values, bare)))
            rows.append(row)
    print_table(["", "threads", "ms", "against bare OpenVINO, same precision"], rows)


def connecting(_rounds):
    with server(2) as running:
        seconds = timed(lambda: connect(running).close(), 50)
    print(f"- Connect, evidence, verdict, close: {median_ms(seconds):.1f} ms\n", flush=True)


def tensors(_rounds):
    """The cost of a byte on its way in: the same tiny model with a small and a large input."""
    with server(2) as running, connect(running) as client:
        client.upload_model(str(MODELS / "sum.onnx"), model_id="sum")
        small = median_ms(timed(lambda: client.predict("sum", np.zeros((1, 16), np.float32)), 200))
        print(f"- Smallest request through TLS and worker: {small:.2f} ms")
        for mib in (1, 16):
            values = np.zeros((1, mib << 18), np.float32)
            large = median_ms(timed(lambda: client.predict("sum", values), 50))
            rate = values.nbytes / ((large - small) / 1000) / 1e9
            print(f"- {mib} MiB tensor in, one number back: {large:.2f} ms, {rate:.2f} GB/s one way")
        print(flush=True)


def upload(_rounds):
    """The whole of an upload, and its part before the engine: a file whose very last bytes make the gate refuse it."""
    with tempfile.NamedTemporaryFile(suffix=".onnx") as refused, server(2) as running, connect(running) as client:
        refused.write(WAV2VEC2.read_bytes() + b"\x60\x00")  # ModelProto has no field 12
        refused.flush()

        def serve():
            client.upload_model(str(WAV2VEC2), model_id="upload")
            client.delete_model("upload")

        def inspect():
            try:
                client.upload_model(refused.name, model_id="refused")
            except blindai.ModelError as error:
                assert error.code.startswith("model-") or error.code == "not-onnx", error.code
            else:
                raise AssertionError("the damaged model was taken")

        until_served, inspected = (statistics.median(timed(action, 3)) for action in (serve, inspect))
    size = WAV2VEC2.stat().st_size / 1e6
    print(f"- Upload of {size:.0f} MB until it serves (receive, inspect, convert, compile): {until_served:.2f} s; "
          f"receive and inspect alone: {size / inspected:.0f} MB/s\n", flush=True)


def memory(_rounds):
    with server(2) as running:
        front, _ = running.resident_mib()
        with connect(running) as client:
            client.upload_model(str(WAV2VEC2), model_id="wav2vec2-f32")
        _, workers = running.resident_mib()
    bare = Contender("openvino", WAV2VEC2, 2, "f32")
    bare.close()
    print(f"- Resident memory: front process idle {front:.0f} MiB; worker with wav2vec2-base f32 "
          f"{max(workers):.0f} MiB, bare OpenVINO in Python {bare.resident_mib:.0f} MiB\n", flush=True)


def requests(_rounds):
    """Small predicts from eight connections at once."""
    connections, each = 8, 500
    with server(2) as running, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(running)) for _ in range(connections)]
        clients[0].upload_model(str(MODELS / "add_one.onnx"), model_id="add-one")
        x = np.zeros((1, 16), np.float32)

        def work(client):
            for _ in range(each):
                client.predict("add-one", x)

        with concurrent.futures.ThreadPoolExecutor(connections) as pool:
            begin = time.perf_counter()
            list(pool.map(work, clients))
            seconds = time.perf_counter() - begin
    print(f"- Small predicts from {connections} connections: {connections * each / seconds:.0f} a second\n", flush=True)


def published(rounds):
    """BlindAI's published clients over their own protocols, against our client: 1 s of audio, the same model."""
    programs = ROOT.parent / "shared/clients"
    installed = ROOT / "build/clients"
    if not programs.is_dir():
        print("- Published clients: not measured, ../shared/clients is not there\n", flush=True)
        return
    if not (installed / "python06").exists():
        subprocess.run([programs / "install.sh", installed], check=True, stdout=subprocess.DEVNULL)
    ports = "".join(f'{port} = "127.0.0.1:0"\n' for port in (
        "v05_untrusted", "v05_attested", "v06_unattested", "v06_attested", "v06_management"))
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        config = pathlib.Path(folder, "server.toml")
        config.write_text(f'compat = ["0.5", "0.6"]\n[engine]\nthreads = 2\n[legacy]\n{ports}')
        log = stack.enter_context(open(ROOT / "build/log/bench-server.log", "a"))
        running = stack.enter_context(SimulatedServer("--config", str(config), log=log))
        with connect(running) as client:
            client.upload_model(str(WAV2VEC2), model_id="wav2vec2-f32", precision="f32")
        of = {version: ",".join(address.rpartition(":")[2] for address in addresses.split(","))
              for version, addresses in re.findall(r"(v0[56])=(\S+)", running.ready_line)}
        contenders = [Contender("native", running.address, 2, "f32", [
            sys.executable, HERE / "contender.py", "blindai", running.address, "2", "f32"])]
        for version in ("0.5", "0.6"):
            name = version.replace(".", "")
            contenders.append(Contender(version, "", 2, "f32", [
                installed / f"python{name}", HERE / "published_client.py", version, of["v" + name], "wav2vec2-f32"]))
        for contender in contenders:
            stack.callback(contender.close)
        times = {contender.kind: [] for contender in contenders}
        for number in range(WARM_UP_ROUNDS + 2 * rounds):
            for contender in contenders:
                seconds = contender.run(16000)
                if number >= WARM_UP_ROUNDS:
                    times[contender.kind].append(seconds)
    native = median_ms(times["native"])
    rows = [[kind, f"{median_ms(seconds):.1f}", f"{median_ms(seconds) / native:.2f}"]
            for kind, seconds in times.items()]
    print("### The published clients: ms for 1 s of audio\n")
    print_table(["client", "ms", "against native"], rows)


def verification(_rounds):
    """Evidence to verdict on one core, and parsing alone, from the real evidence of ../shared/vectors."""
    command = [ROOT / "build/microbench/bench/verification_bench", ROOT.parent / "shared/vectors",
               "--benchmark_format=json", "--benchmark_min_time=0.5"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    if not done.stdout:  # it has said why
        return
    figures = {one["name"]: one for one in json.loads(done.stdout)["benchmarks"]}
    to_ms = {"ns": 1e-6, "us": 1e-3, "ms": 1}
    rows = []
    for name, figure in figures.items():
        if not name.startswith("verify/"):
            continue
        ms = figure["cpu_time"] * to_ms[figure["time_unit"]]
        parse = figures.get(name.replace("verify/", "parse/"))
        label = f" ({figure['label']})" if figure.get("label") else ""
        rows.append([name.removeprefix("verify/") + label, f"{ms:.2f}", f"{1000 / ms:.0f}",
                     f"{parse['bytes_per_second'] / 1e6:.0f}" if parse else "–"])
    rows.append(["TCB info alone", "–", "–", f"{figures['parse/TCB info']['bytes_per_second'] / 1e6:.0f}"])
    print("### Evidence to verdict, one core\n")
    print_table(["", "ms", "verifications a second", "parsing alone, MB/s"], rows)


def directory(_rounds):
    """Sessions of the managed cloud's front, with 10,000 API keys; its clients are on the same cores."""
    command = [ROOT / "build/microbench/bench/directory_bench", "--benchmark_format=json", "--benchmark_min_time=5"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    rows = []
    for figure in json.loads(done.stdout)["benchmarks"]:
        name = figure["name"].split("/")[1].replace("_", " ")
        rows.append([name, f"{figure['items_per_second']:.0f}", f"{figure['p50_ms']:.1f}", f"{figure['p99_ms']:.1f}"])
    print("### Sessions of a directory with 10,000 keys, 16 clients at once\n")
    print_table(["", "sessions a second", "p50, ms", "p99, ms"], rows)


FIGURES = {"inference": inference, "connect": connecting, "tensors": tensors, "upload": upload, "memory": memory,
           "requests": requests, "published": published, "verification": verification, "directory": directory,
            "serving": serving, "gateway": gateway, "upload-v06": upload_v06}


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    name = re.search(r"^model name\s*:\s*(.+)$", info, re.M)[1]
    flags = re.search(r"^flags\s*:\s*(.+)$", info, re.M)[1].split()
    extras = [flag for flag in ("avx512_bf16", "amx_bf16") if flag in flags]
    memory_kib = int(re.search(r"^MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)[1])
    return f"{name}, {os.cpu_count()} cores ({', '.join(extras) or 'no bf16'}), {memory_kib >> 20} GiB"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=11)
    arguments.add_argument("--only", nargs="+", choices=[*FIGURES, "live"], default=[*FIGURES, "live"])
    arguments.add_argument("--model", choices=LIVE_MODELS, default="blindai-demo-en", help="of live")
    given = arguments.parse_args()
    (ROOT / "build/log").mkdir(parents=True, exist_ok=True)
    if not (MODELS / "sum.onnx").exists():
        subprocess.run([sys.executable, HERE / "export_models.py", MODELS], check=True)
    print(f"Measured {datetime.date.today()} on {machine()}; medians, {given.rounds} rounds.\n", flush=True)
    for name in given.only:
        live(server, given.model) if name == "live" else FIGURES[name](given.rounds)


if __name__ == "__main__":
    main()
