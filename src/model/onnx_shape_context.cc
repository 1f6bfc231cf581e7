#include "model/onnx_shape_context.h"

#include <algorithm>

namespace blindai::model::onnx {

using base::Error;
using base::Status;

std::optional<Dims> Known(const Value* value) {
  if (!value || !value->integers) return std::nullopt;
  Dims known;
  for (const auto& element : *value->integers) {
    if (!element) return std::nullopt;
    known.push_back(*element);
  }
  return known;
}

std::optional<Dims> Attribute(const Context& at, std::string_view name) {
  const AttributeFacts* attribute = at.node.Attribute(name);
  if (!attribute) return std::nullopt;
  return attribute->integers;
}

ListOperand AttributeOrInput(const Context& at, std::string_view name, std::size_t input) {
  if (const auto attribute = Attribute(at, name)) return {true, attribute};
  if (at.In(input)) return {true, Known(at.In(input))};
  return {};
}

std::optional<std::size_t> Axis(std::int64_t axis, std::size_t rank) {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) return std::nullopt;
  return static_cast<std::size_t>(axis < 0 ? axis + signed_rank : axis);
}

Error AxisOutside(const Context& at) {
  return at.Wrong("operator-attribute", "an axis is outside the tensor's rank");
}

std::size_t Count(const Dims& dims) {
  std::size_t count = 1;
  for (const std::int64_t dim : dims) {
    if (dim < 0 || count > kMaxKeptElements) return kMaxKeptElements + 1;
    count *= static_cast<std::size_t>(std::min<std::int64_t>(dim, kMaxKeptElements + 1));
  }
  return count;
}

void Rearrange(const Context& at, const std::function<Dims(const Dims&)>& at_input) {
  const Value& input = *at.In(0);
  const Dims& dims = at.result().dims;
  const std::size_t count = Count(dims);
  if (!input.integers || count > kMaxKeptElements || Count(input.dims) != input.integers->size()) return;
  Integers elements;
  Dims index(dims.size(), 0);
  for (std::size_t n = 0; n < count; ++n) {
    const Dims from = at_input(index);
    std::size_t flat = 0;
    for (std::size_t d = 0; d < from.size(); ++d) {
      flat = flat * static_cast<std::size_t>(input.dims[d]) + static_cast<std::size_t>(from[d]);
    }
    if (flat >= input.integers->size()) return;
    elements.push_back((*input.integers)[flat]);
    for (std::size_t d = dims.size(); d-- > 0;) {
      if (++index[d] < dims[d]) break;
      index[d] = 0;
    }
  }
  at.result().integers = std::move(elements);
}

std::optional<Dims> Broadcast(const Dims& left, const Dims& right) {
  Dims out(std::max(left.size(), right.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t a = i < left.size() ? left[left.size() - 1 - i] : 1;
    const std::int64_t b = i < right.size() ? right[right.size() - 1 - i] : 1;
    if (a == b || b == 1) {
      out[out.size() - 1 - i] = a;
    } else if (a == 1) {
      out[out.size() - 1 - i] = b;
    } else if (a == kUnknownDim || b == kUnknownDim) {
      out[out.size() - 1 - i] = std::max(a, b);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

Status SameShape(const Context& at) {
  if (at.HasShape(0)) at.Shape(at.DimsOf(0));
  return base::Ok();
}

Status BroadcastAll(const Context& at) {
  Dims dims;
  for (const Value* value : at.in) {
    if (!value) continue;
    if (!value->has_shape) return base::Ok();
    const auto both = Broadcast(dims, value->dims);
    if (!both) return at.Wrong("operator-inputs", "the shapes of its inputs do not go together");
    dims = *both;
  }
  at.Shape(std::move(dims));
  return base::Ok();
}

}  // namespace blindai::model::onnx
