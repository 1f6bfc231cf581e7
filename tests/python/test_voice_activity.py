"""With the operator's network that tells voices from noise ([voice_activity]): Silero's, in a real server."""

import json
import re
import subprocess

import numpy as np
import pytest

import blindai
import onnx_models
import raw_http
import silero_vad
from conftest import BIN, DEMO, WHISPER, needs_whisper
from simulated_server import SimulatedServer

RATE = 16_000
SESSION = np.frombuffer((DEMO / "session.wav").read_bytes()[44:], np.int16).reshape(-1, 2)
# Both voices in one channel.
MONO = SESSION.astype(np.int32).sum(1).clip(-32768, 32767).astype(np.int16)
TURNS = json.loads((DEMO / "session.json").read_text())["turns"]

pytestmark = pytest.mark.skipif(not silero_vad.FILE.exists(), reason=silero_vad.MISSING)


@pytest.fixture(scope="module")
def hearing(tmp_path_factory):
    """A server with the network, and a client with the demo model as "speech"."""
    with open(tmp_path_factory.mktemp("hearing") / "log", "w") as log, \
            SimulatedServer(config=silero_vad.config(), log=log) as running, \
            blindai.connect(running.address, simulation=True) as client:
        client.upload_model(DEMO / "blindai-demo-en.onnx", model_id="speech", kind="ctc-speech")
        if (WHISPER / "encoder_model.onnx").exists():
            client.upload_model(WHISPER, model_id="whisper", kind="whisper")
        yield running, client


MODELS = ["speech", pytest.param("whisper", marks=needs_whisper)]


def loud_noise(seconds, dbfs=-20):
    noise = np.random.default_rng(1).standard_normal(seconds * RATE) * 10 ** (dbfs / 20)
    return (32767 * noise).clip(-32768, 32767).astype(np.int16)


@pytest.mark.parametrize("model", MODELS)
def test_ten_minutes_of_loud_noise_are_silence_and_no_work(hearing, model):
    running, client = hearing
    runs = raw_http.metrics(running)
    heard = client.transcribe(loud_noise(600), model, include=["coverage"])
    assert heard.text == ""
    assert [(span["kind"], span["start"], span["end"]) for span in heard.coverage] == [("silence", 0, 600)]
    # One run a minute, of the network that hears voices.
    after = raw_http.metrics(running)
    assert 10 <= after["nv_inference_exec_count"] - runs["nv_inference_exec_count"] <= 11


@pytest.mark.parametrize("model", MODELS)
def test_a_voice_that_loudness_takes_for_silence_is_heard(hearing, server, model):
    """45 dB below the recording: a telephone at the other end of the room."""
    _, client = hearing
    quiet = (MONO * 10 ** (-45 / 20)).round().astype(np.int16)
    loud = client.transcribe(MONO, model).text.split()
    assert len(client.transcribe(quiet, model).text.split()) > 0.9 * len(loud)
    with blindai.connect(server.address, simulation=True) as by_loudness:
        by_loudness.upload_model(DEMO / "blindai-demo-en.onnx", model_id="by-loudness", kind="ctc-speech")
        assert by_loudness.transcribe(quiet, "by-loudness").text == ""
        by_loudness.delete_model("by-loudness")


@pytest.mark.parametrize("model", MODELS)
def test_what_is_said_between_noises_stands_where_it_was_said(hearing, model):
    _, client = hearing
    options = {"timestamp_granularities": ["word"], "include": ["coverage"]}
    turn = MONO[:round((TURNS[0]["end"] + 0.3) * RATE)]
    alone = client.transcribe(turn, model, **options)
    offset = 40
    heard = client.transcribe(np.concatenate([loud_noise(offset), turn, loud_noise(40)]), model, **options)
    assert heard.text.lower().split()[:3] == alone.text.lower().split()[:3]
    assert all(offset <= word["start"] < offset + len(turn) / RATE for word in heard.words)
    assert heard.words[0]["start"] - offset == pytest.approx(alone.words[0]["start"], abs=0.1)
    at = 0
    for span in heard.coverage:
        assert span["start"] == pytest.approx(at)
        at = span["end"]
    assert at == pytest.approx(80 + len(turn) / RATE)


def test_a_voice_without_text_is_of_low_confidence(hearing, tmp_path):
    """A model that reads no letter in anything: what it misses is not called silence."""
    _, client = hearing
    (tmp_path / "vocab.json").write_text('{"<pad>": 0, "|": 1, "A": 2}')
    client.upload_model(onnx_models.deaf_ctc(), model_id="deaf", kind="ctc-speech", vocab=tmp_path / "vocab.json",
                        preprocessor=DEMO / "preprocessor_config.json")
    heard = client.transcribe(MONO, "deaf", include=["coverage"])
    assert heard.text == ""
    missed = sum(span["end"] - span["start"] for span in heard.coverage if span["kind"] == "low_confidence")
    said = sum(turn["end"] - turn["start"] for turn in TURNS)
    assert missed == pytest.approx(said, rel=0.1)
    assert sum(span["end"] - span["start"] for span in heard.coverage) == pytest.approx(heard.duration)


@pytest.mark.parametrize("model", MODELS)
def test_hardly_anything_of_a_clear_recording_is_of_low_confidence(hearing, model):
    """What a voice says beside its words, a breath or the end of a word, is not called missed."""
    _, client = hearing
    heard = client.transcribe(DEMO / "session.wav", model, include=["coverage"])
    low = [span for span in heard.coverage if span["kind"] == "low_confidence"]
    assert sum(span["end"] - span["start"] for span in low) < 3, low


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_a_job_and_an_answer_have_one_text(hearing, model):
    _, client = hearing
    text = client.transcribe(MONO, model).text
    with client.transcribe(MONO, model, stream=True) as stream:
        assert "".join(stream) == text
    assert client.transcribe_job(MONO, model).result().text == text


def test_the_network_is_in_the_manifest_and_nobody_elses_to_use(hearing):
    running, client = hearing
    digest = silero_vad.config().split('sha256 = "')[1][:64]
    _, _, said = raw_http.request(running, "GET", "/v1/attestation?nonce=" + "0" * 64)
    manifest = json.loads(said["manifest"])
    assert {"id": "voice-activity", "sha256": digest} in manifest["models"]
    assert "voice-activity" not in [model.id for model in client.models()]
    for use in (lambda: client.model("voice-activity"), lambda: client.delete_model("voice-activity"),
                lambda: client.predict("voice-activity", np.zeros((1, 576), np.float32)),
                lambda: client.transcribe(MONO, "voice-activity")):
        with pytest.raises(blindai.ModelError) as error:
            use()
        assert error.value.code == "model-not-found"
    with pytest.raises(blindai.ModelError) as error:
        client.upload_model(onnx_models.adder(), model_id="voice-activity")
    assert error.value.code == "model-id-taken"


@pytest.mark.parametrize("wrong, says", [
    (lambda config: config.replace("silero_vad_16k", "none"), "cannot be read: "),
    (lambda config: re.sub('sha256 = ".*"', f'sha256 = "{"0" * 64}"', config), "wanted " + "0" * 64),
    (lambda config: config.split("sha256")[0], "wanted both 'file' and 'sha256' in [voice_activity]"),
])
def test_another_file_stops_the_start(tmp_path, wrong, says):
    (tmp_path / "server.toml").write_text(wrong(silero_vad.config()))
    refused = subprocess.run([BIN / "blindai-server", "--simulation", "--config", tmp_path / "server.toml", "--listen",
                              "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
                             capture_output=True, text=True, timeout=120)
    assert refused.returncode != 0 and refused.stdout == ""
    assert says in refused.stderr
