// Open Inference Protocol v2: loading and unloading models through the model repository extension, as JSON. The rules
// of a load are the same over gRPC, which fills a LoadBuilder too. Pure; whatever is decoded may come from anybody.
// https://github.com/triton-inference-server/server (docs/protocol/extension_model_repository.md)
//
//   POST /v2/repository/models/{m}/load    {"parameters":{"config":"{…}","file:1/model.onnx":"<base64>"}}
//   POST /v2/repository/models/{m}/unload  {"parameters":{"unload_dependents":true}}, or nothing
//
// Choices where the standard leaves room:
// - A load brings one file, whose name ends in ".onnx". The server counts versions itself, so the version in the name
//   may be any.
// - `config` may be left out. What it says of name and backend is checked, the rest of it is not used: shapes and types
//   are the model's own.
// - The parameters `precision` and `visibility` are ours and mean what they mean for `PUT /v1/models/{id}`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "protocols/wire/model_listing.h"
#include "vocabulary/version_policy.h"

namespace blindai::wire {

// A larger model comes by PUT, which is streamed and never in memory twice.
constexpr std::uint64_t kMaxLoadFileBytes = std::uint64_t{128} << 20;
// The JSON around it, with the file as base64.
constexpr std::uint64_t kMaxLoadBodyBytes = kMaxLoadFileBytes / 3 * 4 + (std::uint64_t{1} << 20);

struct LoadRequest {
  std::optional<base::SecretBytes> file;  // absent: load what the server knows already
  std::optional<ModelPrecision> precision;
  std::optional<ModelVisibility> visibility;
  // The configuration's version_policy; nothing: as it is.
  std::optional<vocabulary::VersionPolicy> versions = {};
};

// Takes the parameters of a load one by one, in any order. Codes: load-file, load-config, load-parameter.
class LoadBuilder {
 public:
  explicit LoadBuilder(std::string_view model_name) : model_name_(model_name) {}

  // Whether a parameter is a file: "file:1/model.onnx".
  static bool IsFile(std::string_view name) { return name.starts_with("file:"); }
  base::Status AddFile(std::string_view name, base::SecretBytes content);
  // Every other parameter with a text: config, precision, visibility. Unknown ones are ignored.
  base::Status AddText(std::string_view name, std::string_view value);
  LoadRequest Take() { return std::move(request_); }

 private:
  base::Status TakeConfig(std::string_view json);

  const std::string model_name_;
  LoadRequest request_;
};

// An empty body loads what the server knows. The file's text is wiped from the parsed body. Codes: oip-body, and those
// of LoadBuilder.
base::Result<LoadRequest> DecodeLoadRequest(base::ByteView body, std::string_view model_name);
// Nothing depends on a model here, so `unload_dependents` changes nothing. Code: oip-body.
base::Status CheckUnloadRequest(base::ByteView body);
// What a load answers: {"name":…,"version":…,"state":"READY"}.
std::string EncodeLoaded(std::string_view model_name, std::string_view version);

}  // namespace blindai::wire
