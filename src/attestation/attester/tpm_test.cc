// Against a real TPM 2.0 in software; what a verifier makes of it is in verifier/tpm_attester_test.cc.
#include "attestation/attester/tpm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "crypto/digest.h"
#include "support/swtpm.h"

namespace blindai::attester {
namespace {

using base::Bytes;
using evidence::TpmAlgorithm;
using tests::Swtpm;

constexpr auto kNoDeadline = Attester::Deadline::max();

TpmAttesterOptions OptionsFor(const Swtpm& tpm) {
  TpmAttesterOptions options;
  options.tcti = tpm.tcti();
  options.event_log = "";
  return options;
}

evidence::ReportData Data(std::uint8_t value) {
  evidence::ReportData data;
  data.bytes.fill(value);
  return data;
}

TEST(TpmAttester, QuotesOverTheDigestOfTheReportData) {
  const auto tpm = Swtpm::Start();
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  const auto attester = TpmAttester::Open(OptionsFor(*tpm));
  ASSERT_TRUE(attester.ok()) << attester.error().message;
  const auto bundle = (*attester)->Attest(Data(3), kNoDeadline);
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(bundle->tee, evidence::TeeKind::kTpm);
  const auto evidence = evidence::ParseTpmEvidence(bundle->evidence);
  ASSERT_TRUE(evidence.ok()) << evidence.error().message;
  EXPECT_EQ(evidence->attest.extra_data, base::CopyBytes(crypto::Sha256(Data(3).view()).view()));
  EXPECT_EQ(evidence->pcrs.size(), 16u);
  EXPECT_EQ(evidence->signature.scheme, TpmAlgorithm::kEcdsa);
  ASSERT_EQ(bundle->endorsements.size(), 1u);
  EXPECT_EQ(bundle->endorsements[0].name, "ak");
  const auto key = evidence::ParseTpmPublic((*attester)->attestation_key());
  ASSERT_TRUE(key.ok()) << key.error().message;
  EXPECT_TRUE(key->attributes.restricted() && key->attributes.fixed_tpm() && !key->attributes.decrypt());
}

TEST(TpmAttester, TheSameTpmMakesTheSameKey) {
  const auto tpm = Swtpm::Start();
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  Bytes first;
  {
    const auto attester = TpmAttester::Open(OptionsFor(*tpm));
    ASSERT_TRUE(attester.ok()) << attester.error().message;
    first = (*attester)->attestation_key();
  }
  const auto again = TpmAttester::Open(OptionsFor(*tpm));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ((*again)->attestation_key(), first);
  const auto other_tpm = Swtpm::Start();
  const auto other = TpmAttester::Open(OptionsFor(*other_tpm));
  ASSERT_TRUE(other.ok()) << other.error().message;
  EXPECT_NE((*other)->attestation_key(), first);
}

TEST(TpmAttester, CertificatesAndTheEventLogComeAlong) {
  const auto tpm = Swtpm::Start();
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  TpmAttesterOptions options = OptionsFor(*tpm);
  options.certificates = {1, 2, 3};
  options.event_log = testing::TempDir() + "blindai_event_log";
  std::ofstream(options.event_log) << "log";
  const auto attester = TpmAttester::Open(options);
  ASSERT_TRUE(attester.ok()) << attester.error().message;
  const auto bundle = (*attester)->Attest(Data(1), kNoDeadline);
  ASSERT_TRUE(bundle.ok());
  ASSERT_EQ(bundle->endorsements.size(), 3u);
  EXPECT_EQ(bundle->endorsements[1].name, "ak-chain");
  EXPECT_EQ(bundle->endorsements[1].bytes, (Bytes{1, 2, 3}));
  EXPECT_EQ(bundle->endorsements[2].name, "event-log");
  EXPECT_EQ(base::AsText(bundle->endorsements[2].bytes), "log");
}

TEST(TpmAttester, WhatACloudKeepsInTheTpmComesAlong) {
  const auto tpm = Swtpm::Start();
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  const Bytes certificate(1500, 0x30);
  ASSERT_TRUE(tpm->DefineNv(0x01C10000, certificate, false));
  TpmAttesterOptions options = OptionsFor(*tpm);
  options.certificate_nv = 0x01C10000;
  const auto attester = TpmAttester::Open(options);
  ASSERT_TRUE(attester.ok()) << attester.error().message;
  const auto bundle = (*attester)->Attest(Data(1), kNoDeadline);
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  ASSERT_EQ(bundle->endorsements.size(), 2u);
  EXPECT_EQ(bundle->endorsements[1].name, "ak-chain");
  EXPECT_EQ(bundle->endorsements[1].bytes, certificate);
}

TEST(TpmAttester, ADeadlineThatHasPassedIsSaid) {
  const auto tpm = Swtpm::Start();
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  const auto attester = TpmAttester::Open(OptionsFor(*tpm));
  ASSERT_TRUE(attester.ok()) << attester.error().message;
  const auto bundle = (*attester)->Attest(Data(1), Attester::Deadline::min());
  ASSERT_FALSE(bundle.ok());
  EXPECT_EQ(bundle.error().code, "attester-deadline");
}

TEST(TpmAttester, WhatIsNotThereIsAnError) {
  EXPECT_EQ(TpmDevice::Open("device:/nonexistent").error().code, "attester-unavailable");
  const auto tpm = Swtpm::Start();
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  TpmAttesterOptions options = OptionsFor(*tpm);
  options.persistent_key = 0x81000003;
  EXPECT_EQ(TpmAttester::Open(options).error().code, "attester-unavailable");
  options = OptionsFor(*tpm);
  options.certificate_nv = 0x01C101D0;
  EXPECT_EQ(TpmAttester::Open(options).error().code, "not-found");
  options = OptionsFor(*tpm);
  options.bank = TpmAlgorithm::kSm3;
  const auto attester = TpmAttester::Open(options);
  ASSERT_TRUE(attester.ok()) << attester.error().message;
  EXPECT_EQ((*attester)->Attest(Data(1), kNoDeadline).error().code, "attester-unavailable");
  EXPECT_FALSE((*attester)->ActivateCredential(Bytes(40), Bytes(256)).ok());
  EXPECT_FALSE((*attester)->ActivateCredential(Bytes(4000), Bytes(256)).ok());
}

TEST(TpmAttester, AManufacturedTpmHasACertificateOfItsEndorsementKey) {
  const auto tpm = Swtpm::Start(true);
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  const auto attester = TpmAttester::Open(OptionsFor(*tpm));
  ASSERT_TRUE(attester.ok()) << attester.error().message;
  const auto certificate = (*attester)->EndorsementCertificate();
  ASSERT_TRUE(certificate.ok()) << certificate.error().message;
  const auto key = (*attester)->EndorsementKey();
  ASSERT_TRUE(key.ok()) << key.error().message;
  const auto area = evidence::ParseTpmPublic(*key);
  ASSERT_TRUE(area.ok());
  // The certificate is of that very key.
  EXPECT_NE(std::search(certificate->begin(), certificate->end(), area->modulus.begin(), area->modulus.end()),
            certificate->end());
}

}  // namespace
}  // namespace blindai::attester
