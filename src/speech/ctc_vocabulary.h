// The characters of a CTC model, from the vocab.json that was uploaded with it (Hugging Face: an object from
// token to id). The blank is the padding token, wherever its id lies; the word delimiter is "|" or a space.
// https://huggingface.co/docs/transformers/model_doc/wav2vec2 (Wav2Vec2CTCTokenizer)
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace blindai::speech {

class CtcVocabulary {
 public:
  // At most 65,536 tokens of at most 64 bytes; ids 0 to n-1, each once. Code: vocabulary.
  static base::Result<CtcVocabulary> Parse(std::string_view vocab_json);

  std::size_t size() const { return tokens_.size(); }
  int blank() const { return blank_; }
  int delimiter() const { return delimiter_; }
  // Sentence marks and the unknown token: never part of a text.
  bool IsSpecial(int id) const { return special_[static_cast<std::size_t>(id)]; }
  const std::string& Token(int id) const { return tokens_[static_cast<std::size_t>(id)]; }

  // The ids of a text, for alignment and keywords: words separated by spaces become characters and
  // delimiters. Letters are tried as given, then in the vocabulary's own case. Nothing when a character is
  // not in the vocabulary.
  std::optional<std::vector<int>> Encode(std::string_view text) const;
  // Of those characters that are in it.
  std::vector<int> EncodeKnown(std::string_view text) const;

 private:
  std::optional<int> Find(std::string_view token) const;
  std::optional<int> FindCharacter(std::string_view character) const;

  std::vector<std::string> tokens_;
  std::vector<bool> special_;
  int blank_ = 0;
  int delimiter_ = 0;
};

}  // namespace blindai::speech
