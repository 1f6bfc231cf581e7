#include "attestation/verifier/authenticate.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "attestation/attester/simulated.h"

namespace blindai::verifier {
namespace {

// Trust is a type: nobody else can make authentic evidence.
static_assert(!std::is_default_constructible_v<AuthenticEvidence>);
static_assert(!std::is_constructible_v<AuthenticEvidence, evidence::TeeKind, Facts>);

evidence::Evidence Simulated(const attester::SimulatedAttester::Deadline& deadline) {
  evidence::ReportData report_data;
  report_data.bytes.fill(3);
  const auto bundle = attester::SimulatedAttester().Attest(report_data, deadline);
  return *evidence::ParseEvidence(bundle->tee, bundle->evidence);
}

Authentication Authenticated(const evidence::Evidence& evidence) {
  return Authenticate(evidence, endorsements::Endorsements{}, TrustAnchors::Production(), base::Time{});
}

TEST(Authenticate, GoodEvidenceComesOutWithItsFacts) {
  const Authentication result = Authenticated(Simulated({}));
  ASSERT_TRUE(result.evidence);
  EXPECT_EQ(result.evidence->tee(), evidence::TeeKind::kSimulated);
  EXPECT_EQ(result.evidence->bound_data()[0], 3);
  EXPECT_EQ(result.evidence->claims().back().first, "report_data");
}

TEST(Authenticate, BadEvidenceLeavesFindingsAndNothingElse) {
  evidence::Evidence evidence = Simulated({});
  std::get<evidence::SimulatedEvidence>(evidence).signature.bytes[0] ^= 1;
  const Authentication result = Authenticated(evidence);
  EXPECT_FALSE(result.evidence);
  EXPECT_EQ(result.findings.findings()[0].code, "bad-signature");
}

}  // namespace
}  // namespace blindai::verifier
