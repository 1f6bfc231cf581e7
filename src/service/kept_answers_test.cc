#include "service/kept_answers.h"

#include <gtest/gtest.h>

namespace blindai::service {
namespace {

constexpr std::string_view kKey = "9f1c7a52-51a4-4dd2-8f0e-2f1a7d9c0b11";

Caller Tenant(std::uint64_t number) { return {"tenant" + std::to_string(number), number, true, true}; }

std::string_view Text(const base::SecretBytes& secret) { return base::AsText(secret.ExposeSecret()); }

class KeptAnswersTest : public ::testing::Test {
 protected:
  std::unique_ptr<KeptAnswers::Turn> Turn(std::string_view request, std::string_view key = kKey,
                                          std::uint64_t tenant = 1) {
    auto turn = kept_.Begin(Tenant(tenant), key);
    if (!turn.ok()) return nullptr;
    (*turn)->TakeRequest(base::AsBytes(request));
    return *std::move(turn);
  }
  void Keep(std::string_view request, std::string_view answer, std::string_view key = kKey,
            std::uint64_t tenant = 1) {
    Turn(request, key, tenant)->Keep(base::AsBytes(answer));
  }
  bool Has(std::string_view request, std::string_view key = kKey, std::uint64_t tenant = 1) {
    return Turn(request, key, tenant)->has_answer();
  }

  base::Time now_{std::chrono::seconds(1'000)};
  KeptAnswers kept_{{.answers = 4,
                     .answers_per_tenant = 3,
                     .bytes = 1000,
                     .bytes_per_tenant = 600,
                     .kept_for = std::chrono::seconds(120),
                     .now = [this] { return now_; }}};
};

TEST_F(KeptAnswersTest, TheSameRequestGetsTheSameAnswer) {
  Keep("two and two", "four");
  const auto turn = Turn("two and two");
  ASSERT_TRUE(turn->has_answer());
  EXPECT_EQ(Text(*turn->Answer()), "four");
}

TEST_F(KeptAnswersTest, AnotherRequestUnderTheKeyGetsNothing) {
  Keep("two and two", "four");
  const auto turn = Turn("two and three");
  ASSERT_TRUE(turn->has_answer());
  EXPECT_EQ(turn->Answer().error().code, "idempotency-key-reused");
}

TEST_F(KeptAnswersTest, ARequestCountsInPiecesAsInOne) {
  Keep("two and two", "four");
  const auto turn = Turn("two ");
  turn->TakeRequest(base::AsBytes("and two"));
  EXPECT_EQ(Text(*turn->Answer()), "four");
}

TEST_F(KeptAnswersTest, AnotherTenantsKeyIsAnotherKey) {
  Keep("two and two", "four");
  EXPECT_FALSE(Has("two and two", kKey, 2));
  EXPECT_TRUE(Has("two and two"));
}

TEST_F(KeptAnswersTest, WhileARequestIsComputedItsKeyIsTaken) {
  const auto first = Turn("two and two");
  const auto second = kept_.Begin(Tenant(1), kKey);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, "request-running");
  EXPECT_NE(Turn("two and two", kKey, 2), nullptr);
}

TEST_F(KeptAnswersTest, ARequestThatFailedIsComputedAgain) {
  { const auto lost = Turn("two and two"); }
  EXPECT_EQ(kept_.size(), 0u);
  EXPECT_FALSE(Has("two and two"));
}

TEST_F(KeptAnswersTest, AnAnswerEndsAfterItsTime) {
  Keep("two and two", "four");
  now_ += std::chrono::seconds(119);
  EXPECT_TRUE(Has("two and two"));
  now_ += std::chrono::seconds(1);
  kept_.DeleteExpired();
  EXPECT_EQ(kept_.size(), 0u);
  EXPECT_FALSE(Has("two and two"));
}

TEST_F(KeptAnswersTest, TheOldestOfATenantMakesRoom) {
  for (int i = 0; i < 4; ++i) {
    now_ += std::chrono::seconds(1);
    Keep("request", "answer", std::string(kKey) + std::to_string(i));
  }
  EXPECT_FALSE(Has("request", std::string(kKey) + "0"));
  for (int i = 1; i < 4; ++i) EXPECT_TRUE(Has("request", std::string(kKey) + std::to_string(i))) << i;
}

TEST_F(KeptAnswersTest, ATenantTakesNoRoomFromOthers) {
  for (int i = 0; i < 10; ++i) Keep("request", "answer", std::string(kKey) + std::to_string(i), 1);
  Keep("request", "answer", kKey, 2);
  Keep("request", "answer", kKey, 3);  // all places are taken, and it has none to give up
  EXPECT_TRUE(Has("request", kKey, 2));
  EXPECT_FALSE(Has("request", kKey, 3));
  EXPECT_TRUE(Has("request", std::string(kKey) + "9", 1));
}

TEST_F(KeptAnswersTest, BytesAreBoundedToo) {
  Keep("request", std::string(500, 'x'), std::string(kKey) + "a");
  Keep("request", std::string(500, 'x'), std::string(kKey) + "b");
  EXPECT_FALSE(Has("request", std::string(kKey) + "a"));
  EXPECT_TRUE(Has("request", std::string(kKey) + "b"));
  Keep("request", std::string(601, 'x'), std::string(kKey) + "c");
  EXPECT_FALSE(Has("request", std::string(kKey) + "c"));
  EXPECT_TRUE(Has("request", std::string(kKey) + "b"));
}

TEST_F(KeptAnswersTest, KeysThatAreNoneAreRefused) {
  for (const std::string& key :
       {std::string(), std::string("short"), std::string(15, 'a'), std::string(256, 'a'),
        std::string("has a space in it"), std::string("a\x80string of bytes")}) {
    const auto turn = kept_.Begin(Tenant(1), key);
    ASSERT_FALSE(turn.ok()) << key;
    EXPECT_EQ(turn.error().code, "idempotency-key");
  }
  EXPECT_TRUE(kept_.Begin(Tenant(1), std::string(16, 'a')).ok());
  EXPECT_TRUE(kept_.Begin(Tenant(1), std::string(255, 'a')).ok());
}

}  // namespace
}  // namespace blindai::service
