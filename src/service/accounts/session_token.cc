#include "service/accounts/session_token.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "base/check.h"
#include "encoding/base64.h"
#include "encoding/json.h"

namespace blindai::accounts {
namespace {

namespace json = boost::json;
using base::Result;

constexpr std::size_t kMaxTokenBytes = 4096;
constexpr std::string_view kAlgorithm = "ES256";
// 9999-12-31, so that no arithmetic with a claim overflows.
constexpr std::uint64_t kMaxSeconds = 253'402'300'799;

base::Error BadToken() {
  return base::MakeError(base::ErrorKind::kUnauthorized, "bad-credentials",
                         "the session token is not valid here; ask the directory for a new one");
}

std::string Encode(const json::object& object) {
  return encoding::Base64UrlEncode(base::AsBytes(json::serialize(object)));
}

Result<json::object> Decode(std::string_view part) {
  BLINDAI_TRY(const base::Bytes text, encoding::Base64UrlDecode(part));
  return encoding::ParseJsonObject(base::AsText(text), {.max_bytes = kMaxTokenBytes, .max_depth = 4});
}

// The key that the header names, if the header is one of ours.
const crypto::PublicKey* KeyOf(const json::object& header, std::span<const JsonWebKey> keys) {
  const auto is = [&header](std::string_view field, std::string_view wanted) {
    const auto text = encoding::JsonString(header, field);
    return text.ok() && *text == wanted;
  };
  // RFC 7515 section 4.1.11: an extension that must be understood, and none is.
  if (header.contains("crit") || !is("alg", kAlgorithm)) return nullptr;
  if (header.contains("typ") && !is("typ", "JWT")) return nullptr;
  const auto key =
      std::find_if(keys.begin(), keys.end(), [&](const JsonWebKey& k) { return is("kid", k.kid); });
  if (key == keys.end() || key->key.kind() != crypto::KeyKind::kP256) return nullptr;
  return &key->key;
}

Result<base::Time> TimeClaim(const json::object& claims, std::string_view field) {
  BLINDAI_TRY(const std::uint64_t seconds, encoding::JsonUnsigned(claims, field));
  if (seconds > kMaxSeconds) return encoding::JsonFieldError(field, "a time of this age");
  return base::Time(std::chrono::seconds(seconds));
}

// RFC 8693 section 4.2: words separated by spaces; those that are unknown here allow nothing here.
Scopes ReadScopes(std::string_view text) {
  Scopes scopes;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (word == "upload") scopes.upload = true;
    if (word == "run") scopes.run = true;
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return scopes;
}

Result<SessionClaims> ReadClaims(const json::object& object) {
  SessionClaims claims;
  BLINDAI_TRY(claims.issuer, encoding::JsonString(object, "iss"));
  BLINDAI_TRY(claims.account.tenant, encoding::JsonString(object, "sub"));
  BLINDAI_TRY(claims.account.number, encoding::JsonUnsigned(object, "userid"));
  BLINDAI_TRY(const std::string scope, encoding::JsonString(object, "scope"));
  claims.account.scopes = ReadScopes(scope);
  BLINDAI_TRY(claims.issued, TimeClaim(object, "iat"));
  BLINDAI_TRY(claims.expires, TimeClaim(object, "exp"));
  if (object.contains("nbf")) {
    BLINDAI_TRY(const base::Time not_before, TimeClaim(object, "nbf"));
    claims.issued = std::max(claims.issued, not_before);
  }
  return claims;
}

// Everything but the expiry, which has an answer of its own.
bool Acceptable(const SessionClaims& claims, std::string_view issuer, base::Time now) {
  return claims.issuer == issuer && IsTenantName(claims.account.tenant) && claims.account.number > 0 &&
         claims.issued < claims.expires && claims.expires - claims.issued <= kMaxSessionLife &&
         claims.issued <= now + kSessionClockSkew;
}

// header.payload.signature, nothing else.
struct Parts {
  std::string_view header;
  std::string_view claims;
  std::string_view signature;
  std::string_view signed_text;
};

std::optional<Parts> Split(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  if (token.size() > kMaxTokenBytes || first == last || token.find('.', first + 1) != last)
    return std::nullopt;
  return Parts{token.substr(0, first), token.substr(first + 1, last - first - 1), token.substr(last + 1),
               token.substr(0, last)};
}

}  // namespace

std::string MakeSessionToken(const SessionClaims& claims, std::string_view kid,
                             const crypto::SigningKey& key) {
  BLINDAI_CHECK(key.kind() == crypto::KeyKind::kP256);
  BLINDAI_CHECK(claims.issued < claims.expires && claims.expires - claims.issued <= kMaxSessionLife);
  BLINDAI_CHECK(claims.account.number > 0 && IsTenantName(claims.account.tenant));
  const Scopes scopes{.upload = claims.account.scopes.upload, .run = claims.account.scopes.run};
  const std::string header = Encode({{"alg", kAlgorithm}, {"typ", "JWT"}, {"kid", kid}});
  const std::string payload = Encode({{"iss", claims.issuer},
                                      {"sub", claims.account.tenant},
                                      {"scope", ScopesText(scopes, ' ')},
                                      {"iat", claims.issued.time_since_epoch().count()},
                                      {"exp", claims.expires.time_since_epoch().count()},
                                      {"userid", claims.account.number},
                                      {"username", claims.account.tenant}});
  const std::string text = header + "." + payload;
  const base::Bytes signature = key.SignEcdsaRaw(crypto::HashAlgorithm::kSha256, base::AsBytes(text));
  return text + "." + encoding::Base64UrlEncode(signature);
}

Result<SessionClaims> VerifySessionToken(std::string_view token, std::span<const JsonWebKey> keys,
                                         std::string_view issuer, base::Time now) {
  const std::optional<Parts> parts = Split(token);
  if (!parts) return BadToken();
  const auto header = Decode(parts->header);
  const auto signature = encoding::Base64UrlDecode(parts->signature);
  if (!header.ok() || !signature.ok()) return BadToken();
  const crypto::PublicKey* const key = KeyOf(*header, keys);
  if (key == nullptr ||
      !key->VerifyEcdsaRaw(crypto::HashAlgorithm::kSha256, base::AsBytes(parts->signed_text), *signature)) {
    return BadToken();
  }
  const auto payload = Decode(parts->claims);
  if (!payload.ok()) return BadToken();
  auto claims = ReadClaims(*payload);
  if (!claims.ok() || !Acceptable(*claims, issuer, now)) return BadToken();
  if (claims->expires <= now) {
    return base::MakeError(base::ErrorKind::kUnauthorized, "session-expired",
                           "the session token has ended; ask the directory for a new one");
  }
  return claims;
}

bool LooksLikeSessionToken(std::string_view credential) { return Split(credential).has_value(); }

}  // namespace blindai::accounts
