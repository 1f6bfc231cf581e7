#include "speech/ctc_beam.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <unordered_map>

namespace blindai::speech {
namespace {

constexpr std::size_t kMaxKeywords = 1000;
constexpr std::size_t kMaxKeywordCharacters = 100;
constexpr double kImpossible = -std::numeric_limits<double>::infinity();

double LogAdd(double left, double right) {
  const double most = std::max(left, right);
  if (most == kImpossible) return kImpossible;
  return most + std::log1p(std::exp(std::min(left, right) - most));
}

// Texts share their beginnings: a text is a node whose parent is the text without its last id.
struct Text {
  int parent = -1;
  int last_id = -1;
  int keyword_node = Keywords::kRoot;  // how far a keyword is spelt
  double kept_bonus = 0;               // of complete keywords and words
  bool at_word_start = true;
  // What the language model knows: the words before, and how far one is spelt; nothing: like none it knows.
  LanguageModel::Context context;
  std::optional<LanguageModel::Spelling> spelling;
  std::map<int, int> children;  // by id
};

// The probability that the frames so far say this text, by how they end.
struct Candidate {
  double ends_in_blank = kImpossible;
  double ends_in_character = kImpossible;
  double total() const { return LogAdd(ends_in_blank, ends_in_character); }
};

class BeamSearch {
 public:
  BeamSearch(const CtcVocabulary& vocabulary, const Keywords& keywords, const LanguageModel* language_model,
             const BeamOptions& options)
      : vocabulary_(vocabulary),
        keywords_(keywords),
        language_model_(language_model),
        options_(options),
        texts_(1) {
    beam_[0].ends_in_blank = 0;
    if (language_model_ == nullptr) return;
    texts_[0].context = language_model_->start();
    texts_[0].spelling = language_model_->Nothing();
  }

  void Advance(std::span<const float> row, double log_sum) {
    const std::vector<std::pair<int, double>> tried = Tried(row, log_sum);
    std::unordered_map<int, Candidate> next;
    for (const auto& [text, candidate] : beam_) {
      for (const auto& [id, log_probability] : tried) {
        if (id == vocabulary_.blank() || vocabulary_.IsSpecial(id)) {
          // A sentence mark separates as a blank does and is never written.
          Add(next[text].ends_in_blank, candidate.total() + log_probability);
        } else if (id == texts_[Index(text)].last_id) {
          // The same character again: a longer run, or after a blank a second one.
          Add(next[text].ends_in_character, candidate.ends_in_character + log_probability);
          Add(next[Child(text, id)].ends_in_character, candidate.ends_in_blank + log_probability);
        } else {
          Add(next[Child(text, id)].ends_in_character, candidate.total() + log_probability);
        }
      }
    }
    Prune(next);
  }

  std::vector<int> Best() const {
    int best = 0;
    double best_score = kImpossible;
    for (const auto& [text, candidate] : beam_) {
      const double score = candidate.total() + Bonus(text, true);
      // Equal scores are decided by the older text, so that the answer does not depend on a hash table's
      // order.
      if (score > best_score || (score == best_score && text < best)) {
        best = text;
        best_score = score;
      }
    }
    std::vector<int> ids;
    for (int text = best; text > 0; text = texts_[Index(text)].parent)
      ids.push_back(texts_[Index(text)].last_id);
    std::reverse(ids.begin(), ids.end());
    return ids;
  }

 private:
  static std::size_t Index(int text) { return static_cast<std::size_t>(text); }
  static void Add(double& sum, double value) { sum = LogAdd(sum, value); }

  std::vector<std::pair<int, double>> Tried(std::span<const float> row, double log_sum) const {
    const auto best = static_cast<int>(std::max_element(row.begin(), row.end()) - row.begin());
    std::vector<std::pair<int, double>> tried;
    for (int id = 0; id < static_cast<int>(row.size()); ++id) {
      const double log_probability = row[Index(id)] - log_sum;
      if (id == best || log_probability >= options_.min_log_probability)
        tried.emplace_back(id, log_probability);
    }
    return tried;
  }

  int Child(int text, int id) {
    if (const auto found = texts_[Index(text)].children.find(id);
        found != texts_[Index(text)].children.end()) {
      return found->second;
    }
    Text child;
    const Text& parent = texts_[Index(text)];
    child.parent = text;
    child.last_id = id;
    child.kept_bonus = parent.kept_bonus;
    child.at_word_start = id == vocabulary_.delimiter();
    child.keyword_node = Spell(parent, id, child.kept_bonus);
    if (language_model_ != nullptr) Weigh(parent, id, child);
    const int number = static_cast<int>(texts_.size());
    texts_.push_back(std::move(child));
    texts_[Index(text)].children.emplace(id, number);
    return number;
  }

  // How far a keyword is spelt after one more character. A keyword counts when its word ends, and only from
  // its start.
  int Spell(const Text& parent, int id, double& kept_bonus) const {
    if (id == vocabulary_.delimiter() && keywords_.Complete(parent.keyword_node)) {
      kept_bonus += BonusOf(parent.keyword_node);
    }
    int node = parent.at_word_start || parent.keyword_node > Keywords::kRoot
                   ? keywords_.Next(parent.keyword_node, id)
                   : -1;
    if (node >= 0 && id == vocabulary_.delimiter() && keywords_.Complete(parent.keyword_node)) {
      // A longer phrase goes on where a complete keyword has just been paid for: it begins anew.
      node = -1;
    }
    return node < 0 ? Keywords::kRoot : node;
  }

  // What the language model says after one more character.
  void Weigh(const Text& parent, int id, Text& child) const {
    child.context = parent.context;
    if (id != vocabulary_.delimiter()) {
      if (parent.spelling) child.spelling = language_model_->Next(*parent.spelling, id);
      return;
    }
    child.spelling = language_model_->Nothing();
    if (parent.at_word_start) return;
    const LanguageModel::Scored scored = ScoreOf(parent);
    child.context = scored.context;
    child.kept_bonus += scored.log_probability;
  }

  // What a text's last word is worth once it is complete, and the words before the next.
  LanguageModel::Scored ScoreOf(const Text& text) const {
    const auto word = text.spelling ? language_model_->Word(*text.spelling) : std::nullopt;
    LanguageModel::Scored scored =
        word ? language_model_->Score(text.context, *word) : language_model_->ScoreUnknown(text.context);
    scored.log_probability = options_.language_weight * scored.log_probability + options_.word_bonus;
    if (!word && text.keyword_node == Keywords::kRoot) scored.log_probability += options_.unknown_word;
    return scored;
  }

  double BonusOf(int node) const { return options_.keyword_weight * keywords_.Depth(node); }

  // While a keyword is being spelt its letters count; at the end of the recording only complete ones do.
  double Bonus(int text, bool at_end) const {
    const Text& entry = texts_[Index(text)];
    const bool counts = !at_end || keywords_.Complete(entry.keyword_node);
    double bonus = entry.kept_bonus + (counts ? BonusOf(entry.keyword_node) : 0);
    if (language_model_ != nullptr && !entry.at_word_start) {
      const bool like_none = !entry.spelling && entry.keyword_node == Keywords::kRoot;
      bonus += at_end ? ScoreOf(entry).log_probability : like_none ? options_.unknown_word : 0;
    }
    return bonus;
  }

  void Prune(std::unordered_map<int, Candidate>& next) {
    std::vector<std::pair<double, int>> ranked;
    ranked.reserve(next.size());
    for (const auto& [text, candidate] : next)
      ranked.emplace_back(candidate.total() + Bonus(text, false), text);
    const std::size_t kept = std::min(options_.width, ranked.size());
    const auto better = [](const auto& left, const auto& right) {
      return left.first != right.first ? left.first > right.first : left.second < right.second;
    };
    std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept), ranked.end(),
                      better);
    beam_.clear();
    for (std::size_t i = 0; i < kept && ranked[i].first >= ranked[0].first - options_.prune; ++i) {
      beam_.emplace(ranked[i].second, next[ranked[i].second]);
    }
  }

  const CtcVocabulary& vocabulary_;
  const Keywords& keywords_;
  const LanguageModel* const language_model_;
  const BeamOptions& options_;
  std::vector<Text> texts_;
  std::unordered_map<int, Candidate> beam_;
};

}  // namespace

Keywords::Keywords() : nodes_(1) {}

base::Result<Keywords> Keywords::Make(std::span<const std::string> keywords,
                                      const CtcVocabulary& vocabulary) {
  if (keywords.size() > kMaxKeywords) {
    return base::MakeError(base::ErrorKind::kInvalid, "keyword",
                           fmt::format("{} keywords, at most {} are taken", keywords.size(), kMaxKeywords),
                           "keywords");
  }
  Keywords trie;
  for (std::size_t i = 0; i < keywords.size(); ++i) {
    const auto ids = vocabulary.Encode(keywords[i]);
    if (!ids || ids->empty() || ids->size() > kMaxKeywordCharacters) {
      return base::MakeError(
          base::ErrorKind::kInvalid, "keyword",
          fmt::format("keyword {} cannot be honoured: wanted 1 to {} characters that the model can write",
                      i + 1, kMaxKeywordCharacters),
          "keywords");
    }
    int node = kRoot;
    for (const int id : *ids) {
      int next = trie.Next(node, id);
      if (next < 0) {
        next = static_cast<int>(trie.nodes_.size());
        const int depth = trie.Depth(node) + 1;
        auto& children = trie.nodes_[static_cast<std::size_t>(node)].children;
        children.insert(std::lower_bound(children.begin(), children.end(), std::pair{id, -1}), {id, next});
        trie.nodes_.emplace_back();
        trie.nodes_.back().depth = depth;
      }
      node = next;
    }
    trie.nodes_[static_cast<std::size_t>(node)].complete = true;
  }
  return trie;
}

int Keywords::Next(int node, int id) const {
  const auto& children = nodes_[static_cast<std::size_t>(node)].children;
  const auto found = std::lower_bound(children.begin(), children.end(), std::pair{id, -1});
  return found != children.end() && found->first == id ? found->second : -1;
}

std::vector<int> BeamDecode(const Logits& logits, const CtcVocabulary& vocabulary, const Keywords& keywords,
                            const LanguageModel* language_model, const BeamOptions& options) {
  BeamSearch search(vocabulary, keywords, language_model, options);
  for (std::int64_t frame = 0; frame < logits.frames(); ++frame)
    search.Advance(logits.Row(frame), logits.LogSum(frame));
  return search.Best();
}

}  // namespace blindai::speech
