"""ONNX's own node tests through upload and run. onnx_node_tests.txt says how each of them goes: a change that makes one
fail that passed, or refuses one with another code, is found here. A sample runs; BLINDAI_NODE_TESTS=all runs all of
them (minutes), and BLINDAI_NODE_TESTS=write writes the list again, for another engine or another gate."""

import collections
import os
import pathlib
import re
import warnings
import zlib

import numpy as np
import pytest

import blindai
from conftest import ROOT

pytest.importorskip("onnx")

LIST = pathlib.Path(__file__).with_name("onnx_node_tests.txt")
WHICH = os.environ.get("BLINDAI_NODE_TESTS", "sample")
ONE_OF = 12  # so large a part of them is the sample


def node_tests():
    """Those of whole operators: an "_expanded" one is the same computation written out."""
    from onnx.backend.test.case import node

    np.random.seed(0)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        cases = node.collect_testcases()
    return [case for case in cases if "_expanded" not in case.name
            and (WHICH != "sample" or zlib.crc32(case.name.encode()) % ONE_OF == 0)]


def array_of(value):
    import onnx

    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def is_close(case, answer, wanted):
    if answer.shape != wanted.shape or answer.dtype != wanted.dtype:
        return False
    tolerance = case.rtol
    if answer.dtype.name == "bfloat16":
        tolerance = max(tolerance, 2 ** -6)
        answer, wanted = answer.astype(np.float32), wanted.astype(np.float32)
    return np.allclose(answer, wanted, rtol=tolerance, atol=case.atol, equal_nan=True)


def outcome(client, case):
    """(what became of it, the server's words)"""
    inputs, outputs = case.data_sets[0]
    graph = case.model.graph
    try:
        client.upload_model(case.model.SerializeToString(), "node-test")
    except blindai.BlindAIError as error:
        return f"refused: {error.code}", str(error)
    try:
        named = {tensor.name: array_of(value) for tensor, value in zip(graph.input, inputs)}
        answer = client.predict("node-test", named).output
        passed = all(is_close(case, answer[tensor.name].as_numpy(), array_of(wanted))
                     for tensor, wanted in zip(graph.output, outputs))
        return "passed" if passed else "other numbers", ""
    except blindai.BlindAIError as error:
        return f"not run: {error.code}", str(error)
    finally:
        client.delete_model("node-test")


def read_list():
    expected, kind = {}, None
    for line in LIST.read_text().splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            expected.update(dict.fromkeys(line.split(), kind))
    return expected


def write_list(found):
    kinds = collections.defaultdict(list)
    for name, kind in found.items():
        kinds[kind].append(name)
    lines = ["# How the node tests of ONNX go; test_onnx_node_tests.py says how to write this list again."]
    for kind, names in sorted(kinds.items()):
        lines += ["", f"[{kind}]", *sorted(names)]
    LIST.write_text("\n".join(lines) + "\n")


def documented_codes():
    return set(re.findall(r"`([a-z0-9-]+)`", "".join((ROOT / "docs/formats" / page).read_text()
                                                    for page in ("errors.md", "models.md"))))


def test_onnx_node_tests_go_as_listed(own_server, capsys):
    found, words = {}, {}
    cases = node_tests()
    with blindai.connect(own_server.address, simulation=True) as client:
        for case in cases:
            found[case.name], words[case.name] = outcome(client, case)
    assert own_server.process.poll() is None
    if WHICH == "write":
        write_list(found)

    expected = read_list()
    assert expected.keys() >= found.keys()
    # What passed here must pass everywhere; what gave other numbers on one processor may pass on another.
    changed = {name: (expected[name], kind, words[name]) for name, kind in found.items()
               if kind != expected[name] and expected[name] != "other numbers"}
    assert not changed
    codes = {kind.partition(": ")[2] for kind in found.values()} - {""}
    assert codes <= documented_codes()
    counts = collections.Counter(found.values())
    with capsys.disabled():
        print(f"\n{counts['passed']} of {len(cases)} node tests of ONNX pass;",
              ", ".join(f"{number} {kind}" for kind, number in counts.most_common() if kind != "passed"))


def test_a_refused_operator_is_named(client):
    import onnx

    node = onnx.helper.make_node("DeformConv", ["x", "w", "o"], ["y"])
    tensors = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, 1, 4, 4]) for n in "xwoy"]
    graph = onnx.helper.make_graph([node], "g", tensors[:3], tensors[3:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)], ir_version=9)
    with pytest.raises(blindai.ModelError, match="DeformConv"):
        client.upload_model(model.SerializeToString(), "deform")
