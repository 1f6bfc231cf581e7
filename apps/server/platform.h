// Which hardware vouches for this server. One place decides, at start, and says what it found; nothing falls
// back to simulation by itself.
#pragma once

#include <memory>
#include <string_view>

#include "attestation/attester/attester.h"
#include "base/result.h"
#include "server/server_config.h"

namespace blindai::server {

struct Platform {
  std::unique_ptr<attester::Attester> attester;
  std::string_view name;  // "simulation", "snp"
  std::string_view mode;  // "simulation" or "hardware": what the manifest says
};

// Code: no-platform, with what was looked for and what to do.
base::Result<Platform> ChoosePlatform(const ServerConfig& config);

}  // namespace blindai::server
