// What the verifier makes of the evidence of /dev/tdx_guest and a quote generation service.
#include <gtest/gtest.h>

#include "attestation/verifier/appraise.h"
#include "support/fake_tdx_guest.h"
#include "support/verdict_rows.h"

namespace blindai::verifier {
namespace {

using tests::Explain;
using tests::FakeIntel;

class TdxGuestAttesterPath : public testing::Test {
 protected:
  TdxGuestAttesterPath() {
    model_.intel = &intel_;
    report_data_.bytes.fill(0x3C);
    rules_.mrtd = {std::get<evidence::TdReport>(model_.parts.body).mrtd};
    anchors_.AddExtra("fake Intel", intel_.root.certificate.public_key().SpkiSha256(),
                      intel_.root.certificate.der());
  }
  Verdict Judged(const evidence::ReportData& asked) {
    auto bundle = tests::MakeTdxGuestAttester(model_)->Attest(report_data_,
                                                              std::chrono::steady_clock::time_point::max());
    BLINDAI_CHECK(bundle.ok());
    const auto collateral = intel_.Collateral(evidence::TeeKind::kTdx);
    for (const auto& entry : collateral.entries()) bundle->endorsements.push_back({entry.name, entry.bytes});
    policy::Policy policy;
    policy.accept.push_back({rules_, "", 0});
    Question question;
    question.policy = &policy;
    question.report_data = asked;
    question.now = FakeIntel::Now();
    return JudgeBundle(*bundle, anchors_, question);
  }

  FakeIntel intel_;
  tests::TdxGuestModel model_;
  evidence::ReportData report_data_;
  policy::TdxRules rules_;
  TrustAnchors anchors_ = TrustAnchors::Production();
};

TEST_F(TdxGuestAttesterPath, EndsInTrustedWithTheTestRootAsAnExplicitAnchor) {
  const Verdict verdict = Judged(report_data_);
  EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
}

TEST_F(TdxGuestAttesterPath, WithoutThatAnchorItIsRefused) {
  anchors_ = TrustAnchors::Production();
  const Verdict verdict = Judged(report_data_);
  EXPECT_EQ(verdict.outcome, Outcome::kRefused);
  EXPECT_TRUE(verdict.Has("wrong-root")) << Explain(verdict);
}

TEST_F(TdxGuestAttesterPath, ForAnotherQuestionItIsRefused) {
  const Verdict verdict = Judged({});
  EXPECT_EQ(verdict.outcome, Outcome::kRefused);
  EXPECT_TRUE(verdict.Has("report-data-mismatch")) << Explain(verdict);
}

TEST_F(TdxGuestAttesterPath, AnotherDomainIsRefused) {
  std::get<evidence::TdReport>(model_.parts.body).mrtd.bytes.fill(0x77);
  const Verdict verdict = Judged(report_data_);
  EXPECT_EQ(verdict.outcome, Outcome::kRefused);
  EXPECT_TRUE(verdict.Has("measurement")) << Explain(verdict);
}

}  // namespace
}  // namespace blindai::verifier
