"""What the gateway costs: ./run bench --only gateway.

The same requests to the same server, straight over TLS and through `blindai gateway`, taking turns. All computes on the
same cores: the client, the gateway and the server.
"""

import contextlib
import http.client
import pathlib
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

import blindai
import numpy as np
import tritonclient.grpc as grpcclient

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from local_gateway import Gateway  # noqa: E402
from report import print_table  # noqa: E402
from simulated_server import SimulatedServer  # noqa: E402

STARTS = 20
REQUESTS = 300      # of each kind in each turn
TURNS = 5
UPLOADS = 9
UPLOAD = 100 << 20  # bytes


def direct(address):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(address, context=context, timeout=120)


def through(address):
    return http.client.HTTPConnection(address, timeout=120)


def ask(connection, method="GET", path="/v2/health/live", body=None, headers=None):
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def first_answers(server):
    """Milliseconds from the start of the program to the first answer of the verified server."""
    times = []
    for _ in range(STARTS):
        began = time.perf_counter()
        with Gateway(server.address, "--simulation") as local:
            assert ask(through(local.host)) == 200
            times.append(1000 * (time.perf_counter() - began))
    return times


def timed(call, count):
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - began))
    return times


def added(straight, passed_on):
    """Medians of both, and of the difference in each turn."""
    turns = []
    for call in (straight, passed_on):
        timed(call, REQUESTS // 3)
    for _ in range(TURNS):
        turns.append([statistics.median(timed(call, REQUESTS)) for call in (straight, passed_on)])
    one, other = np.median(turns, axis=0)
    return one, other, statistics.median(b - a for a, b in turns)


def multipart():
    """A form whose file is large and no recording: the server reads it to its end, and then says so."""
    head = (b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nspeech\r\n'
            b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n')
    return head + bytes(UPLOAD) + b"\r\n--B--\r\n"


def uploads(connections):
    body, turns = multipart(), []
    for _ in range(UPLOADS):
        turn = []
        for connection in connections:
            began = time.perf_counter()
            status = ask(connection, "POST", "/v1/audio/transcriptions", body,
                         {"Content-Type": "multipart/form-data; boundary=B"})
            turn.append(time.perf_counter() - began)
            assert status == 400, status
        turns.append(turn)
    one, other = np.median(turns, axis=0)
    return one, other, statistics.median(a / b for a, b in turns)


def gateway(_rounds):
    print("### The gateway\n")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(SimulatedServer(log=subprocess.DEVNULL))
        client = stack.enter_context(blindai.connect(server.address, simulation=True))
        client.upload_model(ROOT / "models/blindai-demo-en/blindai-demo-en.onnx", model_id="speech", kind="ctc-speech")
        starts = first_answers(server)
        print_table(["", "median, ms", "p90, ms", "wanted"],
                    [["first verified answer after the start of the program", f"{statistics.median(starts):.1f}",
                      f"{np.percentile(starts, 90):.1f}", "50"]])
        local = stack.enter_context(Gateway(server.address, "--simulation"))
        straight, passed_on = direct(server.address), through(local.host)

        pem = stack.enter_context(certificate_of(server.address))
        tls = grpcclient.InferenceServerClient(server.grpc, ssl=True, root_certificates=pem)
        tunnel = grpcclient.InferenceServerClient(local.grpc)
        rows = []
        for name, one, other in (
                ("GET /v2/health/live", lambda: ask(straight), lambda: ask(passed_on)),
                ("GET /v1/models", lambda: ask(straight, path="/v1/models"), lambda: ask(passed_on, path="/v1/models")),
                ("gRPC ServerLive", tls.is_server_live, tunnel.is_server_live)):
            a, b, difference = added(one, other)
            rows.append([name, f"{a:.2f}", f"{b:.2f}", f"{difference:+.2f}", "+1"])
        print_table(["request", "straight, ms", "through the gateway, ms", "added, ms", "wanted"], rows)
        tls.close()
        tunnel.close()
        a, b, ratio = uploads((straight, passed_on))
        rate = UPLOAD / 1e6
        print_table(["upload of 100 MiB", "straight, MB/s", "through the gateway, MB/s", "ratio", "wanted"],
                    [["POST /v1/audio/transcriptions", f"{rate / a:.0f}", f"{rate / b:.0f}", f"{ratio:.2f}", "0.95"]])


@contextlib.contextmanager
def certificate_of(address):
    host, port = address.rsplit(":", 1)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(ssl.get_server_certificate((host, int(port))))
        file.flush()
        yield file.name
