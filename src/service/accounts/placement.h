// Which servers a client is given: those that are listed, heard of lately and have the model, the least predicted wait
// first, equal ones in random order so that clients spread. Pure: servers, time and chance are arguments.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "crypto/digest.h"
#include "service/accounts/server_registry.h"

namespace blindai::accounts {

// How a server names a model without showing the name: the digest of "tenant/id" for its owner, and of the bare id for
// models that others may run. A client's name for a model stands for either.
std::vector<crypto::Sha256Digest> ModelDigests(std::string_view tenant, std::string_view model);

struct PlacementRequest {
  // Any of these is the model; empty = any server. When no server has it, every server is given: the client may be
  // about to upload it.
  std::vector<crypto::Sha256Digest> models = {};
  bool needs_v05 = false;  // only servers with BlindAI 0.5's ports open
  std::size_t max_servers = 8;
};

// Pointers into `servers`.
std::vector<const ServerInfo*> Place(std::span<const ServerInfo> servers, const PlacementRequest& request,
                                     base::Time now, std::chrono::seconds silent_after, std::uint64_t chance);

}  // namespace blindai::accounts
