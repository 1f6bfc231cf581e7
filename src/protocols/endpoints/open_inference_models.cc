#include "protocols/endpoints/open_inference_models.h"

#include <string>
#include <utility>

#include "service/delete_model.h"

namespace blindai::endpoints {
namespace {

using base::Result;
using service::ModelRecord;
using service::ServedModel;
using vocabulary::ModelId;

constexpr std::string_view kPlatform = "onnx_onnxv1";

// Everything before the file goes to its worker.
Result<std::unique_ptr<service::ModelUpload>> Upload(service::ModelCatalogue& catalogue,
                                                     const service::UploadOptions& options,
                                                     const service::Caller& caller, const ModelId& id,
                                                     const wire::LoadRequest& request) {
  const base::ByteView file = request.file->ExposeSecret();
  const bool bf16 = request.precision == wire::ModelPrecision::kBf16;
  service::UploadRequest upload{.id = id,
                                .precision = bf16 ? service::Precision::kBf16 : service::Precision::kF32,
                                .visibility = request.visibility
                                                  ? static_cast<service::Visibility>(*request.visibility)
                                                  : options.default_visibility,
                                .versions = {.policy = request.versions},
                                .content_length = file.size()};
  BLINDAI_TRY(auto begun, service::ModelUpload::Begin(catalogue, options, caller, std::move(upload)));
  BLINDAI_RETURN_IF_ERROR(begun->Feed(file));
  return begun;
}

}  // namespace

std::vector<std::string> OpenInferenceExtensions() {
  return {"binary_tensor_data", "parameters", "statistics", "model_repository", "model_configuration"};
}

Result<std::shared_ptr<const ServedModel>> FindVersion(const service::ModelCatalogue& catalogue,
                                                       const service::Caller& caller, std::string_view name,
                                                       std::string_view version) {
  BLINDAI_TRY(const ModelId id, ModelId::Parse(name));
  return catalogue.Find(caller, id, version);
}

wire::ModelMetadata MetadataOf(const service::ModelCatalogue& catalogue, const service::Caller& caller,
                               const ModelRecord& record) {
  std::vector<std::string> versions;
  for (const auto& served : catalogue.VersionsOf(caller, record.id)) {
    versions.push_back(std::to_string(served->record.version));
  }
  return {record.id.text(), std::move(versions), std::string(kPlatform), record.signature.inputs,
          record.signature.outputs};
}

wire::ModelStatistics StatisticsOf(const ServedModel& served) {
  const service::HostStats stats = served.host->stats();
  const auto& run = stats.run;
  wire::ModelStatistics entry;
  entry.name = served.record.id.text();
  entry.version = std::to_string(served.record.version);
  entry.last_inference_ms = static_cast<std::uint64_t>(run.last_success_ms);
  entry.inference_count = run.successes;
  entry.execution_count = run.executions;
  entry.success = {run.successes, run.success_ns};
  entry.fail = {run.AllFailures(), run.failure_ns};
  entry.queue = {run.successes, run.queue_ns};
  entry.compute_input = {run.successes, run.input_ns};
  entry.compute_infer = {run.successes, run.infer_ns};
  entry.compute_output = {run.successes, run.output_ns};
  entry.memory_bytes = stats.resident_bytes;
  return entry;
}

Result<std::vector<wire::ModelStatistics>> StatisticsFor(const service::ModelCatalogue& catalogue,
                                                         const service::Caller& caller, std::string_view name,
                                                         std::string_view version) {
  std::vector<wire::ModelStatistics> statistics;
  if (!name.empty()) {
    BLINDAI_TRY(const auto served, FindVersion(catalogue, caller, name, version));
    statistics.push_back(StatisticsOf(*served));
    return statistics;
  }
  for (const auto& served : catalogue.ListVersions(caller)) statistics.push_back(StatisticsOf(*served));
  return statistics;
}

std::vector<wire::IndexEntry> IndexFor(const service::ModelCatalogue& catalogue,
                                       const service::Caller& caller) {
  std::vector<wire::IndexEntry> entries;
  for (const auto& served : catalogue.ListVersions(caller)) {
    entries.push_back({served->record.id.text(), std::to_string(served->record.version), "READY", ""});
  }
  return entries;
}

service::RunRequest RunRequestOf(const wire::InferRequest& request, std::shared_ptr<const void> elements,
                                 std::chrono::steady_clock::time_point latest) {
  service::RunRequest run;
  for (const wire::InferTensor& input : request.inputs) run.inputs.push_back(input.tensor);
  for (const wire::RequestedOutput& output : request.outputs) run.outputs.push_back(output.name);
  run.elements = std::move(elements);
  run.deadline = latest;
  const auto now = std::chrono::steady_clock::now();
  // In microseconds, in which the largest timeout still fits.
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(latest - now);
  const std::optional<std::chrono::microseconds> timeout = wire::TimeoutOf(request);
  if (timeout && *timeout < left) run.deadline = now + *timeout;
  return run;
}

void LoadModel(service::ModelCatalogue& catalogue, const service::UploadOptions& options,
               const service::Caller& caller, std::string_view name, const wire::LoadRequest& request,
               std::function<void(Result<ModelRecord>)> done) {
  if (base::Status allowed = service::RequireUpload(caller); !allowed.ok())
    return done(std::move(allowed).error());
  if (!request.file) {
    auto served = FindVersion(catalogue, caller, name, "");
    return served.ok() ? done((*served)->record) : done(std::move(served).error());
  }
  Result<ModelId> id = ModelId::Parse(name);
  if (!id.ok()) return done(std::move(id).error());
  auto upload = Upload(catalogue, options, caller, *id, request);
  if (!upload.ok()) return done(std::move(upload).error());
  service::ModelUpload::Finish(std::move(upload).value(), std::move(done));
}

void UnloadModel(service::ModelCatalogue& catalogue, const service::Caller& caller, std::string_view name,
                 std::function<void(Result<ModelRecord>)> done) {
  Result<ModelId> id = ModelId::Parse(name);
  if (!id.ok()) return done(std::move(id).error());
  service::UnloadModel(catalogue, caller, *id, std::move(done));
}

}  // namespace blindai::endpoints
