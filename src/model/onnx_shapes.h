// What can be known of a node's results before anything runs: element type, shape as far as it is fixed, the
// values of small constants, and where they come from. It is as much shape inference as the gate's bounds
// need and no more; what it does not know it calls unknown. Here also live the rules about sizes: how large a
// result may be, and that no request may choose it. Internal to the gate.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "model/inspect_onnx.h"
#include "model/onnx_facts.h"
#include "model/onnx_operators.h"

namespace blindai::model::onnx {

// What a value follows from. The order matters: a result has the largest origin of its inputs.
enum class Origin : std::uint8_t {
  kFile,     // the model alone: the engine may compute it when it compiles
  kShapes,   // the shapes of a request's tensors
  kContent,  // the content of a request's tensors
};

struct Value {
  std::int64_t type = kUndefined;  // kUndefined where unknown
  bool has_shape = false;
  Dims dims;  // kUnknownDim where it varies
  Origin origin = Origin::kFile;
  // The elements of a small tensor, row by row; absent where nothing is known, empty elements where one is
  // not.
  std::optional<std::vector<std::optional<std::int64_t>>> integers;
  std::optional<std::vector<double>> reals;
};

Value ValueOf(const TensorFacts& tensor);
Value ValueOf(const ValueFacts& declared, Origin origin);

// Bytes of a value of known type and shape; nothing where unknown, 2^63 where it does not fit.
std::optional<std::uint64_t> SizeOf(const Value& value);

// The results of a node, one per output. An absent input is a nullptr. Codes: operator-attribute,
// operator-inputs, element-type, size-invalid, size-from-data, tensor-too-large, recurrent-weights,
// integer-division.
base::Result<std::vector<Value>> InferNode(const NodeFacts& node, const Operator& definition,
                                           std::int64_t opset, const std::vector<const Value*>& inputs,
                                           const InspectLimits& limits);

}  // namespace blindai::model::onnx
