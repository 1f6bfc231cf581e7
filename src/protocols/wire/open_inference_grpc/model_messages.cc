#include "protocols/wire/open_inference_grpc/model_messages.h"

#include <utility>

#include "base/secret.h"

namespace blindai::wire {
namespace {

using base::Result;
using base::Status;
using vocabulary::Datatype;

template <typename Repeated>
void FillTensors(const std::vector<vocabulary::TensorSpec>& specs, Repeated& out) {
  for (const vocabulary::TensorSpec& spec : specs) {
    auto& tensor = *out.Add();
    tensor.set_name(spec.name);
    tensor.set_datatype(std::string(vocabulary::DatatypeName(spec.datatype)));
    for (const std::int64_t dimension : spec.shape) tensor.add_shape(dimension);
  }
}

inference::DataType ConfigType(Datatype datatype) {
  inference::DataType type = inference::TYPE_INVALID;
  inference::DataType_Parse(ConfigTypeName(datatype), &type);
  return type;
}

template <typename Repeated>
void FillConfigTensors(const std::vector<vocabulary::TensorSpec>& specs, Repeated& out) {
  for (const vocabulary::TensorSpec& spec : specs) {
    auto& tensor = *out.Add();
    tensor.set_name(spec.name);
    tensor.set_data_type(ConfigType(spec.datatype));
    for (const std::int64_t dimension : spec.shape) tensor.add_dims(dimension);
  }
}

void Fill(const StatisticDuration& duration, inference::StatisticDuration& message) {
  message.set_count(duration.count);
  message.set_ns(duration.ns);
}

void FillOne(const ModelStatistics& model, inference::ModelStatistics& message) {
  message.set_name(model.name);
  message.set_version(model.version);
  message.set_last_inference(model.last_inference_ms);
  message.set_inference_count(model.inference_count);
  message.set_execution_count(model.execution_count);
  inference::InferStatistics& durations = *message.mutable_inference_stats();
  Fill(model.success, *durations.mutable_success());
  Fill(model.fail, *durations.mutable_fail());
  Fill(model.queue, *durations.mutable_queue());
  Fill(model.compute_input, *durations.mutable_compute_input());
  Fill(model.compute_infer, *durations.mutable_compute_infer());
  Fill(model.compute_output, *durations.mutable_compute_output());
  Fill({}, *durations.mutable_cache_hit());
  Fill({}, *durations.mutable_cache_miss());
  if (model.execution_count > 0) {
    inference::InferBatchStatistics& batch = *message.add_batch_stats();
    batch.set_batch_size(1);
    Fill(model.compute_input, *batch.mutable_compute_input());
    Fill(model.compute_infer, *batch.mutable_compute_infer());
    Fill(model.compute_output, *batch.mutable_compute_output());
  }
  inference::MemoryUsage& memory = *message.add_memory_usage();
  memory.set_type("CPU");
  memory.set_byte_size(model.memory_bytes);
}

Status AddParameter(const std::string& name, inference::ModelRepositoryParameter& parameter,
                    LoadBuilder& builder) {
  const bool is_bytes = parameter.has_bytes_param();
  if (!is_bytes && !parameter.has_string_param()) return base::Ok();
  std::string& value = is_bytes ? *parameter.mutable_bytes_param() : *parameter.mutable_string_param();
  if (!LoadBuilder::IsFile(name)) return builder.AddText(name, value);
  base::SecretBytes content = base::SecretBytes::CopyOf(base::AsBytes(value));
  base::Wipe(value.data(), value.size());
  value.clear();
  return builder.AddFile(name, std::move(content));
}

}  // namespace

void FillMetadata(const ServerMetadata& metadata, inference::ServerMetadataResponse& message) {
  message.set_name(metadata.name);
  message.set_version(metadata.version);
  for (const std::string& extension : metadata.extensions) message.add_extensions(extension);
}

void FillMetadata(const ModelMetadata& metadata, inference::ModelMetadataResponse& message) {
  message.set_name(metadata.name);
  for (const std::string& version : metadata.versions) message.add_versions(version);
  message.set_platform(metadata.platform);
  FillTensors(metadata.inputs, *message.mutable_inputs());
  FillTensors(metadata.outputs, *message.mutable_outputs());
}

void FillConfig(const ModelMetadata& metadata, inference::ModelConfig& message) {
  message.set_name(metadata.name);
  message.set_platform(metadata.platform);
  message.set_backend(std::string(kConfigBackend));
  FillConfigTensors(metadata.inputs, *message.mutable_input());
  FillConfigTensors(metadata.outputs, *message.mutable_output());
}

void FillStatistics(const std::vector<ModelStatistics>& models, inference::ModelStatisticsResponse& message) {
  for (const ModelStatistics& model : models) FillOne(model, *message.add_model_stats());
}

void FillIndex(const std::vector<IndexEntry>& entries, inference::RepositoryIndexResponse& message) {
  for (const IndexEntry& entry : entries) {
    auto& model = *message.add_models();
    model.set_name(entry.name);
    model.set_version(entry.version);
    model.set_state(entry.state);
    model.set_reason(entry.reason);
  }
}

Result<LoadRequest> DecodeLoadMessage(inference::RepositoryModelLoadRequest& message) {
  LoadBuilder builder(message.model_name());
  for (auto& [name, parameter] : *message.mutable_parameters()) {
    BLINDAI_RETURN_IF_ERROR(AddParameter(name, parameter, builder));
  }
  return builder.Take();
}

}  // namespace blindai::wire
