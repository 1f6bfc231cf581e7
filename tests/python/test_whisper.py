"""The real Whisper tiny.en behind a real server: what a request may ask of it, and what its answer says of itself."""

import subprocess

import pytest

import blindai
from conftest import BIN, DEMO, ROOT

WHISPER = ROOT / "build/models/whisper-tiny-en"
HELLO = DEMO / "hello_world.wav"

pytestmark = pytest.mark.skipif(not (WHISPER / "encoder_model.onnx").exists(),
                                reason="no Whisper model; `./run model whisper-tiny-en` makes it")


@pytest.fixture(scope="module")
def whisper(server):
    """The model on the shared server, by its name."""
    with blindai.connect(server.address, simulation=True) as connected:
        connected.upload_model(WHISPER, model_id="whisper", kind="whisper", visibility="public")
        yield "whisper"
        connected.delete_model("whisper")


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
