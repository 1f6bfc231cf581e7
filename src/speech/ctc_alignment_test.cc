#include "speech/ctc_alignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace blindai::speech {
namespace {

const CtcVocabulary& Letters() {
  static const CtcVocabulary vocabulary = *CtcVocabulary::Parse(R"({"<pad>": 0, "|": 1, "A": 2, "B": 3})");
  return vocabulary;
}

std::vector<float> FramesOf(std::string_view path, float logit = 5.0f) {
  std::vector<float> values(path.size() * Letters().size(), 0.0f);
  for (std::size_t frame = 0; frame < path.size(); ++frame) {
    values[frame * Letters().size() + std::string_view("-|AB").find(path[frame])] = logit;
  }
  return values;
}

std::string SpansOf(std::string_view path, const std::vector<int>& ids) {
  const std::vector<float> values = FramesOf(path);
  const auto aligned = Align(Logits(values, Letters().size()), ids, Letters());
  if (!aligned.ok()) return aligned.error().code;
  std::string text;
  for (const CtcCharacter& c : *aligned) {
    text += Letters().Token(c.id) + std::to_string(c.first_frame) + "-" + std::to_string(c.end_frame) + " ";
  }
  return text;
}

TEST(CtcAlignment, EachCharacterGetsTheFramesThatSayIt) {
  EXPECT_EQ(SpansOf("-AA-B-", {2, 3}), "A1-3 B4-5 ");
  EXPECT_EQ(SpansOf("AB", {2, 3}), "A0-1 B1-2 ");
}

TEST(CtcAlignment, EqualCharactersInARowNeedABlankBetween) {
  EXPECT_EQ(SpansOf("A-A", {2, 2}), "A0-1 A2-3 ");
  EXPECT_EQ(SpansOf("AA", {2, 2}), "alignment-impossible");
}

TEST(CtcAlignment, ATextThatWasNotSaidIsStillPlaced) {
  // The model heard A; B is put where it costs least.
  const std::vector<float> values = FramesOf("-A-");
  const auto aligned = Align(Logits(values, Letters().size()), std::vector<int>{3}, Letters());
  ASSERT_TRUE(aligned.ok());
  EXPECT_EQ(aligned->at(0).frames(), 1);
  EXPECT_LT(aligned->at(0).log_probability, -4);
}

TEST(CtcAlignment, NoTextNeedsNoFrames) { EXPECT_EQ(SpansOf("", {}), ""); }

TEST(CtcAlignment, NoFramesForAText) { EXPECT_EQ(SpansOf("", {2}), "alignment-impossible"); }

std::string WordsIn(std::string_view path, std::string_view text) {
  const std::vector<float> values = FramesOf(path);
  const auto aligned = AlignWords(Logits(values, Letters().size()), text, Letters(), 10);
  if (!aligned.ok()) return aligned.error().code;
  std::string out;
  for (const AlignedWord& aligned_word : *aligned) {
    const vocabulary::Word& word = aligned_word.word;
    out += word.text + " " + std::to_string(std::lround((word.start_s - 10) / kSecondsPerFrame)) + "-" +
           std::to_string(std::lround((word.end_s - 10) / kSecondsPerFrame)) + "; ";
    EXPECT_GT(word.confidence, 0);
    EXPECT_LE(word.confidence, 1);
  }
  return out;
}

TEST(CtcAlignment, WordsComeBackAsTheyWereGivenWithTheirTimes) {
  EXPECT_EQ(WordsIn("-AB-|-BBA--", "Ab bA"), "Ab 1-3; bA 6-9; ");
  EXPECT_EQ(WordsIn("-AB-|-BBA--", "  Ab,\n«bA»!  "), "Ab, 1-3; «bA»! 6-9; ");
  EXPECT_EQ(WordsIn("-AB-|-BBA--", "ab - ba"), "ab - 1-3; ba 6-9; ") << "a dash is no word";
}

TEST(CtcAlignment, AWordThatTheModelCannotWriteTakesItsPlace) {
  EXPECT_EQ(WordsIn("-A-|-B-|-A--", "a 24 a"), "a 1-2; 24 5-6; a 9-10; ");
}

TEST(CtcAlignment, ATextWithoutAWordIsRefused) {
  EXPECT_EQ(WordsIn("-A-", ""), "alignment-empty");
  EXPECT_EQ(WordsIn("-A-", " \n . , "), "alignment-empty");
  EXPECT_EQ(WordsIn("-A-", "a b a b"), "alignment-impossible");
}

TEST(CtcAlignment, MoreThanFitsInMemoryIsRefused) {
  const std::vector<float> values(Letters().size() * 20'000);
  const std::string text(8'000, 'a');
  const auto aligned = AlignWords(Logits(values, Letters().size()), text, Letters(), 0);
  ASSERT_FALSE(aligned.ok());
  EXPECT_EQ(aligned.error().code, "alignment-too-large");
  EXPECT_EQ(aligned.error().param, "prompt");
}

// All paths of a few frames, tried one by one, as the oracle.
TEST(CtcAlignment, ThePathIsTheBestOfAllPaths) {
  std::mt19937 random(7);
  std::normal_distribution<float> logit(0, 2);
  for (int round = 0; round < 200; ++round) {
    const std::size_t frames = 1 + random() % 6;
    std::vector<float> values(frames * Letters().size());
    for (float& value : values) value = logit(random);
    const Logits logits(values, Letters().size());
    std::vector<int> ids(1 + random() % 3);
    for (int& id : ids) id = static_cast<int>(1 + random() % 3);

    double best = -INFINITY;
    std::size_t paths = 1;
    for (std::size_t i = 0; i < frames; ++i) paths *= Letters().size();
    for (std::size_t path = 0; path < paths; ++path) {
      std::vector<int> heard;
      double score = 0;
      int last = 0;
      for (std::size_t frame = 0, rest = path; frame < frames; ++frame, rest /= Letters().size()) {
        const int id = static_cast<int>(rest % Letters().size());
        if (id != last && id != 0) heard.push_back(id);
        last = id;
        score += logits.Row(static_cast<std::int64_t>(frame))[static_cast<std::size_t>(id)] -
                 logits.LogSum(static_cast<std::int64_t>(frame));
      }
      if (heard == ids) best = std::max(best, score);
    }
    const auto aligned = Align(logits, ids, Letters());
    ASSERT_EQ(aligned.ok(), best > -INFINITY);
    if (!aligned.ok()) continue;
    // The score of the found path: its characters' frames, and blanks elsewhere.
    std::vector<int> path(frames, 0);
    for (const CtcCharacter& c : *aligned) {
      for (std::int64_t frame = c.first_frame; frame < c.end_frame; ++frame)
        path[static_cast<std::size_t>(frame)] = c.id;
    }
    double score = 0;
    for (std::size_t frame = 0; frame < frames; ++frame) {
      score += logits.Row(static_cast<std::int64_t>(frame))[static_cast<std::size_t>(path[frame])] -
               logits.LogSum(static_cast<std::int64_t>(frame));
    }
    EXPECT_NEAR(score, best, 1e-4);
  }
}

}  // namespace
}  // namespace blindai::speech
