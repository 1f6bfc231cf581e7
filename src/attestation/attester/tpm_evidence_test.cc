// The race between reading PCRs and quoting them, which a TPM in software never loses; the rest against swtpm is in
// tpm_test.cc.
#include "attestation/attester/tpm_evidence.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/fake_azure_vm.h"

namespace blindai::attester {
namespace {

using evidence::TpmAlgorithm;

constexpr auto kNoDeadline = Attester::Deadline::max();

class QuotePcrsTest : public ::testing::Test {
 protected:
  base::Result<base::Bytes> Quote(Attester::Deadline deadline = kNoDeadline) {
    tests::FakeAzureTpm tpm(model_);
    return QuotePcrs(tpm, {}, TpmAlgorithm::kSha256, 0b10010001, deadline);
  }
  static const tests::FakeTpm& Tpm() {
    static const tests::FakeTpm tpm;
    return tpm;
  }
  static const tests::FakeIntel& Intel() {
    static const tests::FakeIntel intel;
    return intel;
  }
  tests::AzureVmModel model_{Tpm(), Intel()};
};

TEST_F(QuotePcrsTest, TheValuesAreThoseThatTheQuoteIsAbout) {
  const auto quoted = Quote();
  ASSERT_TRUE(quoted.ok()) << quoted.error().message;
  const auto evidence = evidence::ParseTpmEvidence(*quoted);
  ASSERT_TRUE(evidence.ok());
  ASSERT_EQ(evidence->pcrs.size(), 3u);
  EXPECT_EQ(evidence->pcrs[1].index, 4);
}

TEST_F(QuotePcrsTest, APcrThatChangesInBetweenIsReadAndQuotedAgain) {
  model_.pcr_changes = 2;
  EXPECT_TRUE(Quote().ok());
  EXPECT_EQ(model_.quotes, 3);
}

TEST_F(QuotePcrsTest, PcrsThatChangeAllTheTimeEndInAnError) {
  model_.pcr_changes = 1'000;
  EXPECT_EQ(Quote().error().code, "attester-unavailable");
  EXPECT_EQ(model_.quotes, 5);
  EXPECT_EQ(Quote(Attester::Deadline::min()).error().code, "attester-deadline");
}

TEST(ReadEventLog, OneThatNoVerifierReadsIsLeftOut) {
  const std::string path = testing::TempDir() + "blindai_tpm_evidence_log";
  EXPECT_FALSE(ReadEventLog(path));
  std::ofstream(path) << "";
  EXPECT_FALSE(ReadEventLog(path));
  std::ofstream(path) << "log";
  EXPECT_EQ(ReadEventLog(path), (base::Bytes{'l', 'o', 'g'}));
  std::ofstream(path) << std::string((1 << 20) + 1, 'x');
  EXPECT_FALSE(ReadEventLog(path));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace blindai::attester
