#include "model/onnx_shapes.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "model/onnx_shape_context.h"
#include "model/onnx_shape_kernels.h"
#include "model/onnx_shape_layout.h"

namespace blindai::model::onnx {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Status;

using Infer = Status (*)(const Context&);
struct Rule {
  std::string_view name;
  Infer infer;
};
// Whether a list of words with blanks around each has a word.
bool Lists(std::string_view words, std::string_view word) {
  return words.find(" " + std::string(word) + " ") != std::string_view::npos;
}

// Results have the shape of the first input.
constexpr std::string_view kSameShape =
    " "
    "Abs Acos Acosh Asin Asinh Atan Atanh BatchNormalization BitwiseNot Ceil Celu Clip Cos Cosh CumSum "
    "DequantizeLinear Dropout DynamicQuantizeLinear Elu Erf Exp EyeLike Floor Gelu GroupNormalization "
    "HardSigmoid HardSwish Hardmax InstanceNormalization IsInf IsNaN LRN LayerNormalization LeakyRelu Log "
    "LogSoftmax LpNormalization MeanVarianceNormalization Mish Neg Not QuantizeLinear RMSNormalization "
    "Reciprocal Relu Round ScatterND Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt "
    "Swish Tan Tanh ThresholdedRelu Trilu ";

// Results have the shape that the inputs broadcast to.
constexpr std::string_view kBroadcast =
    " "
    "And BitShift BitwiseAnd BitwiseOr BitwiseXor Greater GreaterOrEqual Less LessOrEqual Max Mean Min "
    "Mod Or Pow Sum Xor ";

constexpr auto kRules = std::to_array<Rule>({
    {"Add", InferArithmetic},
    {"ArgMax", InferReduce},
    {"ArgMin", InferReduce},
    {"AveragePool", InferPool},
    {"Cast", InferCast},
    {"CastLike", InferCast},
    {"Concat", InferConcat},
    {"Constant", InferConstant},
    {"ConstantOfShape", InferConstantOfShape},
    {"Conv", InferConv},
    {"ConvInteger", InferConv},
    {"ConvTranspose", InferConvTranspose},
    {"Div", InferArithmetic},
    {"Equal", InferArithmetic},
    {"Expand", InferExpand},
    {"Flatten", InferFlatten},
    {"GRU", InferRecurrent},
    {"Gather", InferGather},
    {"GatherElements", InferGatherElements},
    {"Gemm", InferGemm},
    {"GlobalAveragePool", InferGlobalPool},
    {"GlobalMaxPool", InferGlobalPool},
    {"Identity", InferIdentity},
    {"LSTM", InferRecurrent},
    {"LpPool", InferPool},
    {"MatMul", InferMatMul},
    {"MatMulInteger", InferMatMul},
    {"MaxPool", InferPool},
    {"Mul", InferArithmetic},
    {"NonZero", InferNonZero},
    {"OneHot", InferOneHot},
    {"Pad", InferPad},
    {"QLinearConv", InferConv},
    {"RNN", InferRecurrent},
    {"Range", InferRange},
    {"ReduceL1", InferReduce},
    {"ReduceL2", InferReduce},
    {"ReduceLogSum", InferReduce},
    {"ReduceLogSumExp", InferReduce},
    {"ReduceMax", InferReduce},
    {"ReduceMean", InferReduce},
    {"ReduceMin", InferReduce},
    {"ReduceProd", InferReduce},
    {"ReduceSum", InferReduce},
    {"ReduceSumSquare", InferReduce},
    {"Reshape", InferReshape},
    {"Resize", InferResize},
    {"Shape", InferShape},
    {"Size", InferSize},
    {"Slice", InferSlice},
    {"Split", InferSplit},
    {"Squeeze", InferSqueeze},
    {"Sub", InferArithmetic},
    {"Tile", InferTile},
    {"TopK", InferTopK},
    {"Transpose", InferTranspose},
    {"Unsqueeze", InferUnsqueeze},
    {"Upsample", InferResize},
    {"Where", InferWhere},
});

// Operands that decide how large a result is, or where in memory it is written: a request's content must not.
struct SizeOperand {
  std::string_view name;
  std::uint32_t inputs;  // bit i: input i
};
constexpr std::array kSizeOperands = std::to_array<SizeOperand>({
    {"AffineGrid", 0b10},     {"BlackmanWindow", 0b1}, {"CenterCropPad", 0b10}, {"Col2Im", 0b110},
    {"ConstantOfShape", 0b1}, {"Expand", 0b10},        {"GRU", 0b10000},        {"HammingWindow", 0b1},
    {"HannWindow", 0b1},      {"LSTM", 0b10000},       {"OneHot", 0b10},        {"Pad", 0b1010},
    {"RNN", 0b10000},         {"Range", 0b111},        {"Resize", 0b1110},      {"ReverseSequence", 0b10},
    {"RoiAlign", 0b100},      {"ScatterND", 0b10},     {"Split", 0b10},         {"Tile", 0b10},
    {"TopK", 0b10},           {"Upsample", 0b10},
});

Status CheckSizeOperands(const Context& at) {
  for (const SizeOperand& operand : kSizeOperands) {
    if (operand.name != at.node.op_type) continue;
    for (std::size_t i = 0; i < at.in.size() && i < 32; ++i) {
      if ((operand.inputs >> i & 1U) && at.in[i] && at.in[i]->origin == Origin::kContent) {
        return MakeError(ErrorKind::kUnsupported, "size-from-data",
                         "operator " + Quoted(at.node.op_type) +
                             ": the size or place of its result is decided by the "
                             "content of a request; only shapes and constants may");
      }
    }
  }
  return base::Ok();
}

// Dividing the smallest integer by −1, and by zero, ends the engine's process.
Status CheckDivision(const Context& at) {
  if (at.node.op_type != "Div" && at.node.op_type != "Mod") return base::Ok();
  const Value* divisor = at.In(1);
  const Value* dividend = at.In(0);
  if (!divisor || !dividend) return base::Ok();
  const std::int64_t type = divisor->type != kUndefined ? divisor->type : dividend->type;
  if (type != kUndefined && !IsInteger(type)) return base::Ok();
  const auto known = Known(divisor);
  if (!known || std::ranges::any_of(*known, [](std::int64_t value) { return value == 0 || value == -1; })) {
    return at.Wrong("integer-division", "integers may be divided by constants other than 0 and -1 only");
  }
  return base::Ok();
}

std::int64_t FixedType(char letter) {
  switch (letter) {
    case 'f':
      return kFloat;
    case 'l':
      return kInt64;
    case 'i':
      return kInt32;
    case 'b':
      return kBool;
    case 'u':
      return kUint8;
    default:
      return kUndefined;
  }
}

std::int64_t OutputType(const Context& at, std::size_t output) {
  const std::string_view types = at.definition.output_types;
  if (types.empty()) return kUndefined;
  const char letter = types[std::min(output, types.size() - 1)];
  if (letter >= '0' && letter <= '9') {
    const Value* input = at.In(static_cast<std::size_t>(letter - '0'));
    return input ? input->type : std::int64_t{kUndefined};
  }
  if (letter == '?') {
    for (const std::string_view name : {"dtype", "output_dtype", "output_datatype"}) {
      const AttributeFacts* type = at.node.Attribute(name);
      if (type && type->integer != kUndefined) return type->integer;
    }
    const std::string& op = at.node.op_type;
    if (op == "QuantizeLinear") return at.In(2) ? at.In(2)->type : std::int64_t{kUint8};
    if (op == "DequantizeLinear") return at.In(1)->type;
    if (op == "EyeLike") return at.In(0)->type;
    if (op == "LayerNormalization") return at.node.Integer("stash_type", kFloat);
    if (op == "Dropout") return kBool;
    if (op.ends_with("Window")) return kFloat;
  }
  return FixedType(letter);
}

}  // namespace

Value ValueOf(const TensorFacts& tensor) {
  Value value;
  value.type = tensor.type;
  value.has_shape = true;
  value.dims = tensor.dims;
  if (tensor.has_values) {
    if (IsInteger(tensor.type) || tensor.type == kBool) {
      value.integers.emplace(tensor.integers.begin(), tensor.integers.end());
    } else {
      value.reals = tensor.reals;
    }
  }
  return value;
}

Value ValueOf(const ValueFacts& declared, Origin origin) {
  Value value;
  value.type = declared.type;
  value.has_shape = declared.has_shape;
  value.dims = declared.dims;
  value.origin = origin;
  return value;
}

std::optional<std::uint64_t> SizeOf(const Value& value) {
  if (!value.has_shape) return std::nullopt;
  std::uint64_t size = std::max<std::size_t>(ElementBytes(value.type), 1);
  bool over = false;
  for (const std::int64_t dim : value.dims) {
    if (dim < 0) return std::nullopt;
    if (dim == 0) return 0;
    over = __builtin_mul_overflow(size, static_cast<std::uint64_t>(dim), &size) || over;
  }
  return over ? std::uint64_t{1} << 63 : size;
}

base::Result<std::vector<Value>> InferNode(const NodeFacts& node, const Operator& definition,
                                           std::int64_t opset, const std::vector<const Value*>& inputs,
                                           const InspectLimits& limits) {
  std::vector<Value> out(node.outputs.size());
  const Context at{node, definition, opset, inputs, out};
  Origin origin = Origin::kFile;
  for (const Value* input : inputs) {
    if (input) origin = std::max(origin, input->origin);
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].origin = origin;
    out[i].type = OutputType(at, i);
  }
  BLINDAI_RETURN_IF_ERROR(CheckSizeOperands(at));
  BLINDAI_RETURN_IF_ERROR(CheckDivision(at));
  const std::string_view name = node.op_type;
  const auto rule = std::ranges::find(kRules, name, &Rule::name);
  if (rule != kRules.end()) {
    BLINDAI_RETURN_IF_ERROR(rule->infer(at));
  } else if (Lists(kSameShape, name)) {
    BLINDAI_RETURN_IF_ERROR(SameShape(at));
  } else if (Lists(kBroadcast, name)) {
    BLINDAI_RETURN_IF_ERROR(BroadcastAll(at));
  }
  for (const Value& value : out) {
    const auto size = SizeOf(value);
    if (size && *size > limits.max_tensor_bytes) {
      return MakeError(ErrorKind::kTooLarge, "tensor-too-large",
                       "operator " + Quoted(node.op_type) + " makes a tensor larger than the " +
                           std::to_string(limits.max_tensor_bytes) + " bytes allowed");
    }
  }
  return out;
}

}  // namespace blindai::model::onnx
