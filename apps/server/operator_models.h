// The models of the operator's configuration ([[model]], [voice_activity]): read, checked against their SHA-256 and
// loaded before the server is ready. Callers share their workers, and no client can replace or delete them.
#pragma once

#include <vector>

#include "base/result.h"
#include "server/server_config.h"
#include "service/upload_model.h"

namespace blindai::server {

// Those of [[model]], and the network of [voice_activity], which only transcriptions reach: what the manifest names.
std::vector<OperatorModel> OperatorModelsOf(const ServerConfig& config);

// Codes: model-file (cannot be read), model-sha256 (another file), those of ModelUpload, voice-activity (another
// network); each names its model.
base::Status LoadOperatorModels(const ServerConfig& config, service::ModelCatalogue& catalogue,
                                const service::UploadOptions& options);

}  // namespace blindai::server
