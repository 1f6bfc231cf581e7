#include "verify_words.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "attestation/endorsements/endorsements.h"

namespace blindai::cli {
namespace {

// A folder of its own for each test, gone afterwards.
class VerifyWordsTest : public testing::Test {
 protected:
  VerifyWordsTest() { std::filesystem::create_directories(folder_); }
  ~VerifyWordsTest() override { std::filesystem::remove_all(folder_); }

  std::string File(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  base::Result<verifier::OfflineQuestion> Question(const VerifyWords& words) {
    return ToQuestion(words, base::Time{std::chrono::seconds{7}}, policy_);
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("verify_words_" + std::to_string(::getpid()));
  std::optional<policy::Policy> policy_;
};

TEST_F(VerifyWordsTest, FilesBecomeTheQuestion) {
  VerifyWords words;
  words.evidence = File("evidence", "abc");
  words.offset = 1;
  words.endorsements["chain"] = {File("one", "1"), File("two", "2")};
  words.roots = {File("root", "r")};
  words.at = "2026-01-31T00:00:00Z";
  words.nonce = "0aff";
  words.report_data = "01";
  const auto question = Question(words);
  ASSERT_TRUE(question.ok()) << question.error().message;
  EXPECT_EQ(base::AsText(question->file), "abc");
  EXPECT_EQ(question->offset, 1U);
  EXPECT_EQ(base::AsText(question->endorsements.at(0).bytes), "12");
  EXPECT_EQ(base::FormatTime(question->at), "2026-01-31T00:00:00Z");
  EXPECT_EQ(question->nonce, (base::Bytes{0x0a, 0xff}));
  EXPECT_EQ(question->report_data->bytes[0], 1);
  EXPECT_EQ(question->report_data->bytes[63], 0);
  EXPECT_EQ(question->policy, nullptr);
  EXPECT_EQ(question->allow_simulation, verifier::AllowSimulation::kNo);
}

TEST_F(VerifyWordsTest, WithoutATimeItIsNow) {
  VerifyWords words;
  words.evidence = File("evidence", "abc");
  EXPECT_EQ(Question(words)->at, base::Time{std::chrono::seconds{7}});
}

TEST_F(VerifyWordsTest, AMemberOfAJsonFileIsTaken) {
  VerifyWords words;
  words.evidence = File("all.json", R"({"quote":"00ff"})") + "#quote";
  EXPECT_EQ(base::AsText(Question(words)->file), "00ff");
  words.evidence = File("all.json", R"({"quote":"00ff"})") + "#missing";
  EXPECT_EQ(Question(words).error().code, "missing-field");
  EXPECT_EQ(Question(words).error().message.substr(0, 12), "--evidence: ");
}

TEST_F(VerifyWordsTest, AFileWhoseNameHasTheMarkIsAFile) {
  VerifyWords words;
  words.evidence = File("a#b", "whole");
  EXPECT_EQ(base::AsText(Question(words)->file), "whole");
}

TEST_F(VerifyWordsTest, WhatCannotBeReadIsNamedByItsOption) {
  VerifyWords words;
  words.evidence = (folder_ / "missing").string();
  EXPECT_EQ(Question(words).error().message, "--evidence: the file cannot be read");
  words.evidence = folder_.string();
  EXPECT_EQ(Question(words).error().message, "--evidence: the file cannot be read");
  words.evidence = File("evidence", "abc");
  words.endorsements["leaf"] = {(folder_ / "missing").string()};
  EXPECT_EQ(Question(words).error().message, "--leaf: the file cannot be read");
}

TEST_F(VerifyWordsTest, WordsThatMakeNoSenseAreWrongUsage) {
  VerifyWords good;
  good.evidence = File("evidence", "abc");
  VerifyWords at = good, nonce = good, report_data = good, policy = good;
  at.at = "yesterday";
  nonce.nonce = "xyz";
  report_data.report_data = std::string(130, '0');
  policy.policy = File("policy.toml", "a = ");
  EXPECT_EQ(Question(at).error().param, "at");
  EXPECT_EQ(Question(nonce).error().param, "nonce");
  EXPECT_EQ(Question(report_data).error().message, "--report-data: wanted hex digits, 1 to 64 bytes");
  EXPECT_EQ(Question(policy).error().code, "policy-syntax");
}

TEST_F(VerifyWordsTest, EveryRoleIsANameOfAnEndorsement) {
  endorsements::Endorsements all;
  for (const EndorsementRole& role : kEndorsementRoles) EXPECT_TRUE(all.Add(role.name, {}).ok()) << role.name;
  for (const auto name :
       {endorsements::name::kTcbInfo, endorsements::name::kLeaf, endorsements::name::kHardwareReport}) {
    EXPECT_TRUE(all.Find(name)) << name;
  }
}

}  // namespace
}  // namespace blindai::cli
