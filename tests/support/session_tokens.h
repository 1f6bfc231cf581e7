// A directory's signing key, and session tokens of it, for tests of those who verify them.
#pragma once

#include <string>

#include "base/clock.h"
#include "crypto/signing_key.h"
#include "service/accounts/session_token.h"

namespace blindai::tests {

class TokenMaker {
 public:
  static constexpr base::Time kNow{std::chrono::seconds{1'750'000'000}};

  explicit TokenMaker(std::string issuer)
      : issuer_(std::move(issuer)), key_(crypto::SigningKey::GenerateP256()) {}

  accounts::JsonWebKey public_key() const {
    return {accounts::KeyThumbprint(key_.public_key()), key_.public_key()};
  }
  // For ten minutes from kNow, with both scopes.
  std::string Token(const std::string& tenant) const { return TokenFrom(tenant, kNow); }
  std::string TokenOfNow(const std::string& tenant) const { return TokenFrom(tenant, base::Now()); }

 private:
  std::string TokenFrom(const std::string& tenant, base::Time issued) const {
    accounts::SessionClaims claims;
    claims.issuer = issuer_;
    claims.account = {tenant, 7, {.upload = true, .run = true}};
    claims.issued = issued;
    claims.expires = issued + std::chrono::minutes(10);
    return accounts::MakeSessionToken(claims, accounts::KeyThumbprint(key_.public_key()), key_);
  }

  const std::string issuer_;
  const crypto::SigningKey key_;
};

}  // namespace blindai::tests
