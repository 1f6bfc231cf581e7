#include "attestation/evidence/evidence.h"

#include <gtest/gtest.h>

namespace blindai::evidence {
namespace {

TEST(Evidence, TheParserOfTheNamedKindReadsTheBytes) {
  const auto evidence = ParseEvidence(TeeKind::kSimulated, SimulatedEvidence{}.Encode());
  ASSERT_TRUE(evidence.ok());
  EXPECT_EQ(KindOf(*evidence), TeeKind::kSimulated);
}

TEST(Evidence, AnErrorNamesTheKindAndTheField) {
  const auto evidence = ParseEvidence(TeeKind::kSimulated, base::AsBytes("BLN"));
  EXPECT_EQ(evidence.error().message.substr(0, 26), "simulated evidence: magic:");
}

TEST(Evidence, OverTheBoundIsRefusedUnread) {
  const auto evidence = ParseEvidence(TeeKind::kSimulated, base::Bytes(kMaxEvidenceBytes + 1));
  EXPECT_EQ(evidence.error().code, "too-large");
}

}  // namespace
}  // namespace blindai::evidence
