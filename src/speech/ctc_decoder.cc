#include "speech/ctc_decoder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace blindai::speech {

Logits::Logits(std::span<const float> values, std::size_t width) : values_(values), width_(width) {
  BLINDAI_CHECK(width > 0 && values.size() % width == 0);
}

double Logits::LogSum(std::int64_t frame) const {
  const std::span<const float> row = Row(frame);
  const float most = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const float value : row) sum += std::exp(static_cast<double>(value) - most);
  return most + std::log(sum);
}

std::vector<CtcCharacter> GreedyDecode(const Logits& logits, const CtcVocabulary& vocabulary) {
  BLINDAI_CHECK(logits.width() == vocabulary.size());
  std::vector<CtcCharacter> characters;
  int last = vocabulary.blank();
  for (std::int64_t frame = 0; frame < logits.frames(); ++frame) {
    // 1. max_element gives the first of equals: the lowest id.
    const std::span<const float> row = logits.Row(frame);
    const int best = static_cast<int>(std::max_element(row.begin(), row.end()) - row.begin());
    const double log_probability = row[static_cast<std::size_t>(best)] - logits.LogSum(frame);
    // 2. and 3. A new run begins where the id changes; runs of blanks are not kept.
    if (best != vocabulary.blank()) {
      if (best != last) characters.push_back({best, frame, frame, 0, 0});
      CtcCharacter& run = characters.back();
      run.end_frame = frame + 1;
      run.log_probability += log_probability;
      run.probability += std::exp(log_probability);
    }
    last = best;
  }
  // 4. Sentence marks go after merging, never before.
  std::erase_if(characters, [&vocabulary](const CtcCharacter& c) { return vocabulary.IsSpecial(c.id); });
  return characters;
}

std::vector<vocabulary::Word> WordsOf(std::span<const CtcCharacter> characters, const CtcVocabulary& tokens,
                                      double offset_s) {
  std::vector<vocabulary::Word> words;
  std::int64_t frames = 0;  // of the word so far
  const auto close = [&] {
    if (frames == 0) return;
    words.back().confidence /= static_cast<double>(frames);
    frames = 0;
  };
  for (const CtcCharacter& character : characters) {
    // 5. and 6. A delimiter ends a word; delimiters in a row or at the ends make nothing.
    if (character.id == tokens.delimiter()) {
      close();
      continue;
    }
    if (frames == 0) {
      words.emplace_back();
      words.back().start_s = offset_s + static_cast<double>(character.first_frame) * kSecondsPerFrame;
    }
    vocabulary::Word& word = words.back();
    word.text += tokens.Token(character.id);
    word.end_s = offset_s + static_cast<double>(character.end_frame) * kSecondsPerFrame;
    word.confidence += character.probability;
    frames += character.frames();
  }
  close();
  return words;
}

double MeanLogProbability(std::span<const CtcCharacter> characters, const CtcVocabulary& vocabulary) {
  double sum = 0;
  std::int64_t frames = 0;
  for (const CtcCharacter& character : characters) {
    if (character.id == vocabulary.delimiter()) continue;
    sum += character.log_probability;
    frames += character.frames();
  }
  return frames == 0 ? 0 : sum / static_cast<double>(frames);
}

}  // namespace blindai::speech
