#include "protocols/wire/open_inference_repository.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json.hpp>

#include "encoding/base64.h"
#include "protocols/wire/json_fields.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::ByteView;
using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;

constexpr std::string_view kCode = "oip-body";
constexpr std::string_view kConfigCode = "load-config";

// What those who write a configuration call an ONNX model and the engines that run it.
constexpr std::array<std::string_view, 7> kBackends = {
    "", "onnxruntime", "openvino", "onnxruntime_onnx", "onnx_onnxv1", "onnx", "blindai"};

base::Error WrongFile(const std::string& what) {
  return MakeError(ErrorKind::kInvalid, "load-file",
                   what + "; a load brings one parameter as 'file:1/model.onnx' with the ONNX file");
}

// "file:<version>/<name>.onnx"
bool IsModelFileName(std::string_view name) {
  name.remove_prefix(std::string_view("file:").size());
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos || slash == 0) return false;
  const std::string_view version = name.substr(0, slash);
  const std::string_view file = name.substr(slash + 1);
  return version.find_first_not_of("0123456789") == std::string_view::npos &&
         file.find('/') == std::string_view::npos && file.size() > 5 && file.ends_with(".onnx");
}

// A whole number, which protobuf's JSON writes as a text where it has 64 bits.
std::string NumberText(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  return value.is_int64() ? std::to_string(value.get_int64()) : "?";
}

// The words of VersionPolicy for one of Triton's configuration, {"latest": {"num_versions": 2}}; what it does not mean
// becomes words that mean nothing.
std::string PolicyWords(const json::object& policy) {
  if (policy.size() != 1 || !policy.begin()->value().is_object()) return "?";
  std::string kind(policy.begin()->key());
  const json::object& choice = policy.begin()->value().get_object();
  if (kind == "latest") {
    const json::value* const count = choice.if_contains("num_versions");
    return count == nullptr ? "latest" : "latest:" + NumberText(*count);
  }
  if (kind != "specific") return kind;
  std::string words = "specific:";
  const json::value* const versions = choice.if_contains("versions");
  if (versions == nullptr || !versions->is_array()) return "?";
  for (const json::value& version : versions->get_array()) {
    words += (words.ends_with(':') ? "" : ",") + NumberText(version);
  }
  return words;
}

// The text of a parameter, wiped when it has been used: a model is its owner's secret.
class WipedText {
 public:
  explicit WipedText(json::string& text) : text_(text) {}
  ~WipedText() { base::Wipe(text_.data(), text_.size()); }
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  std::string_view view() const { return text_; }

 private:
  json::string& text_;
};

Status AddParameter(std::string_view name, json::value& value, LoadBuilder& builder) {
  if (!LoadBuilder::IsFile(name)) {
    if (!value.is_string()) return base::Ok();
    return builder.AddText(name, value.get_string());
  }
  if (!value.is_string()) return WrongFile("a file is not a text in base64");
  const WipedText text(value.get_string());
  Result<base::Bytes> content = encoding::Base64Decode(text.view());
  if (!content.ok()) return WrongFile("a file is not base64 (RFC 4648)");
  return builder.AddFile(name, base::SecretBytes(std::move(content).value()));
}

}  // namespace

Status LoadBuilder::AddFile(std::string_view name, base::SecretBytes content) {
  if (!IsModelFileName(name)) return WrongFile("a file whose name is not a version and a name with .onnx");
  if (request_.file) return WrongFile("more than one file");
  if (content.empty()) return WrongFile("the file is empty");
  if (content.size() > kMaxLoadFileBytes) {
    return MakeError(ErrorKind::kTooLarge, "load-file",
                     "the file is larger than the " + std::to_string(kMaxLoadFileBytes >> 20) +
                         " MiB that a load may bring; upload it with PUT /v1/models/{id}, which streams");
  }
  request_.file = std::move(content);
  return base::Ok();
}

Status LoadBuilder::AddText(std::string_view name, std::string_view value) {
  if (name == "config") return TakeConfig(value);
  if (name != "precision" && name != "visibility") return base::Ok();
  const std::pair<std::string, std::string> pairs[] = {{std::string(name), std::string(value)}};
  Result<UploadQuery> query = DecodeUploadQuery(pairs);
  if (!query.ok()) {
    return MakeError(ErrorKind::kInvalid, "load-parameter",
                     "parameter '" + std::string(name) + "' has a value that is not served",
                     std::string(name));
  }
  if (query->precision) request_.precision = query->precision;
  if (query->visibility) request_.visibility = query->visibility;
  return base::Ok();
}

Status LoadBuilder::TakeConfig(std::string_view text) {
  BLINDAI_TRY(const json::object config, ParseSmallJsonObject(base::AsBytes(text), kConfigCode));
  const JsonFields fields(config, kConfigCode, "config");
  BLINDAI_TRY(const std::optional<std::string> name, fields.OptionalString("name"));
  if (name && !name->empty() && *name != model_name_)
    return fields.Wrong("name", "is not the name of the model that is loaded");
  for (const char* field : {"backend", "platform"}) {
    BLINDAI_TRY(const std::optional<std::string> backend, fields.OptionalString(field));
    if (backend && std::find(kBackends.begin(), kBackends.end(), *backend) == kBackends.end())
      return fields.Wrong(field,
                          "is not ONNX (onnxruntime, onnxruntime_onnx, openvino); nothing else runs here");
  }
  BLINDAI_TRY(const json::object* const policy, fields.OptionalObject("version_policy"));
  if (policy == nullptr) return base::Ok();
  const std::string words = PolicyWords(*policy);
  Result<vocabulary::VersionPolicy> versions = vocabulary::VersionPolicy::Parse(words);
  if (!versions.ok()) {
    return fields.Wrong(
        "version_policy",
        R"(is none of {"latest": {"num_versions": 2}}, {"specific": {"versions": [1, 3]}} and {"all": {}})");
  }
  request_.versions = *std::move(versions);
  return base::Ok();
}

Result<LoadRequest> DecodeLoadRequest(ByteView body, std::string_view model_name) {
  LoadBuilder builder(model_name);
  if (body.empty()) return builder.Take();
  BLINDAI_TRY(json::object object, ParseSmallJsonObject(body, kCode, kMaxLoadBodyBytes));
  BLINDAI_TRY(const json::object* const parameters, JsonFields(object, kCode).OptionalObject("parameters"));
  if (parameters == nullptr) return builder.Take();
  for (auto& [key, value] : object["parameters"].get_object()) {
    BLINDAI_RETURN_IF_ERROR(AddParameter({key.data(), key.size()}, value, builder));
  }
  return builder.Take();
}

Status CheckUnloadRequest(ByteView body) {
  if (body.empty()) return base::Ok();
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kCode));
  BLINDAI_TRY(const json::object* const parameters, JsonFields(object, kCode).OptionalObject("parameters"));
  if (parameters == nullptr) return base::Ok();
  BLINDAI_TRY(const std::optional<bool> dependents,
              JsonFields(*parameters, kCode, "parameters").OptionalBool("unload_dependents"));
  static_cast<void>(dependents);
  return base::Ok();
}

std::string EncodeLoaded(std::string_view model_name, std::string_view version) {
  return json::serialize(json::object{{"name", model_name}, {"version", version}, {"state", "READY"}});
}

}  // namespace blindai::wire
