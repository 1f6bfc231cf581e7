// What the two ways to the Open Inference Protocol share, REST and gRPC: served models in the protocol's words, and the
// services behind its requests. Both ask the same functions, so that neither can do what the other may not.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protocols/wire/open_inference_repository.h"
#include "protocols/wire/open_inference_v2.h"
#include "protocols/wire/open_inference_v2_metadata.h"
#include "service/model_catalogue.h"
#include "service/run_model.h"
#include "service/upload_model.h"

namespace blindai::endpoints {

// What `GET /v2` announces: only what is there.
std::vector<std::string> OpenInferenceExtensions();

// The version that is asked for: a number, a label, or the empty text for the highest. Codes: model-id,
// model-not-found.
base::Result<std::shared_ptr<const service::ServedModel>> FindVersion(
    const service::ModelCatalogue& catalogue, const service::Caller& caller, std::string_view name,
    std::string_view version);

// Of a version that was found; the versions beside it are those that the caller may use.
wire::ModelMetadata MetadataOf(const service::ModelCatalogue& catalogue, const service::Caller& caller,
                               const service::ModelRecord& record);
wire::ModelStatistics StatisticsOf(const service::ServedModel& served);
// Of the version, or of all versions that are listed to the caller when `name` is empty.
base::Result<std::vector<wire::ModelStatistics>> StatisticsFor(const service::ModelCatalogue& catalogue,
                                                               const service::Caller& caller,
                                                               std::string_view name,
                                                               std::string_view version);
// One entry for each version that is listed to the caller.
std::vector<wire::IndexEntry> IndexFor(const service::ModelCatalogue& catalogue,
                                       const service::Caller& caller);

// The run that a request asks for. `elements` keeps the bytes of its tensors. The parameter `timeout`, in microseconds,
// makes the deadline shorter, never longer.
service::RunRequest RunRequestOf(const wire::InferRequest& request, std::shared_ptr<const void> elements,
                                 std::chrono::steady_clock::time_point latest);

// Loads the file of the request through the gate that every upload passes, or finds what is there already. `done` is
// called once, at once or on the model host's thread. Codes: those of an upload (service/upload_model.h),
// model-not-found.
void LoadModel(service::ModelCatalogue& catalogue, const service::UploadOptions& options,
               const service::Caller& caller, std::string_view name, const wire::LoadRequest& request,
               std::function<void(base::Result<service::ModelRecord>)> done);
// All versions: what is not stored is gone then. Codes: those of service/delete_model.h.
void UnloadModel(service::ModelCatalogue& catalogue, const service::Caller& caller, std::string_view name,
                 std::function<void(base::Result<service::ModelRecord>)> done);

}  // namespace blindai::endpoints
