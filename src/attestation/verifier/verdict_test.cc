#include "attestation/verifier/verdict.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace blindai::verifier {
namespace {

Verdict Sample() {
  Verdict verdict;
  verdict.outcome = Outcome::kRefused;
  verdict.mode = "hardware";
  verdict.tee = evidence::TeeKind::kSnp;
  verdict.findings = {{"ok", "report signature", CheckStatus::kPassed, "ECDSA P-384", "", ""},
                      {"not-asked", "report data", CheckStatus::kSkipped, "not compared", "", ""},
                      {"debug", "debug", CheckStatus::kFailed, "on", "off", "boot it without debug"}};
  verdict.claims = {{"measurement", "00ff"}, {"product", "Genoa"}};
  return verdict;
}

TEST(Verdict, TheTextSaysTheAnswerThenWhatFailed) {
  EXPECT_EQ(RenderText(Sample()), R"(verdict: refused (at least one check failed; nothing may be sent)
mode: hardware   tee: snp
  FAILED   debug [debug]
           seen    on
           wanted  off
           hint    boot it without debug
  SKIPPED  report data [not-asked]
           seen    not compared
  PASSED   report signature  ECDSA P-384
claims
  measurement  00ff
  product      Genoa
)");
}

TEST(Verdict, TheJsonKeepsTheOrderOfTheFindings) {
  EXPECT_EQ(
      RenderJson(Sample()),
      R"({"verdict":"refused","mode":"hardware","tee":"snp","findings":[)"
      R"({"code":"ok","check":"report signature","status":"PASSED","seen":"ECDSA P-384","wanted":"","hint":""},)"
      R"({"code":"not-asked","check":"report data","status":"SKIPPED","seen":"not compared","wanted":"","hint":""},)"
      R"({"code":"debug","check":"debug","status":"FAILED","seen":"on","wanted":"off","hint":"boot it without debug"})"
      R"(],"claims":{"measurement":"00ff","product":"Genoa"}})");
}

TEST(Verdict, HasLooksAtWhatDidNotPass) {
  EXPECT_TRUE(Sample().Has("debug"));
  EXPECT_TRUE(Sample().Has("not-asked"));
  EXPECT_FALSE(Sample().Has("ok"));
  EXPECT_FALSE(Sample().trusted());
}

TEST(Verdict, TextFromEvidenceCannotDriveATerminal) {
  EXPECT_EQ(Printable("i-0abc\x1b[2J\n\x80"), "i-0abc\\x1b[2J\\x0a\\x80");
  EXPECT_EQ(Printable("back\\slash"), "back\\x5cslash");
  EXPECT_EQ(Printable(std::string(5000, 'a')).size(), 203U);
}

TEST(Verdict, EveryOutcomeHasItsWord) {
  EXPECT_EQ(OutcomeName(Outcome::kTrusted), "trusted");
  EXPECT_EQ(OutcomeName(Outcome::kRefused), "refused");
  EXPECT_EQ(OutcomeName(Outcome::kUndecided), "undecided");
  EXPECT_EQ(OutcomeName(Outcome::kSimulation), "simulation");
}

TEST(Verdict, WhatAFindingDoesNotSayTakesNoLine) {
  Verdict verdict;
  verdict.outcome = Outcome::kTrusted;
  verdict.mode = "hardware";
  verdict.findings = {{"ok", "form", CheckStatus::kPassed, "", "", ""},
                      {"debug", "debug", CheckStatus::kFailed, "", "", ""}};
  EXPECT_EQ(RenderText(verdict),
            "verdict: trusted (every required check passed under the policy)\n"
            "mode: hardware   tee: unknown\n  FAILED   debug [debug]\n  PASSED   form\n");
}

}  // namespace
}  // namespace blindai::verifier
