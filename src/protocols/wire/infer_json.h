// Reads the JSON part of an inference request or response in one pass: tensor elements go straight into
// bytes, everything else (names, shapes, parameters) becomes a small tree. So a body of "[0,0,0…]" costs what
// its tensors cost, and not the twenty times larger tree that a JSON library would build.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "base/bytes.h"
#include "base/result.h"
#include "protocols/wire/open_inference_v2.h"
#include "vocabulary/tensor.h"

namespace blindai::wire {

// The elements of one tensor's "data". The tree holds null in their place.
struct JsonTensorData {
  vocabulary::Datatype datatype = vocabulary::Datatype::kFp32;
  base::Bytes bytes;
};

struct InferJson {
  boost::json::object tree;
  std::vector<std::optional<JsonTensorData>> data;  // by tensor; nothing where there was no "data"
};

// `tensors_key` names the array whose members carry "data": "inputs" of a request, "outputs" of a response.
// Codes: infer-json, infer-field, tensor-dtype, tensor-json, tensor-element, tensors-too-large.
base::Result<InferJson> ParseInferJson(base::ByteView text, std::string_view tensors_key,
                                       const InferLimits& limits);

}  // namespace blindai::wire
