// When each token was said, from where the decoder looked while it said it: cross-attention, normalised and smoothed as
// the model's makers do it, and dynamic time warping through it. Pure.
// https://github.com/openai/whisper/blob/main/whisper/timing.py (find_alignment)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace blindai::model {

// The weights of some heads while some tokens were read: [heads, rows, positions], each row sums to one.
struct CrossAttention {
  std::span<const float> weights;
  std::size_t heads = 0;
  std::size_t rows = 0;
  std::size_t positions = 0;
};

// The position where each of the rows from `first_row` on begins, but for the last row: what is looked at while a token
// is read is where the next one is said, so row `first_row` is of the token before the first that matters, and the
// last one, behind the end, is of no use. Only the first `sounding` positions hold sound. Starts never go back.
// No heads, rows or positions: empty.
std::vector<std::int32_t> TokenStarts(const CrossAttention& attention, std::size_t first_row,
                                      std::size_t sounding);

}  // namespace blindai::model
