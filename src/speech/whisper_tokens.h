// The tokens of a Whisper model, from the tokenizer.json and generation_config.json that were uploaded with it:
// byte-level BPE as GPT-2 has it, and the special tokens that steer the decoder. Which ids those are is read, never
// assumed: English models have other ones than multilingual ones, and large-v3 has one language more.
// https://github.com/openai/whisper/blob/main/whisper/tokenizer.py,
// https://huggingface.co/docs/transformers/model_doc/whisper (WhisperTokenizer, GenerationConfig)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "model/whisper_search.h"

namespace blindai::speech {

// Seconds from one timestamp token to the next, and how many there are: <|0.00|> to <|30.00|>.
constexpr double kSecondsPerTimestamp = 0.02;
constexpr int kTimestamps = 1501;

class WhisperTokens {
 public:
  // At most 100,000 tokens of at most 256 bytes, and as many merges. Codes: tokenizer, generation-config (params
  // tokenizer, generation_config).
  static base::Result<WhisperTokens> Parse(std::string_view tokenizer_json,
                                           std::string_view generation_config_json);

  // The special tokens by what they mean; kNone where the model has none.
  static constexpr int kNone = -1;
  struct Special {
    int end_of_text = kNone;          // never kNone
    int start_of_transcript = kNone;  // never kNone
    int no_timestamps = kNone;        // never kNone
    int transcribe = kNone;
    int translate = kNone;
    int previous_text = kNone;
    int no_speech = kNone;
  };
  const Special& special() const { return special_; }
  // All ids are below.
  int size() const { return special_.no_timestamps + 1 + kTimestamps; }
  int first_timestamp() const { return special_.no_timestamps + 1; }
  // Tokens that the decoder holds at most, prompt included.
  int most_tokens() const { return most_tokens_; }
  // The last timestamp, counted from <|0.00|>, with which a text may begin.
  int last_initial_timestamp() const { return last_initial_timestamp_; }
  const std::vector<int>& suppressed() const { return suppressed_; }
  const std::vector<int>& suppressed_at_begin() const { return suppressed_at_begin_; }
  // The heads of attention that look where the speaker is; empty where the files do not say it.
  const std::vector<model::AttentionHead>& alignment_heads() const { return alignment_heads_; }
  // Language tokens by ISO 639 code; empty for an English model.
  const std::map<std::string, int, std::less<>>& languages() const { return languages_; }

  // The text of the text tokens among them, always UTF-8: bytes that form no character are left out.
  std::string Decode(std::span<const int> tokens) const;
  // Whether the bytes of these text tokens are whole characters.
  bool FormCharacters(std::span<const int> tokens) const;
  // Text tokens of a text. Words are told apart as GPT-2 does it for ASCII; every other character counts as a letter,
  // which can give other tokens than the reference and never another text.
  std::vector<int> Encode(std::string_view text) const;

 private:
  base::Status ReadVocabulary(std::string_view tokenizer_json);
  base::Status ReadGeneration(std::string_view generation_config_json);
  std::string BytesOf(std::span<const int> tokens) const;
  void EncodeWord(std::string_view word, std::vector<int>& tokens) const;

  struct Merge {
    int rank = 0;
    int merged = 0;
  };
  std::vector<std::string> bytes_;                   // of each text token; empty for special ones
  std::map<std::string, int, std::less<>> added_;    // special tokens as they are written
  std::vector<int> of_byte_;                         // tokens of one byte
  std::unordered_map<std::uint64_t, Merge> merges_;  // by both ids
  Special special_;
  int most_tokens_ = 448;
  int last_initial_timestamp_ = 50;
  std::vector<int> suppressed_;
  std::vector<int> suppressed_at_begin_;
  std::vector<model::AttentionHead> alignment_heads_;
  std::map<std::string, int, std::less<>> languages_;
};

}  // namespace blindai::speech
