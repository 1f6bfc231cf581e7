// The keys that session tokens are verified with, and whose tokens they are. They come from a file, or from the
// directory with each of its answers (directory_link.h); requests are judged with the newest. Any thread may call.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/server_config.h"
#include "service/accounts/jwks.h"
#include "service/accounts/session_token.h"

namespace blindai::server {

class SessionKeys {
 public:
  void Replace(std::string issuer, std::vector<accounts::JsonWebKey> keys);
  // Codes: session-keys-missing (kUnavailable; the directory has not answered yet), and those of VerifySessionToken.
  base::Result<accounts::SessionClaims> Verify(std::string_view token, base::Time now) const;

 private:
  struct Set {
    std::string issuer;
    std::vector<accounts::JsonWebKey> keys;
  };
  mutable std::mutex mutex_;
  std::shared_ptr<const Set> set_;
};

// Null where the configuration names neither a directory nor a file of keys. Codes: config-file (the file cannot be
// read), config-accounts (two places where accounts come from), bad-jwks.
base::Result<std::shared_ptr<SessionKeys>> ChooseSessionKeys(const ServerConfig& config);

}  // namespace blindai::server
