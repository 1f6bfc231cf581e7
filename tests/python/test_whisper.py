"""The real Whisper tiny.en behind a real server: what a request may ask of it, and what its answer says of itself."""

import contextlib
import json
import re
import subprocess
import threading
import time

import numpy as np
import openai
import pytest

import blindai
import raw_http
from conftest import BIN, DEMO, WHISPER, SimulatedServer, needs_whisper
from test_openai import trusting

HELLO = DEMO / "hello_world.wav"

pytestmark = needs_whisper


def test_a_segment_says_how_sure_the_model_was(client, whisper):
    segment = client.transcribe(HELLO, whisper).segments[0]
    assert segment["temperature"] == 0
    assert -1 < segment["avg_logprob"] < 0
    assert 0 < segment["no_speech_prob"] < 0.6
    assert 0 < segment["compression_ratio"] < 2.4


def test_beams_are_asked_for_in_every_way(client, whisper):
    heard = client.transcribe(HELLO, whisper, format="text", beam_size=5)
    assert heard.lower().startswith("hello")
    assert client.transcribe_job(HELLO, whisper, format="text", beam_size=5).result(120) == heard
    done = subprocess.run([BIN / "blindai", "transcribe", HELLO, "--model", whisper, "--beam-size", "5", "--addr",
                           client.addr, "--simulation"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, heard)


def test_a_prompt_steers_the_writing_in_every_way(client, whisper, speech):
    heard = client.transcribe(HELLO, whisper, format="text", prompt="hello wurld")
    assert heard != client.transcribe(HELLO, whisper, format="text")
    assert client.transcribe_job(HELLO, whisper, format="text", prompt="hello wurld").result(120) == heard
    done = subprocess.run([BIN / "blindai", "transcribe", HELLO, "--model", whisper, "--prompt", "hello wurld",
                           "--addr", client.addr, "--simulation"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, heard)
    with pytest.raises(blindai.ModelError) as error:
        client.transcribe(HELLO, speech, prompt="hello")
    assert (error.value.code, error.value.param) == ("prompt-unsupported", "prompt")
    with pytest.raises(ValueError, match="alignment"):
        client.transcribe(HELLO, whisper, prompt="hello", alignment="hello")


def test_five_beams_find_a_text_that_is_no_less_likely(client, whisper):
    """Of the same window: what beams find is weighed by all of it, and what is found token by token is not."""
    def belief(beams):
        return client.transcribe(HELLO, whisper, beam_size=beams).segments[0]["avg_logprob"]

    assert belief(5) >= belief(1) - 0.01


@pytest.mark.parametrize("beams", [0, 6])
def test_beams_that_cannot_be_had_are_refused_before_anything_is_sent(client, whisper, beams):
    with pytest.raises(ValueError, match="beam_size"):
        client.transcribe(HELLO, whisper, beam_size=beams)
    done = subprocess.run([BIN / "blindai", "transcribe", HELLO, "--beam-size", str(beams), "--addr", client.addr,
                           "--simulation"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_ctc_model_has_no_beams_to_ask_for(client, speech):
    with pytest.raises(blindai.ModelError) as error:
        client.transcribe(HELLO, speech, beam_size=5)
    assert (error.value.code, error.value.param) == ("beam-size-unsupported", "beam_size")


def test_half_precision_writes_the_same_text(client, whisper, upload):
    half = upload(WHISPER, kind="whisper", precision="bf16")
    for name in ("hello_world.wav", "session.wav"):
        assert client.transcribe(DEMO / name, half).text == client.transcribe(DEMO / name, whisper).text


# ---- Which model is meant where none is named ----

@pytest.fixture
def clients_of(tmp_path):
    """Clients of a server of its own, with such a configuration."""
    with contextlib.ExitStack() as stack:
        def start(config=""):
            (tmp_path / "server.toml").write_text(config)
            log = stack.enter_context(open(tmp_path / "log", "w"))
            running = stack.enter_context(SimulatedServer("--config", str(tmp_path / "server.toml"), log=log))
            return running, stack.enter_context(blindai.connect(running.address, simulation=True))

        yield start


def is_whispers(text):
    """Whisper writes in lower case, the demo model does not."""
    return text.lower().startswith("hello") and not text.isupper()


def test_a_recording_without_a_models_name_goes_to_the_tenants_default(clients_of):
    running, client = clients_of()
    with pytest.raises(blindai.ModelError) as error:
        client.transcribe(HELLO)
    assert (error.value.code, error.value.param) == ("default-model", "model")
    client.upload_model(DEMO / "blindai-demo-en.onnx", model_id="ctc", kind="ctc-speech", visibility="public")
    assert client.transcribe(HELLO).text.isupper(), "the only one"
    assert not client.upload_model(WHISPER, model_id="whisper", kind="whisper", visibility="public").default
    with pytest.raises(blindai.ModelError, match="2 models that transcribe") as error:
        client.transcribe(HELLO)
    assert error.value.code == "default-model"
    assert client.upload_model(WHISPER, model_id="whisper", kind="whisper", default=True).default
    assert is_whispers(client.transcribe(HELLO).text)
    assert is_whispers(client.transcribe_job(HELLO).result(120).text)
    done = subprocess.run([BIN / "blindai", "transcribe", HELLO, "--addr", running.address, "--simulation"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and is_whispers(done.stdout)
    assert client.transcribe(HELLO, "ctc").text.isupper(), "a name is a name"


def test_live_sound_without_a_models_name_goes_to_the_tenants_default(clients_of):
    running, client = clients_of()
    sound = np.frombuffer(HELLO.read_bytes()[44:], np.int16)

    def finals():
        return [event.text for event in client.transcribe_live([sound], silence_ms=None) if event.final]

    with pytest.raises(blindai.ModelError) as error:
        finals()
    assert (error.value.code, error.value.param) == ("default-model", "model")
    client.upload_model(DEMO / "blindai-demo-en.onnx", model_id="ctc", kind="ctc-speech")
    client.upload_model(WHISPER, model_id="whisper", kind="whisper")
    with pytest.raises(blindai.ModelError, match="2 models that transcribe"):
        finals()
    client.upload_model(WHISPER, model_id="whisper", kind="whisper", default=True)
    (heard,) = finals()
    assert is_whispers(heard)
    done = subprocess.run([BIN / "blindai", "live", "--addr", running.address, "--simulation"], input=sound.tobytes(),
                          capture_output=True, timeout=120)
    assert done.returncode == 0 and is_whispers(done.stdout.decode())


def test_the_name_that_openais_clients_have_in_them_is_the_default(clients_of):
    running, client = clients_of()
    client.upload_model(DEMO / "blindai-demo-en.onnx", model_id="ctc", kind="ctc-speech")
    client.upload_model(WHISPER, model_id="whisper", kind="whisper", default=True)
    with trusting(running) as api:
        for name in ("whisper-1", "default"):
            assert is_whispers(api.audio.transcriptions.create(model=name, file=HELLO).text)
        with pytest.raises(openai.NotFoundError):
            api.audio.transcriptions.create(model="whisper-2", file=HELLO)


def test_the_operator_serves_whisper_from_its_folder_and_chooses_it(clients_of, tmp_path):
    entry = f'[[model]]\nid = "w"\nfolder = "{WHISPER}"\nsha256 = "{{}}"\n[models]\ndefault_model = "w"\n'
    (tmp_path / "wrong.toml").write_text(entry.format("0" * 64))
    refused = subprocess.run([BIN / "blindai-server", "--simulation", "--config", tmp_path / "wrong.toml", "--listen",
                              "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                             capture_output=True, text=True, timeout=120)
    assert refused.returncode == 1
    digest = re.search("has the SHA-256 ([0-9a-f]{64})", refused.stderr)[1]
    running, client = clients_of(entry.format(digest))
    assert client.model("w").sha256 == digest
    client.upload_model(DEMO / "blindai-demo-en.onnx", model_id="ctc", kind="ctc-speech")
    assert is_whispers(client.transcribe(HELLO).text)
    with trusting(running) as api:
        said = api.get("/attestation", cast_to=object, options={"params": {"nonce": "0" * 64}})
    assert {"id": "w", "sha256": digest} in json.loads(said["manifest"])["models"]
    client.upload_model(DEMO / "blindai-demo-en.onnx", model_id="ctc", kind="ctc-speech", default=True)
    assert client.transcribe(HELLO).text.isupper(), "the tenant's own choice comes first"


# ---- Work that nobody waits for ----

# Ten minutes of speech: half a minute of work where nothing else runs.
LONG = np.tile(np.frombuffer((DEMO / "session.wav").read_bytes()[44:], np.int16)[::2], 7)[:600 * 16_000]
AT_REST = ("runs_running", "runs_waiting", "recordings_running", "recordings_bytes", "live_streams_open")


def comes_to_rest(running, client):
    """Nothing is computed or held any more, long before the work could have been done, and the worker is free."""
    end = time.monotonic() + 10
    while busy := {name: value for name, value in raw_http.metrics(running).items()
                   if name.removeprefix("blindai_") in AT_REST and value}:
        assert time.monotonic() < end, busy
        time.sleep(0.05)  # tidy: allow sleep: the end of another's request is told to nobody
    return is_whispers(client.transcribe(HELLO, "whisper").text)


def with_whisper(clients_of, config=""):
    running, client = clients_of(config)
    client.upload_model(WHISPER, model_id="whisper", kind="whisper")
    return running, client


def test_a_recording_whose_client_leaves_in_the_middle_is_no_more_work(clients_of):
    running, client = with_whisper(clients_of)

    def leave(done, total):
        if done > 0:
            assert done < total
            assert raw_http.metrics(running)["blindai_recordings_running"] == 1
            raise KeyError

    with pytest.raises(KeyError):
        client.transcribe(LONG, "whisper", progress=leave)
    assert comes_to_rest(running, client)
    with client.transcribe(LONG, "whisper", stream=True) as stream:
        assert next(iter(stream))
    assert comes_to_rest(running, client)
    job = client.transcribe_job(LONG, "whisper")
    job.cancel()
    assert comes_to_rest(running, client)


def test_a_recording_past_its_deadline_is_no_more_work(clients_of):
    running, client = with_whisper(clients_of, "[limits]\ntranscription_deadline_ms = 1500\n")
    with pytest.raises(blindai.ModelError) as error:
        client.transcribe(LONG, "whisper")
    assert error.value.code == "deadline"
    assert comes_to_rest(running, client)


def test_a_live_stream_that_is_left_or_falls_silent_is_no_more_work(clients_of):
    running, client = with_whisper(clients_of, "[limits]\nlive_idle_s = 2\n")
    pieces = [LONG[at:at + 3200] for at in range(0, 30 * 16_000, 3200)]
    with client.transcribe_live(pieces, "whisper") as stream:
        for event in stream:
            if event.kind == "partial":
                assert raw_http.metrics(running)["blindai_live_streams_open"] == 1
                break
    assert comes_to_rest(running, client)
    told = threading.Event()

    def microphone():
        yield from pieces[:40]
        told.wait(60)

    with pytest.raises(blindai.ConnectionError, match="no sound has come"):
        try:
            list(client.transcribe_live(microphone(), "whisper"))
        finally:
            told.set()
    assert comes_to_rest(running, client)
