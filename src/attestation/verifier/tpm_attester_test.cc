// The non-simulated path for real: a TPM 2.0 in software with an endorsement key certificate from its own
// CA, enrolled by credential activation, quoted by the server's attester, judged by the client's verifier.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "attestation/attester/tpm.h"
#include "attestation/endorsements/certificate_list.h"
#include "attestation/verifier/appraise.h"
#include "attestation/verifier/event_log.h"
#include "attestation/verifier/tpm.h"
#include "crypto/random.h"
#include "crypto/tpm_credential.h"
#include "support/log_builder.h"
#include "support/swtpm.h"
#include "support/test_pki.h"
#include "support/verdict_rows.h"

namespace blindai::verifier {
namespace {

using attester::TpmAttester;
using attester::TpmAttesterOptions;
using attester::TpmDevice;
using base::Bytes;
using evidence::TpmAlgorithm;
using tests::Authority;
using tests::EventLogBuilder;
using tests::Explain;
using tests::Swtpm;

constexpr auto kNoDeadline = attester::Attester::Deadline::max();

Bytes NameOf(const Bytes& public_area) {
  Bytes name = {0x00, 0x0B};
  const auto digest = crypto::Sha256(public_area);
  name.insert(name.end(), digest.bytes.begin(), digest.bytes.end());
  return name;
}

crypto::PublicKey EccKeyOf(const Bytes& public_area) {
  const auto area = evidence::ParseTpmPublic(public_area);
  Bytes point = area->x;
  point.insert(point.end(), area->y.begin(), area->y.end());
  return *crypto::PublicKey::FromEcPoint(crypto::KeyKind::kP256, point);
}

// One manufactured TPM for all tests: making it takes seconds. Its boot is measured once, with secure boot on.
class TpmAttesterPath : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    tpm_ = new std::optional<Swtpm>(Swtpm::Start(true));
    ca_ =
        new Authority(tests::MakeRoot(tests::PkiCaSpec("enrolment CA"), crypto::SigningKey::GenerateP256()));
    if (!*tpm_) return;
    auto device = TpmDevice::Open((*tpm_)->tcti());
    ASSERT_TRUE(device.ok()) << device.error().message;
    const auto log = evidence::ParseTpmEventLog(BootLog().Build());
    for (const auto& event : log->events) {
      ASSERT_TRUE(device
                      ->ExtendPcr(static_cast<std::uint8_t>(event.index), TpmAlgorithm::kSha256,
                                  *event.digest(TpmAlgorithm::kSha256))
                      .ok());
    }
  }
  static void TearDownTestSuite() {
    delete tpm_;
    delete ca_;
  }
  void SetUp() override {
    if (!*tpm_) GTEST_SKIP() << tests::kNoSwtpm;
    log_file_ = testing::TempDir() + "blindai_swtpm_log";
    WriteLog(BootLog());
    options_.tcti = (*tpm_)->tcti();
    options_.event_log = log_file_;
    question_.now = tests::kPkiNow;
    question_.report_data = crypto::RandomFixed<evidence::ReportData>();
    rules_.pcr_sha256 = {{4, {ReplayedPcr(4)}}, {7, {ReplayedPcr(7)}}};
    rules_.require_event_log = true;
    rules_.require_secure_boot = true;
    anchors_.AddExtra("enrolment CA", ca_->certificate.public_key().SpkiSha256(), ca_->certificate.der());
  }
  void TearDown() override { std::filesystem::remove(log_file_); }

  static EventLogBuilder BootLog() {
    return EventLogBuilder()
        .SecureBoot(1)
        .Event(4, 0x80000007, base::AsBytes("boot"))
        .Separator(4)
        .Separator(7);
  }
  void WriteLog(const EventLogBuilder& log) const {
    const Bytes bytes = log.Build();
    std::ofstream(log_file_, std::ios::binary) << base::AsText(bytes);
  }
  static evidence::PcrSha256 ReplayedPcr(std::uint32_t index) {
    const auto values =
        ReplayLog(*evidence::ParseTpmEventLog(BootLog().Build()), TpmAlgorithm::kSha256, LogRegisters::kPcr);
    evidence::PcrSha256 pcr;
    std::copy_n(values->at(index).begin(), 32, pcr.bytes.begin());
    return pcr;
  }
  // What an enrolment CA does after the key has proved where it lives.
  static Bytes CertifyKey(const Bytes& public_area, const Authority& ca) {
    return tests::PemOf(
        {tests::Issue(tests::PkiSpec("AK of a TPM"), EccKeyOf(public_area), ca), ca.certificate});
  }
  evidence::EvidenceBundle Attested(const evidence::ReportData& report_data) {
    auto attester = TpmAttester::Open(options_);
    EXPECT_TRUE(attester.ok()) << attester.error().message;
    auto bundle = (*attester)->Attest(report_data, kNoDeadline);
    EXPECT_TRUE(bundle.ok()) << bundle.error().message;
    bundle->endorsements.push_back({"ak-chain", CertifyKey((*attester)->attestation_key(), *ca_)});
    return *std::move(bundle);
  }
  Verdict Judged(const evidence::EvidenceBundle& bundle) const {
    policy::Policy policy;
    policy.accept.push_back({rules_, "", 0});
    Question question = question_;
    question.policy = &policy;
    return JudgeBundle(bundle, anchors_, question);
  }
  Verdict JudgedNow() { return Judged(Attested(*question_.report_data)); }
  static testing::AssertionResult Refused(const Verdict& verdict, std::string_view code) {
    if (verdict.outcome == Outcome::kRefused && verdict.Has(code)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << Explain(verdict);
  }

  static std::optional<Swtpm>* tpm_;
  static Authority* ca_;
  std::string log_file_;
  TpmAttesterOptions options_;
  Question question_;
  policy::TpmRules rules_;
  TrustAnchors anchors_ = TrustAnchors::Production();
};
std::optional<Swtpm>* TpmAttesterPath::tpm_ = nullptr;
Authority* TpmAttesterPath::ca_ = nullptr;

TEST_F(TpmAttesterPath, EndsInTrustedWithTheCaAsAnExplicitAnchor) {
  const Verdict verdict = JudgedNow();
  EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
}

TEST_F(TpmAttesterPath, WithoutThatAnchorItIsRefused) {
  anchors_ = TrustAnchors::Production();
  EXPECT_TRUE(Refused(JudgedNow(), "wrong-root"));
}

TEST_F(TpmAttesterPath, AnotherCaIsRefused) {
  const Authority other = tests::MakeRoot(tests::PkiCaSpec("another CA"), crypto::SigningKey::GenerateP256());
  anchors_ = TrustAnchors::Production();
  anchors_.AddExtra("another CA", other.certificate.public_key().SpkiSha256(), other.certificate.der());
  EXPECT_TRUE(Refused(JudgedNow(), "wrong-root"));
}

TEST_F(TpmAttesterPath, AReplayedQuoteIsRefused) {
  const evidence::EvidenceBundle old = Attested(crypto::RandomFixed<evidence::ReportData>());
  EXPECT_TRUE(Refused(Judged(old), "report-data-mismatch"));
}

TEST_F(TpmAttesterPath, AnotherBootIsRefused) {
  rules_.pcr_sha256[4] = {ReplayedPcr(7)};
  EXPECT_TRUE(Refused(JudgedNow(), "pcr"));
}

TEST_F(TpmAttesterPath, ALogOfAnotherBootIsRefused) {
  WriteLog(EventLogBuilder().SecureBoot(1).Separator(4).Separator(7));
  EXPECT_TRUE(Refused(JudgedNow(), "replay-mismatch"));
}

TEST_F(TpmAttesterPath, AChangedPcrIsRefused) {
  {
    auto device = TpmDevice::Open(options_.tcti);
    ASSERT_TRUE(device.ok());
    ASSERT_TRUE(device->ExtendPcr(14, TpmAlgorithm::kSha256, Bytes(32, 1)).ok());
  }
  rules_.pcr_sha256[14] = {{}};
  EXPECT_TRUE(Refused(JudgedNow(), "pcr"));
}

TEST_F(TpmAttesterPath, EnrolmentProvesThatTheKeyLivesInThatTpm) {
  auto attester = TpmAttester::Open(options_);
  ASSERT_TRUE(attester.ok()) << attester.error().message;
  // The endorsement key's certificate leads to the maker's CA, and is of the key that the TPM has.
  const auto certificate = endorsements::ReadCertificates(*(*attester)->EndorsementCertificate());
  ASSERT_TRUE(certificate.ok()) << certificate.error().message;
  const auto makers = endorsements::ReadCertificates((*tpm_)->CaCertificates());
  ASSERT_TRUE(makers.ok()) << makers.error().message;
  TrustAnchors anchors;
  anchors.AddExtra("swtpm's root", makers->back().public_key().SpkiSha256(), makers->back().der());
  FindingList findings;
  EXPECT_TRUE(CheckTpmCertificate(findings, anchors, certificate->front(), *makers, base::Now()))
      << findings.findings().back().seen;
  const auto area = evidence::ParseTpmPublic(*(*attester)->EndorsementKey());
  ASSERT_TRUE(area.ok());
  EXPECT_EQ(certificate->front().public_key().RsaModulus(), area->modulus);

  const Bytes secret = crypto::RandomBytes(32);
  const Bytes name = NameOf((*attester)->attestation_key());
  const auto credential = crypto::MakeTpmCredential(certificate->front().public_key(), name, secret);
  const auto recovered = (*attester)->ActivateCredential(credential.id_object, credential.encrypted_secret);
  ASSERT_TRUE(recovered.ok()) << recovered.error().message;
  EXPECT_EQ(*recovered, secret);

  // For a key of another name, or altered on its way, the TPM gives nothing.
  const auto other_name =
      crypto::MakeTpmCredential(certificate->front().public_key(), NameOf(Bytes{1}), secret);
  EXPECT_FALSE((*attester)->ActivateCredential(other_name.id_object, other_name.encrypted_secret).ok());
  Bytes bent = credential.id_object;
  bent.back() ^= 1;
  EXPECT_FALSE((*attester)->ActivateCredential(bent, credential.encrypted_secret).ok());
  const auto other_key = crypto::SigningKey::GenerateRsa(2048);
  const auto other_tpm = crypto::MakeTpmCredential(other_key.public_key(), name, secret);
  EXPECT_FALSE((*attester)->ActivateCredential(other_tpm.id_object, other_tpm.encrypted_secret).ok());
  // And it still works afterwards: no session or key was left behind.
  EXPECT_TRUE((*attester)->ActivateCredential(credential.id_object, credential.encrypted_secret).ok());
}

}  // namespace
}  // namespace blindai::verifier
