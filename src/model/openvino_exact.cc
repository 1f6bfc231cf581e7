#include "model/openvino_exact.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <openvino/op/constant.hpp>
#include <openvino/op/identity.hpp>
#include <openvino/op/util/op_types.hpp>

#include "model/onnx_facts.h"

namespace blindai::model {
namespace {

// Arrange, copy and convert. What they do is decided by their operands behind the first, except where all are data.
constexpr std::array<std::string_view, 10> kMovers = {"Broadcast", "Reshape",      "Slice",   "Split",
                                                      "Squeeze",   "Tile",         "ShapeOf", "Transpose",
                                                      "Unsqueeze", "VariadicSplit"};
constexpr std::array<std::string_view, 4> kMoversOfSeveral = {"Concat", "Convert", "ConvertLike", "Select"};
// Their reference implementations know these types of all integers; the others they refuse when they run.
constexpr std::array kIntegers = {ov::element::i32, ov::element::i64, ov::element::u32, ov::element::u64};
constexpr std::array<std::string_view, 12> kIntegerOperators = {
    "Abs",       "Add",     "Equal",   "Greater",  "GreaterEqual", "Less",
    "LessEqual", "Maximum", "Minimum", "Multiply", "Sign",         "Subtract"};
// Range: the front end makes it for the axes of a reduction.
constexpr std::array<std::string_view, 5> kIntegersByAxes = {"Range", "ReduceMax", "ReduceMin", "ReduceProd",
                                                             "ReduceSum"};
constexpr std::array<std::string_view, 4> kLogic = {"LogicalAnd", "LogicalNot", "LogicalOr", "LogicalXor"};

template <typename Names>
bool IsOneOf(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool IsIdentity(const ov::Node& node) { return ov::is_type<ov::op::v16::Identity>(&node); }

// The nodes in order, and which of them depend on what a request's tensors hold, not only on their shapes.
class Exactness {
 public:
  bool Holds(const std::shared_ptr<ov::Node>& node) {
    const std::string_view name = node->get_type_info().name;
    const bool input = ov::op::util::is_parameter(node);
    const auto inputs = node->input_values();
    const bool depends =
        std::ranges::any_of(inputs, [this](const auto& value) { return DependsOnContent(value); });
    if (input || (depends && name != "ShapeOf")) content_.insert(node.get());
    if (input || ov::op::util::is_output(node) || ov::op::util::is_constant(node) || IsIdentity(*node))
      return true;
    if (!node->has_evaluate()) return false;
    if (IsOneOf(kMoversOfSeveral, name)) return !MakesHalves(*node);
    const bool fixed = std::all_of(inputs.begin() + (inputs.empty() ? 0 : 1), inputs.end(),
                                   [this](const auto& value) { return !DependsOnContent(value); });
    if (IsOneOf(kMovers, name)) return fixed;
    if (IsOneOf(kLogic, name)) return AllOf(*node, std::array{ov::element::boolean});
    if (IsOneOf(kIntegersByAxes, name)) return fixed && AllOf(*node, kIntegers);
    return IsOneOf(kIntegerOperators, name) && AllOf(*node, kIntegers);
  }

 private:
  bool DependsOnContent(const ov::Output<ov::Node>& value) const {
    return content_.contains(value.get_node());
  }

  template <typename Types>
  static bool AllOf(const ov::Node& node, const Types& types) {
    return std::ranges::all_of(node.input_values(), [&types](const auto& value) {
      return std::ranges::find(types, value.get_element_type()) != types.end();
    });
  }

  // They round to 16 bits by way of 32.
  static bool MakesHalves(const ov::Node& node) {
    const ov::element::Type to = node.get_output_element_type(0);
    return (to == ov::element::f16 || to == ov::element::bf16) && node.get_input_element_type(0) != to &&
           node.get_input_element_type(0) != ov::element::boolean;
  }

  std::set<const ov::Node*> content_;
};

bool Has64Bits(const ov::Node& node) {
  return std::ranges::any_of(node.outputs(), [](const auto& value) {
    const ov::element::Type type = value.get_element_type();
    return type == ov::element::f64 || type == ov::element::u64 || type == ov::element::i64;
  });
}

// The front end writes axes as UINT64 too, so their type alone says nothing.
bool HasWideIntegers(const ov::op::v0::Constant& constant) {
  const std::size_t size = ov::shape_size(constant.get_shape());
  const auto fit = [size](const auto* values, auto fits) { return std::all_of(values, values + size, fits); };
  switch (constant.get_element_type()) {
    case ov::element::Type_t::i64:
      return !fit(constant.get_data_ptr<std::int64_t>(), onnx::FitsEngine);
    case ov::element::Type_t::u64:
      return !fit(constant.get_data_ptr<std::uint64_t>(),
                  [](std::uint64_t value) { return value <= INT32_MAX; });
    default:
      return false;
  }
}

bool IsWide(const ov::Output<ov::Node>& value) {
  return value.get_element_type() == ov::element::f64 || value.get_element_type() == ov::element::u64;
}

}  // namespace

std::unique_ptr<ExactModel> ExactModel::Of(const std::shared_ptr<ov::Model>& model) {
  const auto nodes = model->get_ordered_ops();
  const bool wide = std::ranges::any_of(nodes, [](const auto& node) { return Has64Bits(*node); });
  Exactness exactness;
  if (!wide || !std::ranges::all_of(nodes, [&](const auto& node) { return exactness.Holds(node); }))
    return nullptr;
  // It has no reference implementation, and needs none.
  for (const auto& node : nodes) {
    if (IsIdentity(*node)) node->output(0).replace(node->input_value(0));
  }
  return std::unique_ptr<ExactModel>(new ExactModel(model));
}

ov::TensorVector ExactModel::Run(const ov::TensorVector& inputs) {
  std::map<ov::Output<ov::Node>, ov::PartialShape> shapes;
  for (std::size_t i = 0; i < inputs.size(); ++i) shapes[model_->input(i)] = inputs[i].get_shape();
  model_->reshape(shapes);
  for (const auto& node : model_->get_ops()) {
    for (const auto& output : node->outputs()) {
      if (output.get_partial_shape().is_dynamic()) throw std::runtime_error("a shape is not fixed");
    }
  }
  ov::TensorVector outputs;
  for (const auto& output : model_->outputs())
    outputs.emplace_back(output.get_element_type(), output.get_shape());
  if (!model_->evaluate(outputs, inputs)) throw std::runtime_error("an operator did not compute");
  return outputs;
}

bool Needs64Bits(const ov::Model& model) {
  return std::ranges::any_of(model.get_ops(), [](const auto& node) {
    const auto constant = ov::as_type_ptr<ov::op::v0::Constant>(node);
    return constant ? HasWideIntegers(*constant) : std::ranges::any_of(node->outputs(), IsWide);
  });
}

}  // namespace blindai::model
