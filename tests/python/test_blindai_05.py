"""BlindAI 0.5: the published client as it is, in simulation and with evidence from files."""

import json
import socket
import ssl
import subprocess

import numpy as np
import pytest

import blindai
import onnx_models
import published_clients
from published_clients import LegacyServer, clients, drive, tiny_model  # noqa: F401

# Uploads a model with the published client and runs it; prints the id and the result.
UPLOAD_AND_RUN = """
import json, sys, blindai, numpy
untrusted, attested = map(int, sys.argv[1].split(","))
with blindai.connect(addr="127.0.0.1", untrusted_port=untrusted, attested_port=attested, simulation=True) as client:
    model_id = client.upload_model(sys.argv[2], model_id=sys.argv[3]).model_id
    x = numpy.array([1, 2, 3], dtype="float32")
    print(json.dumps([model_id, client.predict(model_id, [x, x]).output[0].as_flat()]))
"""


@pytest.fixture
def start(tmp_path):
    """Starts the one server of a test."""
    running = []

    def start_server(**options):
        log = open(tmp_path / "log", "w")
        server = LegacyServer(tmp_path, ["0.5"], log, **options)
        server.__enter__()
        running.append((server, log))
        return server

    yield start_server
    for server, log in running:
        server.__exit__()
        log.close()
        assert server.process.returncode == 0


def test_the_published_client_works(clients, tiny_model, start, tmp_path):
    server = start()
    found = drive("python05", "client_05.py", "127.0.0.1", *server.ports["v05"], tiny_model)
    assert found["ok"], found["failed"]
    assert {"run signed", "two inputs in order", "no hardware mode"} <= set(found["passed"])
    log = (tmp_path / "log").read_text()
    assert "check-" not in log and "tiny" not in log  # neither ids nor file names


def test_the_published_client_verifies_hardware_evidence(clients, tiny_model, start, tmp_path):
    version = subprocess.run([clients / "venv/bin/python", "-V"], capture_output=True, text=True, check=True).stdout
    if " 3.10" not in version:
        pytest.skip("no Python 3.10: the Intel verifier of 0.5 exists for no later one")
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    published_clients.make_evidence(evidence)
    server = start(evidence=evidence)
    found = drive("python05", "client_05.py", "127.0.0.1", *server.ports["v05"], tiny_model, "--hardware", evidence)
    assert found["ok"], found["failed"]
    assert {"connect", "upload signed", "run signed", "proof survives a file",
            "other enclave refused"} <= set(found["passed"])


def test_the_untrusted_port_shows_the_operators_certificate_to_clients_without_alpn(clients, start, tmp_path):
    operator = tmp_path / "operator"
    operator.mkdir()
    published_clients.make_identity(operator)
    server = start(legacy=f'v05_certificate_file = "{operator}/certificate.pem"\nv05_key_file = "{operator}/key.pem"\n')
    untrusted, attested = server.ports["v05"]
    # As the client does it: no ALPN, no name.
    shown = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", untrusted)))
    assert shown == (operator / "certificate.der").read_bytes()
    assert ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", attested))) != shown


def test_a_model_of_the_published_client_runs_from_our_own(clients, start, tmp_path):
    server = start()
    (tmp_path / "adder.onnx").write_bytes(onnx_models.adder())
    done = subprocess.run([clients / "python05", "-c", UPLOAD_AND_RUN, ",".join(map(str, server.ports["v05"])),
                           tmp_path / "adder.onnx", "theirs"], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == ["theirs", [2, 4, 6]]
    x = np.array([1, 2, 3], dtype="float32")
    with blindai.connect(addr=server.address, simulation=True) as client:
        assert client.predict("theirs", {"a": x, "b": x}).output[0].as_flat() == [2, 4, 6]


@pytest.fixture
def licensing(clients, tmp_path):
    """Starts the licensing service of the cloud path for one server; gives its address and its CA."""
    running = []

    def start_licensing(server, *jwt_key):
        untrusted, attested = server.ports["v05"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        ca = tmp_path / "licensing-ca.pem"
        service = subprocess.Popen(
            [clients / "python05", published_clients.PROGRAMS / "licensing.py", str(port),
             f"127.0.0.1:{attested}/{untrusted}", ca, *jwt_key], stdout=subprocess.PIPE, text=True)
        running.append(service)
        assert "ready" in service.stdout.readline()
        return f"localhost:{port}", ca

    yield start_licensing
    for service in running:
        service.terminate()
        service.wait()
        service.stdout.close()


@pytest.mark.parametrize("tokens", [False, True])
def test_the_articles_calls_work_word_for_word(clients, tiny_model, start, licensing, tmp_path, tokens):
    """The upload carries a token (or none), the prediction is anonymous and names the bare id."""
    published_clients.make_identity(tmp_path)
    found = drive("python05", "client_article.py", *licensing(start(), *([tmp_path / "key.pem"] if tokens else [])),
                  tiny_model)
    assert found["ok"], found["failed"]
