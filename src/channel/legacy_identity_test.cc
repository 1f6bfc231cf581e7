#include "channel/legacy_identity.h"

#include <gtest/gtest.h>

#include "crypto/certificate_builder.h"

namespace blindai::channel {
namespace {

const base::Time kNow = *base::ParseTime("2026-06-01T00:00:00Z");

std::string PemOf(const LegacyIdentity& identity) { return identity.certificate().ToPem(); }

TEST(LegacyIdentity, TheCertificateIsWhatBothGenerationsOfClientsWant) {
  const LegacyIdentity identity = LegacyIdentity::Make(kNow);
  const crypto::Certificate& certificate = identity.certificate();
  EXPECT_TRUE(certificate.MatchesHost("blindai-srv"));
  EXPECT_FALSE(certificate.MatchesHost("localhost"));
  EXPECT_EQ(certificate.subject_common_name(), "blindai-srv");
  EXPECT_TRUE(certificate.IsSignedBy(certificate));
  EXPECT_EQ(certificate.public_key().kind(), crypto::KeyKind::kP256);
  EXPECT_LT(certificate.not_before(), kNow);
  EXPECT_GT(certificate.not_after(), kNow + std::chrono::hours(24 * 365));
  EXPECT_FALSE(certificate.HasUnknownCriticalExtension());
}

TEST(LegacyIdentity, TheExtensionHoldsExactlyTheRawKeyThatSignsResults) {
  const LegacyIdentity identity = LegacyIdentity::Make(kNow);
  const auto extension = identity.certificate().extension(kResultKeyOid);
  ASSERT_TRUE(extension);
  ASSERT_EQ(extension->size(), 32u);
  // RFC 8410: the SubjectPublicKeyInfo of that key is this and the 32 bytes.
  base::Bytes spki = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  spki.insert(spki.end(), extension->begin(), extension->end());
  const auto key = crypto::PublicKey::FromSpkiDer(spki);
  ASSERT_TRUE(key.ok());
  const base::Bytes message = {1, 2, 3};
  EXPECT_TRUE(key->VerifyEd25519(message, identity.result_key().SignEd25519(message)));
}

TEST(LegacyIdentity, EachStartHasKeysOfItsOwn) {
  const LegacyIdentity one = LegacyIdentity::Make(kNow);
  const LegacyIdentity other = LegacyIdentity::Make(kNow);
  EXPECT_FALSE(one.key().public_key() == other.key().public_key());
  EXPECT_FALSE(one.result_key().public_key() == other.result_key().public_key());
}

TEST(LegacyIdentity, ReportDataIsTheCertificatesDigestAndZeros) {
  const LegacyIdentity identity = LegacyIdentity::Make(kNow);
  const evidence::ReportData data = identity.ToReportData();
  const crypto::Sha256Digest digest = crypto::Sha256(identity.certificate().der());
  EXPECT_TRUE(std::equal(digest.bytes.begin(), digest.bytes.end(), data.bytes.begin()));
  EXPECT_TRUE(std::all_of(data.bytes.begin() + 32, data.bytes.end(), [](auto byte) { return byte == 0; }));
}

TEST(LegacyIdentity, AGivenIdentityIsTheSameAfterPem) {
  const LegacyIdentity made = LegacyIdentity::Make(kNow);
  const auto read = LegacyIdentity::FromPem(PemOf(made), made.key().ToPem(), made.result_key().ToPem());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->certificate(), made.certificate());
  EXPECT_EQ(read->ToReportData(), made.ToReportData());
}

TEST(LegacyIdentity, PartsThatDoNotBelongTogetherAreRefused) {
  const LegacyIdentity one = LegacyIdentity::Make(kNow);
  const LegacyIdentity other = LegacyIdentity::Make(kNow);
  const auto code = [](const base::Result<LegacyIdentity>& identity) {
    return identity.ok() ? "accepted" : identity.error().code;
  };
  EXPECT_EQ(code(LegacyIdentity::FromPem(PemOf(one), other.key().ToPem(), one.result_key().ToPem())),
            "legacy-identity");
  EXPECT_EQ(code(LegacyIdentity::FromPem(PemOf(one), one.key().ToPem(), other.result_key().ToPem())),
            "legacy-identity");
  EXPECT_EQ(code(LegacyIdentity::FromPem(PemOf(one), one.key().ToPem(), one.key().ToPem())),
            "legacy-identity");
}

TEST(LegacyIdentity, ACertificateOfAnotherNameIsRefused) {
  const LegacyIdentity made = LegacyIdentity::Make(kNow);
  crypto::CertificateSpec spec;
  spec.common_name = "blindai-srv";
  spec.dns_names = {"elsewhere"};
  spec.not_before = kNow;
  spec.not_after = kNow + std::chrono::hours(1);
  const auto certificate = crypto::MakeSelfSigned(spec, made.key());
  ASSERT_TRUE(certificate.ok());
  const auto read =
      LegacyIdentity::FromPem(certificate->ToPem(), made.key().ToPem(), made.result_key().ToPem());
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, "legacy-identity");
}

}  // namespace
}  // namespace blindai::channel
