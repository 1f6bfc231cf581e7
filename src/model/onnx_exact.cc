#include "model/onnx_exact.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace blindai::model::onnx {
namespace {

constexpr std::array<std::string_view, 18> kMovers = {
    "Cast",     "CastLike",  "Concat",    "Constant", "ConstantOfShape", "Expand", "Flatten",
    "Identity", "Reshape",   "Shape",     "Size",     "Slice",           "Split",  "Squeeze",
    "Tile",     "Transpose", "Unsqueeze", "Where"};

constexpr std::array<std::string_view, 17> kIntegerOperators = {
    "Abs", "Add",       "Equal",     "Greater",    "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Min",
    "Mul", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum",      "Sign", "Sub",         "Sum"};

constexpr std::array<std::string_view, 4> kLogic = {"And", "Not", "Or", "Xor"};

template <typename Names>
bool Lists(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

template <std::size_t count>
bool AllOf(const std::vector<const Value*>& inputs, const std::array<std::int64_t, count>& types) {
  return std::ranges::all_of(inputs, [&types](const Value* value) {
    return !value || std::ranges::find(types, value->type) != types.end();
  });
}

}  // namespace

bool IsExact(const NodeFacts& node, const std::vector<const Value*>& inputs,
             const std::vector<Value>& results) {
  const std::string_view name = node.op_type;
  for (const Value& result : results) {
    if (result.type == kUndefined) return false;
    // Rounding to 16 bits goes by way of 32.
    const bool half = result.type == kFloat16 || result.type == kBfloat16;
    if (half && name.starts_with("Cast") && inputs[0]->type != kBool) return false;
  }
  if (Lists(kMovers, name)) return true;
  if (Lists(kLogic, name)) return AllOf(inputs, std::array<std::int64_t, 1>{kBool});
  return Lists(kIntegerOperators, name) &&
         AllOf(inputs, std::array<std::int64_t, 4>{kInt32, kInt64, kUint32, kUint64});
}

}  // namespace blindai::model::onnx
