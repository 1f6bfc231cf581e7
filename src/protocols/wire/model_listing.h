// Models over HTTP under /v1: the query of an upload, one model, the list, a change of what is served of it, and the
// answer to a deletion. The shapes are OpenAI's (object "list" of object "model" with id, created, owned_by) with our
// fields beside theirs, so OpenAI clients can list models. Pure, both directions.
// https://platform.openai.com/docs/api-reference/models
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vocabulary/tensor.h"
#include "vocabulary/version_policy.h"

namespace blindai::wire {

enum class ModelPrecision { kF32, kBf16 };
enum class ModelVisibility { kPrivate, kLink, kTenants, kPublic };
enum class ModelKind { kTensor, kCtcSpeech, kWhisper };

std::string_view PrecisionName(ModelPrecision precision);     // "f32", "bf16"
std::string_view VisibilityName(ModelVisibility visibility);  // "private", "link", "tenants", "public"
std::string_view ModelKindName(ModelKind kind);               // "tensor", "ctc-speech", "whisper"
inline bool Transcribes(ModelKind kind) { return kind != ModelKind::kTensor; }
std::optional<ModelPrecision> PrecisionFromName(std::string_view name);

// What `PUT /v1/models/{id}?…` asks for; nothing where the server chooses.
struct UploadQuery {
  std::optional<ModelPrecision> precision;
  std::optional<bool> save;
  std::optional<ModelVisibility> visibility;
  // Who may run it with visibility=tenants, separated by commas; nobody named: everybody with an account.
  std::vector<std::string> tenants;
  std::optional<std::uint64_t> ttl_s;  // seconds after the upload
  ModelKind kind = ModelKind::kTensor;
  // Of a model that transcribes: the owner's transcriptions that name none use it, and no longer an older one.
  bool is_default = false;
  // Which versions are served from then on; nothing: as it is, latest:1 of a new model.
  std::optional<vocabulary::VersionPolicy> versions = {};
  std::string label = {};  // that names the new version; empty: none
};

// From the decoded query of the request, in order. Unknown keys are ignored; a known key with a value that is
// not one of its own, or given twice, is refused, and so are tenants without visibility=tenants and default=true
// without a kind that transcribes. Codes: query-value, param = the key; version-policy, version-label.
base::Result<UploadQuery> DecodeUploadQuery(std::span<const std::pair<std::string, std::string>> query);
// "precision=bf16&save=true", or the empty text; every value is safe in a URL.
std::string EncodeUploadQuery(const UploadQuery& query);

// The version that `GET` and `DELETE /v1/models/{id}?version=…` are about: a number or a label; the empty text when
// none is named. Code: query-value.
base::Result<std::string> DecodeVersionQuery(std::span<const std::pair<std::string, std::string>> query);

// One model as `GET /v1/models/{id}` shows it, and as the 201 of an upload answers.
struct ModelInfo {
  std::string id;
  std::int64_t created = 0;  // seconds since the epoch
  std::string owned_by;
  std::string sha256;       // of the uploaded file, lower-case hex
  std::uint64_t bytes = 0;  // of the uploaded file
  ModelPrecision precision = ModelPrecision::kF32;
  ModelKind kind = ModelKind::kTensor;
  ModelVisibility visibility = ModelVisibility::kPrivate;
  std::string state =
      "ready";         // "loading", "ready", "stored" (sealed on disk, loaded when asked for), "failed"
  bool saved = false;  // survives a restart of the server
  bool is_default = false;
  std::optional<std::int64_t> expires_at;  // seconds since the epoch
  std::vector<vocabulary::TensorSpec> inputs;
  std::vector<vocabulary::TensorSpec> outputs;
  // What is said above is of this version; the others that the asker may use are in `versions`, ascending.
  std::uint64_t version = 1;
  std::vector<std::uint64_t> versions = {};
  vocabulary::VersionLabels labels = {};  // of those versions
  std::string version_policy = {};        // VersionPolicy::ToText
};

// Code of the decoders: model-listing.
std::string EncodeModelInfo(const ModelInfo& model);
base::Result<ModelInfo> DecodeModelInfo(base::ByteView body);
std::string EncodeModelList(const std::vector<ModelInfo>& models);
base::Result<std::vector<ModelInfo>> DecodeModelList(base::ByteView body);

// The body of `PATCH /v1/models/{id}`: {"versions": "latest:2", "labels": {"stable": 2, "canary": null}}; both may be
// left out, and a label with null is taken away. Codes: model-change, version-policy, version-label.
struct ModelChange {
  std::optional<vocabulary::VersionPolicy> versions = {};
  std::map<std::string, std::optional<std::uint64_t>> labels = {};
};
inline constexpr std::size_t kMaxModelChangeBytes = std::size_t{64} << 10;
std::string EncodeModelChange(const ModelChange& change);
base::Result<ModelChange> DecodeModelChange(base::ByteView body);

// What the server says of a model that it has deleted. Whoever asked over an attested connection has it from the
// measured program; it is not signed, so it convinces nobody else (docs/formats/sealed_file.md, "Deletion"). A server
// of an older version says the id alone: then nothing is said of what file went, and it is no proof.
struct ModelDeleted {
  std::string id;
  std::optional<std::string> sha256 = {};       // of the ONNX file that is gone
  std::optional<bool> saved = {};               // whether it stood on the disk too
  std::optional<std::int64_t> deleted_at = {};  // seconds since the epoch
  // The versions that are gone, ascending; the file above is the last one's.
  std::vector<std::uint64_t> versions = {};
};
std::string EncodeModelDeleted(const ModelDeleted& model);
base::Result<ModelDeleted> DecodeModelDeleted(base::ByteView body);

}  // namespace blindai::wire
