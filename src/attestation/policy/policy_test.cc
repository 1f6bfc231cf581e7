#include "attestation/policy/policy.h"

#include <gtest/gtest.h>

namespace blindai::policy {
namespace {

TEST(Policy, ABlockIsOfTheKindOfItsRules) {
  EXPECT_EQ((AcceptBlock{SgxRules{}, "", 0}.tee()), evidence::TeeKind::kSgx);
  EXPECT_EQ((AcceptBlock{TdxRules{}, "", 0}.tee()), evidence::TeeKind::kTdx);
  EXPECT_EQ((AcceptBlock{SnpRules{}, "", 0}.tee()), evidence::TeeKind::kSnp);
  EXPECT_EQ((AcceptBlock{TpmRules{}, "", 0}.tee()), evidence::TeeKind::kTpm);
  EXPECT_EQ((AcceptBlock{NitroRules{}, "", 0}.tee()), evidence::TeeKind::kNitro);
}

TEST(Policy, MaskedBitsRefuseABitThatTheMaskDoesNotFree) {
  constexpr MaskedBits kDefaultXfam = {0x3, 0xfffffffffff9241b};
  EXPECT_TRUE(kDefaultXfam.Accepts(0x3));
  EXPECT_TRUE(kDefaultXfam.Accepts(0x6dbe7));
  EXPECT_FALSE(kDefaultXfam.Accepts(0x1));
  EXPECT_FALSE(kDefaultXfam.Accepts(0x80003));
  EXPECT_FALSE((MaskedBits{0x5, ~std::uint64_t{2}}.Accepts(0x5 | 0x10)));
}

TEST(Policy, TheDefaultsOfSgxLeaveOnlyDebugToItsOwnRule) {
  const SgxRules rules;
  EXPECT_TRUE(rules.attributes_flags.Accepts(0x5));
  EXPECT_TRUE(rules.attributes_flags.Accepts(0x7));
  EXPECT_FALSE(rules.attributes_flags.Accepts(0x15));
  EXPECT_FALSE(rules.allow_debug);
}

}  // namespace
}  // namespace blindai::policy
