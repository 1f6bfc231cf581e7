// The servers of the cloud: each reports every few seconds where it is, what it serves and how long its queue is,
// and is listed while it also proves, again and again, that it is what the policy wants. Whoever verifies calls
// ClaimDue and Verified; this only keeps what is known, in the shared database, so that any directory can place clients
// on any server.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/digest.h"
#include "service/accounts/database.h"

namespace blindai::accounts {

enum class ServerState {
  kPending,  // not verified yet
  kListed,
  kDropped,  // the reason says why
};
std::string_view ServerStateName(ServerState state);  // "pending", "listed", "dropped"

// The reason of a server that stopped reporting.
inline constexpr std::string_view kSilent = "silent";

struct ServerInfo {
  std::string address;                       // "host:port"
  std::string owner;                         // the tenant whose key registered it
  std::vector<crypto::Sha256Digest> models;  // sorted; of names as ModelDigests (placement.h) makes them
  std::uint64_t backlog_ms = 0;
  std::uint16_t v05_attested = 0;  // ports of BlindAI 0.5; 0 = not open
  std::uint16_t v05_untrusted = 0;
  base::Time reported;
  ServerState state = ServerState::kPending;
  std::string reason;
  bool simulation = false;             // what the last verification saw
  std::optional<base::Time> verified;  // when it last ended well
};

struct ServerTimes {
  std::chrono::seconds verify_every{60};
  std::chrono::seconds silent_after{30};
  std::chrono::seconds forget_after{24 * 3600};
};

class ServerRegistry {
 public:
  static base::Result<std::unique_ptr<ServerRegistry>> Open(std::shared_ptr<Database> database,
                                                            const ServerTimes& times);

  struct Standing {
    ServerState state;
    std::string reason;
    bool is_new = false;
  };
  // Takes over what a server says of itself (address, owner, models, backlog, ports) and says how it stands. A server
  // that was silent is pending again. Code: server-owner (kDenied; another tenant registered this address).
  base::Result<Standing> Report(const ServerInfo& server, base::Time now);
  base::Result<std::vector<ServerInfo>> List() const;
  // Code: server-not-found. Only a server of this owner, when one is named.
  base::Status Remove(std::string_view address, std::optional<std::string_view> owner);

  // The addresses that are to be verified now, each handed to one directory only.
  base::Result<std::vector<std::string>> ClaimDue(base::Time now);
  // The end of a verification: no reason is a success. Whether the server stands differently from before.
  base::Result<bool> Verified(std::string_view address, std::string_view reason, bool simulation,
                              base::Time now);
  // Drops servers that fell silent and forgets those that have been so for long. How many were dropped.
  base::Result<std::uint64_t> DropSilent(base::Time now);

 private:
  ServerRegistry(std::shared_ptr<Database> database, const ServerTimes& times)
      : database_(std::move(database)), times_(times) {}

  const std::shared_ptr<Database> database_;
  const ServerTimes times_;
};

}  // namespace blindai::accounts
