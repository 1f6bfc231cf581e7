// Where in the recording each character of a known text was said: the most probable path of that text through
// the model's logits (CTC's Viterbi alignment). It gives better word bounds than runs of the best character,
// gives times to a beam search's text, and answers `prompt_alignment` from the same logits without running
// the model again. A. Graves et al., Connectionist Temporal Classification, ICML 2006, section 4.1.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "speech/ctc_decoder.h"
#include "speech/ctc_vocabulary.h"

namespace blindai::speech {

// frames × (2 ids + 1) cells of one byte are held; more is refused.
constexpr std::uint64_t kMaxAlignmentCells = std::uint64_t{256} << 20;

// One character for each id, in order, with the frames that emit it. Codes: alignment-too-large (kTooLarge),
// alignment-impossible (the text needs more frames than there are).
base::Result<std::vector<CtcCharacter>> Align(const Logits& logits, std::span<const int> ids,
                                              const CtcVocabulary& vocabulary);

}  // namespace blindai::speech
