#include "speech/ctc_decoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace blindai::speech {
namespace {

const CtcVocabulary& Letters() {
  static const CtcVocabulary vocabulary =
      *CtcVocabulary::Parse(R"({"<pad>": 0, "<s>": 1, "|": 2, "L": 3, "O": 4, "H": 5, "E": 6})");
  return vocabulary;
}

// One character of `path` for each frame: '-' is the blank, '^' the sentence mark. The chosen id has the
// logit ln 9 and the other six 0, so that P(chosen) = 9 / 15 = 0.6.
std::vector<float> FramesOf(std::string_view path) {
  std::vector<float> values(path.size() * Letters().size(), 0.0f);
  for (std::size_t frame = 0; frame < path.size(); ++frame) {
    const std::size_t id = std::string_view("-^|LOHE").find(path[frame]);
    values[frame * Letters().size() + id] = std::log(9.0f);
  }
  return values;
}

std::vector<vocabulary::Word> Decode(std::string_view path, double offset_s = 0) {
  const std::vector<float> values = FramesOf(path);
  return WordsOf(GreedyDecode(Logits(values, Letters().size()), Letters()), Letters(), offset_s);
}

TEST(CtcDecoder, RunsMergeAndBlanksSeparate) {
  EXPECT_EQ(TextOf(Decode("HH-E-LL-LO")), "HELLO");
  EXPECT_EQ(TextOf(Decode("HHELLO")), "HELO");
}

TEST(CtcDecoder, ASentenceMarkBetweenTwoRunsKeepsThemApart) { EXPECT_EQ(TextOf(Decode("L^L")), "LL"); }

TEST(CtcDecoder, DelimitersMakeOneSpaceAndNoneAtTheEnds) {
  EXPECT_EQ(TextOf(Decode("|-|HE|-|LO||")), "HE LO");
  EXPECT_EQ(TextOf(Decode("---")), "");
  EXPECT_EQ(TextOf(Decode("|")), "");
  EXPECT_EQ(TextOf(Decode("")), "");
}

TEST(CtcDecoder, OnATieTheLowestIdWins) {
  std::vector<float> values(Letters().size(), 1.0f);
  EXPECT_TRUE(GreedyDecode(Logits(values, Letters().size()), Letters()).empty()) << "the blank is id 0";
}

TEST(CtcDecoder, WordsHaveTheTimesOfTheirRuns) {
  const auto words = Decode("--HHE-|LOO-", 10.0);
  ASSERT_EQ(words.size(), 2u);
  EXPECT_DOUBLE_EQ(words[0].start_s, 10.04);
  EXPECT_DOUBLE_EQ(words[0].end_s, 10.10);
  EXPECT_DOUBLE_EQ(words[1].start_s, 10.14);
  EXPECT_DOUBLE_EQ(words[1].end_s, 10.20);
}

TEST(CtcDecoder, ConfidenceIsTheMeanProbabilityOfTheEmittingFrames) {
  const auto words = Decode("HHE");
  EXPECT_NEAR(words[0].confidence, 0.6, 1e-6);

  std::vector<float> values = FramesOf("HE");
  values[Letters().size() + 6] = std::log(54.0f);  // P = 54 / 60
  const auto uneven = WordsOf(GreedyDecode(Logits(values, Letters().size()), Letters()), Letters(), 0);
  EXPECT_NEAR(uneven[0].confidence, (0.6 + 0.9) / 2, 1e-6);
}

TEST(CtcDecoder, TheMeanLogProbabilityLeavesDelimitersOut) {
  const std::vector<float> values = FramesOf("H|E");
  const auto characters = GreedyDecode(Logits(values, Letters().size()), Letters());
  EXPECT_NEAR(MeanLogProbability(characters, Letters()), std::log(0.6), 1e-6);
  EXPECT_EQ(MeanLogProbability({}, Letters()), 0);
}

TEST(CtcDecoder, HugeLogitsDoNotOverflow) {
  std::vector<float> values = FramesOf("H");
  values[5] = 10'000.0f;
  const auto words = WordsOf(GreedyDecode(Logits(values, Letters().size()), Letters()), Letters(), 0);
  EXPECT_DOUBLE_EQ(words[0].confidence, 1.0);
}

}  // namespace
}  // namespace blindai::speech
