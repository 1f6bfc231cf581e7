#include "speech/kenlm_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

namespace blindai::speech {
namespace {

using base::Result;

static_assert(std::endian::native == std::endian::little, "the file's numbers are copied as they stand");

constexpr std::string_view kFamily = "mmap lm http://kheafield.com/code ";
constexpr std::string_view kVersion = "format version 5\n";
// Where things stand: the text above, padded; numbers that show how the machine writes them; the parameters; counts.
constexpr std::size_t kReferenceAt = 56;
constexpr std::size_t kParametersAt = 88;
constexpr std::size_t kCountsAt = 108;
constexpr std::size_t kVocabularyHeader = 8;
constexpr std::size_t kWordBucket = 12;     // key, number
constexpr std::size_t kWeights = 8;         // probability, back-off
constexpr std::size_t kMiddleBucket = 16;   // key, probability, back-off
constexpr std::size_t kLongestBucket = 12;  // key, probability
constexpr float kMostMultiplier = 1000;
constexpr float kMostLog10 = 1e4F;

constexpr std::array<std::string_view, 6> kTypes = {
    "probing hash tables",
    "probing hash tables with rest costs",
    "trie",
    "trie with quantization",
    "trie with array-compressed pointers",
    "trie with quantization and array-compressed pointers",
};

base::Error Wrong(std::string message) {
  return base::MakeError(base::ErrorKind::kInvalid, "language-model",
                         "language model: KenLM binary: " + std::move(message), "language_model");
}

// The caller has checked that it lies within.
template <typename Number>
Number At(std::string_view bytes, std::size_t offset) {
  Number number;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

// How many places a table for so many entries has; in the precision in which the builder computes it.
std::uint64_t Buckets(std::uint64_t entries, float multiplier) {
  return std::max(entries + 1, static_cast<std::uint64_t>(multiplier * static_cast<float>(entries)));
}

std::uint64_t LongerKey(std::uint64_t key, std::uint32_t word) {
  return (key * 8978948897894561157U) ^ ((std::uint64_t{1} + word) * 17894857484156487943U);
}

// The sign of a probability says something else, and it is never above 1.
std::optional<KenlmFile::Weights> ToWeights(float probability, float back_off) {
  if (!std::isfinite(probability) || !(std::abs(back_off) < kMostLog10)) return std::nullopt;
  return KenlmFile::Weights{-std::min(std::abs(probability), kMostLog10), back_off};
}

}  // namespace

bool KenlmFile::Recognize(std::string_view bytes) { return bytes.starts_with(kFamily); }

Result<KenlmFile> KenlmFile::Parse(std::string_view bytes, std::uint64_t max_ngrams) {
  if (!Recognize(bytes) || !bytes.substr(kFamily.size()).starts_with(kVersion)) {
    return Wrong(
        "wanted format version 5, whole; rebuild it with KenLM's build_binary, or upload the ARPA file");
  }
  if (bytes.size() < kCountsAt) return Wrong(fmt::format("{} bytes are less than its header", bytes.size()));
  if (At<float>(bytes, kReferenceAt) != 0 || At<float>(bytes, kReferenceAt + 4) != 1 ||
      At<float>(bytes, kReferenceAt + 8) != -0.5F || At<std::uint32_t>(bytes, kReferenceAt + 12) != 1 ||
      At<std::uint32_t>(bytes, kReferenceAt + 16) != UINT32_MAX ||
      At<std::uint64_t>(bytes, kReferenceAt + 24) != 1) {
    return Wrong("its numbers are written as another machine writes them; rebuild it on a 64-bit PC");
  }
  const auto order = At<std::uint8_t>(bytes, kParametersAt);
  const auto multiplier = At<float>(bytes, kParametersAt + 4);
  const auto type = At<std::uint32_t>(bytes, kParametersAt + 8);
  if (type != 0) {
    return Wrong(
        fmt::format("its type is '{}', only '{}' is read; build it with 'build_binary probing', or "
                    "upload the ARPA file",
                    type < kTypes.size() ? kTypes[type] : fmt::format("{}", type), kTypes[0]));
  }
  if (At<std::uint8_t>(bytes, kParametersAt + 12) != 1) {
    return Wrong(
        "it was built without its words (build_binary -i); build it with them, or upload the ARPA file");
  }
  if (const auto version = At<std::uint32_t>(bytes, kParametersAt + 16); version != 0) {
    return Wrong(fmt::format("its hash tables have version {}, wanted 0", version));
  }
  if (order < 2 || order > kMaxOrder) {
    return Wrong(fmt::format("n-grams of {} words, wanted 2 to {}", order, kMaxOrder));
  }
  if (!(multiplier >= 1 && multiplier <= kMostMultiplier)) {
    return Wrong(fmt::format("a probing multiplier of {}, wanted 1 to {}", multiplier, kMostMultiplier));
  }

  // The counts, and from them where each table stands. With these bounds no sum overflows.
  std::size_t at = (kCountsAt + std::size_t{8} * order + 7) / 8 * 8;
  if (bytes.size() < at) return Wrong(fmt::format("{} bytes are less than its header", bytes.size()));
  std::array<std::uint64_t, kMaxOrder> counts{};
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < order; ++i) {
    counts[i] = At<std::uint64_t>(bytes, kCountsAt + 8 * i);
    if (counts[i] > max_ngrams || (total += counts[i]) > max_ngrams) {
      return Wrong(fmt::format("more than {} n-grams; prune the model", max_ngrams));
    }
  }
  const std::size_t vocabulary_at = at;
  at += kVocabularyHeader + Buckets(counts[0], multiplier) * kWordBucket;
  const std::size_t unigrams_at = at;
  at += (counts[0] + 1) * kWeights;
  std::array<std::size_t, kMaxOrder> table_at{};
  for (std::size_t i = 1; i < order; ++i) {
    table_at[i] = at;
    at += Buckets(counts[i], multiplier) * (i + 1 < order ? kMiddleBucket : kLongestBucket);
  }
  if (bytes.size() <= at) {
    return Wrong(fmt::format("{} bytes, but its header says {} and the words behind them", bytes.size(), at));
  }
  const auto vocabulary_version = At<std::uint32_t>(bytes, vocabulary_at);
  const auto words = At<std::uint32_t>(bytes, vocabulary_at + 4);
  if (vocabulary_version != 0 || words < 1 || words > counts[0] + 1) {
    return Wrong(fmt::format("a vocabulary of version {} with {} words, wanted version 0 and 1 to {}",
                             vocabulary_version, words, counts[0] + 1));
  }

  KenlmFile file;
  std::string_view text = bytes.substr(at);
  if (static_cast<std::uint64_t>(std::ranges::count(text, '\0')) != words || text.back() != '\0') {
    return Wrong(fmt::format("wanted {} words at its end, each with a zero byte behind it", words));
  }
  file.words_.reserve(words);
  while (!text.empty()) {
    const std::size_t end = text.find('\0');
    file.words_.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  if (file.words_.front() != "<unk>") return Wrong("its first word is not <unk>");

  file.unigrams_.reserve(words);
  for (std::size_t i = 0; i < words; ++i) {
    const std::size_t entry = unigrams_at + i * kWeights;
    const auto weights = ToWeights(At<float>(bytes, entry), At<float>(bytes, entry + 4));
    if (!weights) return Wrong("a 1-gram has a number that is none");
    file.unigrams_.push_back(*weights);
  }
  for (std::size_t i = 1; i < order; ++i) {
    const bool longest = i + 1 == order;
    const std::size_t step = longest ? kLongestBucket : kMiddleBucket;
    std::vector<Entry>& table = file.tables_.emplace_back();
    // Files of pruned models hold some more entries than the count; the vector grows where it must.
    table.reserve(counts[i]);
    const std::size_t buckets = Buckets(counts[i], multiplier);
    for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
      const std::size_t entry = table_at[i] + bucket * step;
      const auto key = At<std::uint64_t>(bytes, entry);
      if (key == 0) continue;  // an empty place
      const auto weights = ToWeights(At<float>(bytes, entry + 8), longest ? 0 : At<float>(bytes, entry + 12));
      if (!weights) return Wrong(fmt::format("a {}-gram has a number that is none", i + 1));
      table.push_back({key, *weights});
    }
    std::ranges::sort(table, {}, &Entry::key);
  }
  return file;
}

std::size_t KenlmFile::ngrams() const {
  std::size_t sum = unigrams_.size();
  for (const auto& table : tables_) sum += table.size();
  return sum;
}

std::optional<KenlmFile::Weights> KenlmFile::Find(std::span<const std::uint32_t> last_first) const {
  if (last_first.empty() || last_first.size() > order()) return std::nullopt;
  std::uint64_t key = last_first.front();
  if (last_first.size() == 1) {
    return key < unigrams_.size() ? std::optional(unigrams_[key]) : std::nullopt;
  }
  for (const std::uint32_t word : last_first.subspan(1)) key = LongerKey(key, word);
  const std::vector<Entry>& table = tables_[last_first.size() - 2];
  const auto found = std::ranges::lower_bound(table, key, {}, &Entry::key);
  if (found == table.end() || found->key != key) return std::nullopt;
  return found->weights;
}

}  // namespace blindai::speech
