// What the rules of single operators share: the node that is looked at, its operands, and the ways to read lists, axes
// and small constants from them. Internal to the gate.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/onnx_shapes.h"

namespace blindai::model::onnx {

using Integers = std::vector<std::optional<std::int64_t>>;

// No honest pad, repeat or scale comes near; an engine's arithmetic on sizes does not overflow below it.
inline constexpr std::int64_t kLargestStep = std::int64_t{1} << 20;
inline constexpr std::int64_t kLargestDim = std::numeric_limits<std::int32_t>::max();

// A node, its inputs (nullptr where absent) and the results in the making.
struct Context {
  const NodeFacts& node;
  const Operator& definition;
  std::int64_t opset;
  const std::vector<const Value*>& in;
  std::vector<Value>& out;

  const Value* In(std::size_t i) const { return i < in.size() ? in[i] : nullptr; }
  bool HasShape(std::size_t i) const { return In(i) && In(i)->has_shape; }
  const Dims& DimsOf(std::size_t i) const { return in[i]->dims; }
  Value& result() const { return out.front(); }
  void Shape(Dims dims) const {
    result().has_shape = true;
    result().dims = std::move(dims);
  }
  base::Error Wrong(std::string_view code, std::string_view why) const {
    return base::MakeError(base::ErrorKind::kInvalid, std::string(code),
                           "operator " + Quoted(node.op_type) + ": " + std::string(why));
  }
};

// All elements of a value, where all are known.
std::optional<Dims> Known(const Value* value);

// The integers of a list attribute, where it is given.
std::optional<Dims> Attribute(const Context& at, std::string_view name);

// A list that older versions have as an attribute and newer ones as an input; given says whether either is there.
struct ListOperand {
  bool given = false;
  std::optional<Dims> values;
};
ListOperand AttributeOrInput(const Context& at, std::string_view name, std::size_t input);

// An axis counted from the front, or nothing where it is outside the rank.
std::optional<std::size_t> Axis(std::int64_t axis, std::size_t rank);
base::Error AxisOutside(const Context& at);

// The number of elements of a shape, or more than kMaxKeptElements where it is larger or unknown.
std::size_t Count(const Dims& dims);

// Gives the result the elements of input 0 in another arrangement: at_input says for the index of an element in the
// result which index it had.
void Rearrange(const Context& at, const std::function<Dims(const Dims&)>& at_input);

// Numpy broadcasting; an unknown dimension beside a known one larger than 1 becomes that one.
std::optional<Dims> Broadcast(const Dims& left, const Dims& right);

// The result has the shape of input 0, or the one that all inputs broadcast to.
base::Status SameShape(const Context& at);
base::Status BroadcastAll(const Context& at);

}  // namespace blindai::model::onnx
