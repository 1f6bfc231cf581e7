#include "model/onnx_shape_layout.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace blindai::model::onnx {

using base::ErrorKind;
using base::MakeError;
using base::Status;

Status InferIdentity(const Context& at) {
  if (!at.In(0)) return base::Ok();
  const Value& input = *at.In(0);
  at.result() = input;
  return base::Ok();
}

Status InferCast(const Context& at) {
  const std::int64_t to = at.node.op_type == "Cast" ? at.node.Integer("to", kUndefined) : at.result().type;
  if (at.node.op_type == "Cast" && ElementBytes(to) == 0) {
    return MakeError(ErrorKind::kUnsupported, "element-type",
                     "operator 'Cast' makes elements of " + ElementTypeName(to) + ", which are not served");
  }
  BLINDAI_RETURN_IF_ERROR(SameShape(at));
  const Value& input = *at.In(0);
  Value& result = at.result();
  result.type = to;
  if (IsInteger(to)) {
    result.integers = input.integers;
    if (input.reals) {
      Integers rounded;
      for (const double real : *input.reals) {
        const bool fits = std::abs(real) < 9e18;
        rounded.push_back(fits ? std::optional(static_cast<std::int64_t>(real)) : std::nullopt);
      }
      result.integers = std::move(rounded);
    }
  } else if (to != kBool) {
    result.reals = input.reals;
    if (const auto known = Known(&input)) result.reals.emplace(known->begin(), known->end());
  }
  return base::Ok();
}

namespace {

// Elements of small integer tensors, where one side has one element or both have the same shape.
template <typename Operation>
void EvaluateIntegers(const Context& at, std::size_t left, std::size_t right, Operation operation) {
  const Value* a = at.In(left);
  const Value* b = at.In(right);
  if (!a || !b || !a->integers || !b->integers) return;
  const std::size_t count = std::max(a->integers->size(), b->integers->size());
  const bool simple = (a->integers->size() == count || a->integers->size() == 1) &&
                      (b->integers->size() == count || b->integers->size() == 1) &&
                      (a->dims == b->dims || a->integers->size() == 1 || b->integers->size() == 1);
  if (!simple || count == 0) return;
  Integers out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& x = (*a->integers)[a->integers->size() == 1 ? 0 : i];
    const auto& y = (*b->integers)[b->integers->size() == 1 ? 0 : i];
    out.push_back(x && y ? operation(*x, *y) : std::nullopt);
  }
  at.result().integers = std::move(out);
}

}  // namespace

Status InferArithmetic(const Context& at) {
  BLINDAI_RETURN_IF_ERROR(BroadcastAll(at));
  const std::string& op = at.node.op_type;
  EvaluateIntegers(at, 0, 1, [&op](std::int64_t x, std::int64_t y) -> std::optional<std::int64_t> {
    std::int64_t out = 0;
    if (op == "Add") return __builtin_add_overflow(x, y, &out) ? std::nullopt : std::optional(out);
    if (op == "Sub") return __builtin_sub_overflow(x, y, &out) ? std::nullopt : std::optional(out);
    if (op == "Mul") return __builtin_mul_overflow(x, y, &out) ? std::nullopt : std::optional(out);
    if (op == "Equal") return x == y ? 1 : 0;
    if (op == "Div" && y > 0) return x / y;
    return std::nullopt;
  });
  return base::Ok();
}

Status InferWhere(const Context& at) {
  BLINDAI_RETURN_IF_ERROR(BroadcastAll(at));
  const Value* condition = at.In(0);
  if (!condition || !condition->integers) return base::Ok();
  const std::size_t count = condition->integers->size();
  const auto element = [](const Value* value, std::size_t i) -> std::optional<std::int64_t> {
    if (!value->integers || value->integers->empty()) return std::nullopt;
    return (*value->integers)[value->integers->size() == 1 ? 0 : i];
  };
  for (std::size_t input = 1; input <= 2; ++input) {
    if (!at.In(input)->integers) continue;
    const std::size_t size = at.In(input)->integers->size();
    if (size != 1 && size != count) return base::Ok();
  }
  if (Count(at.result().dims) != count) return base::Ok();
  Integers out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& choice = (*condition->integers)[i];
    out.push_back(choice ? element(at.In(*choice ? 1 : 2), i) : std::nullopt);
  }
  at.result().integers = std::move(out);
  return base::Ok();
}

Status InferConstant(const Context& at) {
  const AttributeFacts* only = at.node.attributes.empty() ? nullptr : &at.node.attributes.front();
  if (!only || at.node.attributes.size() > 1)
    return at.Wrong("operator-attribute", "it must have exactly one value");
  Value& result = at.result();
  if (only->tensor) {
    result = ValueOf(*only->tensor);
    return base::Ok();
  }
  if (only->type == kAttributeString || only->type == kAttributeStrings) {
    return MakeError(ErrorKind::kUnsupported, "element-type",
                     "a constant holds strings, which are not served");
  }
  const bool list = only->type == kAttributeInts || only->type == kAttributeFloats;
  const bool integer = only->type == kAttributeInt || only->type == kAttributeInts;
  const std::size_t count = !list ? 1 : integer ? only->integers.size() : only->reals.size();
  result.type = integer ? kInt64 : kFloat;
  at.Shape(list ? Dims{static_cast<std::int64_t>(count)} : Dims{});
  if (count > kMaxKeptElements) return base::Ok();
  if (integer) {
    result.integers = list ? Integers(only->integers.begin(), only->integers.end()) : Integers{only->integer};
  } else {
    result.reals = list ? only->reals : std::vector<double>{only->real};
  }
  return base::Ok();
}

namespace {

// A shape that an operand gives: its rank from the operand's length, unknown where an element is not known.
std::optional<Dims> DimsFromOperand(const Value* operand) {
  if (!operand) return std::nullopt;
  if (operand->integers) {
    Dims dims;
    for (const auto& element : *operand->integers) dims.push_back(element.value_or(kUnknownDim));
    return dims;
  }
  if (operand->has_shape && operand->dims.size() == 1 && operand->dims[0] >= 0 &&
      operand->dims[0] <= static_cast<std::int64_t>(vocabulary::kMaxRank)) {
    return Dims(static_cast<std::size_t>(operand->dims[0]), kUnknownDim);
  }
  return std::nullopt;
}

// Elements of an operand that give sizes: none below the smallest one that means something.
Status CheckSizes(const Context& at, const Value* operand, std::int64_t smallest) {
  if (!operand || !operand->integers) return base::Ok();
  for (const auto& element : *operand->integers) {
    if (element && (*element < smallest || *element > kLargestDim)) {
      return at.Wrong("size-invalid", "a size of " + std::to_string(*element) + " is not possible");
    }
  }
  return base::Ok();
}

}  // namespace

Status InferConstantOfShape(const Context& at) {
  const AttributeFacts* fill = at.node.Attribute("value");
  if (fill && fill->tensor && fill->tensor->elements != 1) {
    return at.Wrong("operator-attribute", "its value must have one element");
  }
  Value& result = at.result();
  result.type = fill && fill->tensor ? fill->tensor->type : std::int64_t{kFloat};
  BLINDAI_RETURN_IF_ERROR(CheckSizes(at, at.In(0), 0));
  const auto dims = DimsFromOperand(at.In(0));
  if (!dims) return base::Ok();
  at.Shape(*dims);
  const std::size_t count = Count(*dims);
  if (count <= kMaxKeptElements && IsInteger(result.type)) {
    result.integers = Integers(count, fill->tensor->integers.front());
  }
  return base::Ok();
}

Status InferShape(const Context& at) {
  const Value& input = *at.In(0);
  at.result().type = kInt64;
  if (input.origin != Origin::kFile) at.result().origin = Origin::kShapes;
  if (!input.has_shape) return base::Ok();
  const auto rank = static_cast<std::int64_t>(input.dims.size());
  const auto clamp = [rank](std::int64_t at_axis) {
    return std::clamp<std::int64_t>(at_axis < 0 ? at_axis + rank : at_axis, 0, rank);
  };
  const std::int64_t start = clamp(at.node.Integer("start", 0));
  const std::int64_t end = std::max(start, clamp(at.node.Integer("end", rank)));
  Integers out;
  for (std::int64_t i = start; i < end; ++i) {
    const std::int64_t dim = input.dims[static_cast<std::size_t>(i)];
    out.push_back(dim == kUnknownDim ? std::nullopt : std::optional(dim));
  }
  at.Shape({end - start});
  at.result().integers = std::move(out);
  return base::Ok();
}

Status InferSize(const Context& at) {
  at.Shape({});
  if (at.In(0)->origin != Origin::kFile) at.result().origin = Origin::kShapes;
  return base::Ok();
}

Status InferConcat(const Context& at) {
  Dims dims;
  Integers elements;
  bool all_known = true;
  for (std::size_t i = 0; i < at.in.size(); ++i) {
    if (!at.HasShape(i)) return base::Ok();
    const Dims& part = at.DimsOf(i);
    const auto axis = Axis(at.node.Integer("axis", 0), part.size());
    if (!axis) return AxisOutside(at);
    if (i == 0) {
      dims = part;
    } else {
      if (part.size() != dims.size()) return at.Wrong("operator-inputs", "its inputs have different ranks");
      const bool known = dims[*axis] != kUnknownDim && part[*axis] != kUnknownDim;
      if (known && __builtin_add_overflow(dims[*axis], part[*axis], &dims[*axis])) {
        return at.Wrong("size-invalid", "its result is too long");
      }
      if (!known) dims[*axis] = kUnknownDim;
      for (std::size_t d = 0; d < dims.size(); ++d) {
        if (d != *axis && dims[d] == kUnknownDim) dims[d] = part[d];
      }
    }
    const auto& integers = at.In(i)->integers;
    if (part.size() != 1 || !integers || elements.size() + integers->size() > kMaxKeptElements) {
      all_known = false;
    } else {
      elements.insert(elements.end(), integers->begin(), integers->end());
    }
  }
  at.Shape(std::move(dims));
  if (all_known) at.result().integers = std::move(elements);
  return base::Ok();
}

Status InferTranspose(const Context& at) {
  if (!at.HasShape(0)) return base::Ok();
  const Dims& dims = at.DimsOf(0);
  Dims perm = Attribute(at, "perm").value_or(Dims{});
  if (!at.node.Attribute("perm")) {
    perm.resize(dims.size());
    std::iota(perm.rbegin(), perm.rend(), 0);
  }
  if (perm.size() != dims.size())
    return at.Wrong("operator-attribute", "its perm does not have the tensor's rank");
  Dims out;
  for (const std::int64_t axis : perm) out.push_back(dims[static_cast<std::size_t>(axis)]);
  at.Shape(std::move(out));
  Rearrange(at, [&perm](const Dims& index) {
    Dims from(index.size());
    for (std::size_t d = 0; d < perm.size(); ++d) from[static_cast<std::size_t>(perm[d])] = index[d];
    return from;
  });
  return base::Ok();
}

Status InferReshape(const Context& at) {
  const auto attribute = Attribute(at, "shape");
  const auto wanted = attribute ? attribute : DimsFromOperand(at.In(1));
  if (!wanted) return base::Ok();
  const bool sure = attribute || Known(at.In(1)).has_value();
  const bool allow_zero = at.node.Integer("allowzero", 0) != 0;
  Dims out;
  std::optional<std::size_t> rest;
  for (std::size_t i = 0; i < wanted->size(); ++i) {
    const std::int64_t dim = (*wanted)[i];
    if (dim < -1 || dim > kLargestDim)
      return at.Wrong("size-invalid", "its shape has an impossible dimension");
    if (dim == 0 && !allow_zero) {
      if (at.HasShape(0) && i >= at.DimsOf(0).size())
        return at.Wrong("size-invalid", "its shape copies no dimension");
      out.push_back(at.HasShape(0) ? at.DimsOf(0)[i] : kUnknownDim);
    } else {
      if (dim == -1 && sure) {
        if (rest) return at.Wrong("size-invalid", "its shape has two dimensions of -1");
        rest = i;
      }
      out.push_back(dim);
    }
  }
  const bool input_known =
      at.HasShape(0) && std::ranges::none_of(at.DimsOf(0), [](std::int64_t dim) { return dim < 0; });
  if (input_known) {
    std::uint64_t total = 1;
    for (const std::int64_t dim : at.DimsOf(0)) {
      if (__builtin_mul_overflow(total, static_cast<std::uint64_t>(dim), &total)) return base::Ok();
    }
    std::uint64_t fixed = 1;
    std::size_t open = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (out[i] < 0) {
        ++open;
      } else if (__builtin_mul_overflow(fixed, static_cast<std::uint64_t>(out[i]), &fixed)) {
        return at.Wrong("size-invalid", "its shape is larger than its input");
      }
    }
    if (open == 0 && fixed != total)
      return at.Wrong("size-invalid", "its shape does not hold its input's elements");
    if (open == 1 && rest && fixed > 0) {
      if (total % fixed != 0) return at.Wrong("size-invalid", "its shape does not hold its input's elements");
      out[*rest] = static_cast<std::int64_t>(total / fixed);
    }
  }
  at.Shape(std::move(out));
  if (at.In(0)->integers && Count(at.result().dims) == at.In(0)->integers->size()) {
    at.result().integers = at.In(0)->integers;
  }
  return base::Ok();
}

Status InferFlatten(const Context& at) {
  if (!at.HasShape(0)) return base::Ok();
  const Dims& dims = at.DimsOf(0);
  const auto rank = static_cast<std::int64_t>(dims.size());
  std::int64_t axis = at.node.Integer("axis", 1);
  if (axis < -rank || axis > rank) return AxisOutside(at);
  if (axis < 0) axis += rank;
  Dims out{1, 1};
  for (std::int64_t i = 0; i < rank; ++i) {
    std::int64_t& side = out[i < axis ? 0 : 1];
    const std::int64_t dim = dims[static_cast<std::size_t>(i)];
    if (side < 0 || dim < 0 || __builtin_mul_overflow(side, dim, &side)) side = kUnknownDim;
  }
  at.Shape(std::move(out));
  return base::Ok();
}

Status InferUnsqueeze(const Context& at) {
  const ListOperand axes = AttributeOrInput(at, "axes", 1);
  if (!at.HasShape(0) || !axes.values) return base::Ok();
  const Dims& dims = at.DimsOf(0);
  const std::size_t rank = dims.size() + axes.values->size();
  if (rank > vocabulary::kMaxRank)
    return at.Wrong("operator-attribute", "its result has too many dimensions");
  std::vector<bool> added(rank, false);
  for (const std::int64_t each : *axes.values) {
    const auto axis = Axis(each, rank);
    if (!axis || added[*axis]) return AxisOutside(at);
    added[*axis] = true;
  }
  Dims out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rank; ++i) out.push_back(added[i] ? 1 : dims[next++]);
  at.Shape(std::move(out));
  at.result().integers = at.In(0)->integers;
  at.result().reals = at.In(0)->reals;
  return base::Ok();
}

Status InferSqueeze(const Context& at) {
  const ListOperand axes = AttributeOrInput(at, "axes", 1);
  at.result().integers = at.In(0)->integers;
  at.result().reals = at.In(0)->reals;
  if (!at.HasShape(0)) return base::Ok();
  const Dims& dims = at.DimsOf(0);
  std::vector<bool> gone(dims.size(), false);
  if (!axes.given) {
    if (std::ranges::any_of(dims, [](std::int64_t dim) { return dim < 0; })) return base::Ok();
    for (std::size_t i = 0; i < dims.size(); ++i) gone[i] = dims[i] == 1;
  } else {
    if (!axes.values) return base::Ok();
    for (const std::int64_t each : *axes.values) {
      const auto axis = Axis(each, dims.size());
      if (!axis) return AxisOutside(at);
      if (dims[*axis] != 1 && dims[*axis] != kUnknownDim) {
        return at.Wrong("size-invalid", "a dimension that is not 1 cannot be removed");
      }
      gone[*axis] = true;
    }
  }
  Dims out;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (!gone[i]) out.push_back(dims[i]);
  }
  at.Shape(std::move(out));
  return base::Ok();
}

Status InferGather(const Context& at) {
  if (!at.HasShape(0)) return base::Ok();
  const Dims& dims = at.DimsOf(0);
  const auto axis = Axis(at.node.Integer("axis", 0), dims.size());
  if (!axis) return AxisOutside(at);
  if (!at.HasShape(1)) return base::Ok();
  Dims out(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(*axis));
  out.insert(out.end(), at.DimsOf(1).begin(), at.DimsOf(1).end());
  out.insert(out.end(), dims.begin() + static_cast<std::ptrdiff_t>(*axis) + 1, dims.end());
  if (out.size() > vocabulary::kMaxRank)
    return at.Wrong("operator-inputs", "its result has too many dimensions");
  at.Shape(std::move(out));
  const auto indices = Known(at.In(1));
  if (!indices || !at.In(0)->integers || dims.size() != 1) return base::Ok();
  const auto size = static_cast<std::int64_t>(at.In(0)->integers->size());
  Integers picked;
  for (const std::int64_t index : *indices) {
    if (index < -size || index >= size) return at.Wrong("size-invalid", "an index is outside its tensor");
    picked.push_back((*at.In(0)->integers)[static_cast<std::size_t>(index < 0 ? index + size : index)]);
  }
  at.result().integers = std::move(picked);
  return base::Ok();
}

Status InferGatherElements(const Context& at) {
  if (at.HasShape(1)) at.Shape(at.DimsOf(1));
  return base::Ok();
}

namespace {

// The part of one dimension that a slice takes.
struct Part {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};

Part PartOf(std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step) {
  const auto clamp = [dim](std::int64_t value, std::int64_t low, std::int64_t high) {
    return std::clamp(value < 0 ? (value < -dim ? std::int64_t{-1} : value + dim) : value, low, high);
  };
  Part part{.start = 0, .step = step, .count = 0};
  if (step > 0) {
    part.start = clamp(start, 0, dim);
    const std::int64_t stop = clamp(end, 0, dim);
    if (stop > part.start) part.count = (stop - part.start - 1) / step + 1;
  } else {
    part.start = clamp(start, 0, dim - 1);
    const std::int64_t stop = clamp(end, -1, dim - 1);
    if (part.start > stop) part.count = (part.start - stop - 1) / -step + 1;
  }
  return part;
}

}  // namespace

Status InferSlice(const Context& at) {
  if (!at.HasShape(0)) return base::Ok();
  const ListOperand starts = AttributeOrInput(at, "starts", 1);
  const ListOperand ends = AttributeOrInput(at, "ends", 2);
  const ListOperand axes_given = AttributeOrInput(at, "axes", 3);
  const ListOperand steps_given = AttributeOrInput(at, "steps", 4);
  const Dims& dims = at.DimsOf(0);
  Dims axes;
  if (axes_given.given) {
    if (!axes_given.values) {
      at.Shape(Dims(dims.size(), kUnknownDim));
      return base::Ok();
    }
    axes = *axes_given.values;
  } else {
    const Value* length_of = at.In(1);
    const std::size_t length = starts.values                               ? starts.values->size()
                               : length_of && Count(length_of->dims) <= 32 ? Count(length_of->dims)
                                                                           : dims.size();
    axes.resize(length);
    std::iota(axes.begin(), axes.end(), 0);
  }
  std::vector<Part> parts;
  for (const std::int64_t dim : dims) parts.push_back({.start = 0, .step = 1, .count = dim});
  bool exact = std::ranges::none_of(dims, [](std::int64_t dim) { return dim < 0; });
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = Axis(axes[i], dims.size());
    if (!axis) return AxisOutside(at);
    const std::int64_t dim = dims[*axis];
    const bool known = starts.values && ends.values && (!steps_given.given || steps_given.values) &&
                       i < starts.values->size() && i < ends.values->size() &&
                       (!steps_given.values || i < steps_given.values->size());
    const std::int64_t step = known && steps_given.values ? (*steps_given.values)[i] : 1;
    if (step == 0 || step <= std::numeric_limits<std::int32_t>::min()) {
      return at.Wrong("size-invalid", "a step of a slice is not possible");
    }
    if (known && dim > 0) {
      parts[*axis] = PartOf(dim, (*starts.values)[i], (*ends.values)[i], step);
    } else if (dim != 0) {
      parts[*axis].count = kUnknownDim;
      exact = false;
    }
  }
  Dims out;
  for (const Part& part : parts) out.push_back(part.count);
  at.Shape(std::move(out));
  if (exact) {
    Rearrange(at, [&parts](const Dims& index) {
      Dims from(index.size());
      for (std::size_t d = 0; d < index.size(); ++d) from[d] = parts[d].start + index[d] * parts[d].step;
      return from;
    });
  }
  return base::Ok();
}

Status InferExpand(const Context& at) {
  BLINDAI_RETURN_IF_ERROR(CheckSizes(at, at.In(1), 0));
  const auto shape = DimsFromOperand(at.In(1));
  if (!shape || !at.HasShape(0)) return base::Ok();
  const auto both = Broadcast(at.DimsOf(0), *shape);
  if (!both) return at.Wrong("size-invalid", "its input cannot be expanded to its shape");
  at.Shape(*both);
  return base::Ok();
}

Status InferTile(const Context& at) {
  BLINDAI_RETURN_IF_ERROR(CheckSizes(at, at.In(1), 0));
  const auto repeats = Known(at.In(1));
  if (!repeats || !at.HasShape(0)) return base::Ok();
  Dims dims = at.DimsOf(0);
  if (repeats->size() != dims.size())
    return at.Wrong("operator-inputs", "its repeats do not have the tensor's rank");
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if ((*repeats)[i] > kLargestStep)
      return at.Wrong("size-invalid", "it repeats more often than is allowed");
    if (dims[i] >= 0 && __builtin_mul_overflow(dims[i], (*repeats)[i], &dims[i])) {
      return at.Wrong("size-invalid", "its result is too long");
    }
  }
  at.Shape(std::move(dims));
  return base::Ok();
}

Status InferRange(const Context& at) {
  const auto operand = [&at](std::size_t i) -> std::optional<double> {
    const Value* value = at.In(i);
    if (const auto known = Known(value); known && known->size() == 1)
      return static_cast<double>(known->front());
    if (value && value->reals && value->reals->size() == 1) return value->reals->front();
    return std::nullopt;
  };
  const auto start = operand(0), limit = operand(1), delta = operand(2);
  if (delta && (*delta == 0 || !std::isfinite(*delta)))
    return at.Wrong("size-invalid", "its step is not possible");
  at.Shape({kUnknownDim});
  if (!start || !limit || !delta) return base::Ok();
  const double count = std::ceil((*limit - *start) / *delta);
  if (!(count < 1e15)) return at.Wrong("size-invalid", "its result is too long");
  const auto whole = static_cast<std::int64_t>(std::max(count, 0.0));
  at.Shape({whole});
  if (whole <= static_cast<std::int64_t>(kMaxKeptElements) && Known(at.In(0)) && Known(at.In(2))) {
    Integers elements;
    for (std::int64_t i = 0; i < whole; ++i) {
      elements.push_back(static_cast<std::int64_t>(*start) + i * static_cast<std::int64_t>(*delta));
    }
    at.result().integers = std::move(elements);
  }
  return base::Ok();
}

Status InferPad(const Context& at) {
  const ListOperand pads = AttributeOrInput(at, "pads", 1);
  if (!pads.values) {
    if (at.HasShape(0)) at.Shape(Dims(at.DimsOf(0).size(), kUnknownDim));
    return base::Ok();
  }
  for (const std::int64_t pad : *pads.values) {
    if (pad < -kLargestStep || pad > kLargestStep)
      return at.Wrong("size-invalid", "it pads more than is allowed");
  }
  if (!at.HasShape(0)) return base::Ok();
  Dims dims = at.DimsOf(0);
  const ListOperand axes_given = AttributeOrInput(at, "axes", 3);
  Dims axes(dims.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (axes_given.given) {
    if (!axes_given.values) {
      at.Shape(Dims(dims.size(), kUnknownDim));
      return base::Ok();
    }
    axes = *axes_given.values;
  }
  if (pads.values->size() != 2 * axes.size())
    return at.Wrong("operator-inputs", "its pads do not have the tensor's rank");
  const AttributeFacts* mode = at.node.Attribute("mode");
  const bool reflects = mode && mode->text == "reflect";
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = Axis(axes[i], dims.size());
    if (!axis) return AxisOutside(at);
    std::int64_t& dim = dims[*axis];
    if (dim == kUnknownDim) continue;
    const std::int64_t before = (*pads.values)[i], after = (*pads.values)[i + axes.size()];
    if (reflects && std::max(before, after) >= std::max<std::int64_t>(dim, 1)) {
      return at.Wrong("size-invalid", "it reflects more than its input has");
    }
    dim += before + after;
    if (dim < 0 || before < -dim - std::abs(after) - kLargestStep) {
      return at.Wrong("size-invalid", "it cuts more than its input has");
    }
  }
  at.Shape(std::move(dims));
  return base::Ok();
}

Status InferOneHot(const Context& at) {
  const auto depth = Known(at.In(1));
  if (depth && (depth->size() != 1 || depth->front() < 1 || depth->front() > kLargestDim)) {
    return at.Wrong("size-invalid", "its depth is not possible");
  }
  if (at.In(2)) at.result().type = at.In(2)->type;
  if (!at.HasShape(0)) return base::Ok();
  Dims dims = at.DimsOf(0);
  const auto axis = Axis(at.node.Integer("axis", -1), dims.size() + 1);
  if (!axis) return AxisOutside(at);
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(*axis), depth ? depth->front() : kUnknownDim);
  at.Shape(std::move(dims));
  return base::Ok();
}

// Resize and its older form Upsample.
Status InferResize(const Context& at) {
  const bool with_region = at.node.op_type == "Resize" && at.opset >= 11;
  const Value* scales = at.In(with_region ? 2 : 1);
  const Value* sizes = with_region ? at.In(3) : nullptr;
  std::optional<std::vector<double>> factors;
  if (scales && scales->reals && !scales->reals->empty()) factors = scales->reals;
  if (const AttributeFacts* attribute = at.node.Attribute("scales")) factors = attribute->reals;
  if (factors) {
    for (const double factor : *factors) {
      if (!(factor > 0 && factor <= static_cast<double>(kLargestStep))) {
        return at.Wrong("size-invalid", "a scale is not possible");
      }
    }
  }
  BLINDAI_RETURN_IF_ERROR(CheckSizes(at, sizes, 1));
  if (!at.HasShape(0)) return base::Ok();
  Dims dims = at.DimsOf(0);
  Dims axes(dims.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (const auto given = Attribute(at, "axes")) axes = *given;
  const auto wanted = Known(sizes);
  const bool by_size = wanted && wanted->size() == axes.size();
  const bool by_scale = !by_size && factors && factors->size() == axes.size();
  if (!by_size && !by_scale) {
    at.Shape(Dims(dims.size(), kUnknownDim));
    return base::Ok();
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = Axis(axes[i], dims.size());
    if (!axis) return AxisOutside(at);
    if (by_size) dims[*axis] = (*wanted)[i];
    if (by_scale && dims[*axis] >= 0) {
      const double scaled = std::floor(static_cast<double>(dims[*axis]) * (*factors)[i]);
      if (!(scaled < 1e15)) return at.Wrong("size-invalid", "its result is too large");
      dims[*axis] = static_cast<std::int64_t>(scaled);
    }
  }
  at.Shape(std::move(dims));
  return base::Ok();
}

Status InferReduce(const Context& at) {
  if (!at.HasShape(0)) return base::Ok();
  const Dims& dims = at.DimsOf(0);
  std::vector<bool> reduced(dims.size(), false);
  if (at.node.op_type.starts_with("Arg")) {
    const auto axis = Axis(at.node.Integer("axis", 0), dims.size());
    if (!axis) return AxisOutside(at);
    reduced[*axis] = true;
  } else {
    const ListOperand axes = AttributeOrInput(at, "axes", 1);
    if (axes.given && !axes.values) return base::Ok();
    if (axes.values && !axes.values->empty()) {
      for (const std::int64_t each : *axes.values) {
        const auto axis = Axis(each, dims.size());
        if (!axis) return AxisOutside(at);
        reduced[*axis] = true;
      }
    } else if (at.node.Integer("noop_with_empty_axes", 0) == 0) {
      reduced.assign(dims.size(), true);
    }
  }
  const bool keep = at.node.Integer("keepdims", 1) != 0;
  Dims out;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (!reduced[i]) out.push_back(dims[i]);
    if (reduced[i] && keep) out.push_back(1);
  }
  at.Shape(std::move(out));
  return base::Ok();
}

Status InferTopK(const Context& at) {
  const auto count =
      at.node.Attribute("k") ? std::optional<Dims>(Dims{at.node.Integer("k", 1)}) : Known(at.In(1));
  if (count && (count->size() != 1 || count->front() < 0))
    return at.Wrong("size-invalid", "its k is not possible");
  if (!at.HasShape(0)) return base::Ok();
  Dims dims = at.DimsOf(0);
  const auto axis = Axis(at.node.Integer("axis", -1), dims.size());
  if (!axis) return AxisOutside(at);
  if (count && dims[*axis] >= 0 && count->front() > dims[*axis]) {
    return at.Wrong("size-invalid", "its k is larger than its input");
  }
  dims[*axis] = count ? count->front() : kUnknownDim;
  for (Value& value : at.out) {
    value.has_shape = true;
    value.dims = dims;
  }
  return base::Ok();
}

Status InferSplit(const Context& at) {
  if (!at.HasShape(0)) return base::Ok();
  const Dims& dims = at.DimsOf(0);
  const auto axis = Axis(at.node.Integer("axis", 0), dims.size());
  if (!axis) return AxisOutside(at);
  const ListOperand sizes = AttributeOrInput(at, "split", 1);
  const auto parts = static_cast<std::int64_t>(at.out.size());
  const std::int64_t length = dims[*axis];
  if (sizes.values) {
    std::int64_t total = 0;
    for (const std::int64_t size : *sizes.values) {
      if (size < 0 || __builtin_add_overflow(total, size, &total)) {
        return at.Wrong("size-invalid", "a part of it is not possible");
      }
    }
    if (sizes.values->size() != at.out.size() || (length >= 0 && total != length)) {
      return at.Wrong("size-invalid", "its parts do not add up to its input");
    }
  }
  for (std::size_t i = 0; i < at.out.size(); ++i) {
    Dims part = dims;
    if (sizes.values) {
      part[*axis] = (*sizes.values)[i];
    } else if (!sizes.given && length >= 0) {
      const std::int64_t each = (length + parts - 1) / parts;
      part[*axis] = std::clamp<std::int64_t>(length - each * static_cast<std::int64_t>(i), 0, each);
    } else {
      part[*axis] = kUnknownDim;
    }
    at.out[i].has_shape = true;
    at.out[i].dims = std::move(part);
  }
  return base::Ok();
}

Status InferNonZero(const Context& at) {
  if (at.HasShape(0)) at.Shape({static_cast<std::int64_t>(at.DimsOf(0).size()), kUnknownDim});
  return base::Ok();
}

}  // namespace blindai::model::onnx
