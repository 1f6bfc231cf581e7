#include "service/accounts/placement.h"

#include <algorithm>
#include <random>
#include <string>

namespace blindai::accounts {
namespace {

bool Serves(const ServerInfo& server, std::span<const crypto::Sha256Digest> models) {
  const auto less = [](const auto& left, const auto& right) { return left.bytes < right.bytes; };
  return std::any_of(models.begin(), models.end(), [&](const auto& model) {
    return std::binary_search(server.models.begin(), server.models.end(), model, less);
  });
}

}  // namespace

std::vector<crypto::Sha256Digest> ModelDigests(std::string_view tenant, std::string_view model) {
  const std::string owned = std::string(tenant) + "/" + std::string(model);
  return {crypto::Sha256(base::AsBytes(owned)), crypto::Sha256(base::AsBytes(model))};
}

std::vector<const ServerInfo*> Place(std::span<const ServerInfo> servers, const PlacementRequest& request,
                                     base::Time now, std::chrono::seconds silent_after,
                                     std::uint64_t chance) {
  std::vector<const ServerInfo*> placed;
  for (const ServerInfo& server : servers) {
    const bool usable = server.state == ServerState::kListed && server.reported > now - silent_after;
    if (usable && (!request.needs_v05 || server.v05_attested != 0)) placed.push_back(&server);
  }
  const auto without_model = [&](const ServerInfo* server) { return !Serves(*server, request.models); };
  if (!std::all_of(placed.begin(), placed.end(), without_model)) std::erase_if(placed, without_model);
  std::shuffle(placed.begin(), placed.end(), std::mt19937_64(chance));
  std::stable_sort(placed.begin(), placed.end(), [](const ServerInfo* left, const ServerInfo* right) {
    return left->backlog_ms < right->backlog_ms;
  });
  if (placed.size() > request.max_servers) placed.resize(request.max_servers);
  return placed;
}

}  // namespace blindai::accounts
