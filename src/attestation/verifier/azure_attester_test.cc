// What the verifier makes of the evidence of Azure's attester, over a model of the machine that signs with test keys.
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "attestation/evidence/envelope.h"
#include "attestation/verifier/appraise.h"
#include "support/fake_azure_vm.h"
#include "support/verdict_rows.h"

namespace blindai::verifier {
namespace {

using base::Bytes;
using tests::Explain;
using tests::FakeAmd;
using tests::FakeIntel;
using tests::FakeTpm;

const FakeAmd& Amd() {
  static const FakeAmd amd;
  return amd;
}
const FakeIntel& Intel() {
  static const FakeIntel intel;
  return intel;
}
const FakeTpm& Tpm() {
  static const FakeTpm tpm;
  return tpm;
}

class AzureAttesterPath : public testing::Test {
 protected:
  AzureAttesterPath() {
    report_data_.bytes.fill(0x3C);
    evidence::PcrSha256 four;
    four.bytes.fill(4);
    rules_.pcr_sha256 = {{4, {four}}};
    rules_.require_secure_boot = true;
    question_.report_data = report_data_;
  }
  evidence::EvidenceBundle Attested(tests::AzureVmModel& model) const {
    auto attester = tests::OpenAzureAttester(model);
    BLINDAI_CHECK(attester.ok());
    auto bundle = (*attester)->Attest(report_data_, std::chrono::steady_clock::time_point::max());
    BLINDAI_CHECK(bundle.ok());
    return *std::move(bundle);
  }
  Verdict Judged(const evidence::EvidenceBundle& bundle) {
    policy::Policy policy;
    policy.accept.push_back({rules_, "", 0});
    question_.policy = &policy;
    return JudgeBundle(bundle, anchors_, question_);
  }
  static testing::AssertionResult Refused(const Verdict& verdict, std::string_view code) {
    if (verdict.outcome == Outcome::kRefused && verdict.Has(code)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << Explain(verdict);
  }

  evidence::ReportData report_data_;
  policy::TpmRules rules_;
  Question question_;
  TrustAnchors anchors_ = TrustAnchors::Production();
};

class AzureSnpAttesterPath : public AzureAttesterPath {
 protected:
  AzureSnpAttesterPath() {
    rules_.over_snp.emplace();
    evidence::LaunchMeasurement measurement;
    measurement.bytes.fill(0x4D);
    rules_.over_snp->measurement = {measurement};
    rules_.over_snp->minimum_tcb = {{evidence::SnpProduct::kMilan, {}}};
    question_.now = tests::kPkiNow;
    anchors_ = Amd().Anchors();
  }
  tests::AzureVmModel model_{Tpm(), Amd()};
};

class AzureTdxAttesterPath : public AzureAttesterPath {
 protected:
  AzureTdxAttesterPath() {
    rules_.over_tdx.emplace();
    rules_.over_tdx->mrtd = {std::get<evidence::TdReport>(model_.td.body).mrtd};
    question_.now = FakeIntel::Now();
    anchors_.AddExtra("fake Intel", Intel().root.certificate.public_key().SpkiSha256(),
                      Intel().root.certificate.der());
  }
  evidence::EvidenceBundle WithCollateral() {
    evidence::EvidenceBundle bundle = Attested(model_);
    const auto collateral = Intel().Collateral(evidence::TeeKind::kTdx);
    for (const auto& entry : collateral.entries()) bundle.endorsements.push_back({entry.name, entry.bytes});
    return bundle;
  }
  tests::AzureVmModel model_{Tpm(), Intel()};
};

TEST_F(AzureSnpAttesterPath, EndsInTrustedWithTheTestRootAsAnExplicitAnchor) {
  const Verdict verdict = Judged(Attested(model_));
  EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
}

TEST_F(AzureSnpAttesterPath, WithoutThatAnchorItIsRefused) {
  anchors_ = TrustAnchors::Production();
  EXPECT_TRUE(Refused(Judged(Attested(model_)), "wrong-root"));
}

TEST_F(AzureSnpAttesterPath, ForAnotherQuestionItIsRefused) {
  question_.report_data->bytes[0] ^= 1;
  EXPECT_TRUE(Refused(Judged(Attested(model_)), "report-data-mismatch"));
}

TEST_F(AzureSnpAttesterPath, AnotherParavisorOrAMachineWithoutSecureBootIsRefused) {
  rules_.over_snp->measurement.front().bytes[0] ^= 1;
  EXPECT_TRUE(Refused(Judged(Attested(model_)), "measurement"));
  model_.hcl.secure_boot = false;
  EXPECT_TRUE(Refused(Judged(Attested(model_)), "secure-boot"));
}

// The same evidence as Azure's own tools write it: what people have in files is judged alike.
TEST_F(AzureSnpAttesterPath, ItsPartsAsAzuresBundleAreJudgedAlike) {
  const evidence::EvidenceBundle bundle = Attested(model_);
  const auto find = [&bundle](std::string_view name) {
    for (const auto& entry : bundle.endorsements) {
      if (entry.name == name) return entry.bytes;
    }
    return Bytes();
  };
  const auto tpm = evidence::ParseTpmEvidence(bundle.evidence);
  ASSERT_TRUE(tpm.ok());
  boost::json::array pcrs;
  for (const auto& pcr : tpm->pcrs) pcrs.emplace_back(encoding::HexEncode(pcr.digest));
  const boost::json::object json = {{"version", 1},
                                    {"tpm_quote",
                                     {{"message", encoding::HexEncode(tpm->attest.raw)},
                                      {"signature", encoding::HexEncode(tpm->signature.rsa)},
                                      {"pcrs", pcrs}}},
                                    {"hcl_report", encoding::Base64UrlEncode(find("hardware-report"))},
                                    {"vcek", base::AsText(find("leaf"))}};
  auto envelope = evidence::OpenEnvelope(base::AsBytes(boost::json::serialize(json)));
  ASSERT_TRUE(envelope.ok()) << envelope.error().message;
  EXPECT_EQ(envelope->bundle.evidence, bundle.evidence);
  envelope->bundle.endorsements.push_back({"chain", find("chain")});
  const Verdict verdict = Judged(envelope->bundle);
  EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
}

TEST_F(AzureTdxAttesterPath, EndsInTrustedWithTheTestRootAsAnExplicitAnchor) {
  const Verdict verdict = Judged(WithCollateral());
  EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
}

TEST_F(AzureTdxAttesterPath, WithoutThatAnchorItIsRefused) {
  anchors_ = TrustAnchors::Production();
  EXPECT_TRUE(Refused(Judged(WithCollateral()), "wrong-root"));
}

TEST_F(AzureTdxAttesterPath, AnotherParavisorIsRefused) {
  std::get<evidence::TdReport>(model_.td.body).mrtd.bytes.fill(0x77);
  EXPECT_TRUE(Refused(Judged(WithCollateral()), "measurement"));
}

}  // namespace
}  // namespace blindai::verifier
