// KenLM's binary language models of the type that its build_binary writes by default, "probing hash tables". Such a
// file does not hold n-grams but 64-bit keys of them, computed from the numbers of their words; so an n-gram can be
// asked for, and none can be listed. Only the words themselves stand in the file as text.
//
// The file comes from a stranger. Its tables are not used in place: each is copied, without its empty places, into a
// sorted one of our own, so nothing depends on how the file's tables were filled. Every size is computed from the
// header and compared with the file's before anything is read. Format: version 5 of https://github.com/kpu/kenlm,
// lm/binary_format.cc, lm/search_hashed.hh and lm/vocab.hh, with little-endian numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace blindai::speech {

class KenlmFile {
 public:
  // The longest n-gram that is read has this many words.
  static constexpr std::size_t kMaxOrder = 6;

  struct Weights {
    float log10_probability = 0;  // at most 0
    float log10_back_off = 0;
  };

  // Whether these are a file of KenLM's, by its first bytes; of any type and version.
  static bool Recognize(std::string_view bytes);

  // Code: language-model (param language_model): another type, version or machine's numbers, no words, more n-grams
  // than `max_ngrams` or than kMaxOrder words in one, a size that is not what the header says, a number that is none.
  static base::Result<KenlmFile> Parse(std::string_view bytes, std::uint64_t max_ngrams);

  // By their numbers. They point into `bytes` of Parse and are good for as long as those. The first is <unk>.
  const std::vector<std::string_view>& words() const { return words_; }
  void ForgetWords() { words_ = {}; }

  std::size_t order() const { return tables_.size() + 1; }
  std::size_t ngrams() const;

  // Of the n-gram of these words by their numbers, the last word first: 1 to order(). Nothing: the model has none.
  std::optional<Weights> Find(std::span<const std::uint32_t> last_first) const;

 private:
  struct Entry {
    std::uint64_t key;
    Weights weights;
  };
  std::vector<std::string_view> words_;
  std::vector<Weights> unigrams_;           // by the word's number
  std::vector<std::vector<Entry>> tables_;  // of n-grams of 2 words and more, each sorted by key
};

}  // namespace blindai::speech
