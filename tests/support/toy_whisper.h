// A Whisper model in miniature that says one sentence, whatever it hears, and thinks that silence is silence: the
// shapes and names of a real export, and numbers that a test can foretell. Its tokens are those of whisper_files.h.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace blindai::tests {

struct ToyWhisper {
  base::Bytes encoder;
  base::Bytes decoder;
  base::Bytes decoder_with_past;
};

// How the decoder's cross-attention is written: not at all, as [batch, heads, tokens, positions], without heads (as old
// exports have it), or with a guard against rows that are not numbers (as new ones have it).
enum class ToyAttention { kNone, kByHead, kFlat, kGuarded };

// After each token of `chain` the next one is all but certain; the first is <|startoftranscript|>. No token twice. With
// attention it says when each text token was said: one every half second.
ToyWhisper MakeToyWhisper(const std::vector<std::int64_t>& chain, std::int64_t vocabulary = 1'769,
                          std::int64_t no_speech = 266, ToyAttention attention = ToyAttention::kByHead);
// "hello" from 0 s to 1.5 s, in the tokens of an English model.
std::vector<std::int64_t> HelloChain();

// As one file (model/model_bundle.h).
base::Bytes ToyBundle(const ToyWhisper& model, bool with_past = true);

}  // namespace blindai::tests
