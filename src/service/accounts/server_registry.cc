#include "service/accounts/server_registry.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace blindai::accounts {
namespace {

using base::Result;
using base::Status;

// "claimed" is when a directory last took it upon itself to verify the server.
constexpr std::string_view kSchema = R"(
CREATE TABLE IF NOT EXISTS server (
  address TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  models {bytes} NOT NULL,
  backlog_ms {number} NOT NULL,
  v05_attested {number} NOT NULL,
  v05_untrusted {number} NOT NULL,
  reported {number} NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  simulation {number} NOT NULL,
  verified {number},
  claimed {number} NOT NULL
);
)";

constexpr std::string_view kReport = R"(
INSERT INTO server (address, owner, models, backlog_ms, v05_attested, v05_untrusted, reported, state, reason,
                    simulation, claimed)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', '', 0, 0)
ON CONFLICT (address) DO UPDATE SET
  models = excluded.models, backlog_ms = excluded.backlog_ms, v05_attested = excluded.v05_attested,
  v05_untrusted = excluded.v05_untrusted, reported = excluded.reported,
  state = CASE WHEN server.reason = 'silent' THEN 'pending' ELSE server.state END,
  claimed = CASE WHEN server.reason = 'silent' THEN 0 ELSE server.claimed END,
  reason = CASE WHEN server.reason = 'silent' THEN '' ELSE server.reason END
WHERE server.owner = excluded.owner
RETURNING state, reason)";

constexpr std::pair<ServerState, std::string_view> kStates[] = {
    {ServerState::kPending, "pending"}, {ServerState::kListed, "listed"}, {ServerState::kDropped, "dropped"}};

ServerState StateFrom(std::string_view name) {
  const auto* const state =
      std::find_if(std::begin(kStates), std::end(kStates), [&](const auto& s) { return s.second == name; });
  return state == std::end(kStates) ? ServerState::kDropped : state->first;
}

base::Bytes Join(const std::vector<crypto::Sha256Digest>& digests) {
  base::Bytes bytes;
  bytes.reserve(digests.size() * crypto::Sha256Digest::kSize);
  for (const auto& digest : digests) bytes.insert(bytes.end(), digest.bytes.begin(), digest.bytes.end());
  return bytes;
}

std::vector<crypto::Sha256Digest> Cut(const base::Bytes& bytes) {
  constexpr std::size_t kSize = crypto::Sha256Digest::kSize;
  std::vector<crypto::Sha256Digest> digests(bytes.size() / kSize);
  for (std::size_t i = 0; i < digests.size(); ++i) {
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * kSize), kSize, digests[i].bytes.begin());
  }
  return digests;
}

}  // namespace

std::string_view ServerStateName(ServerState state) {
  return kStates[static_cast<std::size_t>(state)].second;
}

Result<std::unique_ptr<ServerRegistry>> ServerRegistry::Open(std::shared_ptr<Database> database,
                                                             const ServerTimes& times) {
  BLINDAI_RETURN_IF_ERROR(database->CreateTables(kSchema));
  return std::unique_ptr<ServerRegistry>(new ServerRegistry(std::move(database), times));
}

Result<ServerRegistry::Standing> ServerRegistry::Report(const ServerInfo& server, base::Time now) {
  const Value address = server.address;
  BLINDAI_TRY(const Rows before, database_->Run("SELECT address FROM server WHERE address = $1", {address}));
  BLINDAI_TRY(const Rows rows, database_->Run(kReport, {address, server.owner, Join(server.models),
                                                        static_cast<std::int64_t>(server.backlog_ms),
                                                        std::int64_t{server.v05_attested},
                                                        std::int64_t{server.v05_untrusted}, TimeValue(now)}));
  if (rows.size() == 0) {
    return base::MakeError(base::ErrorKind::kDenied, "server-owner",
                           "another tenant registered a server at this address; its operator can remove it",
                           "address");
  }
  return Standing{StateFrom(rows.Text(0, 0)), rows.Text(0, 1), before.size() == 0};
}

Result<std::vector<ServerInfo>> ServerRegistry::List() const {
  BLINDAI_TRY(
      const Rows rows,
      database_->Run("SELECT address, owner, models, backlog_ms, v05_attested, v05_untrusted, reported, "
                     "state, reason, simulation, verified FROM server ORDER BY address"));
  std::vector<ServerInfo> servers;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ServerInfo server;
    server.address = rows.Text(i, 0);
    server.owner = rows.Text(i, 1);
    server.models = Cut(rows.Blob(i, 2));
    server.backlog_ms = static_cast<std::uint64_t>(rows.Number(i, 3));
    server.v05_attested = static_cast<std::uint16_t>(rows.Number(i, 4));
    server.v05_untrusted = static_cast<std::uint16_t>(rows.Number(i, 5));
    server.reported = rows.Moment(i, 6);
    server.state = StateFrom(rows.Text(i, 7));
    server.reason = rows.Text(i, 8);
    server.simulation = rows.Number(i, 9) != 0;
    if (!rows.IsNull(i, 10)) server.verified = rows.Moment(i, 10);
    servers.push_back(std::move(server));
  }
  return servers;
}

Status ServerRegistry::Remove(std::string_view address, std::optional<std::string_view> owner) {
  BLINDAI_TRY(const Rows rows,
              database_->Run("DELETE FROM server WHERE address = $1 AND ($2 = '' OR owner = $2)",
                             {std::string(address), std::string(owner.value_or(""))}));
  if (rows.changed() == 1) return base::Ok();
  return base::MakeError(base::ErrorKind::kNotFound, "server-not-found",
                         "no server of yours is registered at this address", "address");
}

Result<std::vector<std::string>> ServerRegistry::ClaimDue(base::Time now) {
  BLINDAI_TRY(const Rows due,
              database_->Run("SELECT address, claimed FROM server WHERE claimed <= $1 AND reported > $2",
                             {TimeValue(now - times_.verify_every), TimeValue(now - times_.silent_after)}));
  std::vector<std::string> mine;
  for (std::size_t i = 0; i < due.size(); ++i) {
    BLINDAI_TRY(const Rows claimed,
                database_->Run("UPDATE server SET claimed = $1 WHERE address = $2 AND claimed = $3",
                               {TimeValue(now), due.Text(i, 0), due.Number(i, 1)}));
    if (claimed.changed() == 1) mine.push_back(due.Text(i, 0));
  }
  return mine;
}

Result<bool> ServerRegistry::Verified(std::string_view address, std::string_view reason, bool simulation,
                                      base::Time now) {
  const Value place = std::string(address);
  const std::string state(ServerStateName(reason.empty() ? ServerState::kListed : ServerState::kDropped));
  BLINDAI_TRY(const Rows moved,
              database_->Run("UPDATE server SET state = $1, reason = $2 WHERE address = $3 AND "
                             "(state <> $1 OR reason <> $2)",
                             {state, std::string(reason), place}));
  if (reason.empty()) {
    BLINDAI_RETURN_IF_ERROR(
        database_->Run("UPDATE server SET verified = $1, simulation = $2 WHERE address = $3",
                       {TimeValue(now), std::int64_t{simulation}, place}));
  }
  return moved.changed() == 1;
}

Result<std::uint64_t> ServerRegistry::DropSilent(base::Time now) {
  BLINDAI_RETURN_IF_ERROR(
      database_->Run("DELETE FROM server WHERE reported <= $1", {TimeValue(now - times_.forget_after)}));
  BLINDAI_TRY(
      const Rows dropped,
      database_->Run("UPDATE server SET state = 'dropped', reason = 'silent' WHERE reported <= $1 AND "
                     "reason <> 'silent'",
                     {TimeValue(now - times_.silent_after)}));
  return dropped.changed();
}

}  // namespace blindai::accounts
