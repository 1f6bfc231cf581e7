#include "speech/ctc_vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace blindai::speech {
namespace {

constexpr std::string_view kSmall = R"({"<pad>": 0, "<s>": 1, "|": 2, "A": 3, "B": 4, "'": 5})";

std::string ErrorOf(std::string_view json) {
  const auto vocabulary = CtcVocabulary::Parse(json);
  return vocabulary.ok() ? "accepted" : vocabulary.error().message;
}

TEST(CtcVocabulary, FindsBlankDelimiterAndSpecials) {
  const auto vocabulary = CtcVocabulary::Parse(kSmall);
  ASSERT_TRUE(vocabulary.ok());
  EXPECT_EQ(vocabulary->size(), 6u);
  EXPECT_EQ(vocabulary->blank(), 0);
  EXPECT_EQ(vocabulary->delimiter(), 2);
  EXPECT_TRUE(vocabulary->IsSpecial(1));
  EXPECT_FALSE(vocabulary->IsSpecial(3));
  EXPECT_EQ(vocabulary->Token(5), "'");
}

TEST(CtcVocabulary, TheBlankIsThePaddingTokenWhereverItLies) {
  const auto vocabulary = CtcVocabulary::Parse(R"({"a": 0, " ": 1, "[UNK]": 2, "[PAD]": 3})");
  ASSERT_TRUE(vocabulary.ok());
  EXPECT_EQ(vocabulary->blank(), 3);
  EXPECT_EQ(vocabulary->delimiter(), 1);
}

TEST(CtcVocabulary, TextBecomesIdsInTheVocabularysOwnCase) {
  const auto vocabulary = CtcVocabulary::Parse(kSmall);
  EXPECT_EQ(*vocabulary->Encode("  ab  b'a "), (std::vector<int>{3, 4, 2, 4, 5, 3}));
  EXPECT_EQ(vocabulary->Encode("abc"), std::nullopt);
  EXPECT_EQ(vocabulary->Encode("a\xc3\xa9"), std::nullopt);
  EXPECT_TRUE(vocabulary->Encode("")->empty());
}

TEST(CtcVocabulary, WhatIsNoVocabularyIsRefused) {
  EXPECT_THAT(ErrorOf("[]"), testing::HasSubstr("wanted a JSON object"));
  EXPECT_THAT(ErrorOf("{}"), testing::HasSubstr("0 tokens"));
  EXPECT_THAT(ErrorOf(R"({"<pad>": 0, "|": 2})"), testing::HasSubstr("from 0 to 1"));
  EXPECT_THAT(ErrorOf(R"({"<pad>": 0, "|": -1})"), testing::HasSubstr("from 0 to 1"));
  EXPECT_THAT(ErrorOf(R"({"<pad>": 0, "|": 0})"), testing::HasSubstr("id 0 stands twice"));
  EXPECT_THAT(ErrorOf(R"({"<pad>": 0, "|": "1"})"), testing::HasSubstr("whole number"));
  EXPECT_THAT(ErrorOf(R"({"A": 0, "|": 1})"), testing::HasSubstr("no padding token"));
  EXPECT_THAT(ErrorOf(R"({"<pad>": 0, "A": 1})"), testing::HasSubstr("no word delimiter"));
}

}  // namespace
}  // namespace blindai::speech
