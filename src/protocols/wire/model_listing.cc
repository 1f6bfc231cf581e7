#include "protocols/wire/model_listing.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/json.hpp>

#include "protocols/wire/json_fields.h"
#include "protocols/wire/tensor_specs_json.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::ByteView;
using base::Result;

constexpr std::string_view kCode = "model-listing";
constexpr std::size_t kMaxTenantNameBytes = 64;
constexpr std::size_t kMaxQueryTenants = 100;
constexpr std::uint64_t kMaxTtlSeconds = std::uint64_t{10} * 366 * 86'400;
constexpr std::size_t kMaxListingBytes = std::size_t{16} << 20;

// The position of a name is the value of the enumeration.
constexpr std::array<std::string_view, 2> kPrecisions = {"f32", "bf16"};
constexpr std::array<std::string_view, 4> kVisibilities = {"private", "link", "tenants", "public"};
constexpr std::array<std::string_view, 3> kKinds = {"tensor", "ctc-speech", "whisper"};
constexpr std::array<std::string_view, 2> kBooleans = {"false", "true"};

template <std::size_t N>
std::optional<std::size_t> IndexOf(const std::array<std::string_view, N>& names, std::string_view name) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return i;
  }
  return std::nullopt;
}

// The value of one key as an index into its names; nothing when the key is absent.
template <std::size_t N>
Result<std::optional<std::size_t>> QueryChoice(std::span<const std::pair<std::string, std::string>> query,
                                               std::string_view key,
                                               const std::array<std::string_view, N>& names) {
  std::optional<std::size_t> choice;
  for (const auto& [name, value] : query) {
    if (name != key) continue;
    const std::optional<std::size_t> index = IndexOf(names, value);
    if (!index || choice) {
      std::string message = "query parameter '" + std::string(key) + "' ";
      message += choice ? "is given twice; give it once, as one of"
                        : "has a value that is not served; wanted one of";
      for (const std::string_view known : names) message += " " + std::string(known);
      return base::MakeError(base::ErrorKind::kInvalid, "query-value", std::move(message), std::string(key));
    }
    choice = index;
  }
  return choice;
}

base::Error WrongQuery(std::string_view key, std::string_view wanted) {
  return base::MakeError(base::ErrorKind::kInvalid, "query-value",
                         "query parameter '" + std::string(key) + "' " + std::string(wanted),
                         std::string(key));
}

// The value of one key, given once at most; nothing when it is absent.
Result<std::optional<std::string_view>> QueryText(std::span<const std::pair<std::string, std::string>> query,
                                                  std::string_view key) {
  std::optional<std::string_view> text;
  for (const auto& [name, value] : query) {
    if (name != key) continue;
    if (text) return WrongQuery(key, "is given twice; give it once");
    text = value;
  }
  return text;
}

bool IsTenantName(std::string_view name) {
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kMaxTenantNameBytes && std::ranges::all_of(name, is_word);
}

Result<std::vector<std::string>> QueryTenants(std::span<const std::pair<std::string, std::string>> query) {
  BLINDAI_TRY(const std::optional<std::string_view> given, QueryText(query, "tenants"));
  std::vector<std::string> tenants;
  if (!given) return tenants;
  std::string_view text = *given;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view name = text.substr(0, comma);
    if (!IsTenantName(name) || tenants.size() == kMaxQueryTenants) {
      return WrongQuery("tenants", "wants 1 to 100 tenants' names separated by commas");
    }
    tenants.emplace_back(name);
    if (comma == text.size()) return tenants;
    text.remove_prefix(comma + 1);
  }
}

Result<std::optional<std::uint64_t>> QuerySeconds(std::span<const std::pair<std::string, std::string>> query,
                                                  std::string_view key) {
  BLINDAI_TRY(const std::optional<std::string_view> text, QueryText(query, key));
  if (!text) return std::optional<std::uint64_t>();
  std::uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc() || end != text->data() + text->size() || seconds == 0 ||
      seconds > kMaxTtlSeconds) {
    return WrongQuery(key, "wants a whole number of seconds, from 1 to ten years");
  }
  return std::optional(seconds);
}

base::Error WrongLabel(std::string_view label) {
  return base::MakeError(base::ErrorKind::kInvalid, "version-label",
                         std::string(vocabulary::kVersionLabelRule) + "; seen " +
                             std::to_string(label.size()) + " characters that are not one",
                         "label");
}

Result<std::optional<vocabulary::VersionPolicy>> QueryPolicy(
    std::span<const std::pair<std::string, std::string>> query) {
  BLINDAI_TRY(const std::optional<std::string_view> text, QueryText(query, "versions"));
  if (!text) return std::optional<vocabulary::VersionPolicy>();
  BLINDAI_TRY(vocabulary::VersionPolicy policy, vocabulary::VersionPolicy::Parse(*text));
  return std::optional(std::move(policy));
}

json::array NumbersToJson(const std::vector<std::uint64_t>& numbers) {
  json::array array;
  for (const std::uint64_t number : numbers) array.push_back(number);
  return array;
}

// A version in JSON: a whole number above 0.
std::optional<std::uint64_t> VersionFrom(const json::value& value) {
  if (!value.is_int64() || value.get_int64() <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(value.get_int64());
}

Result<std::vector<std::uint64_t>> NumbersFrom(const JsonFields& fields, std::string_view name) {
  BLINDAI_TRY(const json::array* const array, fields.OptionalArray(name));
  std::vector<std::uint64_t> numbers;
  if (array == nullptr) return numbers;
  for (const json::value& value : *array) {
    const std::optional<std::uint64_t> number = VersionFrom(value);
    if (!number) return fields.Wrong(name, "has an entry that is no version");
    numbers.push_back(*number);
  }
  return numbers;
}

Result<vocabulary::VersionLabels> LabelsFrom(const JsonFields& fields) {
  BLINDAI_TRY(const json::object* const object, fields.OptionalObject("labels"));
  vocabulary::VersionLabels labels;
  if (object == nullptr) return labels;
  for (const auto& [label, value] : *object) {
    const std::optional<std::uint64_t> number = VersionFrom(value);
    if (!number || !vocabulary::IsVersionLabel(label))
      return fields.Wrong("labels", "has an entry that is none");
    labels.emplace(label, *number);
  }
  return labels;
}

template <std::size_t N>
Result<std::size_t> FieldChoice(const JsonFields& fields, std::string_view name,
                                const std::array<std::string_view, N>& names) {
  BLINDAI_TRY(const std::optional<std::string> text, fields.OptionalString(name));
  const std::optional<std::size_t> index = text ? IndexOf(names, *text) : std::optional<std::size_t>(0);
  if (!index) return fields.Wrong(name, "has an unknown value");
  return *index;
}

json::object ModelToJson(const ModelInfo& model) {
  json::object object = {{"id", model.id},
                         {"object", "model"},
                         {"created", model.created},
                         {"owned_by", model.owned_by},
                         {"sha256", model.sha256},
                         {"bytes", model.bytes},
                         {"precision", PrecisionName(model.precision)},
                         {"kind", ModelKindName(model.kind)},
                         {"visibility", VisibilityName(model.visibility)},
                         {"state", model.state},
                         {"saved", model.saved},
                         {"version", model.version},
                         {"versions", NumbersToJson(model.versions)},
                         {"labels", json::object(model.labels.begin(), model.labels.end())},
                         {"version_policy", model.version_policy},
                         {"inputs", TensorSpecsToJson(model.inputs)},
                         {"outputs", TensorSpecsToJson(model.outputs)}};
  if (model.is_default) object["default"] = true;
  if (model.expires_at) object["expires_at"] = *model.expires_at;
  return object;
}

Result<ModelInfo> ModelFromJson(const json::object& object) {
  const JsonFields fields(object, kCode);
  ModelInfo model;
  BLINDAI_TRY(model.id, fields.String("id"));
  BLINDAI_TRY(const std::optional<std::int64_t> created, fields.OptionalInteger("created"));
  model.created = created.value_or(0);
  BLINDAI_TRY(std::optional<std::string> owner, fields.OptionalString("owned_by"));
  model.owned_by = std::move(owner).value_or("");
  BLINDAI_TRY(model.sha256, fields.String("sha256"));
  BLINDAI_TRY(const std::optional<std::uint64_t> bytes, fields.OptionalUnsigned("bytes"));
  model.bytes = bytes.value_or(0);
  BLINDAI_TRY(const std::size_t precision, FieldChoice(fields, "precision", kPrecisions));
  model.precision = static_cast<ModelPrecision>(precision);
  BLINDAI_TRY(const std::size_t kind, FieldChoice(fields, "kind", kKinds));
  model.kind = static_cast<ModelKind>(kind);
  BLINDAI_TRY(const std::size_t visibility, FieldChoice(fields, "visibility", kVisibilities));
  model.visibility = static_cast<ModelVisibility>(visibility);
  BLINDAI_TRY(model.state, fields.String("state"));
  BLINDAI_TRY(const std::optional<bool> saved, fields.OptionalBool("saved"));
  model.saved = saved.value_or(false);
  BLINDAI_TRY(const std::optional<bool> is_default, fields.OptionalBool("default"));
  model.is_default = is_default.value_or(false);
  BLINDAI_TRY(model.expires_at, fields.OptionalInteger("expires_at"));
  BLINDAI_TRY(const std::optional<std::uint64_t> version, fields.OptionalUnsigned("version"));
  model.version = version.value_or(1);
  BLINDAI_TRY(model.versions, NumbersFrom(fields, "versions"));
  BLINDAI_TRY(model.labels, LabelsFrom(fields));
  BLINDAI_TRY(std::optional<std::string> policy, fields.OptionalString("version_policy"));
  model.version_policy = std::move(policy).value_or("");
  BLINDAI_TRY(model.inputs, TensorSpecsFromJson(fields, "inputs", kCode));
  BLINDAI_TRY(model.outputs, TensorSpecsFromJson(fields, "outputs", kCode));
  return model;
}

}  // namespace

std::string_view PrecisionName(ModelPrecision precision) {
  return kPrecisions[static_cast<std::size_t>(precision)];
}
std::string_view VisibilityName(ModelVisibility visibility) {
  return kVisibilities[static_cast<std::size_t>(visibility)];
}
std::string_view ModelKindName(ModelKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

std::optional<ModelPrecision> PrecisionFromName(std::string_view name) {
  const std::optional<std::size_t> index = IndexOf(kPrecisions, name);
  if (!index) return std::nullopt;
  return static_cast<ModelPrecision>(*index);
}

Result<UploadQuery> DecodeUploadQuery(std::span<const std::pair<std::string, std::string>> query) {
  UploadQuery out;
  BLINDAI_TRY(const std::optional<std::size_t> precision, QueryChoice(query, "precision", kPrecisions));
  if (precision) out.precision = static_cast<ModelPrecision>(*precision);
  BLINDAI_TRY(const std::optional<std::size_t> save, QueryChoice(query, "save", kBooleans));
  if (save) out.save = *save == 1;
  BLINDAI_TRY(const std::optional<std::size_t> visibility, QueryChoice(query, "visibility", kVisibilities));
  if (visibility) out.visibility = static_cast<ModelVisibility>(*visibility);
  BLINDAI_TRY(out.tenants, QueryTenants(query));
  if (!out.tenants.empty() && out.visibility != ModelVisibility::kTenants) {
    return WrongQuery("tenants", "goes with visibility=tenants only");
  }
  BLINDAI_TRY(out.ttl_s, QuerySeconds(query, "ttl"));
  BLINDAI_TRY(const std::optional<std::size_t> kind, QueryChoice(query, "kind", kKinds));
  out.kind = static_cast<ModelKind>(kind.value_or(0));
  BLINDAI_TRY(const std::optional<std::size_t> is_default, QueryChoice(query, "default", kBooleans));
  out.is_default = is_default == 1;
  if (out.is_default && !Transcribes(out.kind))
    return WrongQuery("default", "goes with a kind that transcribes: ctc-speech or whisper");
  BLINDAI_TRY(out.versions, QueryPolicy(query));
  BLINDAI_TRY(const std::optional<std::string_view> label, QueryText(query, "label"));
  if (label && !vocabulary::IsVersionLabel(*label)) return WrongLabel(*label);
  out.label = label.value_or("");
  return out;
}

std::string EncodeUploadQuery(const UploadQuery& query) {
  std::string text;
  const auto append = [&](std::string_view key, std::string_view value) {
    if (!text.empty()) text += '&';
    text.append(key).append("=").append(value);
  };
  if (query.precision) append("precision", PrecisionName(*query.precision));
  if (query.save) append("save", *query.save ? "true" : "false");
  if (query.visibility) append("visibility", VisibilityName(*query.visibility));
  std::string tenants;
  for (const std::string& tenant : query.tenants) tenants += (tenants.empty() ? "" : ",") + tenant;
  if (!tenants.empty()) append("tenants", tenants);
  if (query.ttl_s) append("ttl", std::to_string(*query.ttl_s));
  if (query.kind != ModelKind::kTensor) append("kind", ModelKindName(query.kind));
  if (query.is_default) append("default", "true");
  if (query.versions) append("versions", query.versions->ToText());
  if (!query.label.empty()) append("label", query.label);
  return text;
}

Result<std::string> DecodeVersionQuery(std::span<const std::pair<std::string, std::string>> query) {
  BLINDAI_TRY(const std::optional<std::string_view> text, QueryText(query, "version"));
  if (!text) return std::string();
  if (vocabulary::VersionNumber(*text) == 0 && !vocabulary::IsVersionLabel(*text))
    return WrongQuery("version", "wants the number of a version (1, 2, …) or a label");
  return std::string(*text);
}

std::string EncodeModelInfo(const ModelInfo& model) { return json::serialize(ModelToJson(model)); }

Result<ModelInfo> DecodeModelInfo(ByteView body) {
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kCode));
  return ModelFromJson(object);
}

std::string EncodeModelList(const std::vector<ModelInfo>& models) {
  json::array data;
  for (const ModelInfo& model : models) data.push_back(ModelToJson(model));
  return json::serialize(json::object{{"object", "list"}, {"data", std::move(data)}});
}

Result<std::vector<ModelInfo>> DecodeModelList(ByteView body) {
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kCode, kMaxListingBytes));
  const JsonFields fields(object, kCode);
  BLINDAI_TRY(const json::array* const data, fields.Array("data"));
  std::vector<ModelInfo> models;
  for (const json::value& entry : *data) {
    if (!entry.is_object()) return fields.Wrong("data", "has an entry that is not an object");
    BLINDAI_TRY(ModelInfo model, ModelFromJson(entry.get_object()));
    models.push_back(std::move(model));
  }
  return models;
}

std::string EncodeModelChange(const ModelChange& change) {
  json::object object;
  if (change.versions) object["versions"] = change.versions->ToText();
  json::object labels;
  for (const auto& [label, number] : change.labels) {
    labels[label] = number ? json::value(*number) : json::value(nullptr);
  }
  if (!labels.empty()) object["labels"] = std::move(labels);
  return json::serialize(object);
}

Result<ModelChange> DecodeModelChange(ByteView body) {
  constexpr std::string_view kChangeCode = "model-change";
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kChangeCode, kMaxModelChangeBytes));
  const JsonFields fields(object, kChangeCode);
  ModelChange change;
  BLINDAI_TRY(const std::optional<std::string> policy, fields.OptionalString("versions"));
  if (policy) {
    BLINDAI_TRY(change.versions, vocabulary::VersionPolicy::Parse(*policy));
  }
  BLINDAI_TRY(const json::object* const labels, fields.OptionalObject("labels"));
  if (labels == nullptr) return change;
  for (const auto& [label, value] : *labels) {
    if (!vocabulary::IsVersionLabel(label)) return WrongLabel(label);
    const std::optional<std::uint64_t> number = VersionFrom(value);
    if (!number && !value.is_null()) {
      return fields.Wrong("labels", "has a label whose value is neither a version's number nor null");
    }
    change.labels.emplace(label, number);
  }
  return change;
}

std::string EncodeModelDeleted(const ModelDeleted& model) {
  json::object object{{"id", model.id}, {"object", "model"}, {"deleted", true}};
  if (model.sha256) object["sha256"] = *model.sha256;
  if (model.saved) object["saved"] = *model.saved;
  if (model.deleted_at) object["deleted_at"] = *model.deleted_at;
  if (!model.versions.empty()) object["versions"] = NumbersToJson(model.versions);
  return json::serialize(object);
}

Result<ModelDeleted> DecodeModelDeleted(ByteView body) {
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kCode));
  const JsonFields fields(object, kCode);
  BLINDAI_TRY(const std::optional<bool> deleted, fields.OptionalBool("deleted"));
  if (!deleted.value_or(false)) return fields.Wrong("deleted", "is not true");
  ModelDeleted model;
  BLINDAI_TRY(model.id, fields.String("id"));
  BLINDAI_TRY(model.sha256, fields.OptionalString("sha256"));
  BLINDAI_TRY(model.saved, fields.OptionalBool("saved"));
  BLINDAI_TRY(model.deleted_at, fields.OptionalInteger("deleted_at"));
  BLINDAI_TRY(model.versions, NumbersFrom(fields, "versions"));
  return model;
}

}  // namespace blindai::wire
