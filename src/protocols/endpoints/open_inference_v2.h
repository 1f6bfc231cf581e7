// `/v2`: the Open Inference Protocol over HTTP, with the binary tensor data extension. The body of a request
// stays where it was received until its tensors have been copied to the worker, and is wiped then; the
// answer's tensors are written from where the worker's answer was copied to.
//
//   GET  /v2                                              name, version, extensions
//   GET  /v2/health/live, /v2/health/ready
//   GET  /v2/models/{model}[/versions/{version}][/ready]
//   POST /v2/models/{model}[/versions/{version}]/infer
//   GET  /v2/models/{model}[/versions/{version}]/config, …/stats, and /v2/models/stats
//   POST /v2/repository/index
//   POST /v2/repository/models/{model}/load, …/unload
//
// https://github.com/kserve/open-inference-protocol
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "protocols/endpoints/authentication.h"
#include "protocols/endpoints/router.h"
#include "service/model_catalogue.h"
#include "service/upload_model.h"

namespace blindai::endpoints {

struct OpenInferenceOptions {
  std::string server_version;
  // Elements of all tensors of one request, as the body or as decoded from JSON (code body-too-large,
  // tensors-too-large).
  std::uint64_t max_tensor_bytes = std::uint64_t{256} << 20;
  // From the complete request to its answer; a client may ask for less with the parameter `timeout`
  // (microseconds).
  std::chrono::milliseconds deadline{600'000};
  // For loads that bring a file.
  service::UploadOptions upload;
};

// The catalogue and `ready` must outlive the router.
void RegisterOpenInferenceV2(Router& router, service::ModelCatalogue& catalogue,
                             const std::atomic<bool>& ready, OpenInferenceOptions options,
                             IdentifyCaller identify);

}  // namespace blindai::endpoints
