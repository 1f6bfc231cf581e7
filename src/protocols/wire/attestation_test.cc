#include "protocols/wire/attestation.h"

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

AttestationAnswer Sample() {
  AttestationAnswer answer;
  answer.tee = "snp";
  answer.evidence = {1, 2, 3};
  answer.endorsements = {{"leaf", {4}}, {"chain", {}}};
  answer.statement.nonce.bytes.fill(0xab);
  answer.statement.manifest_sha256.bytes.fill(5);
  answer.keyset = R"({"version":1})";
  answer.manifest = "{\"mode\":\"hardware\"}\n";
  answer.fetched_at = {{"leaf", *base::ParseTime("2026-11-25T19:02:56Z")}};
  return answer;
}

// The sample's JSON with one piece replaced.
base::Result<AttestationAnswer> DecodeWith(const std::string& piece, const std::string& replacement) {
  std::string json = EncodeAttestation(Sample());
  const std::size_t at = json.find(piece);
  EXPECT_NE(at, std::string::npos) << piece;
  json.replace(at, piece.size(), replacement);
  return DecodeAttestation(json);
}

TEST(AttestationWire, WhatIsEncodedIsDecodedAgain) {
  const auto answer = DecodeAttestation(EncodeAttestation(Sample()));
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(*answer, Sample());
}

TEST(AttestationWire, TheJsonIsTheDocumentedOne) {
  AttestationAnswer answer;
  answer.tee = "simulated";
  answer.evidence = {0xff};
  const std::string zeros(64, '0');
  EXPECT_EQ(EncodeAttestation(answer),
            R"({"version":1,"tee":"simulated","evidence":"/w==","endorsements":{},"statement":{"nonce":")" +
                zeros + R"(","exporter_sha256":")" + zeros + R"(","server_key_sha256":")" + zeros +
                R"(","keyset_sha256":")" + zeros + R"(","manifest_sha256":")" + zeros +
                R"("},"keyset":"","manifest":""})");
}

TEST(AttestationWire, WhenEndorsementsWereFetchedIsSaid) {
  EXPECT_NE(EncodeAttestation(Sample()).find(R"("fetched_at":{"leaf":"2026-11-25T19:02:56Z"})"),
            std::string::npos);
  const auto answer = DecodeWith("2026-11-25T19:02:56Z", "yesterday");
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(answer.error().message.find("is not a time"), std::string::npos) << answer.error().message;
  EXPECT_TRUE(DecodeWith(R"("fetched_at":{"leaf":"2026-11-25T19:02:56Z"})", R"("fetched_at":null)")
                  ->fetched_at.empty());
  EXPECT_FALSE(DecodeWith(R"({"leaf":"2026-11-25T19:02:56Z"})", "[]").ok());
}

TEST(AttestationWire, UnknownMembersAreIgnored) {
  EXPECT_EQ(*DecodeWith("\"version\":1,", "\"version\":1,\"later\":[1],"), Sample());
}

TEST(AttestationWire, AnotherVersionIsSaidPlainly) {
  EXPECT_EQ(DecodeWith("\"version\":1,", "\"version\":2,").error().code, "attestation-version");
  EXPECT_EQ(DecodeWith("\"version\":1,", "").error().code, "attestation-version");
}

TEST(AttestationWire, WhatIsMissingOrOfAnotherTypeIsNamed) {
  for (const char* member : {"tee", "evidence", "statement", "keyset", "manifest"}) {
    const std::string name = std::string("\"") + member + "\":";
    const auto missing = DecodeWith(name, std::string("\"x") + member + "\":");
    EXPECT_NE(missing.error().message.find(member), std::string::npos) << missing.error().message;
    EXPECT_FALSE(DecodeWith(name, name + "1,\"y\":").ok()) << member;
  }
}

TEST(AttestationWire, BadBase64AndBadHexAreRefused) {
  EXPECT_FALSE(DecodeWith("AQID", "AQI").ok());
  EXPECT_FALSE(DecodeWith("\"leaf\":\"BA==\"", "\"leaf\":\"!\"").ok());
  EXPECT_FALSE(DecodeWith("\"leaf\":\"BA==\"", "\"leaf\":null").ok());
  EXPECT_FALSE(DecodeWith("abab", "aba").ok());
  EXPECT_FALSE(DecodeWith("abab", "abag").ok());
}

TEST(AttestationWire, WhatIsNoJsonObjectIsRefused) {
  for (const char* text : {"", "null", "[]", "{", "\"x\"", "{\"a\":1}{}"})
    EXPECT_FALSE(DecodeAttestation(text).ok()) << text;
}

TEST(AttestationWire, OverTheBoundIsRefusedUnread) {
  EXPECT_FALSE(DecodeAttestation(std::string(kMaxAttestationJsonBytes + 1, ' ')).ok());
}

TEST(AttestationNonce, SixtyFourHexDigitsAreANonce) {
  EXPECT_EQ(ParseAttestationNonce(std::string(62, '0') + "fF")->bytes[31], 0xff);
}

TEST(AttestationNonce, AnythingElseIsAFormatError) {
  for (const std::string& text :
       {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(66, 'a'),
        std::string(63, 'a') + "g", std::string(62, 'a') + " a", "0x" + std::string(62, 'a')}) {
    const auto nonce = ParseAttestationNonce(text);
    EXPECT_EQ(nonce.error().code, "nonce-format") << text;
    EXPECT_EQ(nonce.error().param, "nonce");
  }
}

}  // namespace
}  // namespace blindai::wire
