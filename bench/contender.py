#!/usr/bin/env python3
"""One way to run the model, in a process of its own, so that contenders share neither threads nor memory.

    contender.py onnxruntime|openvino MODEL.onnx THREADS PRECISION
    contender.py blindai ADDRESS THREADS PRECISION      (the model is on the server under the name "MODEL-PRECISION")
    contender.py product - THREADS PRECISION            (OpenVINO's matrix product; the number is its size)

Reads a number of samples from each line of stdin, runs the model once on that much noise, and answers with a line of
JSON: seconds, and the process's resident memory in MiB. The first answer, before any run, has the memory only.
"""

import json
import pathlib
import re
import sys
import time

import numpy as np


def onnxruntime_runner(model, threads, precision):
    import onnxruntime
    assert precision == "f32", precision
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"input_values": x})[0]


def openvino_request(model, threads, precision):
    import openvino
    return openvino.Core().compile_model(model, "CPU", {
        "INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False}).create_infer_request()


def openvino_runner(model, threads, precision):
    request = openvino_request(model, threads, precision)
    return lambda x: request.infer({0: x}, share_inputs=True)[0]


def blindai_runner(address, _threads, precision):
    import blindai
    client = blindai.connect(addr=address, simulation=True)
    return lambda x: client.predict(f"wav2vec2-{precision}", x).output[0].as_numpy()


def product_runner(_model, threads, precision):
    """What the machine can do: the product of a square matrix and a constant one."""
    from openvino import Model, opset13
    requests = {}

    def run(x):
        size = x.shape[1]
        if size not in requests:
            left = opset13.parameter([size, size], np.float32)
            right = opset13.constant(np.random.default_rng(1).standard_normal((size, size)).astype(np.float32))
            product = Model([opset13.matmul(left, right, False, False)], [left])
            requests[size] = openvino_request(product, threads, precision), np.repeat(x, size, 0)
        request, square = requests[size]
        return request.infer({0: square}, share_inputs=True, share_outputs=True)[0]

    return run


RUNNERS = {"onnxruntime": onnxruntime_runner, "openvino": openvino_runner, "blindai": blindai_runner,
           "product": product_runner}


def resident_mib():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+)", status, re.M)[1]) / 1024


def main():
    kind, model, threads, precision = sys.argv[1:]
    run = RUNNERS[kind](model, int(threads), precision)
    print(json.dumps({"resident_mib": resident_mib()}), flush=True)
    for line in sys.stdin:
        x = np.random.default_rng(0).standard_normal((1, int(line))).astype(np.float32)
        begin = time.perf_counter()
        logits = run(x)
        seconds = time.perf_counter() - begin
        assert kind == "product" or logits.shape[0] == 1 and logits.shape[2] == 32, logits.shape
        print(json.dumps({"seconds": seconds, "resident_mib": resident_mib()}), flush=True)


if __name__ == "__main__":
    main()
