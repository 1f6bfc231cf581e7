#include "attestation/fetch/endorsement_cache.h"

#include <gtest/gtest.h>

namespace blindai::fetch {
namespace {

using base::Result;
using namespace std::chrono_literals;

const base::Time kStart{std::chrono::seconds(1'800'000'000)};

// A service that counts how often it is asked, and fails when told to.
class CacheTest : public ::testing::Test {
 protected:
  std::string Get(base::Time now) {
    const Result<Cached> got = cache_.Get("key", now, [&]() -> Result<Fetched> {
      ++asked_;
      if (error_) return *error_;
      return Fetched{base::CopyBytes(base::AsBytes(std::to_string(asked_))), {}, good_until_};
    });
    return got.ok() ? std::string(base::AsText(got->fetched.bytes)) : got.error().code;
  }
  void Fail(std::string retry_after = "") {
    error_ = base::MakeError(base::ErrorKind::kUnavailable, "service-failed", "no", std::move(retry_after));
  }
  EndorsementCache cache_;
  int asked_ = 0;
  std::optional<base::Error> error_;
  base::Time good_until_ = kStart + 30 * 24h;
};

TEST_F(CacheTest, WhatIsGoodIsNotFetchedAgain) {
  EXPECT_EQ(Get(kStart), "1");
  EXPECT_EQ(Get(kStart + 11h), "1");
  EXPECT_EQ(asked_, 1);
}

TEST_F(CacheTest, ItIsRefreshedByAgeAndBeforeItExpires) {
  EXPECT_EQ(Get(kStart), "1");
  EXPECT_EQ(Get(kStart + 12h), "2");
  good_until_ = kStart + 50h;
  EXPECT_EQ(Get(kStart + 24h), "3");
  EXPECT_EQ(Get(kStart + 27h), "4") << "good for 23 hours only";
}

TEST_F(CacheTest, AFailedRefreshServesWhatIsStillGood) {
  EXPECT_EQ(Get(kStart), "1");
  Fail();
  EXPECT_EQ(Get(kStart + 13h), "1");
  EXPECT_EQ(Get(kStart + 13h + 59s), "1");
  EXPECT_EQ(asked_, 2) << "a service that has just failed is left alone";
  EXPECT_EQ(Get(kStart + 13h + 60s), "1");
  EXPECT_EQ(asked_, 3);
}

TEST_F(CacheTest, WhatIsOverIsNeverServed) {
  good_until_ = kStart + 48h;
  EXPECT_EQ(Get(kStart), "1");
  Fail();
  EXPECT_EQ(Get(kStart + 47h), "1");
  EXPECT_EQ(Get(kStart + 48h), "service-failed");
  EXPECT_EQ(Get(kStart + 48h + 1s), "endorsement-paused");
}

TEST_F(CacheTest, AServiceThatComesBackIsUsedAgain) {
  Fail();
  EXPECT_EQ(Get(kStart), "service-failed");
  error_.reset();
  EXPECT_EQ(Get(kStart + 30s), "endorsement-paused");
  EXPECT_EQ(Get(kStart + 60s), "2");
}

TEST_F(CacheTest, AServiceMayAskForALongerPauseWithinReason) {
  Fail("600");
  EXPECT_EQ(Get(kStart), "service-failed");
  EXPECT_EQ(Get(kStart + 599s), "endorsement-paused");
  EXPECT_EQ(Get(kStart + 600s), "service-failed");
  Fail("999999999");
  EXPECT_EQ(Get(kStart + 1200s), "service-failed");
  EXPECT_EQ(Get(kStart + 1200s + 1h), "service-failed") << "an hour is the longest";
  EXPECT_EQ(asked_, 4);
}

TEST_F(CacheTest, WhatIsOverWhenItArrivesIsAnError) {
  good_until_ = kStart;
  EXPECT_EQ(Get(kStart), "endorsement-expired");
}

TEST_F(CacheTest, AClockThatWasSetBackMakesItFetchAgain) {
  EXPECT_EQ(Get(kStart), "1");
  EXPECT_EQ(Get(kStart - 1h), "2");
}

TEST(EndorsementCache, OnlySoManyThingsAreKept) {
  EndorsementCache cache({.max_entries = 2});
  int asked = 0;
  const auto get = [&](const std::string& key, base::Time now) {
    return cache.Get(key, now, [&]() -> Result<Fetched> {
      ++asked;
      return Fetched{{}, {}, kStart + 100 * 24h};
    });
  };
  for (const char* key : {"a", "b", "c"}) EXPECT_TRUE(get(key, kStart + std::chrono::seconds(asked)).ok());
  EXPECT_TRUE(get("c", kStart + 10s).ok());
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(get("a", kStart + 11s).ok());
  EXPECT_EQ(asked, 4) << "the oldest went first";
}

}  // namespace
}  // namespace blindai::fetch
