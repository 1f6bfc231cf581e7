#include "base/clock.h"

#include <gtest/gtest.h>

namespace blindai::base {
namespace {

TEST(Clock, WhatIsFormattedIsParsed) {
  const Time time{std::chrono::seconds(1795633376)};
  EXPECT_EQ(*ParseTime(FormatTime(time)), time);
}

TEST(Clock, FormatsTheEpoch) { EXPECT_EQ(FormatTime(Time{}), "1970-01-01T00:00:00Z"); }

TEST(Clock, OffsetsAreTakenOff) {
  EXPECT_EQ(*ParseTime("2026-11-25T20:02:56+01:00"), *ParseTime("2026-11-25T19:02:56Z"));
  EXPECT_EQ(*ParseTime("2026-11-25T18:02:56-01:00"), *ParseTime("2026-11-25T19:02:56Z"));
}

TEST(Clock, FractionsAreDropped) {
  EXPECT_EQ(*ParseTime("2026-11-25T19:02:56.789Z"), *ParseTime("2026-11-25T19:02:56Z"));
}

TEST(Clock, APlainDateIsMidnight) { EXPECT_EQ(FormatTime(*ParseTime("2026-11-25")), "2026-11-25T00:00:00Z"); }

TEST(Clock, WhatIsNoTimeIsRefused) {
  for (const char* text :
       {"", "2026", "2026-13-01", "2026-02-30", "2026-11-25T", "2026-11-25T19:02:56", "2026-11-25T24:00:00Z",
        "2026-11-25T19:02:56.Z", "2026-11-25T19:02:56+1", "2026-11-25T19:02:56Zjunk", "yesterday!!"}) {
    const auto time = ParseTime(text);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_EQ(time.error().code, "time-format");
  }
}

}  // namespace
}  // namespace blindai::base
