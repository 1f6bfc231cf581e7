#include "service/accounts/directory.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "crypto/random.h"
#include "service/accounts/address_origin.h"

namespace blindai::accounts {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;

constexpr std::chrono::seconds kRefreshKeysEvery{20};

Status Require(bool allowed, const char* scope) {
  if (allowed) return base::Ok();
  return MakeError(ErrorKind::kDenied, "not-allowed",
                   std::string("this API key may not do that; it needs the scope ") + scope);
}
Status RequireAdmin(const Holder& holder) { return Require(holder.account.scopes.admin, "admin"); }
Status RequireServer(const Holder& holder) {
  return Require(holder.account.scopes.server || holder.account.scopes.admin, "server");
}

std::uint64_t Chance() {
  base::FixedBytes<8> bytes = crypto::RandomFixed<base::FixedBytes<8>>();
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes.bytes) value = value << 8 | byte;
  return value;
}

}  // namespace

Directory::Directory(const DirectoryOptions& options)
    : options_(options),
      key_limiter_(options.per_key, options.max_origins),
      address_limiter_(options.per_address, options.max_origins) {
  BLINDAI_CHECK(options.session_life <= kMaxSessionLife);
}

Result<std::unique_ptr<Directory>> Directory::Open(const std::shared_ptr<Database>& database,
                                                   base::SecretBytes session_secret,
                                                   const DirectoryOptions& options, base::Time now) {
  std::unique_ptr<Directory> directory(new Directory(options));
  BLINDAI_TRY(directory->api_keys_, ApiKeys::Open(database));
  BLINDAI_TRY(directory->session_keys_,
              SessionKeys::Open(database, std::move(session_secret), options.session_keys, now));
  BLINDAI_TRY(directory->servers_, ServerRegistry::Open(database, options.servers));
  BLINDAI_TRY(directory->audit_, AuditLog::Open(database));
  return directory;
}

std::optional<std::chrono::seconds> Directory::WaitOfAddress(std::string_view address,
                                                             base::RateLimiter::Moment now) {
  const auto wait = address_limiter_.Take(AddressOrigin(address), now);
  if (wait) ++counters_.refused_rate;
  return wait;
}

std::optional<std::chrono::seconds> Directory::WaitOf(const Holder& holder, base::RateLimiter::Moment now) {
  // Of operators and servers there are few, and many servers may share a key.
  if (holder.account.scopes.admin || holder.account.scopes.server) return std::nullopt;
  const auto wait = key_limiter_.Take(holder.key_id, now);
  if (wait) ++counters_.refused_rate;
  return wait;
}

Result<Holder> Directory::Identify(std::optional<std::string_view> key, base::Time now) {
  if (!key || key->empty()) {
    return MakeError(ErrorKind::kUnauthorized, "login-required",
                     "an API key is needed; send it as 'Authorization: Bearer KEY'");
  }
  auto account = api_keys_->Identify(*key, now);
  if (!account.ok()) {
    if (account.error().kind == ErrorKind::kUnauthorized) ++counters_.refused_credentials;
    return std::move(account).error();
  }
  return Holder{std::string(*ApiKeyId(*key)), *std::move(account)};
}

Result<Directory::Servers> Directory::CurrentServers(base::Time now) {
  {
    const std::lock_guard lock(mutex_);
    if (listed_ != nullptr && listed_at_ == now) return listed_;
  }
  BLINDAI_TRY(std::vector<ServerInfo> servers, servers_->List());
  const auto fresh = std::make_shared<const std::vector<ServerInfo>>(std::move(servers));
  const std::lock_guard lock(mutex_);
  listed_ = fresh;
  listed_at_ = now;
  return fresh;
}

void Directory::ForgetServers() {
  const std::lock_guard lock(mutex_);
  listed_ = nullptr;
}

Result<std::vector<ServerInfo>> Directory::Choose(const PlacementRequest& request, base::Time now) {
  BLINDAI_TRY(const Servers servers, CurrentServers(now));
  std::vector<ServerInfo> chosen;
  for (const ServerInfo* server : Place(*servers, request, now, options_.servers.silent_after, Chance())) {
    chosen.push_back(*server);
  }
  if (!chosen.empty()) return chosen;
  return MakeError(ErrorKind::kUnavailable, "no-servers",
                   "no server of this cloud is ready now; try again in a while");
}

Result<Session> Directory::OpenSession(const Holder& holder, std::optional<std::string_view> model,
                                       bool needs_v05, base::Time now) {
  const Scopes& scopes = holder.account.scopes;
  BLINDAI_RETURN_IF_ERROR(Require(scopes.run || scopes.upload, "run or upload"));
  PlacementRequest request{.needs_v05 = needs_v05};
  if (model) request.models = ModelDigests(holder.account.tenant, *model);
  Session session;
  BLINDAI_TRY(session.servers, Choose(request, now));
  session.expires = now + options_.session_life;
  BLINDAI_TRY(session.token,
              session_keys_->MakeToken({options_.issuer, holder.account, now, session.expires}, now));
  ++counters_.sessions;
  return session;
}

Result<Session> Directory::PlaceAnonymously(bool needs_v05, base::Time now) {
  Session session;
  BLINDAI_TRY(session.servers, Choose({.needs_v05 = needs_v05}, now));
  return session;
}

Status Directory::Record(std::string actor, std::string action, std::string subject, base::Time now) const {
  return audit_->Record({now, std::move(actor), std::move(action), std::move(subject)});
}

Result<NewKey> Directory::CreateKey(const Holder& holder, std::string_view tenant, const Scopes& scopes,
                                    std::optional<base::Time> expires, base::Time now) {
  BLINDAI_RETURN_IF_ERROR(RequireAdmin(holder));
  if (IsTenantName(tenant)) {
    BLINDAI_RETURN_IF_ERROR(
        Record(holder.Name(), "key-create", std::string(tenant) + " " + ScopesText(scopes), now));
  }
  return api_keys_->CreateKey(tenant, scopes, expires, now);
}

Result<std::vector<KeyInfo>> Directory::ListKeys(const Holder& holder) const {
  BLINDAI_RETURN_IF_ERROR(RequireAdmin(holder));
  return api_keys_->ListKeys();
}

Status Directory::RevokeKey(const Holder& holder, std::string_view id, base::Time now) {
  BLINDAI_RETURN_IF_ERROR(RequireAdmin(holder));
  BLINDAI_RETURN_IF_ERROR(Record(holder.Name(), "key-revoke", std::string(id), now));
  return api_keys_->RevokeKey(id, now);
}

Result<std::vector<ServerInfo>> Directory::ListServers(const Holder& holder) const {
  BLINDAI_RETURN_IF_ERROR(RequireServer(holder));
  BLINDAI_TRY(std::vector<ServerInfo> servers, servers_->List());
  if (!holder.account.scopes.admin) {
    std::erase_if(servers, [&](const ServerInfo& server) { return server.owner != holder.account.tenant; });
  }
  return servers;
}

Result<ServerRegistry::Standing> Directory::ReportServer(const Holder& holder, ServerInfo server,
                                                         base::Time now) {
  BLINDAI_RETURN_IF_ERROR(RequireServer(holder));
  server.owner = holder.account.tenant;
  std::sort(server.models.begin(), server.models.end(),
            [](const auto& left, const auto& right) { return left.bytes < right.bytes; });
  BLINDAI_TRY(ServerRegistry::Standing standing, servers_->Report(server, now));
  ++counters_.reports;
  if (standing.is_new) {
    BLINDAI_RETURN_IF_ERROR(Record(holder.Name(), "server-register", server.address, now));
  }
  return standing;
}

Status Directory::RemoveServer(const Holder& holder, std::string_view address, base::Time now) {
  BLINDAI_RETURN_IF_ERROR(RequireServer(holder));
  BLINDAI_RETURN_IF_ERROR(Record(holder.Name(), "server-remove", std::string(address), now));
  const bool admin = holder.account.scopes.admin;
  BLINDAI_RETURN_IF_ERROR(
      servers_->Remove(address, admin ? std::optional<std::string_view>() : holder.account.tenant));
  ForgetServers();
  return base::Ok();
}

Status Directory::Verified(const std::string& address, const std::string& reason, bool simulation,
                           base::Time now) {
  BLINDAI_TRY(const bool moved, servers_->Verified(address, reason, simulation, now));
  if (!moved) return base::Ok();
  ForgetServers();
  return Record("directory", "server-state", address + (reason.empty() ? " listed" : " dropped " + reason),
                now);
}

Status Directory::Tick(base::Time now) {
  const std::int64_t second = now.time_since_epoch().count();
  if (second - keys_refreshed_at_.load() >= kRefreshKeysEvery.count()) {
    BLINDAI_RETURN_IF_ERROR(session_keys_->Refresh(now));
    keys_refreshed_at_ = second;
  }
  BLINDAI_TRY(const std::uint64_t dropped, servers_->DropSilent(now));
  if (dropped > 0) ForgetServers();
  BLINDAI_TRY(const Servers servers, CurrentServers(now));
  const auto listed = std::count_if(servers->begin(), servers->end(), [](const ServerInfo& server) {
    return server.state == ServerState::kListed;
  });
  counters_.servers_listed = static_cast<std::uint64_t>(listed);
  counters_.servers_not_listed = servers->size() - static_cast<std::uint64_t>(listed);
  return base::Ok();
}

}  // namespace blindai::accounts
