#include "model/onnx_shape_kernels.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace blindai::model::onnx {

using base::Status;

Status InferMatMul(const Context& at) {
  if (!at.HasShape(0) || !at.HasShape(1)) return base::Ok();
  Dims left = at.DimsOf(0), right = at.DimsOf(1);
  if (left.empty() || right.empty()) return at.Wrong("operator-inputs", "an input has no dimension");
  const bool vector_left = left.size() == 1, vector_right = right.size() == 1;
  if (vector_left) left.insert(left.begin(), 1);
  if (vector_right) right.push_back(1);
  const std::int64_t inner = left.back(), other = right[right.size() - 2];
  if (inner >= 0 && other >= 0 && inner != other) {
    return at.Wrong("operator-inputs", "the shapes of its inputs do not go together");
  }
  auto dims = Broadcast(Dims(left.begin(), left.end() - 2), Dims(right.begin(), right.end() - 2));
  if (!dims) return at.Wrong("operator-inputs", "the shapes of its inputs do not go together");
  if (!vector_left) dims->push_back(left[left.size() - 2]);
  if (!vector_right) dims->push_back(right.back());
  at.Shape(std::move(*dims));
  return base::Ok();
}

Status InferGemm(const Context& at) {
  if (!at.HasShape(0) || !at.HasShape(1)) return base::Ok();
  const Dims& a = at.DimsOf(0);
  const Dims& b = at.DimsOf(1);
  if (a.size() != 2 || b.size() != 2)
    return at.Wrong("operator-inputs", "its inputs must have two dimensions");
  const bool ta = at.node.Integer("transA", 0) != 0, tb = at.node.Integer("transB", 0) != 0;
  const std::int64_t inner = a[ta ? 0 : 1], other = b[tb ? 1 : 0];
  if (inner >= 0 && other >= 0 && inner != other) {
    return at.Wrong("operator-inputs", "the shapes of its inputs do not go together");
  }
  at.Shape({a[ta ? 1 : 0], b[tb ? 0 : 1]});
  return base::Ok();
}

namespace {

// The spatial parameters of a convolution or pooling, with their defaults.
struct Window {
  Dims kernel, strides, dilations, pads;
  std::string_view auto_pad = "NOTSET";
};

base::Result<Window> WindowOf(const Context& at, std::size_t spatial,
                              const std::optional<Dims>& weight_kernel) {
  Window window;
  const auto list = [&at](std::string_view name, std::size_t size, std::int64_t otherwise) {
    return Attribute(at, name).value_or(Dims(size, otherwise));
  };
  window.kernel = weight_kernel ? *weight_kernel : list("kernel_shape", spatial, kUnknownDim);
  window.strides = list("strides", spatial, 1);
  window.dilations = list("dilations", spatial, 1);
  window.pads = list("pads", 2 * spatial, 0);
  if (const AttributeFacts* pad = at.node.Attribute("auto_pad")) window.auto_pad = pad->text;
  if (const auto given = Attribute(at, "kernel_shape"); given && weight_kernel && *given != *weight_kernel) {
    return at.Wrong("operator-attribute", "its kernel_shape is not that of its weights");
  }
  if (window.kernel.size() != spatial || window.strides.size() != spatial ||
      window.dilations.size() != spatial || window.pads.size() != 2 * spatial) {
    return at.Wrong("operator-attribute",
                    "its kernel, strides, dilations or pads do not have the tensor's rank");
  }
  return window;
}

std::int64_t WindowedDim(const Window& window, std::size_t i, std::int64_t dim, bool ceil_mode) {
  if (dim < 0 || window.kernel[i] < 0) return kUnknownDim;
  const std::int64_t stride = window.strides[i];
  if (window.auto_pad.starts_with("SAME")) return (dim + stride - 1) / stride;
  const std::size_t spatial = window.kernel.size();
  const std::int64_t pads = window.auto_pad == "VALID" ? 0 : window.pads[i] + window.pads[i + spatial];
  const std::int64_t reach = dim + pads - (window.dilations[i] * (window.kernel[i] - 1) + 1);
  if (reach < 0) return 0;
  if (!ceil_mode) return reach / stride + 1;
  // A last window that would begin in the pad behind the data is left out.
  const std::int64_t count = (reach + stride - 1) / stride + 1;
  const std::int64_t before = window.auto_pad == "VALID" ? 0 : window.pads[i];
  return (count - 1) * stride >= dim + before ? count - 1 : count;
}

}  // namespace

Status InferConv(const Context& at) {
  const std::size_t weight = at.node.op_type == "QLinearConv" ? 3 : 1;
  if (!at.HasShape(0) || !at.HasShape(weight)) return base::Ok();
  const Dims& x = at.DimsOf(0);
  const Dims& w = at.DimsOf(weight);
  if (x.size() < 3 || x.size() != w.size())
    return at.Wrong("operator-inputs", "its weights do not have its input's rank");
  const std::size_t spatial = x.size() - 2;
  Dims kernel(w.begin() + 2, w.end());
  if (std::ranges::any_of(kernel, [](std::int64_t size) { return size == 0; })) {
    return at.Wrong("operator-inputs", "its weights are empty");
  }
  BLINDAI_TRY(const Window window, WindowOf(at, spatial, kernel));
  const std::int64_t group = at.node.Integer("group", 1);
  const std::int64_t channels = w[1] >= 0 ? w[1] * group : kUnknownDim;
  if (x[1] >= 0 && channels >= 0 && x[1] != channels) {
    return at.Wrong("operator-inputs", "its weights do not have its input's channels");
  }
  if (w[0] >= 0 && w[0] % group != 0)
    return at.Wrong("operator-attribute", "its group does not divide its channels");
  Dims out{x[0], w[0]};
  for (std::size_t i = 0; i < spatial; ++i) out.push_back(WindowedDim(window, i, x[i + 2], false));
  at.Shape(std::move(out));
  return base::Ok();
}

Status InferConvTranspose(const Context& at) {
  if (!at.HasShape(0) || !at.HasShape(1)) return base::Ok();
  const Dims& x = at.DimsOf(0);
  const Dims& w = at.DimsOf(1);
  if (x.size() < 3 || x.size() != w.size())
    return at.Wrong("operator-inputs", "its weights do not have its input's rank");
  const std::size_t spatial = x.size() - 2;
  BLINDAI_TRY(const Window window, WindowOf(at, spatial, Dims(w.begin() + 2, w.end())));
  if (x[1] >= 0 && w[0] >= 0 && x[1] != w[0]) {
    return at.Wrong("operator-inputs", "its weights do not have its input's channels");
  }
  const Dims extra = Attribute(at, "output_padding").value_or(Dims(spatial, 0));
  const auto wanted = Attribute(at, "output_shape");
  if (extra.size() != spatial || (wanted && wanted->size() != spatial)) {
    return at.Wrong("operator-attribute",
                    "its output_padding or output_shape does not have the tensor's rank");
  }
  Dims out{x[0], w[1] >= 0 ? w[1] * at.node.Integer("group", 1) : kUnknownDim};
  for (std::size_t i = 0; i < spatial; ++i) {
    const std::int64_t dim = x[i + 2];
    if (wanted) {
      out.push_back((*wanted)[i]);
    } else if (dim < 0 || window.kernel[i] < 0) {
      out.push_back(kUnknownDim);
    } else if (window.auto_pad.starts_with("SAME")) {
      out.push_back(dim * window.strides[i]);
    } else {
      const std::int64_t pads = window.auto_pad == "NOTSET" ? window.pads[i] + window.pads[i + spatial] : 0;
      const std::int64_t long_side =
          window.strides[i] * (dim - 1) + extra[i] + window.dilations[i] * (window.kernel[i] - 1) + 1 - pads;
      out.push_back(std::max<std::int64_t>(long_side, 0));
    }
  }
  at.Shape(std::move(out));
  return base::Ok();
}

Status InferPool(const Context& at) {
  if (!at.HasShape(0)) return base::Ok();
  const Dims& x = at.DimsOf(0);
  if (x.size() < 3) return at.Wrong("operator-inputs", "its input must have at least three dimensions");
  BLINDAI_TRY(const Window window, WindowOf(at, x.size() - 2, std::nullopt));
  Dims out{x[0], x[1]};
  for (std::size_t i = 0; i + 2 < x.size(); ++i) {
    out.push_back(WindowedDim(window, i, x[i + 2], at.node.Integer("ceil_mode", 0) != 0));
  }
  at.Shape(out);
  if (at.out.size() > 1) {
    at.out[1].has_shape = true;
    at.out[1].dims = std::move(out);
  }
  return base::Ok();
}

Status InferGlobalPool(const Context& at) {
  if (!at.HasShape(0) || at.DimsOf(0).size() < 3) return base::Ok();
  Dims dims = at.DimsOf(0);
  std::fill(dims.begin() + 2, dims.end(), 1);
  at.Shape(std::move(dims));
  return base::Ok();
}

// The engine crashes when it compiles a recurrent node whose hidden_size is not that of its weights,
// so the weights' shapes must be known and right.
Status InferRecurrent(const Context& at) {
  const std::int64_t gates = at.node.op_type == "LSTM" ? 4 : at.node.op_type == "GRU" ? 3 : 1;
  const std::int64_t hidden = at.node.Integer("hidden_size", 0);
  const AttributeFacts* direction = at.node.Attribute("direction");
  const std::int64_t directions = direction && direction->text == "bidirectional" ? 2 : 1;
  const auto wrong = [&at] {
    return at.Wrong("recurrent-weights",
                    "hidden_size, direction and the shapes of its weights do not go together");
  };
  const auto matches = [](const Value* value, const Dims& wanted) {
    if (!value) return true;
    if (!value->has_shape || value->dims.size() != wanted.size()) return false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] != kUnknownDim && value->dims[i] != wanted[i]) return false;
    }
    return true;
  };
  if (hidden < 1) return at.Wrong("recurrent-weights", "it has no hidden_size");
  for (std::size_t i = 1; i <= 2; ++i) {
    if (!at.HasShape(i) || std::ranges::any_of(at.DimsOf(i), [](std::int64_t dim) { return dim < 1; })) {
      return at.Wrong("recurrent-weights", "the shapes of its weights are not fixed by the file");
    }
  }
  if (at.HasShape(0) && std::ranges::find(at.DimsOf(0), 0) != at.DimsOf(0).end()) {
    return at.Wrong("size-invalid", "its input is always empty");
  }
  const std::int64_t input_size = at.HasShape(0) && at.DimsOf(0).size() == 3 ? at.DimsOf(0)[2] : kUnknownDim;
  if (!matches(at.In(1), {directions, gates * hidden, input_size})) return wrong();
  if (!matches(at.In(2), {directions, gates * hidden, hidden})) return wrong();
  if (!matches(at.In(3), {directions, 2 * gates * hidden})) return wrong();
  if (at.node.op_type == "LSTM" && !matches(at.In(7), {directions, 3 * hidden})) return wrong();
  const bool batch_first = at.node.Integer("layout", 0) != 0;
  if (!batch_first) {
    for (std::size_t i = 5; i <= 6; ++i) {
      const Value* state = i == 6 && at.node.op_type != "LSTM" ? nullptr : at.In(i);
      if (state && state->has_shape && state->dims.size() != 3) return wrong();
      if (state && state->has_shape && state->dims[2] >= 0 && state->dims[2] != hidden) return wrong();
      if (state && state->has_shape && state->dims[0] >= 0 && state->dims[0] != directions) return wrong();
    }
    if (at.HasShape(0) && at.DimsOf(0).size() == 3) {
      const Dims& x = at.DimsOf(0);
      at.Shape({x[0], directions, x[1], hidden});
      for (std::size_t i = 1; i < at.out.size(); ++i) {
        at.out[i].has_shape = true;
        at.out[i].dims = {directions, x[1], hidden};
      }
    }
  }
  return base::Ok();
}

}  // namespace blindai::model::onnx
