#include "service/accounts/jwks.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/check.h"
#include "crypto/digest.h"
#include "encoding/base64.h"
#include "encoding/json.h"

namespace blindai::accounts {
namespace {

namespace json = boost::json;
using base::Result;

constexpr std::size_t kMaxTextBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxKeys = 64;
constexpr std::size_t kMaxKidLength = 128;
constexpr std::size_t kCoordinateBytes = 32;

base::Error BadJwks(std::string message) { return base::Malformed(std::move(message), "bad-jwks"); }

std::pair<std::string, std::string> Coordinates(const crypto::PublicKey& key) {
  BLINDAI_CHECK(key.kind() == crypto::KeyKind::kP256);
  const base::Bytes point = key.EcPoint();
  const base::ByteView view(point);
  return {encoding::Base64UrlEncode(view.first(kCoordinateBytes)),
          encoding::Base64UrlEncode(view.last(kCoordinateBytes))};
}

// Absent, or exactly this text.
bool IsOr(const json::object& key, std::string_view field, std::string_view wanted, bool when_absent) {
  const json::value* const value = key.if_contains(field);
  if (value == nullptr) return when_absent;
  return value->is_string() && std::string_view(value->get_string()) == wanted;
}

bool IsOurKind(const json::object& key) {
  return IsOr(key, "kty", "EC", false) && IsOr(key, "crv", "P-256", false) && IsOr(key, "use", "sig", true) &&
         IsOr(key, "alg", "ES256", true);
}

Result<JsonWebKey> ReadKey(const json::object& object) {
  base::Bytes point;
  for (const std::string_view field : {"x", "y"}) {
    BLINDAI_TRY(const std::string text, encoding::JsonString(object, field));
    BLINDAI_TRY(const base::Bytes coordinate, encoding::Base64UrlDecode(text));
    if (coordinate.size() != kCoordinateBytes) return BadJwks("a coordinate of a P-256 key has 32 bytes");
    point.insert(point.end(), coordinate.begin(), coordinate.end());
  }
  BLINDAI_TRY(std::string kid, encoding::JsonString(object, "kid"));
  if (kid.empty() || kid.size() > kMaxKidLength) return BadJwks("'kid' has 1 to 128 characters");
  BLINDAI_TRY(crypto::PublicKey key, crypto::PublicKey::FromEcPoint(crypto::KeyKind::kP256, point));
  return JsonWebKey{std::move(kid), std::move(key)};
}

Result<std::vector<JsonWebKey>> ReadKeys(std::string_view text) {
  BLINDAI_TRY(const json::object set, encoding::ParseJsonObject(text, {.max_bytes = kMaxTextBytes}));
  BLINDAI_TRY(const json::array* const entries, encoding::JsonArray(set, "keys"));
  if (entries->size() > kMaxKeys) return BadJwks("has more than 64 keys");
  std::vector<JsonWebKey> keys;
  for (const json::value& entry : *entries) {
    if (!entry.is_object()) return BadJwks("each of 'keys' is an object");
    if (!IsOurKind(entry.get_object())) continue;
    BLINDAI_TRY(JsonWebKey key, ReadKey(entry.get_object()));
    const bool twice =
        std::any_of(keys.begin(), keys.end(), [&](const JsonWebKey& other) { return other.kid == key.kid; });
    if (twice) return BadJwks("two keys have the same 'kid'");
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace

std::string KeyThumbprint(const crypto::PublicKey& key) {
  const auto [x, y] = Coordinates(key);
  // RFC 7638 section 3.2: the required members in lexicographic order, without white space.
  const std::string members = R"({"crv":"P-256","kty":"EC","x":")" + x + R"(","y":")" + y + R"("})";
  return encoding::Base64UrlEncode(crypto::Sha256(base::AsBytes(members)).view());
}

std::string EncodeJwks(std::span<const JsonWebKey> keys) {
  json::array entries;
  for (const JsonWebKey& key : keys) {
    const auto [x, y] = Coordinates(key.key);
    entries.push_back(json::object{{"kty", "EC"},
                                   {"crv", "P-256"},
                                   {"x", x},
                                   {"y", y},
                                   {"kid", key.kid},
                                   {"use", "sig"},
                                   {"alg", "ES256"}});
  }
  return json::serialize(json::object{{"keys", std::move(entries)}});
}

Result<std::vector<JsonWebKey>> ParseJwks(std::string_view text) {
  auto keys = ReadKeys(text);
  if (keys.ok()) return keys;
  return BadJwks("the key set cannot be read: " + keys.error().message);
}

}  // namespace blindai::accounts
