#include "directory/licensing.h"

#include <chrono>
#include <string>
#include <utility>

#include "base/clock.h"

namespace blindai::directory {
namespace {

using base::Result;

base::Error TooOften(std::chrono::seconds wait) {
  return base::MakeError(
      base::ErrorKind::kExhausted, "rate-limit",
      "too many requests; the next one is answered in " + std::to_string(wait.count()) + " s");
}

Result<accounts::Session> Open(accounts::Directory& directory, bool anonymous, std::string_view key,
                               std::string_view peer) {
  const base::Time now = base::Now();
  const auto moment = std::chrono::steady_clock::now();
  if (const auto wait = directory.WaitOfAddress(peer, moment)) return TooOften(*wait);
  if (key.empty() && anonymous) return directory.PlaceAnonymously(true, now);
  BLINDAI_TRY(const accounts::Holder holder, directory.Identify(key, now));
  if (const auto wait = directory.WaitOf(holder, moment)) return TooOften(*wait);
  return directory.OpenSession(holder, std::nullopt, true, now);
}

}  // namespace

Result<endpoints::Enclave> EnclaveOf(const accounts::Session& session) {
  for (const accounts::ServerInfo& server : session.servers) {
    if (server.address.starts_with('[')) continue;
    return endpoints::Enclave{session.token, server.address.substr(0, server.address.rfind(':')),
                              server.v05_attested, server.v05_untrusted};
  }
  return base::MakeError(base::ErrorKind::kUnavailable, "no-servers",
                         "no server of this cloud that BlindAI 0.5 can reach is ready now");
}

Result<std::unique_ptr<endpoints::LicensingServer>> ListenForV05(const DirectoryConfig& config,
                                                                 const Identity& identity,
                                                                 accounts::Directory& directory) {
  std::string chain;
  for (const crypto::Certificate& certificate : identity.certificates) chain += certificate.ToPem();
  const endpoints::BlindaiV05Port port{program::AddressText(config.v05), std::move(chain),
                                       identity.key.ToPem()};
  return endpoints::LicensingServer::Start(
      port,
      [&directory, anonymous = config.anonymous_v05](std::string_view key,
                                                     std::string_view peer) -> Result<endpoints::Enclave> {
        BLINDAI_TRY(const accounts::Session session, Open(directory, anonymous, key, peer));
        return EnclaveOf(session);
      });
}

}  // namespace blindai::directory
