// How the text of one window is found from a Whisper decoder's scores, token by token: greedy, by beam, or drawn at
// a temperature, with Whisper's rules for timestamps and for what is never said. Pure: the decoder is somebody
// else's, the dice are thrown from a given seed, so the same window gives the same text.
// https://github.com/openai/whisper/blob/main/whisper/decoding.py (GreedyDecoder, BeamSearchDecoder, LogitFilter)
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace blindai::model {

inline constexpr std::size_t kMostBeams = 8;
inline constexpr std::size_t kMostHeads = 64;

// One head of the decoder's attention to what was heard.
struct AttentionHead {
  std::int32_t layer = 0;
  std::int32_t head = 0;
  friend bool operator==(const AttentionHead&, const AttentionHead&) = default;
};

struct WhisperRules {
  // What the decoder is given before it begins to speak; not empty.
  std::vector<std::int32_t> prompt;
  // Never said; never said first.
  std::vector<std::int32_t> suppressed;
  std::vector<std::int32_t> suppressed_at_begin;
  std::int32_t end_of_text = 0;
  // All tokens from here on are timestamps.
  std::int32_t first_timestamp = 0;
  // The last timestamp that may come first, counted from first_timestamp; below 0: the text has no timestamps.
  std::int32_t last_initial_timestamp = -1;
  // Positions of the encoder that hold sound, when it is wanted where in them each token was said; 0: it is not.
  std::int32_t aligned_positions = 0;
  // The heads of attention that look where the speaker is; empty: those of the upper half of the layers.
  std::vector<AttentionHead> alignment_heads;
  // Where in the prompt <|startoftranscript|> stands: what is said behind it tells languages and silence.
  std::int32_t start_position = 0;
  // Of the answer; 0: only start_probabilities are wanted.
  std::int32_t most_tokens = 0;
  std::int32_t beams = 1;  // 1 to kMostBeams; more than 1 not with a temperature
  float temperature = 0;   // 0: always the likeliest
  std::uint32_t seed = 0;
};

// A decoder with its cache of keys and values. Scores are logits, one row of `vocabulary()` for each token.
class WhisperDecoder {
 public:
  virtual ~WhisperDecoder() = default;
  virtual std::size_t vocabulary() const = 0;
  // Rows for each token of the prompt.
  virtual std::span<const float> Begin(std::span<const std::int32_t> prompt) = 0;
  // One more token for each hypothesis: it continues `parents[i]` of the call before (0 after Begin). A row for each.
  virtual std::span<const float> Next(std::span<const std::int32_t> parents,
                                      std::span<const std::int32_t> tokens) = 0;
};

struct WhisperText {
  std::vector<std::int32_t> tokens;  // without the end
  // Natural logarithms, of each token and of the end where it was reached: their mean is Whisper's avg_logprob.
  std::vector<float> log_probabilities;
  // Of every token behind <|startoftranscript|>, before any rule.
  std::vector<float> start_probabilities;
  // Where each text token begins, timestamps left out, and where the last one ends, in positions of the encoder
  // (model/whisper_alignment.h). Empty: it was not wanted, or the model cannot say it.
  std::vector<std::int32_t> token_starts;
};

// `goes_on` is asked before each token; false ends the search with what is there.
WhisperText FindWhisperText(const WhisperRules& rules, WhisperDecoder& decoder,
                            const std::function<bool()>& goes_on);

}  // namespace blindai::model
