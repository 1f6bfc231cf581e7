// The questions that are the same for every kind: which block of a policy decides, what is bound, what is refused
// unread. The Nitro kind stands for hardware here, with a root of the test's own.
#include "attestation/verifier/appraise.h"

#include <gtest/gtest.h>

#include "support/fake_nitro.h"

namespace blindai::verifier {
namespace {

using tests::FakeAws;

const FakeAws& Aws() {
  static const FakeAws aws;
  return aws;
}

policy::AcceptBlock Accepting(std::uint8_t pcr0, std::string name) {
  evidence::PcrSha384 pcr;
  pcr.bytes.fill(pcr0);
  policy::NitroRules rules;
  rules.pcr = {{0, {pcr}}};
  return {rules, std::move(name), 7};
}

// A good document, whose PCR 0 is 1 in every byte, and a question; a test bends one thing.
struct Case {
  tests::NitroPayload payload = Aws().Payload();
  policy::Policy policy{{Accepting(1, "right")}};
  Question question{nullptr, std::nullopt, std::nullopt, AllowSimulation::kNo, tests::kPkiNow};
  bool with_policy = true;

  Verdict Judged() const {
    Question asked = question;
    if (with_policy) asked.policy = &policy;
    return JudgeBundle({evidence::TeeKind::kNitro, Aws().Sign(payload), {}}, Aws().Anchors(), asked);
  }
};

std::string SeenAt(const Verdict& verdict, std::string_view check) {
  for (const Finding& finding : verdict.findings) {
    if (finding.check == check) return finding.seen;
  }
  return "";
}

TEST(Appraise, ABlockThatAcceptsInEveryPointIsNamed) {
  EXPECT_EQ(Case().Judged().outcome, Outcome::kTrusted) << RenderText(Case().Judged());
  EXPECT_EQ(SeenAt(Case().Judged(), "accepted kind"), "nitro, block right, line 7");
}

TEST(Appraise, OfSeveralBlocksTheOneThatAcceptsDecidesWhereverItStands) {
  Case last, first;
  last.policy.accept = {Accepting(8, "wrong"), Accepting(1, "right")};
  first.policy.accept = {Accepting(1, "right"), Accepting(8, "wrong")};
  EXPECT_EQ(last.Judged().outcome, Outcome::kTrusted);
  EXPECT_EQ(first.Judged().outcome, Outcome::kTrusted);
  EXPECT_EQ(SeenAt(last.Judged(), "accepted kind"), "nitro, block right, line 7");
}

TEST(Appraise, WhenNoneAcceptsTheClosestIsReported) {
  Case bent;
  policy::AcceptBlock far = Accepting(8, "far");
  std::get<policy::NitroRules>(far.rules).maximum_age_s = 0;
  bent.question.now = tests::kPkiNow + std::chrono::seconds(10);
  bent.policy.accept = {far, Accepting(8, "close"), far};
  EXPECT_EQ(bent.Judged().outcome, Outcome::kRefused);
  EXPECT_EQ(SeenAt(bent.Judged(), "accepted kind"), "nitro, block close, line 7");
  EXPECT_TRUE(bent.Judged().Has("pcr"));
  EXPECT_FALSE(bent.Judged().Has("document-age"));
}

TEST(Appraise, PointsOfTwoBlocksDoNotAddUp) {
  Case bent;
  policy::AcceptBlock right_but_too_old = Accepting(1, "a");
  std::get<policy::NitroRules>(right_but_too_old.rules).maximum_age_s = 0;
  bent.question.now = tests::kPkiNow + std::chrono::seconds(10);
  bent.policy.accept = {right_but_too_old, Accepting(8, "b")};
  EXPECT_EQ(bent.Judged().outcome, Outcome::kRefused);
}

TEST(Appraise, APolicyWithoutTheKindRefusesIt) {
  Case bent;
  bent.policy.accept = {policy::AcceptBlock{policy::SnpRules{}, "", 0}};
  EXPECT_TRUE(bent.Judged().Has("tee-not-accepted"));
  bent.policy.accept = {};
  EXPECT_TRUE(bent.Judged().Has("tee-not-accepted"));
}

TEST(Appraise, WithoutAPolicyAuthenticEvidenceIsUndecided) {
  Case bent;
  bent.with_policy = false;
  EXPECT_EQ(bent.Judged().outcome, Outcome::kUndecided);
  EXPECT_TRUE(bent.Judged().Has("no-policy"));
  EXPECT_FALSE(bent.Judged().claims.empty());
}

TEST(Appraise, PermissionForSimulationDoesNotStandInForAPolicy) {
  Case bent;
  bent.with_policy = false;
  bent.question.allow_simulation = AllowSimulation::kYes;
  EXPECT_EQ(bent.Judged().outcome, Outcome::kUndecided);
}

TEST(Appraise, DebugIsRefusedWithoutAPolicyToo) {
  Case bent;
  bent.with_policy = false;
  bent.payload.pcrs[0].second = base::Bytes(48);
  EXPECT_EQ(bent.Judged().outcome, Outcome::kRefused);
  EXPECT_TRUE(bent.Judged().Has("debug"));
}

TEST(Appraise, ReportDataIsComparedInFull) {
  Case bent;
  bent.question.report_data.emplace().bytes.fill(5);
  bent.payload.user_data = base::Bytes(64, 5);
  EXPECT_EQ(bent.Judged().outcome, Outcome::kTrusted);
  bent.payload.user_data->back() = 6;
  EXPECT_TRUE(bent.Judged().Has("report-data-mismatch"));
  bent.payload.user_data = base::Bytes(63, 5);
  EXPECT_TRUE(bent.Judged().Has("report-data-mismatch"));
  bent.payload.user_data = std::nullopt;
  EXPECT_TRUE(bent.Judged().Has("report-data-mismatch"));
}

TEST(Appraise, TheNonceOfADocumentIsComparedWhenAskedFor) {
  Case bent;
  bent.question.nonce = base::Bytes{1, 2};
  bent.payload.nonce = base::Bytes{1, 2};
  EXPECT_EQ(bent.Judged().outcome, Outcome::kTrusted);
  bent.payload.nonce = base::Bytes{1, 3};
  EXPECT_TRUE(bent.Judged().Has("nonce-mismatch"));
}

TEST(Appraise, TheMakersRootsAloneRefuseATestRoot) {
  const Case good;
  Question question = good.question;
  question.policy = &good.policy;
  const Verdict verdict = JudgeBundle({evidence::TeeKind::kNitro, Aws().Sign(good.payload), {}},
                                      TrustAnchors::Production(), question);
  EXPECT_EQ(verdict.outcome, Outcome::kRefused);
  EXPECT_TRUE(verdict.Has("wrong-root"));
  EXPECT_TRUE(verdict.claims.empty());
}

TEST(Appraise, WhatCannotBeReadIsRefused) {
  const Verdict verdict =
      JudgeBundle({evidence::TeeKind::kNitro, {1, 2, 3}, {}}, TrustAnchors::Production(), {});
  EXPECT_EQ(verdict.outcome, Outcome::kRefused);
  EXPECT_TRUE(verdict.Has("malformed"));
  EXPECT_EQ(verdict.tee, evidence::TeeKind::kNitro);
}

TEST(Appraise, WhatTheCallerCheckedItselfCounts) {
  const Case good;
  Question question = good.question;
  question.policy = &good.policy;
  FindingList already;
  already.Fail("key-mismatch", "server key", "another", "this");
  const Verdict verdict = JudgeBundle({evidence::TeeKind::kNitro, Aws().Sign(good.payload), {}},
                                      Aws().Anchors(), question, already);
  EXPECT_EQ(verdict.outcome, Outcome::kRefused);
  EXPECT_EQ(verdict.findings.front().code, "key-mismatch");
}

}  // namespace
}  // namespace blindai::verifier
