#include "base/ascii.h"

#include <gtest/gtest.h>

namespace blindai::base {
namespace {

TEST(Ascii, OnlyItsLettersHaveACase) {
  EXPECT_EQ(LowerCase("AZaz09-@[\xc3\x84"), "azaz09-@[\xc3\x84");
  EXPECT_EQ(LowerCase(""), "");
}

TEST(Ascii, NamesAreComparedWithoutCase) {
  EXPECT_TRUE(EqualWithoutCase("Content-Type", "cONTENT-tYPE"));
  EXPECT_FALSE(EqualWithoutCase("Content-Type", "Content-Typ"));
  EXPECT_FALSE(EqualWithoutCase("@", "`"));
  EXPECT_FALSE(EqualWithoutCase("\xc3\x84", "\xc3\xa4"));
}

}  // namespace
}  // namespace blindai::base
