// Where in the recording each character of a known text was said: the most probable path of that text through
// the model's logits (CTC's Viterbi alignment). It gives better word bounds than runs of the best character,
// gives times to a beam search's text, and answers `prompt_alignment` from the same logits without running
// the model again. A. Graves et al., Connectionist Temporal Classification, ICML 2006, section 4.1.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "speech/ctc_decoder.h"
#include "speech/ctc_vocabulary.h"
#include "vocabulary/transcript.h"

namespace blindai::speech {

// frames × (2 ids + 1) cells of two bits are held, at most 64 MiB; more is refused. Some ten minutes of speech fit.
constexpr std::uint64_t kMaxAlignmentCells = std::uint64_t{256} << 20;

// In a text: a sound that the model has no character for. It is as probable as the best character is.
constexpr int kAnyCharacter = -1;

// One character for each id, in order, with the frames that emit it. Codes: alignment-too-large (kTooLarge),
// alignment-impossible (the text needs more frames than there are).
base::Result<std::vector<CtcCharacter>> Align(const Logits& logits, std::span<const int> ids,
                                              const CtcVocabulary& vocabulary);

struct AlignedWord {
  vocabulary::Word word;
  // Of its characters: sum over their frames of ln P, and the frames.
  double log_probability = 0;
  std::int64_t frames = 0;
};

// The words of a text as they were given, with their times; `offset_s` is where frame 0 lies. Characters that the model
// cannot write are not looked for ("well," is WELL); a word of only such ("24") is one kAnyCharacter, and punctuation
// that stands alone belongs to the word before. Codes: those of Align, alignment-empty (no word in it).
base::Result<std::vector<AlignedWord>> AlignWords(const Logits& logits, std::string_view text,
                                                  const CtcVocabulary& vocabulary, double offset_s);

}  // namespace blindai::speech
