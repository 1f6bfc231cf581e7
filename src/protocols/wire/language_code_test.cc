#include "protocols/wire/language_code.h"

#include <gtest/gtest.h>

#include <string>

namespace blindai::wire {
namespace {

TEST(LanguageCode, IsTwoLettersThatTheStandardGives) {
  for (const char* code : {"en", "de", "fr", "zh", "aa", "zu", "jv", "jw"})
    EXPECT_TRUE(IsLanguageCode(code)) << code;
  for (const char* code : {"", "e", "english", "EN", "zz", "xx", "eng", "en ", " a", "a ", "  ", "e-", "é"}) {
    EXPECT_FALSE(IsLanguageCode(code)) << code;
  }
}

TEST(LanguageCode, ThereAreAsManyAsInTheStandard) {
  int codes = 0;
  for (char first = 'a'; first <= 'z'; ++first) {
    for (char second = 'a'; second <= 'z'; ++second)
      codes += IsLanguageCode(std::string{first, second}) ? 1 : 0;
  }
  EXPECT_EQ(codes, 183 + 1);
}

}  // namespace
}  // namespace blindai::wire
