#include "speech/language_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace blindai::speech {
namespace {

using base::Result;
using base::Status;

constexpr std::size_t kMaxWordCharacters = 100;
constexpr float kMostBackOff = 1e4F;
// What a word of the file is that cannot be asked for.
constexpr std::uint32_t kUnwritable = UINT32_MAX;

base::Error Wrong(std::string message) {
  return base::MakeError(base::ErrorKind::kInvalid, "language-model", "language model: " + std::move(message),
                         "language_model");
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view TakeLine(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  while (!line.empty() && IsSpace(line.back())) line.remove_suffix(1);
  while (!line.empty() && IsSpace(line.front())) line.remove_prefix(1);
  return line;
}

// The next word of a line; empty at its end.
std::string_view TakeWord(std::string_view& line) {
  const auto* const end = std::find_if(line.begin(), line.end(), IsSpace);
  const std::string_view word(line.begin(), static_cast<std::size_t>(end - line.begin()));
  line.remove_prefix(word.size());
  while (!line.empty() && IsSpace(line.front())) line.remove_prefix(1);
  return word;
}

template <typename Number>
std::optional<Number> ToNumber(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

// The file's logarithms have base 10.
float Natural(float log10) { return log10 * std::numbers::ln10_v<float>; }

// The characters of a word; none of a mark, or when it cannot be written.
std::vector<std::uint16_t> Spell(const CtcVocabulary& vocabulary, std::string_view word) {
  if (word.starts_with('<') && word.ends_with('>')) return {};
  const auto ids = vocabulary.Encode(word);
  if (!ids || ids->size() > kMaxWordCharacters ||
      std::ranges::find(*ids, vocabulary.delimiter()) != ids->end()) {
    return {};
  }
  return {ids->begin(), ids->end()};
}

}  // namespace

// One file on its way into a model.
class ArpaReader {
 public:
  ArpaReader(std::string_view text, const CtcVocabulary& vocabulary, const LanguageModelLimits& limits)
      : text_(text), vocabulary_(vocabulary), limits_(limits) {}

  Result<LanguageModel> Read() {
    if (text_.size() > limits_.max_bytes) {
      return Wrong(fmt::format("{} bytes, at most {} are taken", text_.size(), limits_.max_bytes));
    }
    BLINDAI_RETURN_IF_ERROR(ReadCounts());
    model_.nodes_.resize(1);
    BLINDAI_RETURN_IF_ERROR(ReadWords());
    for (std::size_t order = 2; order <= counts_.size(); ++order) {
      BLINDAI_RETURN_IF_ERROR(ReadNgrams(order));
    }
    if (TakeFilledLine() != "\\end\\") return Wrong("\\end\\ is missing behind the last n-gram");
    // Ends the children of the last one.
    const auto end = static_cast<std::uint32_t>(model_.nodes_.size());
    model_.nodes_.emplace_back().children = end;
    if (sentence_start_ != kUnwritable) {
      model_.start_.node = model_.Child(0, sentence_start_).value_or(0);
    }
    model_.nodes_.shrink_to_fit();
    return std::move(model_);
  }

 private:
  // An n-gram that was read: its first words as a node, its last one, its numbers.
  struct Entry {
    std::uint32_t parent;
    std::uint32_t word;
    float log_probability;
    float back_off;
  };

  std::string_view TakeFilledLine() {
    std::string_view line;
    while (line.empty() && !text_.empty()) line = TakeLine(text_);
    return line;
  }

  Status ReadCounts() {
    // What stands before \data\ is a comment.
    while (!text_.empty() && TakeLine(text_) != "\\data\\") {
    }
    std::uint64_t total = 0;
    std::string_view line = TakeFilledLine();
    while (line.starts_with("ngram ")) {
      line.remove_prefix(6);
      const std::size_t equals = line.find('=');
      const auto order = ToNumber<std::uint32_t>(line.substr(0, equals));
      const auto count =
          equals == line.npos ? std::nullopt : ToNumber<std::uint32_t>(line.substr(equals + 1));
      if (!order || !count || *order != counts_.size() + 1) {
        return Wrong("wanted lines 'ngram 1=COUNT', 'ngram 2=COUNT' and so on behind \\data\\");
      }
      total += *count;
      if (static_cast<int>(*order) > limits_.max_order || total > limits_.max_ngrams) {
        return Wrong(fmt::format("at most {} n-grams of at most {} words are taken; prune the model",
                                 limits_.max_ngrams, limits_.max_order));
      }
      counts_.push_back(*count);
      line = TakeFilledLine();
    }
    if (counts_.empty()) return Wrong("no \\data\\ with the counts of n-grams; wanted an ARPA file");
    section_ = line;
    return base::Ok();
  }

  Status BeginSection(std::size_t order) {
    if (order > 1) section_ = TakeFilledLine();
    if (section_ == fmt::format("\\{}-grams:", order)) return base::Ok();
    if (order == 1) return Wrong("wanted \\1-grams: behind the counts; the file may be cut short");
    return Wrong(fmt::format("wanted \\{}-grams: behind the {} {}-grams that the counts announce", order,
                             counts_[order - 2], order - 1));
  }

  // One line: its probability, `order` words and, maybe, its back-off.
  Status ReadLine(std::size_t order, Entry& entry, std::span<std::string_view> words) {
    std::string_view line = TakeFilledLine();
    const auto log10 = ToNumber<float>(TakeWord(line));
    for (std::string_view& word : words) word = TakeWord(line);
    const std::string_view last = TakeWord(line);
    const auto back_off = last.empty() ? std::optional<float>(0) : ToNumber<float>(last);
    if (!log10 || words.back().empty() || !back_off || !line.empty()) {
      return Wrong(
          fmt::format("a line among the {}-grams is not 'log10-probability, words, back-off', or there are "
                      "fewer than {}",
                      order, counts_[order - 1]));
    }
    if (!(*log10 <= 0) || !(std::abs(*back_off) < kMostBackOff)) {
      return Wrong(fmt::format("a {}-gram has a probability above 1, or a number that is none", order));
    }
    entry.log_probability = Natural(std::max(*log10, -kMostBackOff));
    // Behind the longest n-grams nothing backs off, whatever stands there.
    entry.back_off = order == counts_.size() ? 0 : Natural(*back_off);
    return base::Ok();
  }

  // The unigrams: the words, sorted by their characters, so that spelling one narrows a range.
  Status ReadWords() {
    BLINDAI_RETURN_IF_ERROR(BeginSection(1));
    struct Unigram {
      std::string_view text;
      std::vector<std::uint16_t> letters;  // none: it cannot be written, or is a mark
      Entry entry;
    };
    std::vector<Unigram> unigrams;
    std::uint64_t letters = 0;
    for (std::uint32_t i = 0; i < counts_[0]; ++i) {
      Unigram& unigram = unigrams.emplace_back();
      BLINDAI_RETURN_IF_ERROR(ReadLine(1, unigram.entry, std::span(&unigram.text, 1)));
      unigram.letters = Spell(vocabulary_, unigram.text);
      letters += unigram.letters.size();
      if (unigram.text == "<unk>" || unigram.text == "<UNK>") model_.unknown_ = unigram.entry.log_probability;
    }
    // Words that differ in their case only are one, as probable as the more probable one.
    std::ranges::sort(unigrams, [](const Unigram& left, const Unigram& right) {
      return left.letters != right.letters ? left.letters < right.letters
                                           : left.entry.log_probability > right.entry.log_probability;
    });
    model_.word_ends_.push_back(0);
    model_.letters_.reserve(letters);
    word_of_.reserve(unigrams.size());
    std::vector<Entry> entries;
    Entry sentence_start{};
    bool has_start = false;
    for (const Unigram& unigram : unigrams) {
      std::uint32_t word = kUnwritable;
      if (!unigram.letters.empty()) {
        const std::uint32_t before = model_.words();
        if (before > 0 && std::ranges::equal(model_.Letters(before - 1), unigram.letters)) {
          word = before - 1;
        } else {
          word = before;
          model_.letters_.insert(model_.letters_.end(), unigram.letters.begin(), unigram.letters.end());
          model_.word_ends_.push_back(static_cast<std::uint32_t>(model_.letters_.size()));
          entries.push_back({0, word, unigram.entry.log_probability, unigram.entry.back_off});
        }
      } else if (unigram.text == "<s>") {
        sentence_start = unigram.entry;
        has_start = true;
        continue;
      }
      if (!word_of_.emplace(unigram.text, word).second) return Wrong("a word stands twice among the 1-grams");
    }
    if (model_.words() == 0) return Wrong("the speech model can write none of its words");
    if (has_start) {
      // Behind all words, so that no spelling finds it.
      sentence_start_ = model_.words();
      word_of_.emplace("<s>", sentence_start_);
      entries.push_back({0, sentence_start_, sentence_start.log_probability, sentence_start.back_off});
    }
    Append(std::move(entries));
    return base::Ok();
  }

  Status ReadNgrams(std::size_t order) {
    BLINDAI_RETURN_IF_ERROR(BeginSection(order));
    std::vector<Entry> entries;
    std::vector<std::string_view> words(order);
    for (std::uint32_t i = 0; i < counts_[order - 1]; ++i) {
      Entry entry{};
      BLINDAI_RETURN_IF_ERROR(ReadLine(order, entry, words));
      bool writable = true;
      for (std::size_t at = 0; at < order && writable; ++at) {
        const auto found = word_of_.find(words[at]);
        if (found == word_of_.end())
          return Wrong(fmt::format("a {}-gram has a word that is no 1-gram", order));
        writable = found->second != kUnwritable;
        if (!writable || at + 1 == order) {
          entry.word = found->second;
          continue;
        }
        const auto child = model_.Child(entry.parent, found->second);
        if (!child) return Wrong(fmt::format("a {}-gram whose first words are no n-gram", order));
        entry.parent = *child;
      }
      if (writable) entries.push_back(entry);
    }
    Append(std::move(entries));
    return base::Ok();
  }

  // Adds all n-grams of one length, and links each to the longest context that it ends with.
  void Append(std::vector<Entry> entries) {
    std::ranges::sort(entries, [](const Entry& left, const Entry& right) {
      return std::tuple(left.parent, left.word, -left.log_probability) <
             std::tuple(right.parent, right.word, -right.log_probability);
    });
    const auto repeated =
        std::unique(entries.begin(), entries.end(), [](const Entry& left, const Entry& right) {
          return left.parent == right.parent && left.word == right.word;
        });
    entries.erase(repeated, entries.end());
    std::vector<LanguageModel::Node>& nodes = model_.nodes_;
    const std::size_t before = level_;
    level_ = nodes.size();
    std::size_t parent = before;
    for (const Entry& entry : entries) {
      for (; parent <= entry.parent; ++parent)
        nodes[parent].children = static_cast<std::uint32_t>(nodes.size());
      LanguageModel::Node& node = nodes.emplace_back();
      node.word = entry.word;
      node.log_probability = entry.log_probability;
      node.back_off = entry.back_off;
      if (entry.parent == 0) continue;
      std::uint32_t context = nodes[entry.parent].shorter;
      auto child = model_.Child(context, entry.word);
      while (!child && context != 0) {
        context = nodes[context].shorter;
        child = model_.Child(context, entry.word);
      }
      node.shorter = child.value_or(0);
    }
    for (; parent < level_; ++parent) nodes[parent].children = static_cast<std::uint32_t>(nodes.size());
    // Until the next length is there, these have no children.
    const auto end = static_cast<std::uint32_t>(nodes.size());
    for (std::size_t node = level_; node < end; ++node) nodes[node].children = end;
  }

  std::string_view text_;  // what is left of it
  const CtcVocabulary& vocabulary_;
  const LanguageModelLimits limits_;
  std::vector<std::uint32_t> counts_;
  std::string_view section_;
  std::unordered_map<std::string_view, std::uint32_t> word_of_;
  std::uint32_t sentence_start_ = kUnwritable;
  std::size_t level_ = 0;  // where the nodes of the length before begin
  LanguageModel model_;
};

Result<LanguageModel> LanguageModel::ParseArpa(std::string_view text, const CtcVocabulary& vocabulary,
                                               const LanguageModelLimits& limits) {
  return ArpaReader(text, vocabulary, limits).Read();
}

Result<LanguageModel> LanguageModel::Parse(std::string_view bytes, const CtcVocabulary& vocabulary,
                                           const LanguageModelLimits& limits) {
  return KenlmFile::Recognize(bytes) ? ParseKenlm(bytes, vocabulary, limits)
                                     : ParseArpa(bytes, vocabulary, limits);
}

Result<LanguageModel> LanguageModel::ParseKenlm(std::string_view bytes, const CtcVocabulary& vocabulary,
                                                const LanguageModelLimits& limits) {
  if (bytes.size() > limits.max_bytes) {
    return Wrong(fmt::format("{} bytes, at most {} are taken", bytes.size(), limits.max_bytes));
  }
  LanguageModel model;
  BLINDAI_TRY(model.kenlm_, KenlmFile::Parse(bytes, limits.max_ngrams));
  struct Spelt {
    std::vector<std::uint16_t> letters;
    float log10_probability;
    std::uint32_t number;
  };
  std::vector<Spelt> spelt;
  const std::vector<std::string_view>& texts = model.kenlm_->words();
  for (std::uint32_t number = 0; number < texts.size(); ++number) {
    if (texts[number] == "<s>") {
      model.start_.words[0] = number;
      model.start_.length = 1;
    }
    std::vector<std::uint16_t> letters = Spell(vocabulary, texts[number]);
    if (letters.empty()) continue;
    spelt.push_back(
        {std::move(letters), model.kenlm_->Find(std::span(&number, 1))->log10_probability, number});
  }
  std::ranges::sort(spelt, [](const Spelt& left, const Spelt& right) {
    return left.letters != right.letters ? left.letters < right.letters
                                         : left.log10_probability > right.log10_probability;
  });
  model.word_ends_.push_back(0);
  for (const Spelt& word : spelt) {
    if (const std::uint32_t before = model.words();
        before > 0 && std::ranges::equal(model.Letters(before - 1), word.letters)) {
      continue;
    }
    model.letters_.insert(model.letters_.end(), word.letters.begin(), word.letters.end());
    model.word_ends_.push_back(static_cast<std::uint32_t>(model.letters_.size()));
    model.kenlm_numbers_.push_back(word.number);
  }
  if (model.words() == 0) return Wrong("the speech model can write none of its words");
  constexpr std::uint32_t kUnknown = 0;
  model.unknown_ = Natural(model.kenlm_->Find(std::span(&kUnknown, 1))->log10_probability);
  model.kenlm_->ForgetWords();
  return model;
}

std::optional<std::uint32_t> LanguageModel::Child(std::uint32_t parent, std::uint32_t word) const {
  const auto begin = nodes_.begin() + nodes_[parent].children;
  const auto end = parent + 1 < nodes_.size() ? nodes_.begin() + nodes_[parent + 1].children : nodes_.end();
  const auto found = std::lower_bound(
      begin, end, word, [](const Node& node, std::uint32_t wanted) { return node.word < wanted; });
  if (found == end || found->word != word) return std::nullopt;
  return static_cast<std::uint32_t>(found - nodes_.begin());
}

std::span<const std::uint16_t> LanguageModel::Letters(std::uint32_t word) const {
  return std::span(letters_).subspan(word_ends_[word], word_ends_[word + 1] - word_ends_[word]);
}

LanguageModel::Scored LanguageModel::Score(const Context& context, std::uint32_t word) const {
  if (kenlm_) return ScoreKenlm(context, word);
  double back_off = 0;
  std::uint32_t node = context.node;
  while (true) {
    if (const auto child = Child(node, word)) {
      return {back_off + nodes_[*child].log_probability, {.node = *child}};
    }
    if (node == 0) return {back_off + unknown_, {}};
    back_off += nodes_[node].back_off;
    node = nodes_[node].shorter;
  }
}

LanguageModel::Scored LanguageModel::ScoreKenlm(const Context& context, std::uint32_t word) const {
  std::array<std::uint32_t, KenlmFile::kMaxOrder> last_first{kenlm_numbers_[word]};
  std::ranges::copy(context.words, last_first.begin() + 1);
  Context with_word;
  with_word.length =
      static_cast<std::uint32_t>(std::min<std::size_t>(context.length + 1, kenlm_->order() - 1));
  std::copy_n(last_first.begin(), with_word.length, with_word.words.begin());
  double back_off = 0;
  for (std::size_t length = context.length; length > 0; --length) {
    if (const auto ngram = kenlm_->Find(std::span(last_first).first(length + 1))) {
      return {back_off + Natural(ngram->log10_probability), with_word};
    }
    if (const auto shorter = kenlm_->Find(std::span(context.words).first(length))) {
      back_off += Natural(shorter->log10_back_off);
    }
  }
  return {back_off + Natural(kenlm_->Find(std::span(last_first).first(1))->log10_probability), with_word};
}

LanguageModel::Scored LanguageModel::ScoreUnknown(const Context& context) const {
  return {BackOffs(context) + unknown_, {}};
}

double LanguageModel::BackOffs(const Context& context) const {
  double sum = 0;
  for (std::size_t length = context.length; length > 0; --length) {
    if (const auto ngram = kenlm_->Find(std::span(context.words).first(length))) {
      sum += Natural(ngram->log10_back_off);
    }
  }
  for (std::uint32_t node = context.node; node != 0; node = nodes_[node].shorter)
    sum += nodes_[node].back_off;
  return sum;
}

std::optional<LanguageModel::Spelling> LanguageModel::Next(const Spelling& spelling, int id) const {
  const auto letter_at = [&](std::uint32_t word) {
    const auto letters = Letters(word);
    return spelling.length < letters.size() ? static_cast<int>(letters[spelling.length]) : -1;
  };
  // The first word of the range that does not lie before the others.
  const auto first_not = [&](const auto& lies_before) {
    std::uint32_t low = spelling.begin;
    for (std::uint32_t high = spelling.end; low < high;) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (lies_before(letter_at(middle))) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  const std::uint32_t begin = first_not([id](int letter) { return letter < id; });
  const std::uint32_t end = first_not([id](int letter) { return letter <= id; });
  if (begin == end) return std::nullopt;
  return Spelling{begin, end, spelling.length + 1};
}

std::optional<std::uint32_t> LanguageModel::Word(const Spelling& spelling) const {
  // Of words that begin alike the shortest is the first.
  if (spelling.length == 0 || Letters(spelling.begin).size() != spelling.length) return std::nullopt;
  return spelling.begin;
}

}  // namespace blindai::speech
