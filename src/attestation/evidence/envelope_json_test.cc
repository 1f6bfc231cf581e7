#include "attestation/evidence/envelope_json.h"

#include <gtest/gtest.h>

namespace blindai::evidence {
namespace {

std::string ErrorOf(std::string_view text) {
  const auto bundle = OpenJsonEnvelope(base::AsBytes(text));
  EXPECT_FALSE(bundle.ok()) << text;
  return bundle.ok() ? "" : bundle.error().message;
}

TEST(EnvelopeJson, AQuoteMayBeHexOrBase64Text) {
  const auto hex = OpenJsonEnvelope(base::AsBytes(R"({"quote":"0400020081000000"})"));
  EXPECT_EQ(hex->tee, TeeKind::kTdx);
  const auto base64 = OpenJsonEnvelope(base::AsBytes(R"({"quote":"AwACAAAA"})"));
  EXPECT_EQ(base64->tee, TeeKind::kSgx);
  EXPECT_EQ(ErrorOf(R"({"quote":"?"})"), "quote: neither hex nor base64 text");
}

TEST(EnvelopeJson, TrusteesTpmEvidenceBringsTheKey) {
  const auto bundle = OpenJsonEnvelope(base::AsBytes(
      R"({"ak_public":"AQ==","tpm_quote":{"message":"Ag==","signature":"Aw==","pcrs":["00","ff"]}})"));
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(bundle->tee, TeeKind::kTpm);
  EXPECT_EQ(bundle->endorsements.at(0).name, "ak");
}

TEST(EnvelopeJson, WhatIsMissingOrOfAnotherTypeIsNamed) {
  EXPECT_NE(ErrorOf(R"({"tee":"snp","evidence":1})").find("evidence"), std::string::npos);
  EXPECT_NE(ErrorOf(R"({"tee":"new","evidence":"AQ=="})").find("tee"), std::string::npos);
  EXPECT_NE(ErrorOf(R"({"tee":"snp","evidence":"AQ==","endorsements":[]})").find("endorsements"),
            std::string::npos);
  EXPECT_NE(ErrorOf(R"({"ak_public":"AQ=="})").find("tpm_quote"), std::string::npos);
  EXPECT_NE(
      ErrorOf(R"({"ak_public":"AQ==","tpm_quote":{"message":"","signature":"","pcrs":[1]}})").find("pcrs"),
      std::string::npos);
  EXPECT_NE(ErrorOf(R"({"AK":{},"Quote":{}})").find("Quote"), std::string::npos);
  EXPECT_NE(ErrorOf(R"({"a":1,"a":2})"), "");
}

TEST(EnvelopeJson, ABareRsaSignatureGetsTheTpmsForm) {
  EXPECT_EQ(TpmSignatureFromRsa(base::Bytes{9, 8}), (base::Bytes{0x00, 0x14, 0x00, 0x0b, 0x00, 0x02, 9, 8}));
}

}  // namespace
}  // namespace blindai::evidence
