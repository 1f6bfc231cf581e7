// One tensor element between its JSON form and its bytes. Numbers are converted from their text, so that
// every integer is exact, also beyond 2^53, and every FP32 or FP64 is the nearest one and is written in the
// shortest form that reads back.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "vocabulary/tensor.h"

namespace blindai::wire {

// FP16 and BF16 have no JSON form.
bool HasJsonForm(vocabulary::Datatype datatype);

// Append one element to `out`, little-endian. The messages say what was wanted and never what was given (a
// request's data may not appear in an error). Code: tensor-element.
base::Status AppendNumber(vocabulary::Datatype datatype, std::string_view number_text, base::Bytes& out);
base::Status AppendBool(vocabulary::Datatype datatype, bool value, base::Bytes& out);
base::Status AppendString(vocabulary::Datatype datatype, std::string_view text, base::Bytes& out);

// Appends the elements as a flat JSON array. The tensor must have passed vocabulary::CheckTensor. Code:
// tensor-json.
base::Status AppendJsonData(const vocabulary::TensorView& tensor, std::string& out);

}  // namespace blindai::wire
