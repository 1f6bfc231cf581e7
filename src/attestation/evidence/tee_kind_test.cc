#include "attestation/evidence/tee_kind.h"

#include <gtest/gtest.h>

namespace blindai::evidence {
namespace {

TEST(TeeKind, EveryNameLeadsBackToItsKind) {
  for (const TeeKind kind :
       {TeeKind::kSimulated, TeeKind::kSgx, TeeKind::kTdx, TeeKind::kSnp, TeeKind::kTpm, TeeKind::kNitro}) {
    EXPECT_EQ(TeeFromName(TeeName(kind)), kind);
  }
}

TEST(TeeKind, OtherNamesAreNoKind) {
  for (const char* name : {"", "SGX", "sev", "simulation", "snp "})
    EXPECT_EQ(TeeFromName(name), std::nullopt);
}

}  // namespace
}  // namespace blindai::evidence
