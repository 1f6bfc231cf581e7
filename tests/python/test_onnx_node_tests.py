"""ONNX's own node tests through upload and run. onnx_node_tests.txt says how each of them goes: a change that makes one
fail that passed, or refuses one with another code, is found here. The bare engine runs them too: what it passes is
passed here, or refused with a code. A sample runs; BLINDAI_NODE_TESTS=all runs all of them (minutes), and
BLINDAI_NODE_TESTS=write writes the list again, for another engine or another gate."""

import collections
import os
import pathlib
import re
import warnings
import zlib

import numpy as np
import pytest

import bare_engine
import blindai
from conftest import ROOT, start_server

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


def inputs_of(case):
    return {tensor.name: array_of(value) for tensor, value in zip(case.model.graph.input, case.data_sets[0][0])}


def all_close(case, answers):
    """Whether the answers, by name, are the wanted ones."""
    return all(is_close(case, answers[tensor.name], array_of(wanted))
               for tensor, wanted in zip(case.model.graph.output, case.data_sets[0][1]))


def passes_bare(engine, case):
    try:
        inputs = inputs_of(case)
    except ValueError:
        return False  # a sequence or an optional, which has no array
    answers = engine.run(case.model.SerializeToString(), inputs, [tensor.name for tensor in case.model.graph.output])
    return isinstance(answers, dict) and all_close(case, answers)


def outcome(client, case):
    """(what became of it, the server's words)"""
    try:
        client.upload_model(case.model.SerializeToString(), "node-test")
    except blindai.BlindAIError as error:
        return f"refused: {error.code}", str(error)
    try:
        answer = client.predict("node-test", inputs_of(case)).output
        answers = {tensor.name: answer[tensor.name].as_numpy() for tensor in case.model.graph.output}
        return "passed" if all_close(case, answers) else "other numbers", ""
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


@pytest.fixture(scope="module")
def cases():
    return node_tests()


@pytest.fixture(scope="module")
def outcomes(cases, tmp_path_factory):
    """What became of each, and the server's words; the server is still there."""
    found, words = {}, {}
    with open(tmp_path_factory.mktemp("node-tests") / "log", "w") as log, start_server(log) as server:
        with blindai.connect(server.address, simulation=True) as client:
            for case in cases:
                found[case.name], words[case.name] = outcome(client, case)
        assert server.process.poll() is None
    return found, words


def test_onnx_node_tests_go_as_listed(cases, outcomes, capsys):
    found, words = outcomes
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


def test_what_the_bare_engine_passes_is_passed_or_refused_with_a_code(cases, outcomes, capsys):
    folder = bare_engine.wheel()
    if folder is None:
        pytest.skip("SKIPPED: build/release does not say where the engine's wheel is (./run build)")
    found, _ = outcomes
    with bare_engine.BareEngine(folder) as engine:
        bare = {case.name for case in cases if passes_bare(engine, case)}
    ours = {name for name, kind in found.items() if kind == "passed"}
    refused = {name: kind for name, kind in found.items() if kind.startswith("refused: ")}
    assert {name: found[name] for name in bare - ours - refused.keys()} == {}
    codes = collections.Counter(refused[name].partition(": ")[2] for name in bare & refused.keys())
    with capsys.disabled():
        print(f"\nOpenVINO {engine.version} alone passes {len(bare)} of {len(cases)}; of these {len(bare & ours)} pass "
              f"through the server and {codes.total()} are refused:",
              ", ".join(f"{number} {code}" for code, number in codes.most_common()) +
              f"; {len(ours - bare)} pass through the server only")


def operators_of(graph):
    """Of its nodes and of the graphs inside of them."""
    for node in graph.node:
        yield node.op_type
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from operators_of(inner)


def test_a_refusal_for_an_operator_names_it(cases, outcomes):
    about_operators = ("operator-unsupported", "operator-refused", "operator-domain", "size-from-data",
                       "integer-division", "control-flow")
    found, words = outcomes
    unnamed = {case.name: words[case.name] for case in cases
               if found[case.name].partition(": ")[2] in about_operators
               and not any(operator in words[case.name] for operator in operators_of(case.model.graph))}
    assert not unnamed


def test_a_refused_operator_is_named(client):
    import onnx

    node = onnx.helper.make_node("DeformConv", ["x", "w", "o"], ["y"])
    tensors = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, 1, 4, 4]) for n in "xwoy"]
    graph = onnx.helper.make_graph([node], "g", tensors[:3], tensors[3:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 19)], ir_version=9)
    with pytest.raises(blindai.ModelError, match="DeformConv"):
        client.upload_model(model.SerializeToString(), "deform")
