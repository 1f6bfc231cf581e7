// How a model is computed, and what it wants and gives.
#pragma once

#include <cstdint>
#include <vector>

#include "vocabulary/tensor.h"

namespace blindai::model {

// In which numbers the engine computes. Always said to the engine: its own default differs between machines.
enum class Precision : std::uint8_t { kF32 = 0, kBf16 = 1 };

// What a model wants and gives, in the engine's own words after it has loaded the model.
struct ModelSignature {
  std::vector<vocabulary::TensorSpec> inputs;
  std::vector<vocabulary::TensorSpec> outputs;
  // 64-bit integers are computed in 64 bits, and not in 32 (openvino_exact.h).
  bool exact = false;
};

}  // namespace blindai::model
