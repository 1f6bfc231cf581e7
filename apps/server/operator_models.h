// The models of the operator's configuration ([[model]]): read, checked against their SHA-256 and loaded before the
// server is ready. Callers share their workers, and no client can replace or delete them.
#pragma once

#include "base/result.h"
#include "server/server_config.h"
#include "service/upload_model.h"

namespace blindai::server {

// Codes: model-file (cannot be read), model-sha256 (another file), those of ModelUpload; each names its model.
base::Status LoadOperatorModels(const ServerConfig& config, service::ModelCatalogue& catalogue,
                                const service::UploadOptions& options);

}  // namespace blindai::server
