// From a CTC model's logits to characters and words with times. Greedy decoding is Hugging Face's six-step
// rule in this order: the best id of each frame (the lowest id on a tie), runs merged, blanks dropped,
// sentence marks dropped, the delimiter becomes a space, spaces collapse. Dropping sentence marks before
// merging would turn "L blank L" with a mark in between into one L.
//
// Frame t of a wav2vec2 model starts at sample 320 t. A character starts with the first frame of its run and
// ends after the last; a word goes from its first character's start to its last one's end. Confidence of a
// word: the mean, over the frames that emitted its characters, of the softmax probability of the emitted
// character.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "speech/ctc_vocabulary.h"
#include "vocabulary/transcript.h"

namespace blindai::speech {

constexpr double kSecondsPerFrame = 0.02;  // 320 samples at 16 kHz

// Scores of frames, row after row; borrows.
class Logits {
 public:
  // values.size() must be a multiple of `width`, the vocabulary's size.
  Logits(std::span<const float> values, std::size_t width);

  std::int64_t frames() const { return static_cast<std::int64_t>(values_.size() / width_); }
  std::size_t width() const { return width_; }
  std::span<const float> Row(std::int64_t frame) const {
    return values_.subspan(static_cast<std::size_t>(frame) * width_, width_);
  }
  // ln of the sum of exp over a row; ln P(id) = row[id] − this.
  double LogSum(std::int64_t frame) const;

 private:
  std::span<const float> values_;
  std::size_t width_;
};

// One emitted character (or delimiter) and the frames of its run.
struct CtcCharacter {
  int id = 0;
  std::int64_t first_frame = 0;
  std::int64_t end_frame = 0;  // one past the last
  double log_probability = 0;  // sum over its frames of ln P(id)
  double probability = 0;      // sum over its frames of P(id)

  std::int64_t frames() const { return end_frame - first_frame; }
};

// Characters and delimiters in order, without blanks and sentence marks.
std::vector<CtcCharacter> GreedyDecode(const Logits& logits, const CtcVocabulary& vocabulary);

// Words with times; `offset_s` is where frame 0 lies in the recording.
std::vector<vocabulary::Word> WordsOf(std::span<const CtcCharacter> characters, const CtcVocabulary& tokens,
                                      double offset_s);
// The mean of ln P over the frames of all characters that are not delimiters; 0 without any.
double MeanLogProbability(std::span<const CtcCharacter> characters, const CtcVocabulary& vocabulary);

}  // namespace blindai::speech
