// NumPy's file format for one array (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html),
// as far as tensors need it: C order, little-endian numbers and truth values, versions 1 to 3.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "vocabulary/tensor.h"

namespace blindai::cli {

// The tensor gets `name`. Codes: argument.
base::Result<vocabulary::Tensor> DecodeNpy(const std::string& name, base::ByteView file);
// BF16 is written as float32 with the same values; BYTES has no form here. Code: argument.
base::Result<base::Bytes> EncodeNpy(const vocabulary::TensorView& tensor);

}  // namespace blindai::cli
