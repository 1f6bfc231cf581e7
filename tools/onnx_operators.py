"""Writes src/model/onnx_operators.inc: the operators that the gate lets through, from the ONNX schemas.

    pip install onnx==1.23.2
    python tools/onnx_operators.py > src/model/onnx_operators.inc

RUN names the operators of which OpenVINO 2026.4.1 passes at least one of ONNX's own backend node tests (onnx
1.23.2, 1,468 tests without the "_expanded" ones, each in a process of its own), less those of
src/model/onnx_operators.cc's list of operators that are never allowed. Repeat the run when the engine
changes.
"""

import onnx.defs as defs

MIN_OPSET = 7
MAX_OPSET = 28

RUN = """
Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool BatchNormalization
BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike Ceil Celu CenterCropPad Clip
Col2Im Compress Concat Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumSum DepthToSpace
DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU
Gather GatherElements Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GridSample
GroupNormalization HammingWindow HannWindow HardSigmoid HardSwish Hardmax Identity If InstanceNormalization
IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax Loop LpNormalization LpPool
MatMul MatMulInteger Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg NegativeLogLikelihoodLoss
NonMaxSuppression NonZero Not OneHot Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear
RMSNormalization RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean
ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding
Round Scan ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax SoftmaxCrossEntropyLoss
Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan Tanh ThresholdedRelu Tile TopK Transpose
Trilu Unique Unsqueeze Upsample Where Xor
""".split()

TYPES = {
    "tensor(float)": "f", "tensor(int64)": "l", "tensor(int32)": "i", "tensor(bool)": "b", "tensor(uint8)": "u",
}
ATTRIBUTES = {
    "FLOAT": "f", "INT": "i", "STRING": "s", "TENSOR": "t", "GRAPH": "g", "FLOATS": "F", "INTS": "I", "STRINGS": "S",
    "SPARSE_TENSOR": "p", "TYPE_PROTO": "y",
}
ANY = 255


def bounded(count):
    return min(count, ANY)


def output_type(schema, output):
    """A digit: the type of that input; a letter: a fixed type; '?': the gate's own business."""
    if output.type_str in TYPES:
        return TYPES[output.type_str]
    for index, formal in enumerate(schema.inputs):
        if formal.type_str == output.type_str and index < 10:
            return str(index)
    for constraint in schema.type_constraints:
        if constraint.type_param_str == output.type_str and len(constraint.allowed_type_strs) == 1:
            return TYPES.get(constraint.allowed_type_strs[0], "?")
    return "?"


def row(schema):
    option = defs.OpSchema.FormalParameterOption
    required = 0
    for index, formal in enumerate(schema.inputs):
        if formal.option == option.Single or (formal.option == option.Variadic and formal.min_arity > 0):
            required |= 1 << index
    attributes = " ".join(
        f"{name}:{ATTRIBUTES[attribute.type.name]}{'!' if attribute.required else ''}"
        for name, attribute in sorted(schema.attributes.items()))
    types = "".join(output_type(schema, output) for output in schema.outputs)
    return (f'{{"{schema.name}", {schema.since_version}, {"true" if schema.deprecated else "false"}, {required}, '
            f'{bounded(schema.min_input)}, {bounded(schema.max_input)}, {bounded(schema.min_output)}, '
            f'{bounded(schema.max_output)}, "{types}",\n "{attributes}"}},')


def main():
    print("// Written by tools/onnx_operators.py from the schemas of onnx 1.23.2; change that script, not this file.")
    print(f"// Versions that opsets {MIN_OPSET} to {MAX_OPSET} of the default domain use, by name and version.")
    schemas = [s for s in defs.get_all_schemas_with_history() if s.domain == "" and s.since_version <= MAX_OPSET]
    for name in sorted(set(RUN)):
        versions = sorted((s for s in schemas if s.name == name), key=lambda s: s.since_version)
        old = [s for s in versions if s.since_version <= MIN_OPSET]
        for schema in versions[max(len(old) - 1, 0):]:
            print(row(schema))


main()
