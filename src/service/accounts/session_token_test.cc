#include "service/accounts/session_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "encoding/base64.h"

namespace blindai::accounts {
namespace {

namespace json = boost::json;

constexpr std::string_view kIssuer = "cloud.example";
const base::Time kNow{std::chrono::seconds(1'800'000'000)};

// A token whose header and claims can be bent before it is signed.
class SessionTokenTest : public ::testing::Test {
 protected:
  std::string Signed(const json::object& header, const json::object& claims) const {
    return SignedText(json::serialize(header), json::serialize(claims));
  }
  std::string SignedText(const std::string& header, const std::string& claims) const {
    const std::string text = encoding::Base64UrlEncode(base::AsBytes(header)) + "." +
                             encoding::Base64UrlEncode(base::AsBytes(claims));
    return text + "." +
           encoding::Base64UrlEncode(key_.SignEcdsaRaw(crypto::HashAlgorithm::kSha256, base::AsBytes(text)));
  }
  std::string WithHeader(std::string_view field, const json::value& value) const {
    json::object header = header_;
    header[field] = value;
    return Signed(header, claims_);
  }
  std::string WithClaim(std::string_view field, const json::value& value) const {
    json::object claims = claims_;
    claims[field] = value;
    return Signed(header_, claims);
  }
  std::string WithoutClaim(std::string_view field) const {
    json::object claims = claims_;
    claims.erase(field);
    return Signed(header_, claims);
  }
  // "ok" or the code; every refusal is of the kind that HTTP answers with 401.
  std::string Verify(std::string_view token, base::Time now = kNow) const {
    const auto claims = VerifySessionToken(token, keys_, kIssuer, now);
    if (claims.ok()) return "ok";
    EXPECT_EQ(claims.error().kind, base::ErrorKind::kUnauthorized);
    return claims.error().code;
  }
  static std::int64_t Seconds(base::Time time) { return time.time_since_epoch().count(); }

  const crypto::SigningKey key_ = crypto::SigningKey::GenerateP256();
  const std::string kid_ = KeyThumbprint(key_.public_key());
  const std::vector<JsonWebKey> keys_ = {{"other", crypto::SigningKey::GenerateP256().public_key()},
                                         {kid_, key_.public_key()}};
  const json::object header_ = {{"alg", "ES256"}, {"typ", "JWT"}, {"kid", kid_}};
  const json::object claims_ = {{"iss", kIssuer},
                                {"sub", "clinic"},
                                {"scope", "run"},
                                {"iat", Seconds(kNow)},
                                {"exp", Seconds(kNow) + 600},
                                {"userid", 7},
                                {"username", "clinic"}};
  const SessionClaims session_ = {std::string(kIssuer),
                                  {"clinic", 7, {.upload = true, .run = true}},
                                  kNow,
                                  kNow + std::chrono::minutes(15)};
};

TEST_F(SessionTokenTest, WhatIsMadeIsVerified) {
  const std::string token = MakeSessionToken(session_, kid_, key_);
  const auto claims = VerifySessionToken(token, keys_, kIssuer, kNow);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(*claims, session_);
  EXPECT_TRUE(LooksLikeSessionToken(token));
  EXPECT_FALSE(LooksLikeSessionToken("bai_00000000_" + std::string(43, 'A')));
}

TEST_F(SessionTokenTest, CarriesWhatABlindai05ServerReads) {
  const std::string token = MakeSessionToken(session_, kid_, key_);
  const std::size_t dot = token.find('.');
  const auto text = encoding::Base64UrlDecode(token.substr(dot + 1, token.rfind('.') - dot - 1));
  const json::object claims = json::parse(base::AsText(*text)).as_object();
  EXPECT_EQ(claims.at("userid"), 7);
  EXPECT_EQ(claims.at("username"), "clinic");
  EXPECT_EQ(claims.at("sub"), "clinic");
  EXPECT_EQ(claims.at("scope"), "upload run");
}

TEST_F(SessionTokenTest, NeverCarriesTheRightToAdministerOrToBeAServer) {
  SessionClaims admin = session_;
  admin.account.scopes = {.run = true, .server = true, .admin = true};
  const auto claims = VerifySessionToken(MakeSessionToken(admin, kid_, key_), keys_, kIssuer, kNow);
  EXPECT_EQ(claims->account.scopes, (Scopes{.run = true}));
  EXPECT_EQ(
      VerifySessionToken(WithClaim("scope", "admin run server other"), keys_, kIssuer, kNow)->account.scopes,
      (Scopes{.run = true}));
}

TEST_F(SessionTokenTest, IsValidFromItsTimeUntilItsEnd) {
  const std::string token = Signed(header_, claims_);
  EXPECT_EQ(Verify(token), "ok");
  EXPECT_EQ(Verify(token, kNow + std::chrono::seconds(599)), "ok");
  EXPECT_EQ(Verify(token, kNow + std::chrono::seconds(600)), "session-expired");
  EXPECT_EQ(Verify(token, kNow + std::chrono::hours(10'000)), "session-expired");
  EXPECT_EQ(Verify(token, kNow - kSessionClockSkew), "ok");
  EXPECT_EQ(Verify(token, kNow - kSessionClockSkew - std::chrono::seconds(1)), "bad-credentials");
  EXPECT_EQ(Verify(WithClaim("nbf", Seconds(kNow) + 61)), "bad-credentials");
  EXPECT_EQ(Verify(WithClaim("nbf", Seconds(kNow) + 60)), "ok");
}

TEST_F(SessionTokenTest, NeverLivesLongerThanAQuarterOfAnHour) {
  EXPECT_EQ(Verify(WithClaim("exp", Seconds(kNow) + 900)), "ok");
  EXPECT_EQ(Verify(WithClaim("exp", Seconds(kNow) + 901)), "bad-credentials");
  EXPECT_EQ(Verify(WithClaim("exp", Seconds(kNow))), "bad-credentials");
  EXPECT_EQ(Verify(WithClaim("exp", std::int64_t{1} << 62)), "bad-credentials");
  EXPECT_EQ(Verify(WithClaim("iat", -1)), "bad-credentials");
  EXPECT_EQ(Verify(WithClaim("iat", 0)), "bad-credentials");
}

TEST_F(SessionTokenTest, TheAlgorithmIsNotTheTokensToChoose) {
  for (const char* algorithm : {"none", "None", "HS256", "RS256", "ES384", "ES256K", "es256", ""}) {
    EXPECT_EQ(Verify(WithHeader("alg", algorithm)), "bad-credentials") << algorithm;
  }
  const std::string unsigned_token = encoding::Base64UrlEncode(base::AsBytes(R"({"alg":"none"})")) + "." +
                                     encoding::Base64UrlEncode(base::AsBytes(json::serialize(claims_))) + ".";
  EXPECT_EQ(Verify(unsigned_token), "bad-credentials");
}

TEST_F(SessionTokenTest, KeysOfOtherCurvesSignNothingHere) {
  const crypto::SigningKey p384 = crypto::SigningKey::GenerateP384();
  const std::vector<JsonWebKey> keys = {{kid_, p384.public_key()}};
  const std::string text = encoding::Base64UrlEncode(base::AsBytes(json::serialize(header_))) + "." +
                           encoding::Base64UrlEncode(base::AsBytes(json::serialize(claims_)));
  const std::string token =
      text + "." +
      encoding::Base64UrlEncode(p384.SignEcdsaRaw(crypto::HashAlgorithm::kSha256, base::AsBytes(text)));
  EXPECT_EQ(VerifySessionToken(token, keys, kIssuer, kNow).error().code, "bad-credentials");
}

TEST_F(SessionTokenTest, AnUnknownKeyIsRefusedWhateverTheTokenBrings) {
  EXPECT_EQ(Verify(WithHeader("kid", "unknown")), "bad-credentials");
  EXPECT_EQ(Verify(WithHeader("kid", "other")), "bad-credentials") << "another key of the set";
  EXPECT_EQ(Verify(WithHeader("kid", nullptr)), "bad-credentials");
  EXPECT_EQ(Verify(WithHeader("crit", json::array{"exp"})), "bad-credentials");
  EXPECT_EQ(Verify(WithHeader("typ", "JWE")), "bad-credentials");
  EXPECT_EQ(Verify(WithHeader("jku", "https://evil.example/")), "ok") << "nobody looks there";
  EXPECT_EQ(VerifySessionToken(Signed(header_, claims_), {}, kIssuer, kNow).error().code, "bad-credentials");
}

TEST_F(SessionTokenTest, ClaimsThatAreMissingOrOfAWrongKindAreRefused) {
  for (const char* field : {"iss", "sub", "scope", "iat", "exp", "userid"}) {
    EXPECT_EQ(Verify(WithoutClaim(field)), "bad-credentials") << field;
    EXPECT_EQ(Verify(WithClaim(field, json::array{})), "bad-credentials") << field;
  }
  EXPECT_EQ(Verify(WithClaim("iss", "elsewhere.example")), "bad-credentials");
  EXPECT_EQ(Verify(WithClaim("sub", "anonymous")), "bad-credentials");
  EXPECT_EQ(Verify(WithClaim("sub", "a/b")), "bad-credentials");
  EXPECT_EQ(Verify(WithClaim("userid", 0)), "bad-credentials");
  EXPECT_EQ(Verify(WithClaim("userid", -1)), "bad-credentials");
  EXPECT_EQ(Verify(SignedText(json::serialize(header_), R"({"iss":"a","iss":"b"})")), "bad-credentials");
  EXPECT_EQ(Verify(SignedText("[]", "[]")), "bad-credentials");
}

TEST_F(SessionTokenTest, EveryBentCharacterIsNoticed) {
  const std::string token = Signed(header_, claims_);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string bent = token;
    bent[i] = bent[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(Verify(bent), "bad-credentials") << i;
    EXPECT_EQ(Verify(token.substr(0, i)), "bad-credentials") << i;
  }
  EXPECT_EQ(Verify(token + "A"), "bad-credentials");
  EXPECT_EQ(Verify(token + ".A"), "bad-credentials");
  EXPECT_EQ(Verify(" " + token), "bad-credentials");
  EXPECT_EQ(Verify(std::string(1 << 20, 'A')), "bad-credentials");
  EXPECT_EQ(Verify(SignedText(json::serialize(header_), std::string(4000, ' '))), "bad-credentials");
}

}  // namespace
}  // namespace blindai::accounts
