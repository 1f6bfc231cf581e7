"""Connecting: what is checked, what is refused, and that nothing is sent before."""

import json
import socket
import threading

import pytest

import blindai
from conftest import start_server


def test_simulation_is_accepted_where_it_was_asked_for(server, capsys):
    with blindai.connect(server.address, simulation=True) as client:
        assert client.verdict.outcome == "simulation"
        assert client.verdict.mode == "simulation"
        assert not client.verdict.trusted
        assert client.addr == server.address
    assert capsys.readouterr().err == (
        "blindai: SIMULATION: this server runs without confidential hardware and can read everything it is sent; "
        "never send real data\n")


def test_simulation_is_refused_where_it_was_not(server, capsys):
    with pytest.raises(blindai.AttestationError) as refusal:
        blindai.connect(server.address)
    verdict = refusal.value.verdict
    assert verdict.outcome == "refused" and verdict.has("simulation")
    assert refusal.value.code == "attestation-refused"
    assert str(refusal.value).endswith("Nothing was sent")
    assert capsys.readouterr().err == ""


def test_no_policy_accepts_simulation(server, tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text('[[accept]]\ntee = "snp"\nmeasurements = ["' + "ab" * 48 + '"]\n')
    with pytest.raises((blindai.AttestationError, ValueError)) as refusal:
        blindai.connect(server.address, policy=policy)
    assert not isinstance(refusal.value, ValueError) or "policy" in str(refusal.value)


def test_the_verdict_is_the_same_as_a_value_a_table_and_json(client):
    verdict = client.verdict
    assert str(verdict).startswith("verdict: simulation (")
    value = json.loads(verdict.to_json())
    assert value["verdict"] == verdict.outcome
    assert [f["check"] for f in value["findings"]] == [f.check for f in verdict.findings]
    assert value["claims"] == verdict.claims
    checks = {f.check: f.status for f in verdict.findings}
    for check in ("nonce", "connection", "server key", "keyset", "manifest"):
        assert checks[check] == "PASSED"
    for finding in verdict.findings:
        assert finding.status in ("PASSED", "FAILED", "SKIPPED")
        assert isinstance(finding.code + finding.seen + finding.wanted + finding.hint, str)


def test_the_environment_names_a_server(server, monkeypatch):
    monkeypatch.setenv("BLINDAI_ADDR", server.address)
    monkeypatch.setenv("BLINDAI_SIMULATION", "1")
    with blindai.connect() as client:
        assert client.addr == server.address


def test_an_argument_wins_over_the_environment(server, monkeypatch):
    monkeypatch.setenv("BLINDAI_ADDR", "127.0.0.1:1")
    monkeypatch.setenv("BLINDAI_SIMULATION", "1")
    with blindai.connect(server.address) as client:
        assert client.addr == server.address
    with pytest.raises(blindai.AttestationError):
        blindai.connect(server.address, simulation=False)


def test_with_nothing_the_error_names_all_three_places():
    with pytest.raises(ValueError) as error:
        blindai.connect()
    for place in ("addr", "BLINDAI_ADDR", "BLINDAI_API_KEY", "BLINDAI_POLICY", "configuration file"):
        assert place in str(error.value)


@pytest.mark.parametrize("addr", ["", "https://host", "host:port", "host:99999", "a b"])
def test_what_is_no_address_is_a_value_error(addr):
    with pytest.raises(ValueError):
        blindai.connect(addr, simulation=True)


def test_wrong_arguments_are_value_or_type_errors(server, tmp_path):
    with pytest.raises(ValueError):
        blindai.connect(server.address, policy=tmp_path / "gone.toml")
    with pytest.raises(ValueError):
        blindai.connect(server.address, simulation=True, connect_timeout=0)
    with pytest.raises(ValueError):
        blindai.connect(server.address, simulation=True, max_connections=0)
    with pytest.raises(TypeError):
        blindai.connect(server.address, simulation="yes")
    with pytest.raises(TypeError):
        blindai.connect(7)


def test_nobody_there_is_a_connection_error():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(blindai.ConnectionError) as error:
            blindai.connect("127.0.0.1:%d" % free.getsockname()[1], simulation=True)
    assert isinstance(error.value, ConnectionError) and isinstance(error.value, blindai.BlindAIError)


def test_a_port_that_speaks_no_tls_is_a_connection_error():
    """Whoever listens gets the first message of a handshake, which holds nothing of the caller's."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        got = []

        def answer():
            connection, _ = listener.accept()
            got.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(blindai.ConnectionError):
            blindai.connect("127.0.0.1:%d" % listener.getsockname()[1], simulation=True, api_key="secret-key")
        thread.join()
    assert got[0][:1] == b"\x16" and b"secret-key" not in got[0]


def test_a_silent_server_ends_in_a_time_limit():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(blindai.ConnectionError) as error:
            blindai.connect("127.0.0.1:%d" % listener.getsockname()[1], simulation=True, connect_timeout=0.2)
    assert error.value.code == "connect-timeout"


def test_a_client_goes_on_after_its_connection_was_closed(client):
    client.models()
    client.close()
    assert isinstance(client.models(), list)


def test_a_server_that_went_away_and_came_back_is_verified_again(tmp_path):
    with open(tmp_path / "log", "w") as log:
        with start_server(log) as first:
            client = blindai.connect(first.address, simulation=True)
            assert client.models() == []
        with pytest.raises(blindai.ConnectionError):
            client.models()

        def key():
            return next(finding.seen for finding in client.verdict.findings if finding.check == "server key")

        old_key = key()
        with start_server(log, listen=first.address):
            assert client.models() == []
            assert client.verdict.outcome == "simulation" and key() != old_key
        client.close()
