// Prefix beam search over CTC logits, with words that the caller wants favoured (medicines, names). A keyword
// earns its bonus letter by letter while it is being spelt and pays it back when the match breaks off before
// the word is complete, so a list costs one step in a trie for each candidate and frame, however long it is,
// and words that merely begin like a keyword gain nothing in the end. With a language model each complete word
// is weighed by it, and one that it does not know, or that begins like none it knows, pays for that unless it is
// a keyword. A. Hannun et al., First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional
// Recurrent DNNs, 2014. The defaults of the weights are pyctcdecode's.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "speech/ctc_decoder.h"
#include "speech/ctc_vocabulary.h"
#include "speech/language_model.h"

namespace blindai::speech {

// A list of words or phrases as a trie over the vocabulary's ids.
class Keywords {
 public:
  // At most 1,000 keywords of at most 100 characters. A keyword with a character that the model cannot write
  // cannot be honoured: code keyword, param keywords.
  static base::Result<Keywords> Make(std::span<const std::string> keywords, const CtcVocabulary& vocabulary);
  Keywords();  // none

  bool empty() const { return nodes_.size() == 1; }

  static constexpr int kRoot = 0;
  // The node after one more character, or -1 when no keyword goes on like this.
  int Next(int node, int id) const;
  bool Complete(int node) const { return nodes_[static_cast<std::size_t>(node)].complete; }
  int Depth(int node) const { return nodes_[static_cast<std::size_t>(node)].depth; }

 private:
  struct Node {
    std::vector<std::pair<int, int>> children;  // id, node; by id
    bool complete = false;
    int depth = 0;
  };
  std::vector<Node> nodes_;
};

struct BeamOptions {
  // Candidates kept after each frame.
  std::size_t width = 32;
  // Characters less probable than this in a frame (natural logarithm) are not tried, but the best always is.
  double min_log_probability = -7;
  // Candidates worse than the best by more than this are dropped.
  double prune = 15;
  // Bonus for each character of a keyword (natural logarithm).
  double keyword_weight = 2;
  // Of the language model's logarithms, a bonus for each word that makes up for their being negative, and what an
  // unknown word costs (natural logarithms).
  double language_weight = 0.5;
  double word_bonus = 1.5;
  double unknown_word = -10;
};

// The ids of the best text, delimiters included, without blanks and sentence marks. `language_model` may be null.
std::vector<int> BeamDecode(const Logits& logits, const CtcVocabulary& vocabulary, const Keywords& keywords,
                            const LanguageModel* language_model, const BeamOptions& options = {});

}  // namespace blindai::speech
