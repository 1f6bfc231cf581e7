#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace blindai::base {
namespace {

Result<int> Half(int whole) {
  if (whole % 2 != 0) return Malformed("seen an odd number, wanted an even one");
  return whole / 2;
}

Result<int> Quarter(int whole) {
  BLINDAI_TRY(const int half, Half(whole).Within("first half"));
  BLINDAI_TRY(const int quarter, Half(half).Within("second half"));
  return quarter;
}

TEST(Result, ValueComesThrough) { EXPECT_EQ(*Quarter(8), 2); }

TEST(Result, ErrorNamesThePlace) {
  const auto result = Quarter(6);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "second half: seen an odd number, wanted an even one");
  EXPECT_EQ(result.error().code, "malformed");
  EXPECT_EQ(result.error().kind, ErrorKind::kInvalid);
}

TEST(Result, PlacesNestOutermostFirst) {
  const auto result = Quarter(7).Within("quote");
  EXPECT_EQ(result.error().message, "quote: first half: seen an odd number, wanted an even one");
}

TEST(Result, HoldsValuesThatOnlyMove) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 3);
}

TEST(ResultDeathTest, LookingAtTheValueOfAnErrorStops) {
  const auto result = Half(3);
  EXPECT_DEATH(static_cast<void>(result.value()), "broken promise");
}

}  // namespace
}  // namespace blindai::base
