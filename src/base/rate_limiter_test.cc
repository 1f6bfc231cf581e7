#include "base/rate_limiter.h"

#include <gtest/gtest.h>

namespace blindai::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const RateLimiter::Moment kStart{seconds(1000)};

TEST(RateLimiter, ABurstIsAllowedThenTheRate) {
  RateLimiter limiter({.per_second = 2, .burst = 3}, 10);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limiter.Take("a", kStart));
  EXPECT_EQ(limiter.Take("a", kStart), seconds(1));
  EXPECT_TRUE(limiter.Take("a", kStart + milliseconds(499)));
  EXPECT_FALSE(limiter.Take("a", kStart + milliseconds(500)));
  EXPECT_TRUE(limiter.Take("a", kStart + milliseconds(501)));
}

TEST(RateLimiter, ALongPauseGivesNoMoreThanTheBurst) {
  RateLimiter limiter({.per_second = 1, .burst = 2}, 10);
  EXPECT_FALSE(limiter.Take("a", kStart));
  const auto later = kStart + seconds(100'000);
  EXPECT_FALSE(limiter.Take("a", later));
  EXPECT_FALSE(limiter.Take("a", later));
  EXPECT_TRUE(limiter.Take("a", later));
}

TEST(RateLimiter, OriginsDoNotShareABucket) {
  RateLimiter limiter({.per_second = 1, .burst = 1}, 10);
  EXPECT_FALSE(limiter.Take("a", kStart));
  EXPECT_FALSE(limiter.Take("b", kStart));
  EXPECT_TRUE(limiter.Take("a", kStart));
}

TEST(RateLimiter, TheWaitIsTrue) {
  RateLimiter limiter({.per_second = 0.1, .burst = 1}, 10);
  EXPECT_FALSE(limiter.Take("a", kStart));
  EXPECT_EQ(limiter.Take("a", kStart), seconds(10));
  EXPECT_TRUE(limiter.Take("a", kStart + seconds(9)));
  EXPECT_FALSE(limiter.Take("a", kStart + seconds(10)));
}

TEST(RateLimiter, MemoryIsBoundedAndTheLeastRecentIsForgotten) {
  RateLimiter limiter({.per_second = 0.001, .burst = 1}, 3);
  for (const char* origin : {"a", "b", "c"}) EXPECT_FALSE(limiter.Take(origin, kStart));
  EXPECT_TRUE(limiter.Take("a", kStart));
  EXPECT_FALSE(limiter.Take("d", kStart)) << "takes the place of b";
  EXPECT_EQ(limiter.origins(), 3u);
  EXPECT_TRUE(limiter.Take("a", kStart));
  EXPECT_FALSE(limiter.Take("b", kStart));
  for (int i = 0; i < 10'000; ++i) limiter.Take(std::to_string(i), kStart);
  EXPECT_EQ(limiter.origins(), 3u);
}

TEST(RateLimiter, AClockThatGoesBackGivesNothing) {
  RateLimiter limiter({.per_second = 1, .burst = 1}, 10);
  EXPECT_FALSE(limiter.Take("a", kStart));
  EXPECT_TRUE(limiter.Take("a", kStart - seconds(1000)));
  EXPECT_TRUE(limiter.Take("a", kStart));
}

TEST(RateLimiter, NoRateIsNoLimit) {
  RateLimiter limiter({}, 1);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(limiter.Take("a", kStart));
  EXPECT_EQ(limiter.origins(), 0u);
}

}  // namespace
}  // namespace blindai::base
