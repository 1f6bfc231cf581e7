"""BlindAI 0.6: the published client as it is, and requests that it would never send."""

import hashlib
import http.client
import json
import re
import ssl
import subprocess

import numpy as np
import pytest

import blindai
import onnx_models
import published_clients
from conftest import BIN
from published_clients import LegacyServer, clients, drive, tiny_model  # noqa: F401

# Uploads a model with the published client and runs it; prints the id and the result.
UPLOAD_AND_RUN = """
import json, sys, numpy
from blindai.core import connect
ports = [int(port) for port in sys.argv[1].split(",")]
with connect("127.0.0.1", *ports, hazmat_http_on_unattested_port=True, simulation_mode=True) as client:
    model_id = client.upload_model(sys.argv[2]).model_id
    x = numpy.array([1, 2, 3], dtype="float32")
    output = client.run_model(model_id=model_id, input_tensors={"b": x, "a": x})
    print(json.dumps([model_id, output.output[0].as_flat()]))
"""


@pytest.fixture
def start(tmp_path):
    """Starts servers of one test, each in a folder of its own."""
    running = []

    def start_server(**options):
        folder = tmp_path / f"server-{len(running)}"
        folder.mkdir()
        log = open(folder / "log", "w")
        server = LegacyServer(folder, options.pop("compat", ["0.6"]), log, **options)
        server.__enter__()
        running.append((server, log))
        return server

    yield start_server
    for server, log in running:
        server.__exit__()
        log.close()


def ask(port, method, path, body=None, tls=True, chunks=None):
    """(status, Server header, body) of one request; nothing is verified."""
    context = ssl._create_unverified_context()
    one = (http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context) if tls
           else http.client.HTTPConnection("127.0.0.1", port, timeout=60))
    try:
        one.request(method, path, body=chunks or body)
        answer = one.getresponse()
        return answer.status, answer.headers["Server"], answer.read()
    finally:
        one.close()


def head(major, number):
    """The head of a CBOR item, RFC 8949 section 3."""
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 24:
            return bytes([major << 5 | number])
        if number < 1 << 8 * size:
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")


def text(value):
    return head(3, len(value)) + value.encode()


def model_as_array(model):
    numbers = np.frombuffer(model, dtype=np.uint8)
    pairs = np.stack([np.full_like(numbers, 24), numbers], axis=1).ravel()
    small = np.repeat(numbers < 24, 2)
    small[1::2] = False  # below 24 only the number itself is sent
    return head(4, len(model)) + pairs[~small].tobytes()


def test_the_published_client_works(clients, tiny_model, start):
    server = start()
    found = drive("python06", "client_06.py", "127.0.0.1", *server.ports["v06"], tiny_model)
    assert found["ok"], found["failed"]
    assert "upload and run" in found["passed"] and "mock refused without simulation" in found["passed"]


def test_the_published_client_verifies_hardware_evidence(clients, tiny_model, start, tmp_path):
    published_clients.make_evidence(tmp_path)
    server = start(evidence=tmp_path)
    found = drive("python06", "client_06.py", "127.0.0.1", *server.ports["v06"], tiny_model, "--hardware", tmp_path)
    assert found["ok"], found["failed"]
    assert "connect" in found["passed"] and "other enclave refused" in found["passed"]
    assert ask(server.ports["v06"][0], "GET", "/", tls=False)[:2] == (200, "blindai")


def test_a_server_with_evidence_from_files_is_refused_by_our_own_client(clients, start, tmp_path):
    published_clients.make_evidence(tmp_path)
    server = start(evidence=tmp_path)
    with pytest.raises(Exception) as refused:
        blindai.connect(addr=server.address, simulation=True)
    assert "evidence from files" in str(refused.value)


def test_evidence_of_another_certificate_stops_the_start(clients, start, tmp_path):
    published_clients.make_evidence(tmp_path)
    published_clients.make_identity(tmp_path)
    with pytest.raises(RuntimeError, match="did not start"):
        start(evidence=tmp_path)


def test_our_own_verifier_judges_the_served_evidence(clients, start, tmp_path):
    published_clients.make_evidence(tmp_path)
    port = start(evidence=tmp_path).ports["v06"][0]
    quote = (tmp_path / "quote.bin").read_bytes()
    assert ask(port, "GET", "/quote", tls=False) == (200, "blindai", head(2, len(quote)) + quote)
    status, _, collateral = ask(port, "GET", "/collateral", tls=False)
    assert status == 200
    roles = {"tcb-info": "tcb_info", "tcb-chain": "tcb_info_issuer_chain", "qe-identity": "qe_identity",
             "qe-chain": "qe_identity_issuer_chain", "pck-crl": "pck_crl", "root-crl": "root_ca_crl",
             "crl-chain": "pck_crl_issuer_chain"}
    for field in roles.values():
        content = (tmp_path / field).read_text()
        assert text(field) + text(content) in collateral, field

    digest = hashlib.sha256((tmp_path / "certificate.der").read_bytes()).hexdigest()
    verify = [BIN / "blindai", "verify", tmp_path / "quote.bin", "--policy", tmp_path / "policy.toml"]
    verify += ["--report-data", digest]
    for role, field in roles.items():
        verify += ["--" + role, tmp_path / field]
    for root, verdict in ((["--root", tmp_path / "root.pem"], "verdict: trusted"), ([], "verdict: refused")):
        assert subprocess.run(verify + root, capture_output=True, text=True, timeout=60).stdout.startswith(verdict)


def test_the_unattested_port_speaks_tls_under_a_given_certificate(clients, tiny_model, start, tmp_path):
    published_clients.make_identity(tmp_path, "localhost")
    server = start(legacy=f'v06_certificate_file = "{tmp_path}/certificate.pem"\nv06_key_file = "{tmp_path}/key.pem"\n')
    found = drive("python06", "client_06.py", "localhost", *server.ports["v06"], tiny_model, "--https",
                  tmp_path / "certificate.pem")
    assert found["ok"], found["failed"]
    pinned = ssl.get_server_certificate(("127.0.0.1", server.ports["v06"][1]))
    certificate = ask(server.ports["v06"][0], "GET", "/")[2]
    assert certificate.endswith(ssl.PEM_cert_to_DER_cert(pinned))


def test_a_model_of_the_published_client_runs_from_our_own(clients, start, tmp_path):
    server = start()
    (tmp_path / "adder.onnx").write_bytes(onnx_models.adder())
    done = subprocess.run([clients / "python06", "-c", UPLOAD_AND_RUN, ",".join(map(str, server.ports["v06"])),
                           tmp_path / "adder.onnx"], capture_output=True, text=True, timeout=60, check=True)
    model_id, result = json.loads(done.stdout.splitlines()[-1])
    assert result == [2, 4, 6]
    x = np.array([1, 2, 3], dtype="float32")
    with blindai.connect(addr=server.address, simulation=True) as client:
        assert client.predict(model_id, {"a": x, "b": x}).output[0].as_flat() == [2, 4, 6]


def test_no_port_of_the_old_protocols_is_open_unless_it_is_named(start):
    server = start(compat=[])
    assert server.ports == {}
    with blindai.connect(addr=server.address, simulation=True) as client:
        assert client.verdict  # the server is up all the same


def test_the_servers_memory_does_not_grow_with_an_upload(start):
    """Fault 5 of the original: an array of integers, about twice as long as the model, is read as a stream."""
    server = start()
    model = onnx_models.model([onnx_models.node("Add", ["x", "w"], ["y"])], [("x", onnx_models.FLOAT, (1,))],
                              [("y", onnx_models.FLOAT, (8 << 20,))],
                              [onnx_models.float_tensor("w", (8 << 20,), np.linspace(0.1, 0.9, 8 << 20).tolist())])
    assert len(model_as_array(model)) > 1.5 * len(model) and len(model) > 32 << 20
    before = peak_mib(server)
    assert upload(server, model)[0] == 200
    assert peak_mib(server) - before < 16


def peak_mib(server):
    """The most resident memory that the server's own process ever had; its workers are others."""
    with open(f"/proc/{server.process.pid}/status") as status:
        return int(re.search(r"^VmHWM:\s+(\d+)", status.read(), re.M)[1]) / 1024


def test_what_is_no_request_gets_a_short_answer_and_the_server_goes_on(start):
    server = start()
    unattested, attested, management = server.ports["v06"]
    for port, path, body in ((attested, "/run", b"\xff" * 100), (attested, "/run", b""), (attested, "/run", b"\xa0"),
                             (management, "/upload", b"\x9f" * 100_000), (management, "/upload", b"\xbf"),
                             (management, "/delete", b"\xa1"), (management, "/nowhere", b"\xa0")):
        status, _, answer = ask(port, "POST", path, body)
        assert 400 <= status < 500, (path, status)
        assert len(answer) < 300 and b"/work" not in answer and b"/home" not in answer
    assert ask(unattested, "GET", "/", tls=False)[0] == 200


def upload(server, model):
    """(status, body) of an upload as the published client sends it."""
    body = head(5, 2) + text("model") + model_as_array(model) + text("length") + head(0, len(model))
    status, _, answer = ask(server.ports["v06"][2], "POST", "/upload", body)
    return status, answer


def test_the_quota_refuses_the_new_upload_and_keeps_the_old_models(start):
    """Faults 6, 8 and 12: every upload is a model of its own, the one too many gets a clear error, none is dropped."""
    server = start()
    answers = [upload(server, onnx_models.adder()) for _ in range(17)]
    assert [status for status, _ in answers] == [200] * 16 + [429]
    assert b"model-quota" in answers[-1][1]
    with blindai.connect(addr=server.address, simulation=True) as client:
        assert len(client.models()) == 16


def test_the_operator_sees_the_old_protocols_in_the_metrics(start):
    server = start()
    before = metric(server, "blindai_requests_total")
    assert ask(server.ports["v06"][0], "GET", "/", tls=False)[0] == 200
    assert metric(server, "blindai_requests_total") == before + 1


def metric(server, name):
    host, port = server.admin.rsplit(":", 1)
    one = http.client.HTTPConnection(host, int(port), timeout=30)
    one.request("GET", "/metrics")
    return float(re.search(rf"^{name} (\S+)$", one.getresponse().read().decode(), re.M)[1])


def test_a_client_that_goes_away_in_the_middle_of_an_upload_leaves_nothing(start):
    """Fault 24: its memory and its place are free at once, so the same upload fits again and again."""
    server = start()
    model = onnx_models.adder()
    body = head(5, 1) + text("model") + model_as_array(model)
    context = ssl._create_unverified_context()
    for _ in range(20):  # more than the models that one tenant may have
        one = http.client.HTTPSConnection("127.0.0.1", server.ports["v06"][2], timeout=60, context=context)
        one.putrequest("POST", "/upload")
        one.putheader("Content-Length", str(len(body)))
        one.endheaders(body[:len(body) // 2])
        one.close()
    assert ask(server.ports["v06"][2], "POST", "/upload", body)[0] == 200
