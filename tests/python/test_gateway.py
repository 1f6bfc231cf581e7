"""`blindai gateway`: published packages that know nothing of evidence, through the gateway, against the real server."""

import base64
import json
import subprocess
import wave

import numpy as np
import openai
import pytest
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from conftest import BIN, DEMO, start_server
from local_gateway import Gateway

HELLO = DEMO / "hello_world.wav"


@pytest.fixture(scope="module")
def gateway(server):
    with Gateway(server.address, "--simulation") as running:
        yield running


@pytest.fixture
def api(gateway, speech):
    with openai.OpenAI(base_url=f"http://{gateway.host}/v1", api_key="unused", max_retries=0,
                       http_client=openai.DefaultHttpxClient(trust_env=False)) as client:
        yield client


def test_openai_transcribes_through_it(api):
    assert "speech" in [model.id for model in api.models.list()]
    assert api.audio.transcriptions.create(model="speech", file=HELLO).text == "HELLO WORLD"


def test_events_stream_through_it(api):
    events = list(api.audio.transcriptions.create(model="speech", file=DEMO / "session.wav", stream=True))
    assert events[-1].type == "transcript.text.done"
    assert "".join(event.delta for event in events if event.type == "transcript.text.delta") == events[-1].text


def test_live_transcription_goes_through_it(api):
    session = {"type": "transcription", "audio": {"input": {
        "format": {"type": "audio/pcm", "rate": 16000}, "transcription": {"model": "speech"}, "turn_detection": None}}}
    with wave.open(str(HELLO)) as file:
        sound = file.readframes(file.getnframes())
    with api.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        connection.session.update(session=session)
        for at in range(0, len(sound), 3200):
            connection.input_audio_buffer.append(audio=base64.b64encode(sound[at:at + 3200]).decode())
        connection.input_audio_buffer.commit()
        for event in connection:
            assert event.type != "error", event
            if event.type == "conversation.item.input_audio_transcription.completed":
                assert event.transcript == "HELLO WORLD"
                break


def test_triton_infers_through_it(gateway, adder):
    client = tritonclient.http.InferenceServerClient(gateway.host)
    inputs = []
    for name, values in (("a", [1, 2.5]), ("b", [3, 4])):
        inputs.append(tritonclient.http.InferInput(name, [2], "FP32"))
        inputs[-1].set_data_from_numpy(np.array(values, np.float32))
    assert client.infer(adder, inputs).as_numpy("total").tolist() == [4, 6.5]
    client.close()


def test_curl_sees_what_the_server_is(gateway):
    done = subprocess.run(["curl", "-si", "--noproxy", "*", f"http://{gateway.host}/v1/models"], capture_output=True,
                          text=True, timeout=60)
    assert done.stdout.startswith("HTTP/1.1 200")
    assert "Blindai-Verdict: simulation" in done.stdout


def test_memory_is_flat_on_a_large_upload(gateway, speech):
    assert gateway.ask("GET", "/v1/models")[0] == 200
    before = gateway.most_memory_kb()
    head = (b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nspeech\r\n'
            b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n')
    parts = [head, *([bytes(1 << 20)] * 200), b"\r\n--B--\r\n"]
    status, _, body = gateway.ask("POST", "/v1/audio/transcriptions", iter(parts),
                                  {"Content-Type": "multipart/form-data; boundary=B",
                                   "Content-Length": str(sum(map(len, parts)))})
    # Read to its end, and then found to be no recording.
    assert status == 400 and json.loads(body)["error"]["code"] == "audio-not-recognised", body
    assert gateway.most_memory_kb() - before < 8 * 1024


def test_a_refused_server_gets_nothing_and_the_findings_come_back(server):
    with Gateway(server.address) as gateway:
        status, headers, body = gateway.ask("GET", "/v1/models")
        assert status == 503 and headers["Blindai-Verdict"] == "refused"
        answer = json.loads(body)
        assert answer["error"]["code"] == "server-not-trusted"
        assert "simulation" in [finding["code"] for finding in answer["verdict"]["findings"]]


def test_blindai_verify_reads_the_evidence_of_the_gateway(gateway, tmp_path):
    assert gateway.ask("GET", "/v1/models")[0] == 200
    evidence = tmp_path / "blindai-evidence.json"
    evidence.write_bytes(gateway.ask("GET", "/gateway/evidence")[2])
    done = subprocess.run([BIN / "blindai", "verify", evidence, "--simulation"], capture_output=True, text=True)
    assert done.stdout.startswith("verdict: simulation"), done.stdout


def test_a_server_that_ends_is_told_to_the_page(tmp_path):
    with open(tmp_path / "log", "w") as log, start_server(log) as server:
        with Gateway(server.address, "--simulation") as gateway:
            assert gateway.ask("GET", "/v1/models")[0] == 200
            states = []
            for state in gateway.states():
                states.append(state)
                if states == ["simulation"]:
                    server.process.kill()
                if state == "unreachable":
                    break
            assert states[0] == "simulation" and states[-1] == "unreachable"


def grpc_error(gateway, **options):
    """(status, message) of a call that is refused."""
    client = tritonclient.grpc.InferenceServerClient(gateway.grpc)
    with pytest.raises(InferenceServerException) as refused:
        client.is_server_live(**options)
    client.close()
    return refused.value.status(), refused.value.message()


def test_grpc_of_a_refused_server_is_unavailable_with_the_findings(server):
    with Gateway(server.address) as gateway:
        status, message = grpc_error(gateway)
        assert status == "StatusCode.UNAVAILABLE"
        assert "(server-not-trusted)" in message and "[simulation]" in message


def test_grpc_needs_the_token_where_programs_need_it(server, tmp_path):
    token = tmp_path / "token"
    token.write_text("a token of sixteen or more".replace(" ", "-"))
    with Gateway(server.address, "--simulation", "--token-file", token) as gateway:
        assert grpc_error(gateway)[0] == "StatusCode.UNAUTHENTICATED"
        client = tritonclient.grpc.InferenceServerClient(gateway.grpc)
        assert client.is_server_live(headers={"authorization": f"Bearer {token.read_text()}"})
        client.close()


def test_grpc_of_a_killed_server_fails_and_comes_back_with_a_new_one(tmp_path):
    with open(tmp_path / "log", "w") as log, start_server(log) as server:
        with Gateway(server.address, "--simulation") as gateway:
            client = tritonclient.grpc.InferenceServerClient(gateway.grpc)
            assert client.is_server_live()
            server.process.kill()
            server.process.wait()
            gateway.await_state("unreachable")
            with pytest.raises(InferenceServerException) as lost:
                client.is_server_live()
            assert lost.value.status() == "StatusCode.UNAVAILABLE"
            with start_server(log, listen=server.address):
                gateway.await_state("simulation")
                assert client.is_server_live()
            client.close()


def test_grpc_goes_through_the_gateway_to_a_server_without_a_port_for_it(tmp_path):
    with open(tmp_path / "log", "w") as log, start_server(log, grpc="off") as server:
        assert server.grpc is None
        with Gateway(server.address, "--simulation") as gateway:
            client = tritonclient.grpc.InferenceServerClient(gateway.grpc)
            assert client.is_server_live()
            client.close()
