#include "attestation/verifier/explain.h"

#include <gtest/gtest.h>

namespace blindai::verifier {
namespace {

Verdict Authentic() {
  Verdict verdict;
  verdict.outcome = Outcome::kTrusted;
  verdict.mode = "hardware";
  verdict.tee = evidence::TeeKind::kSnp;
  verdict.findings = {{"ok", "trust anchor", CheckStatus::kPassed, "AMD ARK-Genoa", "", ""},
                      {"ok", "report data", CheckStatus::kPassed, "00", "", ""}};
  verdict.claims = {{"measurement", "abcd"}};
  return verdict;
}

TEST(Explain, SaysWhoVouchesForWhat) {
  EXPECT_EQ(Explain(Authentic()),
            "The SEV-SNP report is authentic. Vouched for by AMD, which certified the key of this chip or of "
            "this cloud.\n"
            "What runs there measures to abcd.\n"
            "It was made for the report data or nonce that you gave, so it is not a replay of another.\n"
            "Your policy accepts it in every point: trusted.\n");
}

TEST(Explain, AnExtraAnchorIsNotPassedOver) {
  Verdict verdict = Authentic();
  verdict.findings[0].seen = "EXTRA ANCHOR GIVEN BY THE CALLER, NOT A MAKER'S ROOT: CN=Test";
  EXPECT_NE(Explain(verdict).find("BUT this rests on a root that you added yourself"), std::string::npos);
}

TEST(Explain, WhatIsWrongComesWithWhatToDo) {
  Verdict verdict = Authentic();
  verdict.outcome = Outcome::kRefused;
  verdict.findings = {{"debug", "debug", CheckStatus::kFailed, "on", "off", "boot it without debug"}};
  EXPECT_NE(Explain(verdict).find(
                "What is wrong:\n  - debug: on; wanted: off.\n    What to do: boot it without debug.\n"),
            std::string::npos);
  EXPECT_NE(Explain(verdict).find("may be old or made for somebody else"), std::string::npos);
}

TEST(Explain, EveryOutcomeAndKindHasItsSentence) {
  for (const Outcome outcome :
       {Outcome::kTrusted, Outcome::kRefused, Outcome::kUndecided, Outcome::kSimulation}) {
    for (const auto tee : {evidence::TeeKind::kSimulated, evidence::TeeKind::kSgx, evidence::TeeKind::kTdx,
                           evidence::TeeKind::kSnp, evidence::TeeKind::kTpm, evidence::TeeKind::kNitro}) {
      Verdict verdict = Authentic();
      verdict.outcome = outcome;
      verdict.tee = tee;
      EXPECT_GT(Explain(verdict).size(), 100U);
    }
  }
  EXPECT_EQ(
      Explain(Verdict{}),
      "What the file holds is not shown to be authentic.\nToo little is known to accept it: undecided.\n");
}

TEST(Explain, AKeyThatNobodyVouchesForIsNotCalledTheMakers) {
  Verdict verdict = Authentic();
  verdict.tee = evidence::TeeKind::kTpm;
  verdict.claims = {{"vouched_for_by", "nobody"}};
  EXPECT_NE(Explain(verdict).find("Vouched for by nobody: anybody can make such a key"), std::string::npos);
  verdict.claims = {{"vouched_for_by", "a certificate"}};
  EXPECT_NE(Explain(verdict).find("Vouched for by the maker of the TPM"), std::string::npos);
}

TEST(Explain, WithoutCollateralIntelHasSaidNothing) {
  Verdict verdict = Authentic();
  verdict.outcome = Outcome::kUndecided;
  verdict.tee = evidence::TeeKind::kTdx;
  verdict.findings.push_back({"no-collateral", "TCB info", CheckStatus::kSkipped, "nothing was given",
                              "Intel's signed statement", ""});
  const std::string text = Explain(verdict);
  EXPECT_EQ(text.find("says what its patch level is worth"), std::string::npos);
  EXPECT_NE(text.find("whether its maker revoked it"), std::string::npos);
  EXPECT_NE(text.find("What could not be checked:\n  - TCB info: nothing was given"), std::string::npos);
}

TEST(Explain, EveryReasonIsListedAndANonceBindsToo) {
  Verdict verdict = Authentic();
  verdict.outcome = Outcome::kRefused;
  verdict.findings = {{"ok", "nonce", CheckStatus::kPassed, "00", "", ""},
                      {"not-asked", "report data", CheckStatus::kSkipped, "", "", ""},
                      {"pcr", "TPM PCR 4", CheckStatus::kFailed, "", "00", ""},
                      {"pcr", "TPM PCR 7", CheckStatus::kFailed, "01", "", ""}};
  EXPECT_NE(Explain(verdict).find("What is wrong:\n  - TPM PCR 4; wanted: 00.\n  - TPM PCR 7: 01.\n"),
            std::string::npos);
  EXPECT_NE(Explain(verdict).find("so it is not a replay"), std::string::npos);
}

}  // namespace
}  // namespace blindai::verifier
