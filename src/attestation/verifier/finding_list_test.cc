#include "attestation/verifier/finding_list.h"

#include <gtest/gtest.h>

namespace blindai::verifier {
namespace {

TEST(FindingList, AllPassedIsTrusted) {
  FindingList findings;
  findings.Require({"signature"});
  findings.Pass("signature", "good");
  EXPECT_EQ(findings.Conclude(), Outcome::kTrusted);
}

TEST(FindingList, OneFailureRefuses) {
  FindingList findings;
  findings.Pass("signature", "good");
  EXPECT_FALSE(findings.Check("debug", "debug", false, "on", "off"));
  findings.CannotTell("no-policy", "policy", "", "");
  EXPECT_EQ(findings.Conclude(), Outcome::kRefused);
  EXPECT_TRUE(findings.any_failed());
}

TEST(FindingList, SomethingMissingIsUndecidedAndNeverTrusted) {
  FindingList findings;
  findings.Pass("signature", "good");
  findings.CannotTell("no-vcek", "leaf", "nothing", "a VCEK");
  EXPECT_EQ(findings.Conclude(), Outcome::kUndecided);
}

TEST(FindingList, ARequiredCheckThatWasForgottenIsUndecided) {
  FindingList findings;
  findings.Require({"signature", "chain"});
  findings.Pass("signature", "good");
  EXPECT_EQ(findings.Conclude(), Outcome::kUndecided);
  EXPECT_EQ(findings.findings().back().code, "not-checked");
  EXPECT_EQ(findings.findings().back().check, "chain");
}

TEST(FindingList, SkippedIsNotPassed) {
  FindingList findings;
  findings.Require({"report data"});
  findings.NotAsked("report data", "not compared");
  EXPECT_EQ(findings.Conclude(), Outcome::kUndecided);
}

TEST(FindingList, WhatNobodyAskedForDoesNotDecide) {
  FindingList findings;
  findings.Pass("signature", "good");
  findings.NotAsked("report data", "not compared");
  EXPECT_EQ(findings.Conclude(), Outcome::kTrusted);
}

TEST(FindingList, AppendCarriesFindingsFailuresAndRequirements) {
  FindingList required;
  required.Require({"chain"});
  FindingList missing;
  missing.CannotTell("no-pck", "chain", "", "");
  FindingList all;
  all.Append(required);
  EXPECT_EQ(FindingList(all).Conclude(), Outcome::kUndecided);
  all.Pass("chain", "good");
  EXPECT_EQ(FindingList(all).Conclude(), Outcome::kTrusted);
  all.Append(missing);
  EXPECT_EQ(FindingList(all).Conclude(), Outcome::kUndecided);
  FindingList failed;
  failed.Fail("debug", "debug", "on", "off");
  all.Append(failed);
  EXPECT_EQ(all.failures(), 1U);
  EXPECT_EQ(all.Conclude(), Outcome::kRefused);
}

TEST(FindingList, APassedCheckHasTheCodeOkSoThatNobodyReadsAReasonIntoIt) {
  FindingList findings;
  EXPECT_TRUE(findings.Check("bad-signature", "signature", true, "good"));
  EXPECT_EQ(findings.findings().front().code, "ok");
}

}  // namespace
}  // namespace blindai::verifier
