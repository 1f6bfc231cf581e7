#include "protocols/wire/model_listing.h"

#include <array>

#include <boost/json.hpp>

#include "protocols/wire/json_fields.h"
#include "protocols/wire/tensor_specs_json.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::ByteView;
using base::Result;

constexpr std::string_view kCode = "model-listing";
constexpr std::size_t kMaxListingBytes = std::size_t{16} << 20;

// The position of a name is the value of the enumeration.
constexpr std::array<std::string_view, 2> kPrecisions = {"f32", "bf16"};
constexpr std::array<std::string_view, 4> kVisibilities = {"private", "link", "tenants", "public"};
constexpr std::array<std::string_view, 2> kKinds = {"tensor", "ctc-speech"};
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

template <std::size_t N>
Result<std::size_t> FieldChoice(const JsonFields& fields, std::string_view name,
                                const std::array<std::string_view, N>& names) {
  BLINDAI_TRY(const std::optional<std::string> text, fields.OptionalString(name));
  const std::optional<std::size_t> index = text ? IndexOf(names, *text) : std::optional<std::size_t>(0);
  if (!index) return fields.Wrong(name, "has an unknown value");
  return *index;
}

json::object ModelToJson(const ModelInfo& model) {
  return {{"id", model.id},
          {"object", "model"},
          {"created", model.created},
          {"owned_by", model.owned_by},
          {"sha256", model.sha256},
          {"bytes", model.bytes},
          {"precision", PrecisionName(model.precision)},
          {"kind", ModelKindName(model.kind)},
          {"visibility", VisibilityName(model.visibility)},
          {"state", model.state},
          {"inputs", TensorSpecsToJson(model.inputs)},
          {"outputs", TensorSpecsToJson(model.outputs)}};
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
  BLINDAI_TRY(const std::optional<std::size_t> kind, QueryChoice(query, "kind", kKinds));
  out.kind = static_cast<ModelKind>(kind.value_or(0));
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
  if (query.kind != ModelKind::kTensor) append("kind", ModelKindName(query.kind));
  return text;
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

std::string EncodeModelDeleted(std::string_view id) {
  return json::serialize(json::object{{"id", id}, {"object", "model"}, {"deleted", true}});
}

Result<std::string> DecodeModelDeleted(ByteView body) {
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kCode));
  const JsonFields fields(object, kCode);
  BLINDAI_TRY(const std::optional<bool> deleted, fields.OptionalBool("deleted"));
  if (!deleted.value_or(false)) return fields.Wrong("deleted", "is not true");
  return fields.String("id");
}

}  // namespace blindai::wire
