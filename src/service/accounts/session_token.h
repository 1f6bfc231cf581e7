// A session token: what the directory gives for an API key, and what servers take instead of one. It is a JSON Web
// Token (RFC 7519) signed with ES256 (RFC 7518 section 3.4), so a server needs only the directory's public keys and
// asks nobody. It ends after at most 15 minutes, since a server cannot know that its key was revoked meanwhile.
//
//   header  {"alg":"ES256","typ":"JWT","kid":"…"}
//   claims  {"iss","sub": tenant,"scope":"upload run","iat","exp","userid": number,"username": tenant}
//
// "userid" and "username" are what a BlindAI 0.5 server reads. Verifying follows RFC 8725: the algorithm is fixed and
// not taken from the token, keys come from the given set alone (never from "jwk", "jku" or "x5c"), the issuer is
// compared, and every field is bounded.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/signing_key.h"
#include "service/accounts/account.h"
#include "service/accounts/jwks.h"

namespace blindai::accounts {

inline constexpr std::chrono::seconds kMaxSessionLife{15 * 60};
// How much the clocks of directory and server may differ: a token may come from that far in the future.
inline constexpr std::chrono::seconds kSessionClockSkew{60};

struct SessionClaims {
  std::string issuer;
  // Scopes are upload and run at most. The number is unique among the accounts of the issuer.
  Account account;
  base::Time issued;
  base::Time expires;
  friend bool operator==(const SessionClaims&, const SessionClaims&) = default;
};

// The key is P-256, its life at most kMaxSessionLife, the account a tenant with a number (CHECK).
std::string MakeSessionToken(const SessionClaims& claims, std::string_view kid,
                             const crypto::SigningKey& key);

// Codes, all kUnauthorized: session-expired (everything else was right: ask the directory for a new one), and
// bad-credentials, the same for every other reason.
base::Result<SessionClaims> VerifySessionToken(std::string_view token, std::span<const JsonWebKey> keys,
                                               std::string_view issuer, base::Time now);

// Whether a bearer credential has the form of a token rather than of an API key; says nothing about its worth.
bool LooksLikeSessionToken(std::string_view credential);

}  // namespace blindai::accounts
