// The simulated kind through the whole verifier: authentic or not, and never more than a simulation.
#include "attestation/verifier/simulated.h"

#include <gtest/gtest.h>

#include "attestation/attester/simulated.h"
#include "attestation/verifier/appraise.h"

namespace blindai::verifier {
namespace {

evidence::ReportData Filled(std::uint8_t fill) {
  evidence::ReportData report_data;
  report_data.bytes.fill(fill);
  return report_data;
}

// What an honest simulated server hands out, and what is asked of it; a test bends one thing.
struct Simulation {
  evidence::EvidenceBundle bundle =
      *attester::SimulatedAttester().Attest(Filled(1), std::chrono::steady_clock::now());
  Question question{nullptr, Filled(1), std::nullopt, AllowSimulation::kYes, base::Time{}};

  Verdict Judged() const { return JudgeBundle(bundle, TrustAnchors::Production(), question); }
};

TEST(Simulated, WithPermissionTheVerdictIsSimulationAndNotTrusted) {
  const Verdict verdict = Simulation().Judged();
  EXPECT_EQ(verdict.outcome, Outcome::kSimulation) << RenderText(verdict);
  EXPECT_FALSE(verdict.trusted());
  EXPECT_EQ(verdict.mode, "simulation");
  EXPECT_EQ(verdict.claims[0].second, "none: this is a simulation and proves nothing about the machine");
}

TEST(Simulated, WithoutPermissionItIsRefused) {
  Simulation simulation;
  simulation.question.allow_simulation = AllowSimulation::kNo;
  EXPECT_EQ(simulation.Judged().outcome, Outcome::kRefused);
  EXPECT_TRUE(simulation.Judged().Has("simulation"));
}

TEST(Simulated, EveryPolicyRefusesItPermissionOrNot) {
  policy::Policy policy;
  for (auto rules :
       {policy::AcceptBlock{policy::SgxRules{}, "", 0}, policy::AcceptBlock{policy::TdxRules{}, "", 0},
        policy::AcceptBlock{policy::SnpRules{}, "", 0}, policy::AcceptBlock{policy::TpmRules{}, "", 0},
        policy::AcceptBlock{policy::NitroRules{}, "", 0}}) {
    policy.accept.push_back(rules);
    Simulation simulation;
    simulation.question.policy = &policy;
    EXPECT_EQ(simulation.Judged().outcome, Outcome::kRefused);
    EXPECT_TRUE(simulation.Judged().Has("simulation"));
  }
}

TEST(Simulated, OtherReportDataIsRefused) {
  Simulation simulation;
  simulation.question.report_data = Filled(2);
  EXPECT_EQ(simulation.Judged().outcome, Outcome::kRefused);
  EXPECT_TRUE(simulation.Judged().Has("report-data-mismatch"));
}

TEST(Simulated, WithoutReportDataToCompareTheFindingsSaySo) {
  Simulation simulation;
  simulation.question.report_data = std::nullopt;
  EXPECT_EQ(simulation.Judged().outcome, Outcome::kSimulation);
  EXPECT_TRUE(simulation.Judged().Has("not-asked"));
}

TEST(Simulated, EveryFlippedBitIsRefused) {
  Simulation simulation;
  for (std::size_t bit = 0; bit < simulation.bundle.evidence.size() * 8; ++bit) {
    Simulation bent = simulation;
    bent.bundle.evidence[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    bent.question.report_data = std::nullopt;
    const Verdict verdict = bent.Judged();
    ASSERT_EQ(verdict.outcome, Outcome::kRefused) << "bit " << bit;
    ASSERT_TRUE(verdict.claims.empty()) << "bit " << bit;
  }
}

TEST(Simulated, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < evidence::kSimulatedEvidenceSize; ++size) {
    Simulation simulation;
    simulation.bundle.evidence.resize(size);
    ASSERT_TRUE(simulation.Judged().Has("malformed")) << size;
  }
}

TEST(Simulated, UnderTheNameOfAnotherKindItIsNotEvenReadable) {
  for (const auto tee : {evidence::TeeKind::kSgx, evidence::TeeKind::kTdx, evidence::TeeKind::kSnp,
                         evidence::TeeKind::kTpm, evidence::TeeKind::kNitro}) {
    Simulation simulation;
    simulation.bundle.tee = tee;
    EXPECT_EQ(simulation.Judged().outcome, Outcome::kRefused);
    EXPECT_EQ(simulation.Judged().mode, "hardware");
  }
}

TEST(Simulated, EndorsementsThatBreakTheirBoundsAreRefused) {
  Simulation simulation;
  simulation.bundle.endorsements = {{"leaf", {}}, {"leaf", {}}};
  EXPECT_TRUE(simulation.Judged().Has("malformed"));
}

TEST(Simulated, ANonceOfAnotherVerifierDoesNotMatch) {
  Simulation simulation;
  simulation.question.nonce = base::Bytes(32, 9);
  EXPECT_TRUE(simulation.Judged().Has("nonce-mismatch"));
}

}  // namespace
}  // namespace blindai::verifier
