#include "server/session_keys.h"

#include <fstream>
#include <iterator>
#include <utility>

namespace blindai::server {

using base::MakeError;
using base::Result;

void SessionKeys::Replace(std::string issuer, std::vector<accounts::JsonWebKey> keys) {
  auto set = std::make_shared<const Set>(Set{std::move(issuer), std::move(keys)});
  const std::lock_guard lock(mutex_);
  set_ = std::move(set);
}

Result<accounts::SessionClaims> SessionKeys::Verify(std::string_view token, base::Time now) const {
  std::shared_ptr<const Set> set;
  {
    const std::lock_guard lock(mutex_);
    set = set_;
  }
  if (!set) {
    return MakeError(
        base::ErrorKind::kUnavailable, "session-keys-missing",
        "this server has not reached its directory yet and cannot judge session tokens; try again "
        "in a few seconds, or another server");
  }
  return accounts::VerifySessionToken(token, set->keys, set->issuer, now);
}

Result<std::shared_ptr<SessionKeys>> ChooseSessionKeys(const ServerConfig& config) {
  const bool from_file = !config.accounts_session_keys_file.empty();
  const bool from_directory = !config.directory_url.empty();
  if (!from_file && !from_directory) return std::shared_ptr<SessionKeys>();
  if ((from_file && from_directory) || !config.accounts_database.empty()) {
    return MakeError(base::ErrorKind::kInvalid, "config-accounts",
                     "accounts may come from one place only, or two tenants could have one name: keep one of "
                     "accounts.database, accounts.session_keys_file and directory.url");
  }
  auto keys = std::make_shared<SessionKeys>();
  if (from_directory) return keys;
  std::ifstream file(config.accounts_session_keys_file, std::ios::binary);
  if (!file) {
    return MakeError(base::ErrorKind::kInvalid, "config-file",
                     "accounts.session_keys_file cannot be read: " + config.accounts_session_keys_file);
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  BLINDAI_TRY(std::vector<accounts::JsonWebKey> set, accounts::ParseJwks(text));
  keys->Replace(config.accounts_session_issuer, std::move(set));
  return keys;
}

}  // namespace blindai::server
