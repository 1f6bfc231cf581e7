#include "model/openvino_attention.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include <openvino/opsets/opset13.hpp>

namespace blindai::model {
namespace {

namespace op = ov::opset13;

// Where a value comes from.
constexpr unsigned kSaid = 1;
constexpr unsigned kHeard = 2;
using Sources = std::map<const ov::Node*, unsigned>;

Sources SourcesOf(const ov::NodeVector& ordered) {
  Sources sources;
  for (const auto& node : ordered) {
    unsigned from = 0;
    for (const auto& input : node->input_values()) from |= sources[input.get_node()];
    if (ov::is_type<op::Parameter>(node)) {
      const auto& names = node->output(0).get_names();
      if (names.contains("input_ids")) from = kSaid;
      if (names.contains("encoder_hidden_states")) from = kHeard;
    }
    sources[node.get()] = from;
  }
  return sources;
}

// Whether these weights are multiplied with something of the encoder's alone. Between them and the product there may be
// a change of type, and a guard against rows that are masked as a whole.
bool WeighWhatWasHeard(const ov::Output<ov::Node>& weights, const Sources& sources, int steps = 4) {
  if (steps == 0) return false;
  return std::ranges::any_of(weights.get_target_inputs(), [&](const ov::Input<ov::Node>& target) {
    const ov::Node* const node = target.get_node();
    if (ov::is_type<op::MatMul>(node))
      return target.get_index() == 0 && sources.at(node->input_value(1).get_node()) == kHeard;
    const std::string_view type = node->get_type_name();
    const bool passes = type == "Convert" || type == "IsNaN" || type == "Select" || type == "Reshape";
    return passes && WeighWhatWasHeard(target.get_node()->output(0), sources, steps - 1);
  });
}

std::vector<ov::Output<ov::Node>> CrossAttentionOf(const ov::Model& model) {
  const ov::NodeVector ordered = model.get_ordered_ops();
  const Sources sources = SourcesOf(ordered);
  std::vector<ov::Output<ov::Node>> found;
  for (const auto& node : ordered) {
    if (std::string_view(node->get_type_name()) != "Softmax") continue;
    const ov::Rank rank = node->get_output_partial_shape(0).rank();
    const bool by_head = rank.is_static() && (rank.get_length() == 3 || rank.get_length() == 4);
    if (by_head && WeighWhatWasHeard(node->output(0), sources)) found.push_back(node->output(0));
  }
  return found;
}

}  // namespace

std::string AttentionHeadsPort(std::size_t layer) { return "blindai.heads." + std::to_string(layer); }
std::string AttentionPort(std::size_t layer) { return "blindai.attention." + std::to_string(layer); }

AttentionPorts AddAttentionPorts(ov::Model& model) {
  const auto layers = CrossAttentionOf(model);
  AttentionPorts ports{.layers = layers.size()};
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const ov::Output<ov::Node>& weights = layers[layer];
    const ov::PartialShape& form = weights.get_partial_shape();
    const std::int64_t heads_axis = form.rank().get_length() - 3;
    if (form[heads_axis].is_static()) ports.heads = static_cast<std::int32_t>(form[heads_axis].get_length());
    const auto wanted = std::make_shared<op::Parameter>(ov::element::i32, ov::PartialShape{-1});
    wanted->output(0).set_names({AttentionHeadsPort(layer)});
    const auto axis = op::Constant::create(ov::element::i64, {1}, {heads_axis});
    const auto zero = op::Constant::create(ov::element::i64, {}, {0});
    const auto shape = std::make_shared<op::ShapeOf>(weights, ov::element::i32);
    const auto count = std::make_shared<op::Gather>(shape, axis, zero);
    const auto last = std::make_shared<op::Subtract>(count, op::Constant::create(ov::element::i32, {1}, {1}));
    const auto there = std::make_shared<op::Minimum>(wanted, last);
    const auto chosen = std::make_shared<op::Gather>(
        weights, there, op::Constant::create(ov::element::i64, {}, {heads_axis}));
    chosen->output(0).set_names({AttentionPort(layer)});
    model.add_parameters({wanted});
    model.add_results({std::make_shared<op::Result>(chosen)});
  }
  return ports;
}

}  // namespace blindai::model
