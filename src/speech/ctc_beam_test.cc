#include "speech/ctc_beam.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

namespace blindai::speech {
namespace {

const CtcVocabulary& Letters() {
  static const CtcVocabulary vocabulary =
      *CtcVocabulary::Parse(R"({"<pad>": 0, "|": 1, "A": 2, "B": 3, "C": 4})");
  return vocabulary;
}

std::string TextOfIds(const std::vector<int>& ids) {
  std::string text;
  for (const int id : ids) text += id == Letters().delimiter() ? " " : Letters().Token(id);
  return text;
}

Keywords KeywordsOf(const std::vector<std::string>& words) { return *Keywords::Make(words, Letters()); }

// Each frame lists letters with their probability; the rest of it is shared by the others.
std::vector<float> Frames(const std::vector<std::map<char, double>>& frames) {
  std::vector<float> values;
  for (const auto& frame : frames) {
    double rest = 1;
    for (const auto& [letter, probability] : frame) rest -= probability;
    for (const char letter : std::string_view("-|ABC")) {
      const auto found = frame.find(letter);
      const double probability =
          found != frame.end() ? found->second : rest / static_cast<double>(5 - frame.size());
      values.push_back(static_cast<float>(std::log(probability)));
    }
  }
  return values;
}

std::string Decode(const std::vector<float>& values, const Keywords& keywords = Keywords(),
                   const LanguageModel* language_model = nullptr, const BeamOptions& options = {}) {
  return TextOfIds(
      BeamDecode(Logits(values, Letters().size()), Letters(), keywords, language_model, options));
}

TEST(CtcBeam, ClearFramesGiveTheirText) {
  EXPECT_EQ(
      Decode(Frames({{{'A', 0.9}}, {{'A', 0.9}}, {{'-', 0.9}}, {{'A', 0.9}}, {{'|', 0.9}}, {{'B', 0.9}}})),
      "AA B");
  EXPECT_EQ(Decode({}), "");
}

TEST(CtcBeam, PathsOfOneTextAreAddedUp) {
  // The best single path is blank blank (0.36); the paths that say A add up to 0.64 × a share of A.
  const std::map<char, double> frame = {{'-', 0.6}, {'A', 0.39}};
  EXPECT_EQ(Decode(Frames({frame, frame})), "A");
}

TEST(CtcBeam, AKeywordWinsAgainstAnEquallyLikelyWord) {
  const std::vector<float> values = Frames({{{'A', 0.9}}, {{'B', 0.5}, {'C', 0.45}}, {{'|', 0.9}}});
  EXPECT_EQ(Decode(values), "AB ");
  EXPECT_EQ(Decode(values, KeywordsOf({"ac"})), "AC ");
}

TEST(CtcBeam, AWordThatOnlyBeginsLikeAKeywordGainsNothing) {
  // "ACA" is a keyword, "AC" is not: without the third letter the bonus is paid back.
  const std::vector<float> values = Frames({{{'A', 0.9999}}, {{'B', 0.5}, {'C', 0.45}}, {{'|', 0.9999}}});
  EXPECT_EQ(Decode(values, KeywordsOf({"aca"})), "AB ");
}

TEST(CtcBeam, AKeywordInsideAWordDoesNotCount) {
  const std::vector<float> values =
      Frames({{{'B', 0.9999}}, {{'A', 0.9999}}, {{'B', 0.5}, {'C', 0.45}}, {{'|', 0.9999}}});
  EXPECT_EQ(Decode(values, KeywordsOf({"ac"})), "BAB ");
}

TEST(CtcBeam, APhraseIsAKeywordToo) {
  const std::vector<float> values =
      Frames({{{'A', 0.9}}, {{'|', 0.9}}, {{'B', 0.55}, {'C', 0.4}}, {{'|', 0.9}}});
  EXPECT_EQ(Decode(values, KeywordsOf({"a c"})), "A C ");
}

TEST(CtcBeam, WhatTheModelCannotWriteIsRefusedAndNotIgnored) {
  const std::vector<std::string> words = {"ab", "xyz"};
  const auto keywords = Keywords::Make(words, Letters());
  EXPECT_EQ(keywords.error().code, "keyword");
  EXPECT_EQ(keywords.error().message.find("xyz"), std::string::npos) << "a keyword is request data";
  EXPECT_FALSE(Keywords::Make(std::vector<std::string>(1001, "a"), Letters()).ok());
  EXPECT_FALSE(Keywords::Make(std::vector<std::string>{""}, Letters()).ok());
}

LanguageModel ModelOf(const std::string& unigrams, int count) {
  return LanguageModel::ParseArpa(
             "\\data\\\nngram 1=" + std::to_string(count) + "\n\\1-grams:\n" + unigrams + "\\end\\",
             Letters())
      .value();
}

TEST(CtcBeam, TheLanguageModelDecidesBetweenWordsThatSoundAlike) {
  const std::vector<float> values = Frames({{{'A', 0.9}}, {{'B', 0.5}, {'C', 0.45}}, {{'|', 0.9}}});
  const LanguageModel model = ModelOf("-0.1 ac\n-4 ab\n", 2);
  EXPECT_EQ(Decode(values), "AB ");
  EXPECT_EQ(Decode(values, Keywords(), &model), "AC ");
  // Also at the end of a recording, where no delimiter ends the word.
  const std::vector<float> cut = Frames({{{'A', 0.9}}, {{'B', 0.5}, {'C', 0.45}}});
  EXPECT_EQ(Decode(cut, Keywords(), &model), "AC");
}

TEST(CtcBeam, AnUnknownWordIsWrittenWhenItWasSaidClearly) {
  const LanguageModel model = ModelOf("-0.1 ac\n", 1);
  const auto word = [](double clear) {
    return Frames({{{'A', 0.9999}}, {{'B', clear}, {'C', (1 - clear) / 2}}});
  };
  EXPECT_EQ(Decode(word(0.6), Keywords(), &model), "AC");
  EXPECT_EQ(Decode(word(1 - 1e-9), Keywords(), &model, {.language_weight = 0.01, .unknown_word = -5}), "AB");
}

TEST(CtcBeam, AKeywordNeedsNoPlaceInTheLanguageModel) {
  const std::vector<float> values = Frames({{{'A', 0.9}}, {{'B', 0.5}, {'C', 0.45}}, {{'|', 0.9}}});
  const LanguageModel model = ModelOf("-1 ab\n-3 <unk>\n", 2);
  EXPECT_EQ(Decode(values, KeywordsOf({"ac"}), &model), "AC ");
}

// The sum over all paths of every text, counted one by one, as the oracle.
TEST(CtcBeam, AWideBeamFindsTheMostProbableText) {
  std::mt19937 random(3);
  std::normal_distribution<float> logit(0, 1.5);
  for (int round = 0; round < 100; ++round) {
    const std::size_t frames = 1 + random() % 5;
    std::vector<float> values(frames * Letters().size());
    for (float& value : values) value = logit(random);
    const Logits logits(values, Letters().size());
    std::map<std::vector<int>, double> texts;
    std::size_t paths = 1;
    for (std::size_t i = 0; i < frames; ++i) paths *= Letters().size();
    for (std::size_t path = 0; path < paths; ++path) {
      std::vector<int> text;
      double score = 0;
      int last = 0;
      for (std::size_t frame = 0, rest = path; frame < frames; ++frame, rest /= Letters().size()) {
        const int id = static_cast<int>(rest % Letters().size());
        if (id != last && id != 0) text.push_back(id);
        last = id;
        score += logits.Row(static_cast<std::int64_t>(frame))[static_cast<std::size_t>(id)] -
                 logits.LogSum(static_cast<std::int64_t>(frame));
      }
      texts[text] += std::exp(score);
    }
    const auto best = std::max_element(texts.begin(), texts.end(),
                                       [](const auto& l, const auto& r) { return l.second < r.second; });
    const auto found = BeamDecode(logits, Letters(), Keywords(), nullptr,
                                  {.width = 4000, .min_log_probability = -100, .prune = 1000});
    EXPECT_NEAR(texts[found], best->second, 1e-9);
  }
}

}  // namespace
}  // namespace blindai::speech
