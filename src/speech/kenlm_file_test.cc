#include "speech/kenlm_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "speech/ctc_beam.h"
#include "speech/language_model.h"
#include "support/letter_sounds.h"
#include "support/paths.h"

namespace blindai::speech {
namespace {

using tests::Letters;  // A to D

// One model three times; tests/support/language_models/README.md says how they were made.
std::string FileOf(const std::string& name) {
  const auto bytes = tests::ReadFile(tests::SourceDir() / "tests" / "support" / "language_models" / name);
  EXPECT_FALSE(bytes.empty()) << name;
  return {bytes.begin(), bytes.end()};
}
std::string Probing() { return FileOf("letters.probing.bin"); }

LanguageModel Read(const std::string& bytes) { return LanguageModel::Parse(bytes, Letters()).value(); }

std::string MessageOf(const std::string& bytes, const LanguageModelLimits& limits = {}) {
  const auto model = LanguageModel::Parse(bytes, Letters(), limits);
  if (model.ok()) return "";
  EXPECT_EQ(model.error().code, "language-model");
  EXPECT_EQ(model.error().param, "language_model");
  return model.error().message;
}

// Scores every sequence of so many words, and of words that the model does not know, in both models.
void Compare(const LanguageModel& arpa, const LanguageModel& kenlm, const LanguageModel::Context& in_arpa,
             const LanguageModel::Context& in_kenlm, int words_left, int& compared) {
  for (std::uint32_t word = 0; word <= arpa.words(); ++word) {
    const bool known = word < arpa.words();
    const auto wanted = known ? arpa.Score(in_arpa, word) : arpa.ScoreUnknown(in_arpa);
    const auto seen = known ? kenlm.Score(in_kenlm, word) : kenlm.ScoreUnknown(in_kenlm);
    ASSERT_NEAR(seen.log_probability, wanted.log_probability, 1e-5) << "word " << word;
    ++compared;
    if (words_left > 1) Compare(arpa, kenlm, wanted.context, seen.context, words_left - 1, compared);
  }
}

TEST(KenlmFile, EverySequenceOfFiveWordsScoresAsInTheArpaFileItWasBuiltFrom) {
  const LanguageModel arpa = Read(FileOf("letters.arpa"));
  const LanguageModel kenlm = Read(Probing());
  ASSERT_EQ(kenlm.words(), arpa.words());
  ASSERT_EQ(kenlm.words(), 7u) << "an é cannot be written";
  int compared = 0;
  Compare(arpa, kenlm, arpa.start(), kenlm.start(), 5, compared);
  Compare(arpa, kenlm, {}, {}, 5, compared);
  EXPECT_EQ(compared, 2 * (8 + 64 + 512 + 4096 + 32768));
}

TEST(KenlmFile, ARecordingReadsAsWithTheArpaFile) {
  const LanguageModel arpa = Read(FileOf("letters.arpa"));
  const LanguageModel kenlm = Read(Probing());
  std::mt19937 random(3);
  int changed = 0;
  for (int round = 0; round < 50; ++round) {
    constexpr std::size_t kFrames = 30;
    std::vector<float> values(kFrames * Letters().size());
    for (float& value : values) value = static_cast<float>(random() % 1'000) / 200;
    const auto decode = [&](const LanguageModel* model) {
      return BeamDecode(Logits(values, Letters().size()), Letters(), Keywords(), model);
    };
    ASSERT_EQ(decode(&kenlm), decode(&arpa)) << "round " << round;
    changed += decode(&kenlm) != decode(nullptr) ? 1 : 0;
  }
  EXPECT_GT(changed, 25) << "the model has a say";
}

TEST(KenlmFile, OtherFilesOfKenlmAreRefusedByName) {
  EXPECT_NE(
      MessageOf(FileOf("letters.trie.bin")).find("its type is 'trie', only 'probing hash tables' is read"),
      std::string::npos);
  std::string file = Probing();
  file[96] = 3;
  EXPECT_NE(MessageOf(file).find("'trie with quantization'"), std::string::npos);
  file[96] = 77;
  EXPECT_NE(MessageOf(file).find("its type is '77'"), std::string::npos);
  file = Probing();
  file[100] = 0;
  EXPECT_NE(MessageOf(file).find("without its words"), std::string::npos);
  file = Probing();
  file[49] = '4';
  EXPECT_NE(MessageOf(file).find("wanted format version 5"), std::string::npos);
  EXPECT_NE(
      MessageOf("mmap lm http://kheafield.com/code incomplete\n").find("wanted format version 5, whole"),
      std::string::npos);
  file = Probing();
  file[88] = 9;
  EXPECT_NE(MessageOf(file).find("n-grams of 9 words, wanted 2 to 6"), std::string::npos);
  EXPECT_NE(MessageOf(Probing(), {.max_ngrams = 20}).find("more than 20 n-grams"), std::string::npos);
  EXPECT_NE(MessageOf(Probing(), {.max_bytes = 20}).find("at most 20 are taken"), std::string::npos);
}

TEST(KenlmFile, ACutFileIsRefusedWhereverItEnds) {
  const std::string file = Probing();
  for (std::size_t size = 34; size < file.size(); ++size) {
    ASSERT_NE(MessageOf(file.substr(0, size)), "") << size;
  }
  EXPECT_NE(MessageOf(file + "more"), "");
}

TEST(KenlmFile, AWrongByteGivesAnErrorOrNumbers) {
  const std::string right = Probing();
  std::mt19937 random(7);
  int refused = 0;
  for (std::size_t at = 0; at < right.size(); ++at) {
    std::string file = right;
    file[at] = static_cast<char>(file[at] ^ static_cast<char>(1 + random() % 255));
    const auto model = LanguageModel::Parse(file, Letters());
    if (!model.ok()) {
      ++refused;
      continue;
    }
    LanguageModel::Context context = model->start();
    for (int i = 0; i < 12; ++i) {
      ASSERT_TRUE(std::isfinite(model->ScoreUnknown(context).log_probability)) << at;
      const auto scored = model->Score(context, random() % model->words());
      ASSERT_TRUE(std::isfinite(scored.log_probability)) << at;
      context = scored.context;
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace blindai::speech
