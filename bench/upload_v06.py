"""A model of a gigabyte as BlindAI 0.6 sends it, one integer for each byte: ./run bench --only upload-v06.

The published client builds the request in memory and needs some forty gigabytes for it, so the request is written to a
file before the clock starts, and sent from there over TLS. Two times are told: until the server has taken the request
in (decoded, inspected, hashed, kept), and until its answer, when the engine has compiled the model too. Memory: what
the front process grew by at most, and the model itself, which lies once in the kernel's memory (a memfd).
"""

import contextlib
import http.client
import pathlib
import re
import ssl
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
from report import print_table

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/python"))
sys.path.insert(0, str(ROOT / "tools"))
import onnx_models  # noqa: E402
from simulated_server import SimulatedServer, children  # noqa: E402

WIDTH, LAYERS = 4096, 16  # 16 x 64 MiB of weights
SENT_AT_A_TIME = 1 << 20
WANTED_MB_S, WANTED_GROWTH_MB = 60, 1200
CONFIG = """compat = ["0.6"]
[legacy]
v06_unattested = "127.0.0.1:0"
v06_attested = "127.0.0.1:0"
v06_management = "127.0.0.1:0"
"""


def large_model():
    """y = x · w0 · w1 · …, with weights that look like a network's."""
    random = np.random.default_rng(1)
    weights, nodes = [], []
    for i in range(LAYERS):
        values = random.standard_normal((WIDTH, WIDTH), np.float32) / np.float32(WIDTH ** 0.5)
        weights.append(onnx_models.raw_tensor(f"w{i}", onnx_models.FLOAT, [WIDTH, WIDTH], values.tobytes()))
        output = "y" if i == LAYERS - 1 else f"h{i}"
        nodes.append(onnx_models.node("MatMul", [f"h{i - 1}" if i else "x", f"w{i}"], [output]))
    return onnx_models.model(nodes, [("x", onnx_models.FLOAT, (1, WIDTH))], [("y", onnx_models.FLOAT, (1, WIDTH))],
                             weights)


def text(word):
    return bytes([0x60 + len(word)]) + word.encode()


def integers(data):
    """CBOR of each byte as an integer (RFC 8949 section 3): itself below 24, else 0x18 and itself."""
    values = np.frombuffer(data, np.uint8)
    pairs = np.empty((len(values), 2), np.uint8)
    pairs[:, 0], pairs[:, 1] = 0x18, values
    kept = np.ones_like(pairs, bool)
    kept[:, 0] = values >= 24
    return pairs[kept]


def write_request(file, model, as_array):
    head = text("length") + b"\x1b" + struct.pack(">Q", len(model)) + text("model_name") + text("large")
    kind = b"\x9b" if as_array else b"\x5b"
    file.write(b"\xa3" + head + text("model") + kind + struct.pack(">Q", len(model)))
    for at in range(0, len(model), 16 << 20):
        piece = memoryview(model)[at:at + (16 << 20)]
        file.write(integers(piece) if as_array else piece)
    file.flush()


def peak_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+)", status, re.M)[1]) * 1024 / 1e6


def upload(port, file):
    """Seconds until the request was taken, and until the answer; the model's id."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=600)
    connection.connect()
    size = file.seek(0, 2)
    file.seek(0)
    began = time.perf_counter()
    connection.putrequest("POST", "/upload")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    while piece := file.read(SENT_AT_A_TIME):
        connection.send(piece)
    sent = time.perf_counter() - began
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body
    return sent, time.perf_counter() - began


def one(model, as_array):
    """One upload to a new server, so that its peak of memory is this upload's."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile(dir=ROOT / "build"))
        write_request(file, model, as_array)
        config = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".toml"))
        config.write(CONFIG)
        config.flush()
        server = stack.enter_context(SimulatedServer("--config", config.name, log=subprocess.DEVNULL))
        management = int(re.search(r" v06=\S*:(\d+)$", server.ready_line)[1])
        before = peak_mb(server.process.pid)
        taken, answered = upload(management, file)
        grown = peak_mb(server.process.pid) - before
        return taken, answered, grown, max(map(peak_mb, children(server.process.pid)))


def upload_v06(_rounds):
    model = large_model()
    size = len(model) / 1e6
    rows = []
    for name, as_array in (("array of integers", True), ("byte string", False)):
        taken, answered, grown, worker = one(model, as_array)
        rows.append([name, f"{size / taken:.0f}", f"{answered:.1f}", f"{grown:.0f} + {size:.0f}", f"{worker:.0f}"])
    print(f"### BlindAI 0.6: upload of a model of {size:.0f} MB\n")
    print_table(["model as", f"taken in, MB/s (wanted {WANTED_MB_S})", "served after, s",
                 f"front process and model, MB (wanted {WANTED_GROWTH_MB})", "worker at most, MB"], rows)
