"""Open Inference Protocol v2 with Triton's published client, over HTTP and gRPC, and with curl."""

import json
import os
import ssl
import subprocess

import numpy as np
import pytest

import onnx_models
import raw_http
from local_gateway import Gateway

grpcclient = pytest.importorskip("tritonclient.grpc")
httpclient = pytest.importorskip("tritonclient.http")
from tritonclient.grpc import model_config_pb2, service_pb2  # noqa: E402
from tritonclient.utils import InferenceServerException  # noqa: E402

PROTO = raw_http.__file__.rpartition("tests/")[0] + "src/protocols/wire/open_inference_grpc/open_inference.proto"
CONFIG = json.dumps({"backend": "onnxruntime"})


@pytest.fixture
def over_http(server):
    client = httpclient.InferenceServerClient(server.address, ssl=True, ssl_context_factory=raw_http.context,
                                              insecure=True)
    yield client
    client.close()


@pytest.fixture
def over_grpc(server, tmp_path):
    """As docs/open_inference.md says: the certificate whose key was verified over HTTPS is the only root."""
    host, port = server.address.rsplit(":", 1)
    pem = tmp_path / "server.pem"
    pem.write_text(ssl.get_server_certificate((host, int(port))))
    client = grpcclient.InferenceServerClient(server.grpc, ssl=True, root_certificates=str(pem))
    yield client
    client.close()


@pytest.fixture(scope="module")
def gateway(server):
    with Gateway(server.address, "--simulation") as running:
        yield running


@pytest.fixture
def over_gateway(gateway):
    """gRPC without TLS to `blindai gateway`, which carries it through a verified connection."""
    client = grpcclient.InferenceServerClient(gateway.grpc)
    yield client
    client.close()


@pytest.fixture(params=["http", "grpc", "gateway"])
def triton(request):
    """(client, its module)"""
    module = {"http": httpclient, "grpc": grpcclient, "gateway": grpcclient}[request.param]
    return request.getfixturevalue("over_" + request.param), module


@pytest.fixture
def loaded(triton):
    """An adder that came by a load, and goes by an unload."""
    client, _ = triton
    client.load_model("triton-adder", config=CONFIG, files={"file:1/model.onnx": onnx_models.adder()})
    yield "triton-adder"
    client.unload_model("triton-adder")
    assert not client.is_model_ready("triton-adder")


def inputs_of(module, *arrays, names=("a", "b"), **options):
    inputs = []
    for name, array in zip(names, arrays):
        entry = module.InferInput(name, array.shape, "FP32")
        entry.set_data_from_numpy(array, **options)
        inputs.append(entry)
    return inputs


def test_a_model_is_loaded_described_run_and_counted(triton, loaded):
    client, module = triton
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(loaded)
    one = np.array([1, 2, 3], np.float32)
    answer = client.infer(loaded, inputs_of(module, one, one), request_id="7",
                          outputs=[module.InferRequestedOutput("total")], timeout=60_000_000)
    np.testing.assert_array_equal(answer.as_numpy("total"), [2, 4, 6])
    if module is grpcclient:
        assert answer.get_response().id == "7"
        metadata = client.get_model_metadata(loaded, as_json=True)
        config = client.get_model_config(loaded, as_json=True)["config"]
        stats = client.get_inference_statistics(loaded, as_json=True)["model_stats"][0]
        index = client.get_model_repository_index(as_json=True).get("models", [])
        assert "model_repository" in client.get_server_metadata(as_json=True)["extensions"]
    else:
        assert answer.get_response()["id"] == "7"
        metadata = client.get_model_metadata(loaded)
        config = client.get_model_config(loaded)
        stats = client.get_inference_statistics(loaded)["model_stats"][0]
        index = client.get_model_repository_index()
        assert "model_repository" in client.get_server_metadata()["extensions"]
    assert metadata["platform"] == "onnx_onnxv1"
    assert config["input"][0]["data_type"] == "TYPE_FP32"
    assert int(stats["inference_stats"]["success"]["count"]) == 1
    assert {"name": loaded, "state": "READY"}.items() <= next(e for e in index if e["name"] == loaded).items()


def test_versions_are_named_by_number_and_by_label(triton, client):
    """One client uploads, Triton's runs them."""
    other, module = triton
    client.upload_model(onnx_models.scaler(2), model_id="triton-versions", versions="all", label="stable")
    client.upload_model(onnx_models.scaler(3), model_id="triton-versions")
    try:
        inputs = inputs_of(module, np.ones(1, np.float32), names=["x"])
        for version, factor in (("", 3), ("1", 2), ("2", 3), ("stable", 2)):
            answer = other.infer("triton-versions", inputs, model_version=version)
            assert answer.as_numpy("y")[0] == factor, version
            assert other.is_model_ready("triton-versions", version)
        assert not other.is_model_ready("triton-versions", "3")
        with pytest.raises(InferenceServerException, match="no model 'triton-versions'"):
            other.infer("triton-versions", inputs, model_version="canary")
        as_json = {"as_json": True} if module is grpcclient else {}
        metadata = other.get_model_metadata("triton-versions", "stable", **as_json)
        assert metadata["versions"] == ["1", "2"]
        stats = other.get_inference_statistics("triton-versions", "stable", **as_json)["model_stats"]
        assert [s["version"] for s in stats] == ["1"]
        index = other.get_model_repository_index(**as_json)
        rows = index["models"] if module is grpcclient else index
        assert sorted(r["version"] for r in rows if r["name"] == "triton-versions") == ["1", "2"]
        # All versions at once.
        other.unload_model("triton-versions")
        assert not other.is_model_ready("triton-versions", "1")
    finally:
        if "triton-versions" in [m.id for m in client.models()]:
            client.delete_model("triton-versions")


def test_a_load_says_which_versions_stay(triton):
    client, _ = triton
    config = json.dumps({"version_policy": {"latest": {"num_versions": 2}}})
    for number in (1, 2, 3):
        files = {f"file:{number}/model.onnx": onnx_models.scaler(number)}
        client.load_model("triton-policy", config=config, files=files)
    try:
        assert [client.is_model_ready("triton-policy", v) for v in ("1", "2", "3")] == [False, True, True]
        # What says nothing of versions keeps to what was said.
        client.load_model("triton-policy", config=CONFIG, files={"file:1/model.onnx": onnx_models.scaler(4)})
        assert [client.is_model_ready("triton-policy", v) for v in ("2", "3", "4")] == [False, True, True]
    finally:
        client.unload_model("triton-policy")


def test_an_error_names_what_is_wrong(triton, loaded):
    client, module = triton
    with pytest.raises(InferenceServerException, match="no model 'nobody'"):
        client.infer("nobody", inputs_of(module, np.ones(1, np.float32)))
    with pytest.raises(InferenceServerException, match="inputs are 'a', 'b'"):
        client.infer(loaded, inputs_of(module, np.ones(1, np.float32), names=["z"]))
    with pytest.raises(InferenceServerException, match="ONNX"):
        client.load_model("bad", config=CONFIG, files={"file:1/model.onnx": b"not a model"})


def test_tensors_of_megabytes_go_through_the_gateway(over_gateway, client, adder):
    numbers = np.arange(1_500_000, dtype=np.float32)
    answer = over_gateway.infer(adder, inputs_of(grpcclient, numbers, numbers))
    np.testing.assert_array_equal(answer.as_numpy("total"), 2 * numbers)


def test_json_tensors_come_back_as_json(over_http, client, adder):
    one = np.array([1.5, 2], np.float32)
    answer = over_http.infer(adder, inputs_of(httpclient, one, one, binary_data=False),
                             outputs=[httpclient.InferRequestedOutput("total", binary_data=False)])
    assert answer.get_response()["outputs"][0]["data"] == [3, 4]


@pytest.mark.parametrize("way", ["over_grpc", "over_gateway"])
def test_a_stream_answers_in_order_and_goes_on_after_an_error(request, client, adder, way):
    over_grpc = request.getfixturevalue(way)
    answers = []
    over_grpc.start_stream(lambda result, error: answers.append(error or result.as_numpy("total")[0]))
    for value in (1, 2):
        one = np.array([value], np.float32)
        over_grpc.async_stream_infer(adder, inputs_of(grpcclient, one, one))
    over_grpc.async_stream_infer("nobody", inputs_of(grpcclient, np.ones(1, np.float32)))
    one = np.array([3], np.float32)
    over_grpc.async_stream_infer(adder, inputs_of(grpcclient, one, one))
    over_grpc.stop_stream()
    assert answers[:2] == [2, 4] and answers[3] == 6
    assert "model-not-found" in str(answers[2])


def test_what_is_not_served_says_so(over_grpc, over_http):
    with pytest.raises(InferenceServerException) as refused:
        over_grpc.get_trace_settings()
    assert "UNIMPLEMENTED" in str(refused.value.status())
    with pytest.raises(InferenceServerException):
        over_http.get_trace_settings()


def test_the_grpc_port_speaks_tls_1_3_only_and_shows_the_attested_key(server):
    host, port = server.grpc.rsplit(":", 1)
    shown = ssl.get_server_certificate((host, int(port)))
    https_host, https_port = server.address.rsplit(":", 1)
    assert shown == ssl.get_server_certificate((https_host, int(https_port)))
    done = subprocess.run(["openssl", "s_client", "-connect", server.grpc, "-tls1_2"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    assert done.returncode != 0 and "Cipher is (NONE)" in done.stdout


def test_runs_are_counted_under_tritons_names_without_the_models(server, client, adder):
    before = raw_http.metrics(server)["nv_inference_request_success"]
    client.predict(adder, [np.ones(1, np.float32), np.ones(1, np.float32)])
    after = raw_http.metrics(server)
    assert after["nv_inference_request_success"] == before + 1
    assert after["nv_inference_request_duration_us"] > 0
    assert not any("model=" in name for name in after)


def test_curl_runs_a_model(server, client, adder):
    body = json.dumps({"inputs": [{"name": n, "shape": [1], "datatype": "FP32", "data": [2]} for n in "ab"]})
    done = subprocess.run(["curl", "-sSk", "--noproxy", "*", "-d", body,
                           f"https://{server.address}/v2/models/{adder}/infer"], capture_output=True, text=True)
    assert json.loads(done.stdout)["outputs"][0]["data"] == [4]


def test_our_messages_have_the_published_numbers(tmp_path):
    """Every message and field of our .proto is in the published client's, with the same number and type."""
    subprocess.run(["protoc", "-I", os.path.dirname(PROTO), f"--descriptor_set_out={tmp_path}/set", PROTO], check=True)
    from google.protobuf import descriptor_pb2

    ours = descriptor_pb2.FileDescriptorSet.FromString((tmp_path / "set").read_bytes()).file[0]
    published = {**service_pb2.DESCRIPTOR.message_types_by_name, **model_config_pb2.DESCRIPTOR.message_types_by_name}

    def compare(message, theirs):
        for field in message.field:
            other = theirs.fields_by_name[field.name]
            # Our configuration repeats only what is filled in; the kind of a field decides how it is read.
            assert (field.number, field.type) == (other.number, other.type), f"{message.name}.{field.name}"
        for nested in message.nested_type:
            compare(nested, theirs.nested_types_by_name[nested.name])

    assert len(ours.message_type) > 30
    for message in ours.message_type:
        compare(message, published[message.name])
    assert ({m.name for m in ours.service[0].method}
            <= set(service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods_by_name))
