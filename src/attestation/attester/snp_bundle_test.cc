#include "attestation/attester/snp_bundle.h"

#include <gtest/gtest.h>

#include "attestation/endorsements/endorsements.h"
#include "base/byte_writer.h"
#include "support/snp_report_builder.h"

namespace blindai::attester {
namespace {

constexpr std::uint8_t kAskGuid[] = {0x79, 0xb3, 0xb7, 0x4a, 0xac, 0xbb, 0xe4, 0x4f,
                                     0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82};
constexpr std::uint8_t kArkGuid[] = {0xa4, 0x06, 0xb4, 0xc0, 0x03, 0xa8, 0x52, 0x49,
                                     0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae};

TEST(SnpBundle, IntermediateAndRootBecomeOneChain) {
  base::ByteWriter table;
  table.Append(kAskGuid).U32(72).U32(3).Append(kArkGuid).U32(75).U32(4).Zeros(24).Append("ASK").Append(
      "ARK!");
  const auto bundle = MakeSnpBundle(tests::SnpReportBuilder().bytes(), table.view());
  ASSERT_TRUE(bundle.ok());
  ASSERT_EQ(bundle->endorsements.size(), 1u);
  EXPECT_EQ(bundle->endorsements[0].name, endorsements::name::kChain);
  EXPECT_EQ(base::AsText(bundle->endorsements[0].bytes), "ASKARK!");
}

TEST(SnpBundle, WhatIsNoReportIsRefused) {
  EXPECT_EQ(MakeSnpBundle(base::Bytes(100), {}).error().code, "attester-unavailable");
  EXPECT_EQ(MakeSnpBundle({}, {}).error().code, "attester-unavailable");
}

}  // namespace
}  // namespace blindai::attester
