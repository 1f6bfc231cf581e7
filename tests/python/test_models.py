"""Uploading, listing, showing and deleting models, and what is refused."""

import hashlib
import pathlib

import pytest

import blindai
import onnx_models


def test_an_uploaded_model_says_what_it_is(client, tmp_path):
    model = onnx_models.linear()
    path = tmp_path / "linear.onnx"
    path.write_bytes(model)
    uploaded = client.upload_model(path, model_id="linear")
    try:
        assert uploaded.id == "linear"
        assert uploaded.sha256 == hashlib.sha256(model).hexdigest()
        assert uploaded.bytes == len(model)
        assert (uploaded.precision, uploaded.kind, uploaded.state) == ("f32", "tensor", "ready")
        assert [(i.name, i.datatype, i.shape) for i in uploaded.inputs] == [("x", "FP32", (-1, 4))]
        assert [(o.name, o.shape) for o in uploaded.outputs] == [("y", (-1, 3)), ("twice", (-1, 3))]
        assert client.model("linear").sha256 == uploaded.sha256
        assert "linear" in [m.id for m in client.models()]
        assert repr(uploaded) == "<blindai.Model linear, ready>"
    finally:
        client.delete_model("linear")
    assert "linear" not in [m.id for m in client.models()]


def test_bytes_are_uploaded_too_and_get_a_name(client):
    for model in (onnx_models.adder(), bytearray(onnx_models.adder()), memoryview(onnx_models.adder())):
        uploaded = client.upload_model(model)
        assert len(uploaded.id) == 36
        client.delete_model(uploaded.id)


def test_progress_counts_every_byte(client, upload):
    seen = []
    model = onnx_models.adder()
    upload(model, progress=lambda sent, total: seen.append((sent, total)))
    assert seen[-1] == (len(model), len(model))
    assert seen == sorted(seen)


def test_what_progress_raises_ends_the_upload(client):
    class Enough(Exception):
        pass

    def progress(sent, total):
        raise Enough

    with pytest.raises(Enough):
        client.upload_model(onnx_models.adder(), model_id="never", progress=progress)
    assert "never" not in [m.id for m in client.models()]


def test_precision_is_the_callers_choice(client, upload):
    assert client.model(upload(onnx_models.adder(), precision="bf16")).precision == "bf16"
    with pytest.raises(ValueError, match="f32 bf16"):
        client.upload_model(onnx_models.adder(), precision="f16")
    with pytest.raises(ValueError):
        client.upload_model(onnx_models.adder(), visibility="everybody")


def test_who_may_run_it_and_for_how_long_is_the_callers_choice(client, upload):
    lasting = client.model(upload(onnx_models.adder()))
    assert (lasting.saved, lasting.expires_at) == (False, None)
    model = client.model(upload(onnx_models.adder(), visibility="tenants", tenants=["clinic", "lab"], ttl=3600))
    assert model.visibility == "tenants"
    assert model.expires_at - model.created == 3600
    with pytest.raises(ValueError, match="tenants"):
        client.upload_model(onnx_models.adder(), tenants="clinic")
    with pytest.raises(ValueError, match="ttl"):
        client.upload_model(onnx_models.adder(), ttl=0)


def test_a_server_that_stores_nothing_says_so(client):
    with pytest.raises(blindai.BlindAIError) as error:
        client.upload_model(onnx_models.adder(), save=True)
    assert error.value.code == "save-unsupported"


@pytest.mark.parametrize("model, code", [
    (b"x", None),
    (b"<html>not a model</html>", "not-onnx"),
    (onnx_models.adder()[:-40], "model-truncated"),
    (onnx_models.adder(onnx_models.DOUBLE), "element-type"),
    (onnx_models.model([onnx_models.node("Teleport", ["x"], ["y"])], [("x", 1, (1,))], [("y", 1, (1,))]), None),
])
def test_what_is_no_model_is_a_model_error(client, model, code):
    with pytest.raises(blindai.ModelError) as error:
        client.upload_model(model, model_id="refused")
    assert code is None or error.value.code == code
    assert "/" not in str(error.value).replace("and/or", "")
    assert "refused" not in [m.id for m in client.models()]


def test_an_unknown_model_is_a_model_error(client):
    for call in (client.model, client.delete_model):
        with pytest.raises(blindai.ModelError) as error:
            call("no-such-model")
        assert error.value.code == "model-not-found"


@pytest.mark.parametrize("model_id", ["", "../etc", "a b", "a\nb", "-a", "x" * 129, "ä"])
def test_a_name_that_is_none_is_a_value_error(client, model_id):
    with pytest.raises(ValueError):
        client.upload_model(onnx_models.adder(), model_id=model_id)
    with pytest.raises(ValueError):
        client.model(model_id)


def test_files_that_cannot_be_read_are_value_errors(client, tmp_path):
    for path in (tmp_path / "gone.onnx", tmp_path, "/dev/zero"):
        with pytest.raises(ValueError, match="not a file"):
            client.upload_model(path)
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(ValueError, match="empty"):
        client.upload_model(tmp_path / "empty.onnx")
    with pytest.raises(TypeError):
        client.upload_model(7)


DEMO = pathlib.Path(__file__).resolve().parents[2] / "models/blindai-demo-en"


def test_a_speech_model_finds_its_small_files_beside_it(upload, client):
    name = upload(DEMO / "blindai-demo-en.onnx", kind="ctc-speech")
    assert client.model(name).kind == "ctc-speech"


def test_a_speech_model_as_bytes_needs_its_small_files_too(upload, client):
    model = (DEMO / "blindai-demo-en.onnx").read_bytes()
    with pytest.raises(ValueError, match="vocab"):
        client.upload_model(model, kind="ctc-speech")
    name = upload(model, kind="ctc-speech", vocab=(DEMO / "vocab.json").read_bytes(),
                  preprocessor=DEMO / "preprocessor_config.json")
    assert client.model(name).kind == "ctc-speech"


def test_a_language_model_is_uploaded_with_a_speech_model(upload, client):
    arpa = b"\\data\\\nngram 1=2\n\n\\1-grams:\n-1 hello\n-1 world\n\n\\end\\\n"
    name = upload(DEMO / "blindai-demo-en.onnx", kind="ctc-speech", language_model=arpa)
    assert client.model(name).kind == "ctc-speech"
    with pytest.raises(blindai.ModelError) as error:
        client.upload_model(DEMO / "blindai-demo-en.onnx", kind="ctc-speech", language_model=b"no ARPA")
    assert error.value.code == "language-model"


def test_a_vocabulary_that_is_none_is_a_model_error(client):
    with pytest.raises(blindai.ModelError) as error:
        client.upload_model(DEMO / "blindai-demo-en.onnx", kind="ctc-speech", vocab=b"[]")
    assert error.value.code == "vocabulary"
    with pytest.raises(ValueError, match="ctc-speech"):
        client.upload_model(onnx_models.adder(), vocab=b"{}")
    with pytest.raises(ValueError, match="tensor ctc-speech whisper"):
        client.upload_model(onnx_models.adder(), kind="speech")
    with pytest.raises(ValueError, match="a folder with encoder_model.onnx"):
        client.upload_model(onnx_models.adder(), kind="whisper")
