"""The server's HTTP, spoken by hand: the Open Inference Protocol as any client may speak it, and wrong requests."""

import json
import os
import signal
import socket
import ssl
import struct
import threading

import pytest

import blindai
import onnx_models
import raw_http
from conftest import children
from raw_http import request


def infer(server, model, body, headers=None):
    body = json.dumps(body) if isinstance(body, dict) else body
    return request(server, "POST", f"/v2/models/{model}/infer", body, headers)


def tensor(name, data, shape=None, datatype="FP32"):
    return {"name": name, "shape": shape or [len(data)], "datatype": datatype, "data": data}


def test_json_goes_and_comes(server, adder):
    inputs = [tensor("a", [1, 2.5]), tensor("b", [[3], [4]], [2])]
    status, _, answer = infer(server, adder, {"id": "42", "inputs": inputs})
    assert status == 200
    assert answer == {"model_name": adder, "model_version": "1", "id": "42",
                      "outputs": [{"name": "total", "datatype": "FP32", "shape": [2], "data": [4, 6.5]}]}


def test_a_request_with_an_idempotency_key_is_computed_once(server, adder):
    key = {"Idempotency-Key": "9f1c7a52-51a4-4dd2-8f0e-2f1a7d9c0b11"}
    body = {"inputs": [tensor("a", [1, 2]), tensor("b", [3, 4])]}
    first = infer(server, adder, body, key)
    again = infer(server, adder, body, key)
    assert first[0] == again[0] == 200 and first[2] == again[2]
    assert first[1]["Idempotency-Replayed"] is None and again[1]["Idempotency-Replayed"] == "true"
    body["inputs"][0]["data"] = [5, 6]
    status, _, answer = infer(server, adder, body, key)
    assert status == 422 and answer["code"] == "idempotency-key-reused"
    key = {"Idempotency-Key": "another-key-than-before"}
    assert infer(server, adder, body, key)[2]["outputs"][0]["data"] == [8, 10]


def test_a_model_is_deleted_once_for_each_idempotency_key(server):
    key = {"Idempotency-Key": "deletion-deletion-1"}
    for _ in range(2):
        assert request(server, "PUT", "/v1/models/gone", onnx_models.adder())[0] == 201
    first = request(server, "DELETE", "/v1/models/gone", headers=key)
    assert first[0] == 200 and first[2]["deleted"]
    assert request(server, "DELETE", "/v1/models/gone", headers=key)[::2] == first[::2]
    assert request(server, "DELETE", "/v1/models/gone")[0] == 404


def test_binary_tensors_go_and_come(server, adder):
    blob = struct.pack("<2f", 1, 2.5)
    header = json.dumps({"inputs": [
        {"name": name, "shape": [2], "datatype": "FP32", "parameters": {"binary_data_size": 8}} for name in "ab"],
        "outputs": [{"name": "total", "parameters": {"binary_data": True}}]}).encode()
    status, headers, content = infer(server, adder, header + blob + blob,
                                     {"Inference-Header-Content-Length": str(len(header))})
    assert status == 200
    length = int(headers["Inference-Header-Content-Length"])
    assert json.loads(content[:length])["outputs"][0]["parameters"] == {"binary_data_size": 8}
    assert struct.unpack("<2f", content[length:]) == (2, 5)


def test_a_raw_body_is_one_tensor(server, upload):
    name = upload(onnx_models.same(onnx_models.FLOAT))
    body = struct.pack("<3f", 1, 2, 3)
    status, headers, content = infer(server, name, body, {"Inference-Header-Content-Length": "0"})
    assert status == 200
    assert struct.unpack("<3f", content[int(headers["Inference-Header-Content-Length"]):]) == (1, 2, 3)


def test_metadata_health_index_and_statistics(server, adder):
    assert request(server, "GET", "/v2")[2]["name"] == "blindai"
    assert request(server, "GET", "/v2/health/live")[2] == {"live": True, "ready": True}
    assert request(server, "GET", "/v2/health/ready")[2] == {"live": True, "ready": True}
    metadata = request(server, "GET", f"/v2/models/{adder}")[2]
    assert metadata["platform"] == "onnx_onnxv1"
    assert metadata["inputs"][0] == {"name": "a", "datatype": "FP32", "shape": [-1]}
    assert request(server, "GET", f"/v2/models/{adder}/ready")[2] == {"name": adder, "ready": True}
    assert adder in [entry["name"] for entry in request(server, "POST", "/v2/repository/index", "{}")[2]]
    infer(server, adder, {"inputs": [tensor("a", [1]), tensor("b", [1])]})
    assert request(server, "GET", f"/v2/models/{adder}/stats")[2]["model_stats"][0]["inference_count"] == 1


ONE = tensor("b", [1.0])


@pytest.mark.parametrize("body, code", [
    ("", "infer-json"), ("{", "infer-json"), ("[]", "infer-json"), ("{}", "infer-field"),
    ({"inputs": [ONE, tensor("a", [1, 2], [1])]}, "tensor-size"),
    ({"inputs": [ONE, tensor("a", [True], datatype="INT8")]}, "tensor-element"),
    ({"inputs": [ONE, tensor("a", [1], datatype="FP16")]}, "tensor-json"),
    ({"inputs": [ONE, tensor("a", [1], datatype="FP99")]}, "tensor-dtype"),
    ({"inputs": [ONE, tensor("a", [1], datatype="INT32")]}, "tensor-dtype"),
    ({"inputs": [ONE, tensor("a", [1], [1, 1])]}, "tensor-shape"),
    ({"inputs": [ONE, tensor("z", [1])]}, "tensor-name"),
    ({"inputs": [ONE, ONE]}, "infer-field"),
    ({"inputs": [ONE]}, "tensor-name"),
    ('{"inputs":[{"name":"a","shape":[1],"datatype":"FP32","data":[NaN]}]}', "tensor-json"),
    ({"inputs": [ONE, {"name": "a", "shape": [1], "datatype": "FP32", "parameters": {"binary_data_size": 4}}]},
     "infer-header-length"),
])
def test_wrong_tensors_are_named(server, adder, body, code):
    status, _, answer = infer(server, adder, body)
    assert status == 400 and answer["code"] == code and answer["error"]
    assert infer(server, adder, {"inputs": [tensor("a", [1]), tensor("b", [1])]})[0] == 200


@pytest.mark.parametrize("nonce", ["", "00", "0" * 63, "g" * 64, "0" * 66])
def test_a_malformed_nonce_is_refused(server, nonce):
    assert request(server, "GET", "/v1/attestation")[0] == 400
    status, _, answer = request(server, "GET", "/v1/attestation?nonce=" + nonce)
    assert status == 400 and answer["error"]["code"] == "nonce-format"


def test_unknown_paths_methods_and_models_are_answered_in_their_shape(server):
    assert request(server, "GET", "/v1/nothing")[0] == 404
    assert request(server, "PATCH", "/v1/models")[0] == 405
    status, _, answer = request(server, "GET", "/v1/models/none")
    assert status == 404 and answer["error"]["code"] == "model-not-found"
    status, _, answer = request(server, "GET", "/v2/models/none")
    assert status == 404 and answer["code"] == "model-not-found"


def test_a_body_over_the_limit_is_refused_before_it_is_read(server, adder):
    path = b"/v2/models/%s/infer" % adder.encode()
    with raw_http.open_socket(server) as one:
        one.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" % path)
        assert one.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_model_over_the_limit_is_refused_before_it_is_read(server):
    with raw_http.open_socket(server) as one:
        one.sendall(b"PUT /v1/models/huge HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert one.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("head", [
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\n\r\n",
    b"hello\r\n\r\n",
])
def test_a_head_with_two_meanings_is_refused(server, head):
    with raw_http.open_socket(server) as one:
        one.sendall(head)
        assert one.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_body_that_ends_early_leaves_no_model(server, client):
    model = onnx_models.adder()
    with raw_http.open_socket(server) as one:
        one.sendall(b"PUT /v1/models/early HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(model) + model[:-1])
    assert "early" not in [m.id for m in client.models()]


def test_plain_http_on_the_tls_port_is_told_so(server):
    host, port = server.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as one:
        one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = one.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 ") and b"TLS" in answer


def test_tls_1_2_is_refused(server):
    host, port = server.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as one:
        with pytest.raises(ssl.SSLError):
            raw_http.context(ssl.TLSVersion.TLSv1_2).wrap_socket(one)


def test_a_client_that_goes_away_disturbs_nobody(server, client, adder):
    for _ in range(5):
        with raw_http.open_socket(server) as one:
            path = b"/v2/models/%s/infer" % adder.encode()
            one.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{" % path)
    assert client.predict(adder, ([1], [2])).output[0].as_flat() == [3]


def test_request_data_is_in_no_log_and_no_error(server, server_log, upload):
    """What a person sends appears in no answer about a mistake and in nothing that the server writes."""
    secret = 714.28125
    name = upload(onnx_models.same(onnx_models.FLOAT), model_id="tenants-secret-name")
    assert infer(server, name, {"inputs": [tensor("x", [secret])]})[2]["outputs"][0]["data"] == [secret]
    for body in ({"inputs": [tensor("x", [secret, "patient"])]}, '{"inputs":[{"data":[714.28125,patient]}]}'):
        status, _, answer = infer(server, name, body)
        assert status == 400 and "714" not in answer["error"] and "patient" not in answer["error"]
    log = server_log.read_text()
    assert "714.28" not in log and "patient" not in log and "tenants-secret-name" not in log


def test_a_killed_worker_fails_its_request_only(own_server):
    with blindai.connect(own_server.address, simulation=True) as client:
        client.upload_model(onnx_models.adder(), model_id="survivor")
        client.upload_model(onnx_models.adder(), model_id="other")
        answers, failures = [], []

        def work():
            while len(failures) + len(answers) < 4000 and not failures:
                try:
                    answers.append(client.predict("survivor", ([1], [2])).output[0].as_flat())
                except blindai.BlindAIError as error:
                    failures.append(error)

        workers = children(own_server.process.pid)
        thread = threading.Thread(target=work)
        thread.start()
        for pid in workers:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # a worker's own children end with it
        thread.join()
        assert all(answer == [3] for answer in answers)
        for error in failures:
            assert error.code in ("worker-crashed", "model-crashed", "worker-unavailable"), error.code
        assert client.predict("survivor", ([1], [2])).output[0].as_flat() == [3]
        assert client.predict("other", ([1], [2])).output[0].as_flat() == [3]
