#include "protocols/wire/open_inference_v2_metadata.h"

#include <utility>

#include <boost/json.hpp>

#include "protocols/wire/json_fields.h"
#include "protocols/wire/tensor_specs_json.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::ByteView;
using base::Result;

constexpr std::string_view kCode = "oip-body";
// A listing of many models is larger than a single answer.
constexpr std::size_t kMaxListingBytes = std::size_t{16} << 20;

json::array Strings(const std::vector<std::string>& texts) { return json::array(texts.begin(), texts.end()); }

// Absent gives an empty list.
Result<std::vector<std::string>> StringsFrom(const JsonFields& fields, std::string_view name) {
  std::vector<std::string> texts;
  BLINDAI_TRY(const json::array* const array, fields.OptionalArray(name));
  if (array == nullptr) return texts;
  for (const json::value& entry : *array) {
    if (!entry.is_string()) return fields.Wrong(name, "has an entry that is not a string");
    texts.emplace_back(entry.get_string());
  }
  return texts;
}

Result<std::string> OptionalText(const JsonFields& fields, std::string_view name) {
  BLINDAI_TRY(std::optional<std::string> text, fields.OptionalString(name));
  return std::move(text).value_or("");
}

json::object DurationToJson(const StatisticDuration& duration) {
  return {{"count", duration.count}, {"ns", duration.ns}};
}

json::array ConfigTensors(const std::vector<vocabulary::TensorSpec>& specs) {
  json::array tensors;
  for (const vocabulary::TensorSpec& spec : specs) {
    tensors.push_back(json::object{{"name", spec.name},
                                   {"data_type", ConfigTypeName(spec.datatype)},
                                   {"dims", json::array(spec.shape.begin(), spec.shape.end())}});
  }
  return tensors;
}

// Every run is a batch of one: nothing is gathered from several requests.
json::array BatchesToJson(const ModelStatistics& model) {
  if (model.execution_count == 0) return {};
  return {json::object{{"batch_size", 1},
                       {"compute_input", DurationToJson(model.compute_input)},
                       {"compute_infer", DurationToJson(model.compute_infer)},
                       {"compute_output", DurationToJson(model.compute_output)}}};
}

Result<std::uint64_t> Count(const JsonFields& fields, std::string_view name) {
  BLINDAI_TRY(const std::optional<std::uint64_t> count, fields.OptionalUnsigned(name));
  return count.value_or(0);
}

Result<StatisticDuration> DurationFrom(const json::object* statistics, std::string_view name) {
  StatisticDuration duration;
  if (statistics == nullptr) return duration;
  BLINDAI_TRY(const json::object* const object, JsonFields(*statistics, kCode).OptionalObject(name));
  if (object == nullptr) return duration;
  const JsonFields fields(*object, kCode, name);
  BLINDAI_TRY(duration.count, Count(fields, "count"));
  BLINDAI_TRY(duration.ns, Count(fields, "ns"));
  return duration;
}

Result<std::uint64_t> MemoryFrom(const JsonFields& fields) {
  BLINDAI_TRY(const json::array* const array, fields.OptionalArray("memory_usage"));
  std::uint64_t sum = 0;
  if (array == nullptr) return sum;
  for (const json::value& entry : *array) {
    if (!entry.is_object()) return fields.Wrong("memory_usage", "has an entry that is not an object");
    BLINDAI_TRY(const std::uint64_t bytes, Count(JsonFields(entry.get_object(), kCode), "byte_size"));
    sum += bytes;
  }
  return sum;
}

Result<ModelStatistics> StatisticsFrom(const json::object& object) {
  const JsonFields fields(object, kCode, "model_stats");
  ModelStatistics model;
  BLINDAI_TRY(model.name, fields.String("name"));
  BLINDAI_TRY(model.version, OptionalText(fields, "version"));
  BLINDAI_TRY(model.last_inference_ms, Count(fields, "last_inference"));
  BLINDAI_TRY(model.inference_count, Count(fields, "inference_count"));
  BLINDAI_TRY(model.execution_count, Count(fields, "execution_count"));
  BLINDAI_TRY(model.memory_bytes, MemoryFrom(fields));
  BLINDAI_TRY(const json::object* const durations, fields.OptionalObject("inference_stats"));
  BLINDAI_TRY(model.success, DurationFrom(durations, "success"));
  BLINDAI_TRY(model.fail, DurationFrom(durations, "fail"));
  BLINDAI_TRY(model.queue, DurationFrom(durations, "queue"));
  BLINDAI_TRY(model.compute_input, DurationFrom(durations, "compute_input"));
  BLINDAI_TRY(model.compute_infer, DurationFrom(durations, "compute_infer"));
  BLINDAI_TRY(model.compute_output, DurationFrom(durations, "compute_output"));
  return model;
}

}  // namespace

std::string EncodeServerMetadata(const ServerMetadata& metadata) {
  return json::serialize(json::object{
      {"name", metadata.name}, {"version", metadata.version}, {"extensions", Strings(metadata.extensions)}});
}

Result<ServerMetadata> DecodeServerMetadata(ByteView body) {
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kCode));
  const JsonFields fields(object, kCode);
  ServerMetadata metadata;
  BLINDAI_TRY(metadata.name, fields.String("name"));
  BLINDAI_TRY(metadata.version, fields.String("version"));
  BLINDAI_TRY(metadata.extensions, StringsFrom(fields, "extensions"));
  return metadata;
}

std::string EncodeModelMetadata(const ModelMetadata& metadata) {
  return json::serialize(json::object{{"name", metadata.name},
                                      {"versions", Strings(metadata.versions)},
                                      {"platform", metadata.platform},
                                      {"inputs", TensorSpecsToJson(metadata.inputs)},
                                      {"outputs", TensorSpecsToJson(metadata.outputs)}});
}

Result<ModelMetadata> DecodeModelMetadata(ByteView body) {
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kCode));
  const JsonFields fields(object, kCode);
  ModelMetadata metadata;
  BLINDAI_TRY(metadata.name, fields.String("name"));
  BLINDAI_TRY(metadata.versions, StringsFrom(fields, "versions"));
  BLINDAI_TRY(metadata.platform, OptionalText(fields, "platform"));
  BLINDAI_TRY(metadata.inputs, TensorSpecsFromJson(fields, "inputs", kCode));
  BLINDAI_TRY(metadata.outputs, TensorSpecsFromJson(fields, "outputs", kCode));
  return metadata;
}

std::string ConfigTypeName(vocabulary::Datatype datatype) {
  if (datatype == vocabulary::Datatype::kBytes) return "TYPE_STRING";
  return "TYPE_" + std::string(vocabulary::DatatypeName(datatype));
}

std::string EncodeModelConfig(const ModelMetadata& metadata) {
  return json::serialize(json::object{{"name", metadata.name},
                                      {"platform", metadata.platform},
                                      {"backend", kConfigBackend},
                                      {"max_batch_size", 0},
                                      {"input", ConfigTensors(metadata.inputs)},
                                      {"output", ConfigTensors(metadata.outputs)},
                                      {"instance_group", {{{"count", 1}, {"kind", "KIND_CPU"}}}}});
}

std::string EncodeHealth(bool good) {
  return good ? R"({"live":true,"ready":true})" : R"({"live":false,"ready":false})";
}

Result<bool> DecodeHealth(ByteView body) {
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kCode));
  const JsonFields fields(object, kCode);
  BLINDAI_TRY(const std::optional<bool> ready, fields.OptionalBool("ready"));
  if (ready) return *ready;
  BLINDAI_TRY(const std::optional<bool> live, fields.OptionalBool("live"));
  if (live) return *live;
  return fields.Wrong("ready", "is missing");
}

std::string EncodeModelReady(std::string_view model_name, bool ready) {
  return json::serialize(json::object{{"name", model_name}, {"ready", ready}});
}

Result<bool> DecodeModelReady(ByteView body) {
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kCode));
  const JsonFields fields(object, kCode);
  BLINDAI_TRY(const std::optional<bool> ready, fields.OptionalBool("ready"));
  if (!ready) return fields.Wrong("ready", "is missing");
  return *ready;
}

std::string EncodeOipError(const base::Error& error) {
  return json::serialize(json::object{{"error", error.message}, {"code", error.code}});
}

Result<bool> DecodeIndexRequest(ByteView body) {
  if (body.empty()) return false;
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kCode));
  BLINDAI_TRY(const std::optional<bool> ready, JsonFields(object, kCode).OptionalBool("ready"));
  return ready.value_or(false);
}

std::string EncodeIndex(const std::vector<IndexEntry>& entries) {
  json::array array;
  for (const IndexEntry& entry : entries) {
    json::object object{{"name", entry.name}, {"state", entry.state}, {"reason", entry.reason}};
    if (!entry.version.empty()) object["version"] = entry.version;
    array.push_back(std::move(object));
  }
  return json::serialize(array);
}

Result<std::vector<IndexEntry>> DecodeIndex(ByteView body) {
  BLINDAI_TRY(const json::value value, ParseSmallJson(body, kCode, kMaxListingBytes));
  if (!value.is_array()) return base::Malformed("the repository index is not an array", std::string(kCode));
  std::vector<IndexEntry> entries;
  for (const json::value& element : value.get_array()) {
    if (!element.is_object())
      return base::Malformed("the repository index has an entry that is not an object", std::string(kCode));
    const JsonFields fields(element.get_object(), kCode);
    IndexEntry entry;
    BLINDAI_TRY(entry.name, fields.String("name"));
    BLINDAI_TRY(entry.version, OptionalText(fields, "version"));
    BLINDAI_TRY(entry.state, OptionalText(fields, "state"));
    BLINDAI_TRY(entry.reason, OptionalText(fields, "reason"));
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string EncodeStatistics(const std::vector<ModelStatistics>& models) {
  json::array array;
  for (const ModelStatistics& model : models) {
    json::object durations{{"success", DurationToJson(model.success)},
                           {"fail", DurationToJson(model.fail)},
                           {"queue", DurationToJson(model.queue)},
                           {"compute_input", DurationToJson(model.compute_input)},
                           {"compute_infer", DurationToJson(model.compute_infer)},
                           {"compute_output", DurationToJson(model.compute_output)},
                           {"cache_hit", DurationToJson({})},
                           {"cache_miss", DurationToJson({})}};
    json::object memory{{"type", "CPU"}, {"id", 0}, {"byte_size", model.memory_bytes}};
    json::object object{{"name", model.name},
                        {"last_inference", model.last_inference_ms},
                        {"inference_count", model.inference_count},
                        {"execution_count", model.execution_count},
                        {"inference_stats", std::move(durations)},
                        {"response_stats", json::object()},
                        {"batch_stats", BatchesToJson(model)},
                        {"memory_usage", json::array{std::move(memory)}}};
    if (!model.version.empty()) object["version"] = model.version;
    array.push_back(std::move(object));
  }
  return json::serialize(json::object{{"model_stats", std::move(array)}});
}

Result<std::vector<ModelStatistics>> DecodeStatistics(ByteView body) {
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kCode, kMaxListingBytes));
  const JsonFields fields(object, kCode);
  BLINDAI_TRY(const json::array* const array, fields.Array("model_stats"));
  std::vector<ModelStatistics> models;
  for (const json::value& element : *array) {
    if (!element.is_object()) return fields.Wrong("model_stats", "has an entry that is not an object");
    BLINDAI_TRY(ModelStatistics model, StatisticsFrom(element.get_object()));
    models.push_back(std::move(model));
  }
  return models;
}

}  // namespace blindai::wire
