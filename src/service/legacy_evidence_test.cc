#include "service/legacy_evidence.h"

#include <gtest/gtest.h>

#include <future>

namespace blindai::service {
namespace {

using base::Result;
using std::chrono::seconds;
using Shared = std::shared_ptr<const LegacyQuote>;

// A platform that counts its quotes and may fail, and a clock that the test moves.
class LegacyEvidenceTest : public ::testing::Test {
 protected:
  Result<Shared> Get() {
    std::promise<Result<Shared>> promise;
    auto future = promise.get_future();
    evidence_.Get([&promise](Result<Shared> quote) { promise.set_value(std::move(quote)); });
    return future.get();
  }

  int quotes_ = 0;
  bool fails_ = false;
  LegacyEvidence::Clock::time_point now_{seconds(1'000'000)};
  AttestationQueue queue_{{}};
  LegacyEvidence evidence_{[this](AttestationQueue::Deadline) -> Result<LegacyQuote> {
                             if (fails_) {
                               return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable",
                                                      "busy");
                             }
                             ++quotes_;
                             return LegacyQuote{{static_cast<std::uint8_t>(quotes_)}, {}};
                           },
                           seconds(60), queue_, [this] { return now_; }};
};

TEST_F(LegacyEvidenceTest, NothingOlderThanTheStatedAgeIsGivenOut) {
  ASSERT_TRUE(Get().ok());
  now_ += seconds(59);
  ASSERT_TRUE(Get().ok());
  EXPECT_EQ(quotes_, 1);
  now_ += seconds(1);
  const auto renewed = Get();
  ASSERT_TRUE(renewed.ok());
  EXPECT_EQ((*renewed)->quote, base::Bytes{2});
}

TEST_F(LegacyEvidenceTest, AFailureFailsThatCallOnlyAndIsNotKept) {
  fails_ = true;
  EXPECT_EQ(Get().error().code, "attester-unavailable");
  fails_ = false;
  EXPECT_TRUE(Get().ok());
}

TEST_F(LegacyEvidenceTest, AnOldQuoteIsNoSubstituteForAFailingPlatform) {
  ASSERT_TRUE(Get().ok());
  now_ += seconds(61);
  fails_ = true;
  EXPECT_EQ(Get().error().code, "attester-unavailable");
}

TEST(LegacyEvidence, WithoutSgxThereIsNoGenuineQuote) {
  AttestationQueue queue({});
  LegacyEvidence evidence({}, seconds(60), queue);
  EXPECT_FALSE(evidence.is_genuine());
  bool called = false;
  evidence.Get([&called](Result<Shared> quote) {
    called = true;
    ASSERT_FALSE(quote.ok());
    EXPECT_EQ(quote.error().code, "no-genuine-quote");
  });
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace blindai::service
