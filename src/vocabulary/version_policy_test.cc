#include "vocabulary/version_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace blindai::vocabulary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::uint64_t> Going(std::string_view policy, const VersionLabels& labels,
                                 const std::vector<std::uint64_t>& versions) {
  return VersionsThatGo(*VersionPolicy::Parse(policy), labels, versions);
}

TEST(VersionPolicy, SaysWhichVersionsGo) {
  EXPECT_THAT(Going("latest", {}, {1}), IsEmpty());
  EXPECT_THAT(Going("latest", {}, {1, 2}), ElementsAre(1));
  EXPECT_THAT(Going("latest:2", {}, {1, 4, 7}), ElementsAre(1));
  EXPECT_THAT(Going("latest:3", {}, {2, 3}), IsEmpty());
  EXPECT_THAT(Going("all", {}, {1, 2, 3}), IsEmpty());
  EXPECT_THAT(Going("specific:3,1", {}, {1, 2, 3, 4}), ElementsAre(2, 4));
  EXPECT_THAT(Going("specific:9", {}, {1, 2}), ElementsAre(1, 2));
  for (const char* policy : {"latest", "all", "specific:1"}) EXPECT_THAT(Going(policy, {}, {}), IsEmpty());
}

TEST(VersionPolicy, WhatALabelNamesStays) {
  EXPECT_THAT(Going("latest", {{"stable", 1}}, {1, 2, 3}), ElementsAre(2));
  EXPECT_THAT(Going("latest", {{"stable", 3}}, {1, 2, 3}), ElementsAre(1, 2));
  EXPECT_THAT(Going("specific:2", {{"a", 1}, {"b", 1}}, {1, 2, 3}), ElementsAre(3));
  // One that is not there keeps nothing.
  EXPECT_THAT(Going("latest", {{"gone", 8}}, {1, 2}), ElementsAre(1));
}

TEST(VersionPolicy, IsReadAndWrittenInOneWay) {
  const std::pair<const char*, const char*> rows[] = {
      {"latest", "latest:1"}, {"latest:12", "latest:12"}, {"all", "all"}, {"specific:3,1,3", "specific:1,3"}};
  for (const auto& [text, written] : rows) {
    const auto policy = VersionPolicy::Parse(text);
    ASSERT_TRUE(policy.ok()) << text;
    EXPECT_EQ(policy->ToText(), written);
    EXPECT_EQ(*VersionPolicy::Parse(written), *policy);
  }
}

TEST(VersionPolicy, WhatItCannotBeIsRefused) {
  std::string many = "specific:1";
  for (std::size_t i = 2; i <= kMaxPolicyVersions + 1; ++i) many += "," + std::to_string(i);
  for (const std::string& text :
       {std::string(), std::string("none"), std::string("Latest"), std::string("latest:"),
        std::string("latest:0"), std::string("latest:-1"), std::string("latest:1025"),
        std::string("latest:1 "), std::string("all:1"), std::string("specific:"), std::string("specific:1,"),
        std::string("specific:,1"), std::string("specific:0"), std::string("specific:stable"),
        std::string("specific:1000000000000000000"), many}) {
    const auto policy = VersionPolicy::Parse(text);
    ASSERT_FALSE(policy.ok()) << text;
    EXPECT_EQ(policy.error().code, "version-policy") << text;
    EXPECT_EQ(policy.error().param, "versions") << text;
  }
}

TEST(VersionLabel, IsNeverANumber) {
  for (const char* text : {"stable", "a", "v2", "canary-2_b", "abcdefghijklmnopqrstuvwxyz012345"})
    EXPECT_TRUE(IsVersionLabel(text)) << text;
  for (const char* text : {"", "2", "2a", "-a", "_a", "Stable", "st able", "a.b", "a/b", "caf\xc3\xa9",
                           "abcdefghijklmnopqrstuvwxyz0123456"})
    EXPECT_FALSE(IsVersionLabel(text)) << text;
}

TEST(VersionNumber, HasOneSpelling) {
  EXPECT_EQ(VersionNumber("1"), 1u);
  EXPECT_EQ(VersionNumber("999999999999999999"), 999'999'999'999'999'999u);
  for (const char* text : {"", "0", "01", "+1", "-1", "1.0", " 1", "1 ", "stable", "1000000000000000000"})
    EXPECT_EQ(VersionNumber(text), 0u) << text;
}

}  // namespace
}  // namespace blindai::vocabulary
