// The public keys that session tokens are verified with, as a JSON Web Key Set (RFC 7517 section 5): what a directory
// publishes under /v1/jwks and hands to each server that reports to it. Only P-256 keys for signatures are of use
// here (RFC 7518 section 6.2.1); others are skipped, as the RFC asks.
//
// A key set is as trustworthy as the connection or the file that it came through.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/signing_key.h"

namespace blindai::accounts {

struct JsonWebKey {
  std::string kid;
  crypto::PublicKey key;  // P-256
  friend bool operator==(const JsonWebKey&, const JsonWebKey&) = default;
};

// The kid that the directory gives a key: its thumbprint (RFC 7638), 43 characters. The key is P-256 (CHECK).
std::string KeyThumbprint(const crypto::PublicKey& key);

// {"keys":[{"kty":"EC","crv":"P-256","x":"…","y":"…","kid":"…","use":"sig","alg":"ES256"},…]}
std::string EncodeJwks(std::span<const JsonWebKey> keys);
// At most 64 KiB of text and 64 keys. Codes: bad-jwks (no such text, a kid that is missing or stands twice, a point
// that is not on the curve).
base::Result<std::vector<JsonWebKey>> ParseJwks(std::string_view text);

}  // namespace blindai::accounts
