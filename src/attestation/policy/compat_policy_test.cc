#include "attestation/policy/compat_policy.h"

#include <gtest/gtest.h>

#include "attestation/policy/policy_file.h"

namespace blindai::policy {
namespace {

constexpr const char* kPolicy =
    R"(mr_enclave = "5F1E000000000000000000000000000000000000000000000000000000000001"
allow_debug = false
attributes_flags_hex = "0x4"
attributes_mask_flags_hex = "0xfffffffffffffffd"
attributes_xfrm_hex = "0x3"
attributes_mask_xfrm_hex = "0xffffffffffffff1b"
misc_select_hex = "0x0"
misc_mask_hex = "0xffffffff"
)";

base::Result<Policy> ParseWith(const std::string& piece, const std::string& replacement) {
  std::string text = kPolicy;
  text.replace(text.find(piece), piece.size(), replacement);
  return ParsePolicy(text);
}

TEST(CompatPolicy, BlindaisOwnFileBecomesOneBlockForOneEnclave) {
  const auto policy = ParsePolicy(kPolicy);
  ASSERT_TRUE(policy.ok()) << policy.error().message;
  const SgxRules& rules = std::get<SgxRules>(policy->accept.at(0).rules);
  EXPECT_EQ(rules.mrenclave.at(0).bytes[0], 0x5f);
  EXPECT_TRUE(rules.attributes_flags.Accepts(0x5));
  EXPECT_FALSE(rules.attributes_flags.Accepts(0x4)) << "INIT is always demanded";
  EXPECT_TRUE(rules.attributes_xfrm.Accepts(0xe7));
  EXPECT_FALSE(rules.attributes_xfrm.Accepts(0x8000000000000003));
  EXPECT_FALSE(rules.allow_debug);
  EXPECT_TRUE(rules.tcb.any_advisory);
}

TEST(CompatPolicy, EveryKeyIsRequired) {
  for (const char* key :
       {"allow_debug", "attributes_flags_hex", "attributes_mask_flags_hex", "attributes_xfrm_hex",
        "attributes_mask_xfrm_hex", "misc_select_hex", "misc_mask_hex"}) {
    const auto policy = ParseWith(std::string("\n") + key + " =", std::string("\nx_") + key + " =");
    EXPECT_EQ(policy.error().code, "policy-key") << key;
    EXPECT_NE(policy.error().message.find(std::string("'") + key + "' is missing"), std::string::npos) << key;
  }
}

TEST(CompatPolicy, BadValuesNameTheirLine) {
  EXPECT_EQ(ParseWith("\"0x3\"", "\"three\"").error().message,
            "policy line 5: 'attributes_xfrm_hex' is not a number of 64 bits such as \"0x5\"");
  EXPECT_EQ(ParseWith("\"5F1E", "\"5F").error().message,
            "policy line 1: 'mr_enclave' is not 64 hex digits (it has 62 characters)");
  EXPECT_EQ(ParseWith("= false", "= 0").error().message, "policy line 2: 'allow_debug' is not true or false");
}

TEST(CompatPolicy, AZeroMeasurementIsRefused) {
  const auto policy =
      ParseWith("5F1E000000000000000000000000000000000000000000000000000000000001", std::string(64, '0'));
  EXPECT_EQ(policy.error().code, "policy-value");
}

}  // namespace
}  // namespace blindai::policy
