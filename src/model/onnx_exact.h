// Which models are computed exactly, in the 64 bits that they ask for. The engine's kernels compute FP64 in 32-bit
// floats and 64-bit integers in 32 bits; the reference implementations of its core library do not. They are slow and
// do not know every type, so they compute only models whose every operator moves elements, of any type, or computes
// with integers of 32 or 64 bits, or with truth values (openvino_exact.h). A model that needs 64 bits and does more
// than that is refused. Internal to the gate.
#pragma once

#include <vector>

#include "model/onnx_facts.h"
#include "model/onnx_shapes.h"

namespace blindai::model::onnx {

// An absent input is a nullptr. False also where a type is not known.
bool IsExact(const NodeFacts& node, const std::vector<const Value*>& inputs,
             const std::vector<Value>& results);

}  // namespace blindai::model::onnx
