// What the tensors of BlindAI 0.5 and 0.6 have in common: eleven datatypes with the same numbers, little-endian
// row-major elements, and inputs that are mostly positional.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vocabulary/tensor.h"

namespace blindai::wire {

// F32=0 F64=1 I32=2 I64=3 U32=4 U64=5 U8=6 U16=7 I8=8 I16=9 Bool=10. Code: tensor-dtype.
base::Result<vocabulary::Datatype> DatatypeFromBlindai(std::uint64_t number);
// The number and the name ("I64"); nothing for FP16, BF16 and BYTES, which these protocols do not know.
struct BlindaiDatatype {
  std::uint32_t number = 0;
  std::string_view name;
};
std::optional<BlindaiDatatype> BlindaiFromDatatype(vocabulary::Datatype datatype);

// Gives inputs without names those of the model, by position; inputs that all have names stay as they are. Codes:
// tensor-count (fewer or more than the model has), tensor-name (some have names and some have none).
base::Status NameInputs(const std::vector<vocabulary::TensorSpec>& model,
                        std::vector<vocabulary::TensorView>& inputs);

}  // namespace blindai::wire
