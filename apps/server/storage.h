// Where models are stored, and under which key: the platform's, which only this program on this machine gets.
#pragma once

#include <memory>

#include "base/result.h"
#include "model/model_store.h"
#include "server/platform.h"
#include "server/server_config.h"

namespace blindai::server {

struct Store {
  std::unique_ptr<model::ModelStore> models;  // null: nothing is stored
  std::string_view sealed_by = "none";        // for the manifest
};

// Codes: store-folder, store-in-use, those of attester/sealing_key.h; no-sealing-key (this platform has none,
// or none of the wanted kind). A damaged store is no error: it is opened, logged, and says so itself.
base::Result<Store> OpenStore(const ServerConfig& config, const Platform& platform, const Devices& devices);

}  // namespace blindai::server
