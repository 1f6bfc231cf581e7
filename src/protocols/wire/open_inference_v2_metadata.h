// Open Inference Protocol v2 over HTTP: every body that is not an inference: server and model metadata,
// health, errors, the repository index and statistics. Pure, both directions; open_inference_v2.h has the
// inference itself. https://github.com/kserve/open-inference-protocol and, for index and statistics, Triton's
// protocol extensions.
//
// What is decoded comes from an attested server, and still is checked: code oip-body when a field is missing
// or has another type. Unknown fields are ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vocabulary/tensor.h"

namespace blindai::wire {

// `GET /v2`.
struct ServerMetadata {
  std::string name;
  std::string version;
  std::vector<std::string> extensions;  // only those that are implemented: "binary_tensor_data", …
};
std::string EncodeServerMetadata(const ServerMetadata& metadata);
base::Result<ServerMetadata> DecodeServerMetadata(base::ByteView body);

// `GET /v2/models/{m}`. The platform of an ONNX model is "onnx_onnxv1".
struct ModelMetadata {
  std::string name;
  std::vector<std::string> versions;  // those that the asker may use, ascending
  std::string platform;
  std::vector<vocabulary::TensorSpec> inputs;  // −1 where a dimension varies
  std::vector<vocabulary::TensorSpec> outputs;
};
std::string EncodeModelMetadata(const ModelMetadata& metadata);
base::Result<ModelMetadata> DecodeModelMetadata(base::ByteView body);

// `GET /v2/models/{m}/config`: the same facts in the words of Triton's model configuration. Its dimensions are all of
// the model's (max_batch_size 0).
std::string EncodeModelConfig(const ModelMetadata& metadata);
constexpr std::string_view kConfigBackend = "openvino";
// "TYPE_FP32"; BYTES is "TYPE_STRING" there.
std::string ConfigTypeName(vocabulary::Datatype datatype);

// `GET /v2/health/live` and `/ready`. The standard's text names the field of both "live", its gRPC message
// says "ready": the body holds both.
std::string EncodeHealth(bool good);
base::Result<bool> DecodeHealth(base::ByteView body);

// `GET /v2/models/{m}/ready`.
std::string EncodeModelReady(std::string_view model_name, bool ready);
base::Result<bool> DecodeModelReady(base::ByteView body);

// `{"error":"…","code":"…"}`: the standard's shape, and our stable code beside it.
std::string EncodeOipError(const base::Error& error);

// `POST /v2/repository/index`: the request may ask for ready models only.
base::Result<bool> DecodeIndexRequest(base::ByteView body);  // an empty body asks for all
struct IndexEntry {
  std::string name;
  std::string version;  // empty: not said
  std::string state;    // "READY", "UNAVAILABLE", "LOADING", "UNLOADING"
  std::string reason;
};
std::string EncodeIndex(const std::vector<IndexEntry>& entries);
base::Result<std::vector<IndexEntry>> DecodeIndex(base::ByteView body);

// `GET /v2/models[/{m}]/stats`.
struct StatisticDuration {
  std::uint64_t count = 0;
  std::uint64_t ns = 0;
};
struct ModelStatistics {
  std::string name;
  std::string version;
  std::uint64_t last_inference_ms = 0;  // since the epoch
  std::uint64_t inference_count = 0;
  std::uint64_t execution_count = 0;
  StatisticDuration success;
  StatisticDuration fail;
  StatisticDuration queue;
  StatisticDuration compute_input;
  StatisticDuration compute_infer;
  StatisticDuration compute_output;
  std::uint64_t memory_bytes = 0;  // resident, of the model's worker
};
std::string EncodeStatistics(const std::vector<ModelStatistics>& models);
base::Result<std::vector<ModelStatistics>> DecodeStatistics(base::ByteView body);

}  // namespace blindai::wire
