"""Programs of BlindAI 0.5 and 0.6 over today's protocol: legacy, core, and 0.5's words in blindai itself."""

import hashlib
import json
import warnings

import numpy as np
import pytest

import blindai
import blindai.core
import blindai.legacy
import onnx_models
from blindai.legacy import ModelDatumType, Policy, PredictResponse, UploadModelResponse
from blindai.utils.errors import HardwareModeUnsupportedError, SignatureError

X = np.array([1, 2, 3], dtype="float32")


@pytest.fixture
def adder_file(tmp_path):
    path = tmp_path / "adder.onnx"
    path.write_bytes(onnx_models.adder())
    return str(path)


@pytest.fixture
def connection(server):
    with blindai.legacy.connect(server.address, simulation=True) as connected:
        yield connected


@pytest.fixture
def uploaded(connection, adder_file):
    connection.upload_model(adder_file, model_id="of-05")
    yield "of-05"
    if not connection.closed:
        connection.delete_model("of-05")


# ---- 0.5 ----


def test_a_program_of_05_runs_with_the_arguments_it_had(server, adder_file):
    with blindai.connect(addr=server.address, server_name="blindai-srv", policy=None, certificate=None, simulation=True,
                         untrusted_port=50052, attested_port=50051, api_key=None) as client:
        assert isinstance(client, blindai.Connection)
        response = client.upload_model(model=adder_file, input_specs=[[(3,), blindai.ModelDatumType.F32]] * 2,
                                       output_specs=[blindai.ModelDatumType.F32], save_model=False)
        assert response.model_id == "adder.onnx"  # the file's name, as in 0.5
        answer = client.predict(response.model_id, [X, X])
        assert answer.output[0].as_flat() == [2, 4, 6]
        assert answer.output[0].as_numpy().shape == (3,)
        assert answer.output[0].datum_type == blindai.ModelDatumType.F32
        assert isinstance(client.delete_model(response.model_id), blindai.DeleteModelResponse)


def test_positional_arguments_of_05_mean_what_they_meant(server):
    with blindai.connect(server.address, "blindai-srv", None, None, True, 50052, 50051) as client:
        assert client.simulation_mode


def test_todays_client_takes_the_words_of_05(client, adder_file):
    response = client.upload_model(model=adder_file, shape=(3,), dtype=ModelDatumType.F32, dtype_out=ModelDatumType.F32,
                                   model_id="words")
    assert response.model_id == "words"
    assert client.predict("words", tensors=[X, X]).output[0].as_flat() == [2, 4, 6]
    assert client.predict("words", [X, X], sign=True).is_signed()
    client.delete_model("words")


def test_todays_models_have_the_name_of_05_too(client, adder_file):
    model = client.upload_model(adder_file)
    assert model.model_id == model.id
    client.delete_model(model.id)


@pytest.mark.parametrize("call", [lambda c: blindai.connect("localhost", unknown=1),
                                  lambda c: c.upload_model(b"x", unknown=1),
                                  lambda c: c.predict("x", X, unknown=1)])
def test_words_that_nobody_knew_are_refused(client, call):
    with pytest.raises(TypeError, match="unexpected keyword argument 'unknown'"):
        call(client)


def test_a_flat_list_runs_with_its_dtype_and_shape(connection, uploaded):
    answer = connection.predict(uploaded, [[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]], dtype=[ModelDatumType.F32, "f32"],
                                shape=[(3,), (3,)])
    assert answer.output[0].as_flat() == [2, 3, 4]


@pytest.mark.parametrize("tensors, options, message", [
    ([1.0, 2.0], {}, "flat list needs"),
    ("text", {}, "unsupported type"),
    (X, {"dtype": ModelDatumType.I64}, "I64 was expected"),
    (X, {"shape": (1, 3)}, r"\[1, 3\] was expected"),
    ([1.0], {"dtype": "float17", "shape": (1,)}, "not supported"),
    ([1.5], {"dtype": "i64", "shape": (1,)}, "fractions"),
])
def test_tensors_that_contradict_themselves_are_refused_here(connection, uploaded, tensors, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        connection.predict(uploaded, tensors, **options)


def test_what_the_server_refuses_is_a_connection_error_as_in_05(connection, uploaded, tmp_path):
    with pytest.raises(ConnectionError, match="Received RPC error: code=model-not-found"):
        connection.predict("no-such-model", X)
    with pytest.raises(ConnectionError, match="Received RPC error"):
        connection.predict(uploaded, [X.astype("int64"), X.astype("int64")])
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"this is no model" * 100)
    with pytest.raises(ConnectionError, match="Received RPC error"):
        connection.upload_model(str(broken))
    with pytest.raises(FileNotFoundError):
        connection.upload_model(str(tmp_path / "missing.onnx"))
    assert connection.run_model(uploaded, [X, X]).output[0].as_flat() == [2, 4, 6]


def test_a_closed_connection_is_not_used_again(server):
    connection = blindai.legacy.connect(server.address, simulation=True)
    connection.close()
    connection.close()
    for call in (lambda: connection.predict("x", X), lambda: connection.delete_model("x")):
        with pytest.raises(ValueError, match="closed connection"):
            call()


def test_a_simulated_server_is_refused_without_simulation(server):
    with pytest.raises(HardwareModeUnsupportedError) as refused:
        blindai.legacy.connect(server.address)
    assert isinstance(refused.value, blindai.AttestationError) and refused.value.verdict.has("simulation")
    with pytest.raises(FileNotFoundError):
        blindai.legacy.connect(server.address, policy="/no/such/policy.toml")


# ---- Proofs ----


@pytest.fixture
def proof(connection, uploaded, tmp_path):
    """A file with the proof of one prediction in simulation."""
    path = tmp_path / "run.proof"
    connection.predict(uploaded, [X, X], sign=True).save_to_file(str(path))
    return path


def loaded(path):
    response = PredictResponse()
    response.load_from_file(str(path))
    return response


def test_a_proof_survives_a_file_and_is_judged_again_without_the_server(proof):
    response = loaded(proof)
    assert response.model_id == "of-05" and response.output[0].as_flat() == [2, 4, 6]
    response.validate("of-05", [X, X], allow_simulation_mode=True)


def test_a_proof_of_a_simulated_server_never_counts_as_one_of_hardware(proof, tmp_path):
    response = loaded(proof)
    assert response.is_signed() and response.is_simulation_mode()
    with pytest.raises(SignatureError, match="simulation"):
        response.validate("of-05", [X, X])
    # Nor when the file is edited to say so.
    answer = json.loads(json.loads(response.attestation)["answer"])
    answer["tee"] = "snp"
    response.attestation = json.dumps({**json.loads(response.attestation), "answer": json.dumps(answer)})
    assert not response.is_simulation_mode()
    with pytest.raises(blindai.AttestationError):
        response.validate("of-05", [X, X], policy=Policy.from_str(
            '[[accept]]\ntee = "nitro"\n[accept.pcr]\n0 = ["' + "ab" * 48 + '"]\n'))
    with pytest.raises(blindai.AttestationError):
        response.validate("of-05", [X, X], allow_simulation_mode=True)


def test_a_proof_is_of_one_input_and_one_model(proof):
    response = loaded(proof)
    with pytest.raises(SignatureError, match="input_hash"):
        response.validate("of-05", [X, X + 1], allow_simulation_mode=True)
    with pytest.raises(SignatureError, match="model_id"):
        response.validate("another", [X, X], allow_simulation_mode=True)


def test_a_proof_with_the_evidence_of_another_connection_is_refused(proof):
    response = loaded(proof)
    record = json.loads(response.attestation)
    record["exporter"] = "00" * 32
    response.attestation = json.dumps(record)
    with pytest.raises(blindai.legacy.EnclaveHeldDataError):
        response.validate("of-05", [X, X], allow_simulation_mode=True)
    response.validate("of-05", [X, X], allow_simulation_mode=True, validate_quote=False)


def test_a_damaged_file_is_no_proof(proof, tmp_path):
    good = proof.read_bytes()
    for bad in (b"", b"{}", b"\x00\x01", good[:-1], good.replace(b'"version": 1', b'"version": 2'),
                good.replace(b"of-05", b"of-06"), json.dumps([1]).encode()):
        with pytest.raises(SignatureError):
            PredictResponse().load_from_bytes(bad)
    with pytest.raises(SignatureError, match="another kind of call"):
        UploadModelResponse().load_from_bytes(good)


def test_a_call_without_sign_has_no_proof(connection, uploaded, tmp_path):
    response = connection.predict(uploaded, [X, X])
    assert not response.is_signed()
    with pytest.raises(SignatureError, match="not signed"):
        response.save_to_file(str(tmp_path / "none.proof"))
    with pytest.raises(SignatureError, match="not signed"):
        response.validate(uploaded, [X, X], allow_simulation_mode=True)


def test_the_proof_of_an_upload_is_of_one_model(connection, adder_file):
    response = connection.upload_model(adder_file, model_id="of-05", sign=True)
    again = UploadModelResponse()
    again.load_from_bytes(response.as_bytes())
    assert again.model_id == "of-05"
    digest = hashlib.sha256(onnx_models.adder()).digest()
    again.validate(digest, allow_simulation_mode=True)
    with pytest.raises(SignatureError, match="model_hash"):
        again.validate(b"\0" * 32, allow_simulation_mode=True)
    connection.delete_model("of-05")


# ---- 0.6 ----


@pytest.fixture
def core(server):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", blindai.core.SimulationModeWarning)
        with blindai.core.connect(server.address, 9923, 9924, 9925, hazmat_http_on_unattested_port=True,
                                  simulation_mode=True) as connected:
            yield connected


def test_a_program_of_06_runs_with_the_arguments_it_had(core, adder_file):
    uploaded = core.upload_model(adder_file, model_name="adder", optimize=False)
    assert uploaded.hash == hashlib.sha256(onnx_models.adder()).digest()
    for request in ({"model_id": uploaded.model_id, "input_tensors": [X, X]},
                    {"model_hash": uploaded.hash.hex(), "input_tensors": [X, X]},
                    {"model_id": uploaded.model_id, "input_tensors": {"b": X, "a": X}},
                    {"model_id": uploaded.model_id, "input_tensors": [[1, 2, 3], [1, 2, 3]],
                     "dtypes": [ModelDatumType.F32] * 2, "shapes": [[3], [3]]}):
        output = core.run_model(**request).output[0]
        assert output.as_flat() == [2, 4, 6]
        assert output.as_numpy().dtype == np.float32 and output.info.node_name
    core.delete_model(uploaded.model_id)


def test_what_the_server_refuses_can_be_caught_as_in_06(core, adder_file):
    uploaded = core.upload_model(adder_file)
    for request in ({"model_id": "no-such-model", "input_tensors": X}, {"model_hash": "ab" * 32, "input_tensors": X},
                    {"model_id": uploaded.model_id, "input_tensors": [X.astype("int64")] * 2}):
        with pytest.raises(OSError, match="Client Error"):  # requests.HTTPError is one
            core.run_model(**request)
    with pytest.raises(ValueError, match="at least one"):
        core.run_model(input_tensors=X)
    with pytest.raises(ValueError, match="same time"):
        core.run_model("a", "b", X)
    core.delete_model(uploaded.model_id)


def test_simulation_is_warned_about_as_in_06(server):
    with pytest.warns(blindai.core.SimulationModeWarning):
        blindai.core.connect(server.address, simulation_mode=True).close()
    with pytest.raises(blindai.core.AttestationError):
        blindai.core.connect(server.address)
