// How likely a word is after the words before it: an n-gram language model with back-off, read from an ARPA file or a
// binary of KenLM's (speech/kenlm_file.h) that is uploaded with a speech model. Words are kept as the model's
// characters, in its case; a word that the model cannot write is left out, because it can never be asked for.
//
// The file comes from a stranger. It is read in one pass with every count checked before memory is taken; what it takes
// afterwards is 20 bytes for each n-gram, 16 of a KenLM file, and 2 for each character of a word. Format: Doug Paul's
// ARPA back-off format, https://www.speech.sri.com/projects/srilm/manpages/ngram-format.5.html.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "speech/ctc_vocabulary.h"
#include "speech/kenlm_file.h"

namespace blindai::speech {

struct LanguageModelLimits {
  std::size_t max_bytes = std::size_t{64} << 20;
  std::uint32_t max_ngrams = 4'000'000;
  int max_order = 6;
};

class LanguageModel {
 public:
  // Either kind, told apart by the first bytes. Of words in a KenLM file that differ in their case only, the more
  // probable one counts alone. Errors: those of ParseArpa and KenlmFile::Parse.
  static base::Result<LanguageModel> Parse(std::string_view bytes, const CtcVocabulary& vocabulary,
                                           const LanguageModelLimits& limits = {});
  // Code: language-model (param language_model): not ARPA, over a limit, probabilities above 1, counts that do not
  // hold, an n-gram whose first words are no n-gram, no word that the model can write.
  static base::Result<LanguageModel> ParseArpa(std::string_view text, const CtcVocabulary& vocabulary,
                                               const LanguageModelLimits& limits = {});

  // The last words, as many as matter. None: nothing is known of them.
  struct Context {
    std::uint32_t node = 0;  // of an ARPA file: the n-gram that they are
    std::array<std::uint32_t, KenlmFile::kMaxOrder - 1>
        words{};               // of a KenLM file: their numbers, the last first
    std::uint32_t length = 0;  // of `words`
  };
  Context start() const { return start_; }  // of a sentence

  struct Scored {
    double log_probability = 0;  // natural logarithm
    Context context;             // with this word
  };
  Scored Score(const Context& context, std::uint32_t word) const;
  // Of a word that is not in the model (<unk>; −100 when an ARPA file has none).
  Scored ScoreUnknown(const Context& context) const;

  // A word while it is being spelt: the range of the words, in order, that begin so.
  struct Spelling {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t length = 0;
  };
  Spelling Nothing() const { return {0, words(), 0}; }
  // After one more character; nothing when no word goes on like this.
  std::optional<Spelling> Next(const Spelling& spelling, int id) const;
  // The word that is complete so.
  std::optional<std::uint32_t> Word(const Spelling& spelling) const;

  std::uint32_t words() const { return static_cast<std::uint32_t>(word_ends_.size()) - 1; }
  std::size_t ngrams() const { return kenlm_ ? kenlm_->ngrams() : nodes_.size() - 2; }

 private:
  friend class ArpaReader;
  // n-grams by their length, and of one length by their first words and then the last: the children of one are in a row
  // and end where those of the next begin. Node 0 is the empty context; one behind the last ends the last's children.
  struct Node {
    std::uint32_t word = 0;  // the last
    float log_probability = 0;
    float back_off = 0;
    std::uint32_t shorter = 0;  // the longest context that is these words without the first ones
    std::uint32_t children = 0;
  };
  LanguageModel() = default;
  static base::Result<LanguageModel> ParseKenlm(std::string_view bytes, const CtcVocabulary& vocabulary,
                                                const LanguageModelLimits& limits);
  Scored ScoreKenlm(const Context& context, std::uint32_t word) const;
  std::optional<std::uint32_t> Child(std::uint32_t node, std::uint32_t word) const;
  double BackOffs(const Context& context) const;  // of all its words, for a word without n-grams
  std::span<const std::uint16_t> Letters(std::uint32_t word) const;

  std::vector<Node> nodes_;
  std::optional<KenlmFile> kenlm_;            // instead of nodes_
  std::vector<std::uint32_t> kenlm_numbers_;  // there, by our own number of a word
  std::vector<std::uint32_t> word_ends_;      // in letters_; the first is 0
  std::vector<std::uint16_t> letters_;        // ids
  Context start_;
  double unknown_ = -100;
};

}  // namespace blindai::speech
