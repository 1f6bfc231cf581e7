// The front of the managed cloud without its protocols: an API key becomes a session, servers report and are placed,
// keys are managed. It joins what stands in the files beside it; protocols/endpoints/directory translates HTTP to it,
// and BlindAI 0.5's licensing call uses the same OpenSession.
//
// It never sees a model, a request or a result, and clients do not trust it with any: they verify each server
// themselves.
//
// Any thread may call; calls block on the database.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/rate_limiter.h"
#include "base/result.h"
#include "base/secret.h"
#include "service/accounts/api_keys.h"
#include "service/accounts/audit_log.h"
#include "service/accounts/placement.h"
#include "service/accounts/server_registry.h"
#include "service/accounts/session_keys.h"

namespace blindai::accounts {

struct DirectoryOptions {
  std::string issuer = "blindai-directory";
  std::chrono::seconds session_life{600};  // at most kMaxSessionLife
  SessionKeyOptions session_keys = {};
  ServerTimes servers = {};
  base::RateLimit per_key{.per_second = 2, .burst = 60};  // not for keys of operators and servers
  base::RateLimit per_address{.per_second = 50, .burst = 500};
  // Of each limiter.
  std::size_t max_origins = 65'536;
};

// Somebody whose API key is valid.
struct Holder {
  std::string key_id;
  Account account;

  std::string Name() const { return "key " + key_id + " of " + account.tenant; }
};

struct Session {
  std::string token;  // empty for somebody without a key
  base::Time expires;
  std::vector<ServerInfo> servers;  // best first, at least one
};

struct DirectoryCounters {
  std::atomic<std::uint64_t> sessions{0};
  std::atomic<std::uint64_t> refused_credentials{0};
  std::atomic<std::uint64_t> refused_rate{0};
  std::atomic<std::uint64_t> reports{0};
  std::atomic<std::uint64_t> servers_listed{0};  // as last seen
  std::atomic<std::uint64_t> servers_not_listed{0};
};

class Directory {
 public:
  // Codes: accounts-open, session-secret, accounts.
  static base::Result<std::unique_ptr<Directory>> Open(const std::shared_ptr<Database>& database,
                                                       base::SecretBytes session_secret,
                                                       const DirectoryOptions& options, base::Time now);

  // The wait of an address, or of a valid key, that asks too often; nothing when it may go on.
  std::optional<std::chrono::seconds> WaitOfAddress(std::string_view address, base::RateLimiter::Moment now);
  std::optional<std::chrono::seconds> WaitOf(const Holder& holder, base::RateLimiter::Moment now);

  // Codes: login-required (no key), bad-credentials.
  base::Result<Holder> Identify(std::optional<std::string_view> key, base::Time now);

  // Servers for `model`, or any. Codes: not-allowed (neither upload nor run), no-servers, session-key, accounts.
  base::Result<Session> OpenSession(const Holder& holder, std::optional<std::string_view> model,
                                    bool needs_v05, base::Time now);
  // A server for somebody without a key, and no token: what the server then allows is the server's affair. Code:
  // no-servers.
  base::Result<Session> PlaceAnonymously(bool needs_v05, base::Time now);

  // What needs the scope admin; `holder` goes to the audit log. Codes: not-allowed, and those of ApiKeys.
  base::Result<NewKey> CreateKey(const Holder& holder, std::string_view tenant, const Scopes& scopes,
                                 std::optional<base::Time> expires, base::Time now);
  base::Result<std::vector<KeyInfo>> ListKeys(const Holder& holder) const;
  base::Status RevokeKey(const Holder& holder, std::string_view id, base::Time now);
  base::Result<std::vector<ServerInfo>> ListServers(const Holder& holder) const;
  // With the scope server, or admin. Its own tenant's servers only, unless it is an admin. Codes: not-allowed, and
  // those of ServerRegistry.
  base::Result<ServerRegistry::Standing> ReportServer(const Holder& holder, ServerInfo server,
                                                      base::Time now);
  base::Status RemoveServer(const Holder& holder, std::string_view address, base::Time now);

  // For whoever verifies: what is due, and what came out (no reason = accepted).
  base::Result<std::vector<std::string>> ClaimDue(base::Time now) { return servers_->ClaimDue(now); }
  base::Status Verified(const std::string& address, const std::string& reason, bool simulation,
                        base::Time now);
  // About each second: rotates keys, drops silent servers, counts.
  base::Status Tick(base::Time now);

  std::string Jwks() const { return session_keys_->Jwks(); }
  const std::string& issuer() const { return options_.issuer; }
  const DirectoryCounters& counters() const { return counters_; }

 private:
  using Servers = std::shared_ptr<const std::vector<ServerInfo>>;
  explicit Directory(const DirectoryOptions& options);
  base::Result<Servers> CurrentServers(base::Time now);
  void ForgetServers();
  base::Result<std::vector<ServerInfo>> Choose(const PlacementRequest& request, base::Time now);
  base::Status Record(std::string actor, std::string action, std::string subject, base::Time now) const;

  const DirectoryOptions options_;
  std::unique_ptr<ApiKeys> api_keys_;
  std::unique_ptr<SessionKeys> session_keys_;
  std::unique_ptr<ServerRegistry> servers_;
  std::unique_ptr<AuditLog> audit_;
  base::RateLimiter key_limiter_;
  base::RateLimiter address_limiter_;
  DirectoryCounters counters_;

  // The list of servers as it was in this second: sessions are many, changes are few.
  std::mutex mutex_;
  Servers listed_;
  base::Time listed_at_{};
  std::atomic<std::int64_t> keys_refreshed_at_{0};
};

}  // namespace blindai::accounts
