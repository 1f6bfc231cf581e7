"""Models of 64-bit numbers that are moved, or computed with as integers: every bit is NumPy's."""

import functools

import numpy as np
import pytest

import blindai

pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

KINDS = {"float64": TensorProto.DOUBLE, "uint64": TensorProto.UINT64, "int64": TensorProto.INT64,
         "float32": TensorProto.FLOAT, "int32": TensorProto.INT32, "uint8": TensorProto.UINT8, "bool": TensorProto.BOOL}
INTEGERS = ("uint64", "int64")
# Every size once; the ends and the neighbours of what 32 bits and the fraction of a double hold.
EDGES = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**53 + 1, 2**63 - 1]


def values(dtype, shape, seed):
    random = np.random.default_rng(seed)
    count = int(np.prod(shape))
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if dtype == "float64":
        edges = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308, 1 + 2**-52])
        numbers = random.standard_normal(count) * 10.0 ** random.integers(-300, 300, count)
    else:
        limits = np.iinfo(dtype)
        edges = np.array([limits.min, limits.max] + [e for e in EDGES if e <= limits.max], dtype)
        numbers = np.frombuffer(random.bytes(count * np.dtype(dtype).itemsize), dtype).copy()
    numbers[: len(edges)] = edges[:count]
    random.shuffle(numbers)
    return numbers.astype(dtype).reshape(shape)


def model(operator, inputs, constants, output, **attributes):
    """One node. Every dimension varies, so that one model takes every size."""
    names = [f"x{i}" for i in range(len(inputs))]
    weights = [numpy_helper.from_array(np.asarray(c), f"c{i}") for i, c in enumerate(constants)]
    node = helper.make_node(operator, names + [w.name for w in weights], ["y"], **attributes)
    info = [helper.make_tensor_value_info(name, KINDS[str(x.dtype)], [f"{name}_{i}" for i in range(x.ndim)])
            for name, x in zip(names, inputs)]
    kind, rank = KINDS[str(output.dtype)], output.ndim
    result = helper.make_tensor_value_info("y", kind, [f"y_{i}" for i in range(rank)])
    graph = helper.make_graph([node], "g", info, [result], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def check(client, operator, inputs, constants, wanted, **attributes):
    wanted = np.asarray(wanted)
    client.upload_model(model(operator, inputs, constants, wanted, **attributes), "exact")
    try:
        answer = client.predict("exact", inputs).output[0].as_numpy()
    finally:
        client.delete_model("exact")
    assert answer.dtype == wanted.dtype and answer.shape == wanted.shape
    assert answer.tobytes() == wanted.tobytes()


MOVES = {
    "Identity": ([], lambda x: x, {}),
    "Reshape": ([[4, -1]], lambda x: x.reshape(4, -1), {}),
    "Flatten": ([], lambda x: x.reshape(2, 12), {}),
    "Transpose": ([], lambda x: x.transpose(2, 0, 1), {"perm": [2, 0, 1]}),
    "Unsqueeze": ([[1]], lambda x: x[:, None], {}),
    "Slice": ([[-1], [-2**63], [2], [-2]], lambda x: x[:, :, ::-2], {}),
    "Expand": ([[5, 1, 1, 1]], lambda x: np.broadcast_to(x, (5, *x.shape)), {}),
    "Tile": ([[2, 1, 3]], lambda x: np.tile(x, (2, 1, 3)), {}),
}


@pytest.mark.parametrize("dtype", ["float64", "uint64", "int64"])
@pytest.mark.parametrize("operator", MOVES)
def test_elements_are_moved_bit_by_bit(client, dtype, operator):
    constants, wanted, attributes = MOVES[operator]
    x = values(dtype, (2, 3, 4), seed=1)
    check(client, operator, [x], [np.array(c) for c in constants], np.ascontiguousarray(wanted(x)), **attributes)


@pytest.mark.parametrize("dtype", ["float64", "uint64", "int64"])
def test_values_are_joined_and_chosen_bit_by_bit(client, dtype):
    a, b = values(dtype, (3, 8), seed=2), values(dtype, (3, 8), seed=3)
    check(client, "Concat", [a, b], [], np.concatenate([a, b], 1), axis=1)
    choice = values("bool", (3, 8), seed=4)
    check(client, "Where", [choice, a, b], [], np.where(choice, a, b))


COMPUTED = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Max": np.maximum, "Min": np.minimum,
            "Equal": np.equal, "Less": np.less, "Greater": np.greater, "LessOrEqual": np.less_equal,
            "GreaterOrEqual": np.greater_equal}


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("operator", COMPUTED)
def test_integers_are_computed_in_64_bits(client, dtype, operator):
    a, b = values(dtype, (2, 3, 4), seed=5), values(dtype, (3, 1), seed=6)
    b[0] = a[0, 0, 0]
    with np.errstate(over="ignore"):
        check(client, operator, [a, b], [], COMPUTED[operator](a, b))


@pytest.mark.parametrize("operator, wanted, dtype", [
    ("Abs", np.abs, "int64"), ("Abs", np.abs, "uint64"), ("Sign", np.sign, "int64"), ("Sign", np.sign, "uint64"),
])
def test_integers_keep_their_sign_and_size(client, dtype, operator, wanted):
    x = values(dtype, (2, 12), seed=7)
    check(client, operator, [x], [], wanted(x))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("operator, wanted", [("ReduceMax", np.max), ("ReduceMin", np.min), ("ReduceProd", np.prod)])
def test_integers_are_reduced_in_64_bits(client, dtype, operator, wanted):
    x = values(dtype, (4, 6), seed=8)
    check(client, operator, [x], [], wanted(x, 1), axes=[1], keepdims=0)
    check(client, "ReduceSum", [x], [np.array([0])], np.sum(x, 0, keepdims=True))


@pytest.mark.parametrize("to", KINDS)
@pytest.mark.parametrize("dtype", ["float64", "uint64", "int64"])
def test_numbers_become_others_as_in_numpy(client, dtype, to):
    x = values(dtype, (4, 6), seed=9)
    if dtype == "float64" and to not in ("float32", "float64", "bool"):
        x = np.array([[0.0, -0.0, 0.9999999, 1.5, 2.5, 254.99]])  # what no integer holds has no defined result
    with np.errstate(over="ignore"):
        check(client, "Cast", [x], [], x.astype(to), to=KINDS[to])


@pytest.mark.parametrize("dtype", ["float64", "uint64", "int64"])
def test_every_size_is_moved_by_one_model(client, dtype):
    samples = [values(dtype, (n,), seed=n) for n in (1, 20_000, 3, 0, 100)]
    client.upload_model(model("Concat", [samples[0]] * 2, [], samples[0], axis=0), "exact")
    try:
        for x in samples:
            answer = client.predict("exact", [x, x]).output[0].as_numpy()
            assert answer.tobytes() == x.tobytes() * 2 and answer.dtype == x.dtype
    finally:
        client.delete_model("exact")


def test_several_steps_in_64_bits_keep_every_bit(client):
    """A polynomial by Horner's rule, modulo 2^64."""
    coefficients = values("uint64", (5,), seed=10)
    nodes, weights, last = [], [], "c0"
    for i, c in enumerate(coefficients):
        weights.append(numpy_helper.from_array(np.array(c, np.uint64), f"c{i}"))
    for i in range(1, len(coefficients)):
        nodes.append(helper.make_node("Mul", [last, "x"], [f"m{i}"]))
        nodes.append(helper.make_node("Add", [f"m{i}", f"c{i}"], [f"a{i}"]))
        last = f"a{i}"
    info = functools.partial(helper.make_tensor_value_info, elem_type=TensorProto.UINT64, shape=["n"])
    graph = helper.make_graph(nodes, "g", [info("x")], [info(last)], weights)
    client.upload_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                                          ir_version=8).SerializeToString(), "exact")
    x = values("uint64", (1000,), seed=11)
    wanted = np.zeros_like(x)
    for c in coefficients:
        wanted = wanted * x + c
    np.testing.assert_array_equal(client.predict("exact", x).output[0].as_numpy(), wanted)
    client.delete_model("exact")


@pytest.mark.parametrize("dtype, operator", [("float64", "Add"), ("float64", "Max"), ("float64", "Equal"),
                                             ("uint64", "Div"), ("uint64", "Mod")])
def test_what_would_be_computed_in_32_bits_is_refused(client, dtype, operator):
    x = values(dtype, (3,), seed=12)
    output = x == x if operator == "Equal" else x
    with pytest.raises(blindai.ModelError, match=operator) as refused:
        client.upload_model(model(operator, [x, x], [], output), "refused")
    assert refused.value.code in ("element-type", "integer-division")


def test_wide_integers_into_a_model_that_does_more_are_refused_at_the_run(client):
    nodes = [helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT), helper.make_node("Sqrt", ["f"], ["y"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.INT64, ["n"])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])])
    client.upload_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                                          ir_version=8).SerializeToString(), "more")
    assert client.predict("more", np.array([4, 9])).output[0].as_flat() == [2, 3]
    with pytest.raises(blindai.BlindAIError) as refused:
        client.predict("more", np.array([2**31]))
    assert refused.value.code == "int64-range"
    client.delete_model("more")
