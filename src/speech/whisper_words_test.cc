#include "speech/whisper_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "support/whisper_files.h"

namespace blindai::speech {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using vocabulary::Word;

const WhisperTokens& Tokens() {
  static const WhisperTokens tokens =
      *WhisperTokens::Parse(tests::WhisperTokenizerJson(true), tests::WhisperGenerationJson(true));
  return tokens;
}

// One token for each byte, one each 0.1 s.
std::vector<SaidToken> Said(const std::string& text) {
  std::vector<SaidToken> said;
  for (const char c : text) {
    const double at = 0.1 * static_cast<double>(said.size());
    said.push_back({static_cast<unsigned char>(c), at, at + 0.1, 0.5});
  }
  return said;
}

std::vector<std::string> TextsOf(const std::vector<Word>& words) {
  std::vector<std::string> texts;
  for (const Word& word : words) texts.push_back(word.text);
  return texts;
}
std::vector<std::string> Words(const std::string& text, bool with_spaces = true) {
  return TextsOf(WordsOf(Tokens(), Said(text), with_spaces));
}

// As a reader would put them together.
std::string Joined(const std::vector<Word>& words) {
  std::string text;
  for (const Word& word : words) text += (text.empty() || word.is_attached ? "" : " ") + word.text;
  return text;
}

TEST(WhisperWords, AWordStandsBetweenSpacesWithItsMarks) {
  EXPECT_THAT(Words(" Hello, cold-hearted world!"), ElementsAre("Hello,", "cold-hearted", "world!"));
  EXPECT_THAT(Words(" it's 3.5 %"), ElementsAre("it's", "3.5 %"));
  EXPECT_THAT(Words(""), IsEmpty());
  EXPECT_THAT(Words("  "), IsEmpty());
}

TEST(WhisperWords, AMarkThatOpensBelongsToWhatComes) {
  EXPECT_THAT(Words(" he said \" yes\" - no"), ElementsAre("he", "said", "\" yes\"", "- no"));
  EXPECT_THAT(Words(" ( a ) b"), ElementsAre("( a )", "b"));
}

TEST(WhisperWords, AWordGoesFromItsFirstTokenToItsLast) {
  const auto words = WordsOf(Tokens(), Said(" ab cde"), true);
  ASSERT_THAT(words, SizeIs(2));
  EXPECT_NEAR(words[0].start_s, 0, 1e-9);
  EXPECT_NEAR(words[0].end_s, 0.3, 1e-9);
  EXPECT_NEAR(words[1].start_s, 0.3, 1e-9);
  EXPECT_NEAR(words[1].end_s, 0.7, 1e-9);
}

TEST(WhisperWords, ConfidenceIsTheMeanOfTheTokens) {
  auto said = Said(" ab");
  said[2].probability = 0.8;
  const auto words = WordsOf(Tokens(), said, true);
  ASSERT_THAT(words, SizeIs(1));
  EXPECT_NEAR(words[0].confidence, 0.6, 1e-9);
}

TEST(WhisperWords, CharactersOfSeveralTokensStayWhole) {
  EXPECT_THAT(Words(" été à"), ElementsAre("été", "à"));
}

TEST(WhisperWords, WithoutSpacesAWordIsACharacterWithItsMarks) {
  EXPECT_THAT(Words("你好，「世界」。", false), ElementsAre("你", "好，", "「世", "界」。"));
  EXPECT_THAT(Words("用 iPhone打", false), ElementsAre("用", "iPhone", "打"));
}

TEST(WhisperWords, WordsTogetherAreTheText) {
  for (const std::string text : {"Hello, world - yes.", "he said \"no\" and went", "a"})
    EXPECT_EQ(Joined(WordsOf(Tokens(), Said(" " + text), true)), text);
  for (const std::string text : {"你好，世界。", "用 iPhone打"})
    EXPECT_EQ(Joined(WordsOf(Tokens(), Said(text), false)), text);
}

TEST(WhisperWords, BytesThatFormNoCharacterAreLeftOut) {
  EXPECT_THAT(Words(" ab\xc3"), ElementsAre("ab"));
  EXPECT_THAT(Words("\xff"), IsEmpty());
}

TEST(WhisperWords, LanguagesAreWrittenWithSpacesButForSix) {
  EXPECT_TRUE(IsWrittenWithSpaces("en"));
  EXPECT_TRUE(IsWrittenWithSpaces("ko"));
  EXPECT_TRUE(IsWrittenWithSpaces(""));
  EXPECT_FALSE(IsWrittenWithSpaces("ja"));
  EXPECT_FALSE(IsWrittenWithSpaces("yue"));
}

TEST(WhisperWords, MarksAreNoLetters) {
  for (const char* text : {"", " . .", "—", "♪♪", "…", "。！", "“ ”"}) EXPECT_FALSE(HasLetters(text)) << text;
  for (const char* text : {"a", "7", "é", "你", "。你"}) EXPECT_TRUE(HasLetters(text)) << text;
}

// ---- cutting back

// Frames of 20 ms: silent, loud, and so on, each for so many.
std::vector<bool> Frames(std::initializer_list<int> runs) {
  std::vector<bool> frames;
  bool loud = false;
  for (const int run : runs) {
    frames.insert(frames.end(), static_cast<std::size_t>(run), loud);
    loud = !loud;
  }
  return frames;
}

Word At(const std::string& text, double start_s, double end_s) {
  Word word;
  word.text = text;
  word.start_s = start_s;
  word.end_s = end_s;
  return word;
}

TEST(WhisperWords, AWordBeginsAndEndsWhereItIsLoud) {
  std::vector<std::vector<Word>> segments = {{At("a", 0, 0.5), At("b", 0.5, 1)}};
  CutBack(segments, Frames({10, 10, 10, 15, 5}));
  EXPECT_NEAR(segments[0][0].start_s, 0.2, 1e-9);
  EXPECT_NEAR(segments[0][0].end_s, 0.4, 1e-9);
  EXPECT_NEAR(segments[0][1].start_s, 0.6, 1e-9);
  EXPECT_NEAR(segments[0][1].end_s, 0.9, 1e-9);
}

TEST(WhisperWords, AWordWithoutLoudFramesStaysAsItIs) {
  std::vector<std::vector<Word>> segments = {{At("a", 0, 0.5)}};
  CutBack(segments, Frames({50}));
  EXPECT_EQ(segments[0][0].start_s, 0);
  EXPECT_EQ(segments[0][0].end_s, 0.5);
}

TEST(WhisperWords, WhereItIsLoudAllOverAWordThatBeginsASentenceIsCutAtItsStart) {
  std::vector<std::vector<Word>> segments = {
      {At("One", 0, 2), At("two", 2, 2.3), At("three.", 2.3, 2.6), At("Four", 2.6, 5), At("five.", 5, 7)}};
  CutBack(segments, Frames({0, 350}));
  EXPECT_NEAR(segments[0][0].start_s, 0.6, 1e-9);  // the median is cut to 0.7 s
  EXPECT_NEAR(segments[0][3].start_s, 3.6, 1e-9);
  EXPECT_NEAR(segments[0][3].end_s, 5, 1e-9);
  EXPECT_NEAR(segments[0][4].start_s, 5, 1e-9);
  EXPECT_NEAR(segments[0][4].end_s, 6.4, 1e-9);
}

TEST(WhisperWords, AWordThatBeginsAfterSilenceBeginsThere) {
  std::vector<std::vector<Word>> segments = {{At("One", 0, 2), At("two", 2, 2.3), At("three", 2.3, 2.6)}};
  CutBack(segments, Frames({10, 200}));
  EXPECT_NEAR(segments[0][0].start_s, 0.2, 1e-9);
  EXPECT_NEAR(segments[0][0].end_s, 2, 1e-9);
}

TEST(WhisperWords, AWordOfNoLengthGetsAFrameOfItsNeighbours) {
  std::vector<std::vector<Word>> segments = {{At("a", 0, 0.5), At("b", 0.5, 0.5), At("c", 0.5, 0.8)},
                                             {At("d", 1, 1.2), At("e", 1.2, 1.2)},
                                             {At("f", 1.3, 1.3)}};
  CutBack(segments, Frames({0, 100}));
  EXPECT_NEAR(segments[0][1].end_s, 0.52, 1e-9);
  EXPECT_NEAR(segments[0][2].start_s, 0.52, 1e-9);
  EXPECT_NEAR(segments[1][0].end_s, 1.18, 1e-9);
  EXPECT_NEAR(segments[1][1].start_s, 1.18, 1e-9);
  EXPECT_EQ(segments[2][0].start_s, 1.3);
}

TEST(WhisperWords, TimesBeyondTheSoundAreOutlived) {
  std::vector<std::vector<Word>> segments = {{At("a", 0.5, 3)}, {}, {At("b", 3, 4)}};
  CutBack(segments, Frames({10, 30}));
  EXPECT_NEAR(segments[0][0].end_s, 0.8, 1e-9);
  EXPECT_EQ(segments[2][0].start_s, 3);
  CutBack(segments, {});
  EXPECT_EQ(segments[2][0].end_s, 4);
}

TEST(WhisperWords, SoundIsWhatIsLouderThanTheNoise) {
  std::vector<float> samples(3 * 16'000);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const float level = i >= 16'000 && i < 32'000 ? 0.3F : 0.01F;
    samples[i] = level * static_cast<float>(std::sin(0.1 * static_cast<double>(i)));
  }
  const auto sounding = SoundingFrames(samples);
  ASSERT_THAT(sounding, SizeIs(150));
  EXPECT_FALSE(sounding[49]);
  EXPECT_TRUE(sounding[50]);
  EXPECT_TRUE(sounding[99]);
  EXPECT_FALSE(sounding[100]);
  EXPECT_THAT(SoundingFrames(std::vector<float>(640)), ElementsAre(false, false));
  EXPECT_THAT(SoundingFrames({}), IsEmpty());
}

}  // namespace
}  // namespace blindai::speech
