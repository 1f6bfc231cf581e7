"""Small ONNX models for tests, written without the onnx package: the few fields of onnx.proto3 that they need."""

import struct

FLOAT, UINT8, INT8, UINT16, INT16, INT32, INT64, BOOL, FLOAT16, DOUBLE, UINT32, UINT64, BFLOAT16 = (
    1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16)


def _varint(number):
    out = bytearray()
    number &= (1 << 64) - 1
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _bytes(field, value):
    value = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _value_info(name, element, shape):
    dimensions = b"".join(_bytes(1, _bytes(2, d) if isinstance(d, str) else _number(1, d)) for d in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, element) + _bytes(2, dimensions)))


def node(operator, inputs, outputs):
    names = b"".join(_bytes(1, name) for name in inputs) + b"".join(_bytes(2, name) for name in outputs)
    return names + _bytes(4, operator)


def raw_tensor(name, element, shape, data):
    return b"".join(_number(1, d) for d in shape) + _number(2, element) + _bytes(8, name) + _bytes(9, data)


def float_tensor(name, shape, values):
    return raw_tensor(name, FLOAT, shape, struct.pack(f"<{len(values)}f", *values))


def model(nodes, inputs, outputs, initializers=(), opset=13):
    """``inputs`` and ``outputs``: (name, element type, shape), a str in a shape is a dimension that varies."""
    graph = (b"".join(_bytes(1, n) for n in nodes) + _bytes(2, "graph") + b"".join(_bytes(5, t) for t in initializers)
             + b"".join(_bytes(11, _value_info(*i)) for i in inputs)
             + b"".join(_bytes(12, _value_info(*o)) for o in outputs))
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _number(2, opset))


def adder(element=FLOAT, shape=("n",)):
    """total = a + b."""
    return model([node("Add", ["a", "b"], ["total"])], [("a", element, shape), ("b", element, shape)],
                 [("total", element, shape)])


def scaler(factor):
    """y = factor · x."""
    return model([node("Mul", ["x", "f"], ["y"])], [("x", FLOAT, ("n",))], [("y", FLOAT, ("n",))],
                 [float_tensor("f", [1], [float(factor)])])


def same(element, shape=("n",)):
    """y is x, which every datatype can be."""
    return model([node("Reshape", ["x", "all"], ["y"])], [("x", element, shape)], [("y", element, shape)],
                 [_number(1, 1) + _number(2, INT64) + _bytes(8, "all") + _bytes(9, struct.pack("<q", -1))])


def inverse():
    """y = not x, on truth values."""
    return model([node("Not", ["x"], ["y"])], [("x", BOOL, ("n",))], [("y", BOOL, ("n",))])


def linear(rows=4, columns=3):
    """y = x · w with w[i][j] = i + j, and its double."""
    weights = [float(i + j) for i in range(rows) for j in range(columns)]
    return model([node("MatMul", ["x", "w"], ["y"]), node("Add", ["y", "y"], ["twice"])], [("x", FLOAT, ("n", rows))],
                 [("y", FLOAT, ("n", columns)), ("twice", FLOAT, ("n", columns))],
                 [float_tensor("w", [rows, columns], weights)])


def deaf_ctc():
    """Scores [1, frames, 3] as wav2vec2 gives them, of samples [1, samples], that are always the first character's."""
    def whole_numbers(name, *values):
        return raw_tensor(name, INT64, [len(values)], struct.pack(f"<{len(values)}q", *values))

    # Every 320th sample of those before the last 399 begins a frame of 400.
    return model([node("Slice", ["x", "from", "to", "axis", "step"], ["frames"]),
                  node("Unsqueeze", ["frames", "last"], ["rows"]), node("Mul", ["rows", "nothing"], ["silent"]),
                  node("Add", ["silent", "scores"], ["y"])],
                 [("x", FLOAT, (1, "samples"))], [("y", FLOAT, (1, "frames", 3))],
                 [whole_numbers("from", 0), whole_numbers("to", -399), whole_numbers("axis", 1),
                  whole_numbers("step", 320), whole_numbers("last", 2), float_tensor("nothing", [1], [0.0]),
                  float_tensor("scores", [3], [10.0, 0.0, 0.0])])
