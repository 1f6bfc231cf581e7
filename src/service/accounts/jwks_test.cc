#include "service/accounts/jwks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "encoding/base64.h"

namespace blindai::accounts {
namespace {

// The example key of RFC 7517 appendix A.1 and its text.
constexpr const char* kRfcKey =
    R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
    R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"})";

std::string SetOf(const std::string& keys) { return R"({"keys":[)" + keys + "]}"; }

std::string With(std::string_view field, boost::json::value value) {
  boost::json::object key = boost::json::parse(kRfcKey).as_object();
  key["use"] = "sig";
  key[field] = value;
  if (value.is_null()) key.erase(field);
  return SetOf(boost::json::serialize(key));
}

std::string CodeOf(std::string_view text) {
  const auto keys = ParseJwks(text);
  return keys.ok() ? std::to_string(keys->size()) : keys.error().code;
}

TEST(Jwks, WhatIsWrittenIsRead) {
  std::vector<JsonWebKey> keys;
  for (int i = 0; i < 3; ++i) {
    const crypto::SigningKey key = crypto::SigningKey::GenerateP256();
    keys.push_back({KeyThumbprint(key.public_key()), key.public_key()});
  }
  const auto read = ParseJwks(EncodeJwks(keys));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, keys);
  EXPECT_EQ(EncodeJwks({}), R"({"keys":[]})");
}

TEST(Jwks, TheThumbprintIsThatOfRfc7638) {
  const auto read = ParseJwks(With("kid", "1"));
  ASSERT_TRUE(read.ok());
  // Worked out apart from this code: base64url(SHA-256 of the canonical members).
  EXPECT_EQ(KeyThumbprint((*read)[0].key), "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
}

TEST(Jwks, KeysOfOtherKindsAndForOtherUsesAreSkipped) {
  EXPECT_EQ(CodeOf(With("use", "sig")), "1");
  EXPECT_EQ(CodeOf(With("use", nullptr)), "1");
  EXPECT_EQ(CodeOf(With("unknown", "field")), "1");
  EXPECT_EQ(CodeOf(With("use", "enc")), "0");
  EXPECT_EQ(CodeOf(With("alg", "HS256")), "0");
  EXPECT_EQ(CodeOf(With("crv", "P-384")), "0");
  EXPECT_EQ(CodeOf(With("kty", "oct")), "0");
  EXPECT_EQ(CodeOf(With("kty", 7)), "0");
}

TEST(Jwks, BrokenKeysAreRefused) {
  EXPECT_EQ(CodeOf(With("kid", nullptr)), "bad-jwks");
  EXPECT_EQ(CodeOf(With("kid", "")), "bad-jwks");
  EXPECT_EQ(CodeOf(With("kid", boost::json::string(129, 'k'))), "bad-jwks");
  EXPECT_EQ(CodeOf(With("x", "AAAA")), "bad-jwks");
  EXPECT_EQ(CodeOf(With("x", boost::json::string(encoding::Base64UrlEncode(base::Bytes(32, 1))))), "bad-jwks")
      << "not on the curve";
  EXPECT_EQ(CodeOf(With("y", nullptr)), "bad-jwks");
  const std::string once = With("use", "sig");
  const std::string key = once.substr(9, once.size() - 11);
  EXPECT_EQ(CodeOf(SetOf(key + "," + key)), "bad-jwks") << "one kid twice";
}

TEST(Jwks, TextsThatAreNoKeySetAreRefused) {
  for (const char* text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[1]})", R"({"keys":[],"keys":[]})"}) {
    EXPECT_EQ(CodeOf(text), "bad-jwks") << text;
  }
  EXPECT_EQ(CodeOf(SetOf(std::string(70'000, ' '))), "bad-jwks");
  std::string many = "{}";
  for (int i = 0; i < 64; ++i) many += ",{}";
  EXPECT_EQ(CodeOf(SetOf(many)), "bad-jwks");
}

}  // namespace
}  // namespace blindai::accounts
