// Open Inference Protocol v2 over HTTP: what the bytes of `POST /v2/models/{m}/infer` mean, both directions,
// as JSON and with the binary tensor data extension. Pure: bytes in, values out. Whatever is decoded here may
// come from anybody. https://github.com/kserve/open-inference-protocol
// (specification/protocol/inference_rest.md) and, for the extension,
// https://github.com/triton-inference-server/server (docs/protocol/extension_binary_data.md).
//
// A body has a JSON part and, after it, tensors as blobs in tensor order. `header_length` is the value of the
// HTTP header Inference-Header-Content-Length: absent means that all of the body is JSON, 0 means a raw body
// (one tensor and no JSON).
//
// Choices where the standard leaves room:
// - JSON data may be nested or flat; the element count must match the shape. Integers are read as integers
// and must fit
//   their datatype; NaN and Infinity have no JSON form; FP16 and BF16 are binary only; BOOL is true or false.
// - `binary_data_size` may be left out for a datatype of fixed size when the tensor has no "data".
// - Unknown parameters are kept and otherwise ignored. Parameters that ask for something we do not do (shared
// memory,
//   sequences, classification) are refused, because without it the answer would be wrong.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vocabulary/tensor.h"

namespace blindai::wire {

// The HTTP header that says how long the JSON part is.
constexpr std::string_view kInferHeaderLengthHeader = "Inference-Header-Content-Length";

using ParameterValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string>;
using Parameters = std::map<std::string, ParameterValue, std::less<>>;

// Whether this parameter of `place` ("inputs[0]: ", or empty for the request) may be ignored. Code:
// infer-parameter, for one that asks for something we do not do.
base::Status CheckParameter(std::string_view place, std::string_view name, const ParameterValue& value);

// A tensor of a request or a response. `binary` says how its elements travel: as a blob, or in the JSON part.
struct InferTensor {
  vocabulary::TensorView tensor;
  bool binary = true;
  Parameters parameters;  // without binary_data_size
};

struct RequestedOutput {
  std::string name;
  std::optional<bool> binary_data;  // absent: what the request says for all outputs
  Parameters parameters;            // without binary_data
};

// The tensors of a decoded request borrow from the body it was decoded from and from `storage`; a request may
// be moved.
struct InferRequest {
  InferRequest() = default;
  InferRequest(InferRequest&&) = default;
  InferRequest& operator=(InferRequest&&) = default;

  std::optional<std::string> id;  // echoed when it was given
  Parameters parameters;          // without binary_data_output
  std::vector<InferTensor> inputs;
  std::vector<RequestedOutput> outputs;  // empty: all outputs
  bool binary_data_output = false;
  std::vector<base::Bytes> storage;
};

struct InferResponse {
  InferResponse() = default;
  InferResponse(InferResponse&&) = default;
  InferResponse& operator=(InferResponse&&) = default;

  std::string model_name;
  std::string model_version;  // empty: not said
  std::optional<std::string> id;
  Parameters parameters;
  std::vector<InferTensor> outputs;
  std::vector<base::Bytes> storage;
};

// A body ready to be sent: `json`, then `blobs`, which borrow from the encoded tensors. Nothing of a tensor
// is copied.
struct InferBody {
  std::string json;
  std::vector<base::ByteView> blobs;
  std::optional<std::uint64_t> header_length;  // set when there are blobs

  std::uint64_t size() const;
  std::string_view content_type() const {
    return header_length ? "application/octet-stream" : "application/json";
  }
  // All of it in one piece: for tests and for callers that need it so.
  base::Bytes Joined() const;
};

// Bounds of what decoding may allocate beyond the body itself.
struct InferLimits {
  std::uint64_t tensor_bytes = std::uint64_t{256} << 20;  // elements decoded from JSON, all tensors together
  std::uint64_t json_values = 65536;  // values of the JSON part that are not tensor elements
};

// `model_inputs`, the model's signature, gives a raw body its name, datatype and shape: exactly one input
// whose shape has at most one variable dimension, not counting a variable first one, which is then 1. It is
// not used otherwise; whether the tensors fit the model is for the caller to check
// (vocabulary::CheckAgainst). Codes: infer-json, infer-header-length, infer-raw, infer-field,
// infer-binary-size, infer-parameter, tensor-json, tensor-element, tensor-dtype, tensor-shape, tensor-size,
// tensors-too-large.
base::Result<InferRequest> DecodeInferRequest(base::ByteView body, std::optional<std::uint64_t> header_length,
                                              std::span<const vocabulary::TensorSpec> model_inputs,
                                              const InferLimits& limits = {});
// Codes: tensor-json (a tensor that JSON cannot carry: FP16, BF16, NaN, Infinity, BYTES that are not UTF-8).
base::Result<InferBody> EncodeInferRequest(const InferRequest& request);

// The parameter `timeout`, in microseconds; nothing when it is absent or 0, which mean the server's own.
std::optional<std::chrono::microseconds> TimeoutOf(const InferRequest& request);

// Whether the client asked for this output as a blob: the output's own word, else the request's.
bool WantsBinary(const InferRequest& request, std::string_view output_name);

base::Result<InferBody> EncodeInferResponse(const InferResponse& response);
// The outputs borrow from `body` and from the response's storage. The codes of DecodeInferRequest.
base::Result<InferResponse> DecodeInferResponse(base::ByteView body,
                                                std::optional<std::uint64_t> header_length,
                                                const InferLimits& limits = {});

}  // namespace blindai::wire
