#include "speech/ctc_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "encoding/json.h"

namespace blindai::speech {
namespace {

using base::Result;

constexpr std::size_t kMaxTokens = 65'536;
constexpr std::size_t kMaxTokenBytes = 64;
constexpr std::array<std::string_view, 2> kPadNames = {"<pad>", "[PAD]"};
constexpr std::array<std::string_view, 2> kDelimiterNames = {"|", " "};
constexpr std::array<std::string_view, 6> kSpecialNames = {"<s>", "</s>", "<unk>", "[UNK]", "[CLS]", "[SEP]"};

base::Error Wrong(std::string message) {
  return base::MakeError(base::ErrorKind::kInvalid, "vocabulary", "vocab.json: " + std::move(message),
                         "vocab");
}

std::string InCase(std::string_view text, bool upper) {
  std::string out(text);
  for (char& c : out) {
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Bytes of the UTF-8 character that starts here; 1 for a byte that starts none.
std::size_t CharacterBytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return std::min(size, text.size());
}

}  // namespace

Result<CtcVocabulary> CtcVocabulary::Parse(std::string_view vocab_json) {
  auto document = encoding::ParseJsonObject(vocab_json, {.max_bytes = 8u << 20, .max_depth = 2});
  if (!document.ok()) return Wrong("wanted a JSON object from token to id");
  if (document->empty() || document->size() > kMaxTokens) {
    return Wrong(fmt::format("{} tokens, wanted 1 to {}", document->size(), kMaxTokens));
  }
  CtcVocabulary vocabulary;
  vocabulary.tokens_.resize(document->size());
  vocabulary.special_.resize(document->size());
  std::vector<bool> seen(document->size());
  for (const auto& [key, value] : *document) {
    if (!value.is_int64() || value.as_int64() < 0 ||
        static_cast<std::size_t>(value.as_int64()) >= seen.size()) {
      return Wrong(fmt::format("an id that is not a whole number from 0 to {}", seen.size() - 1));
    }
    const auto id = static_cast<std::size_t>(value.as_int64());
    if (seen[id]) return Wrong(fmt::format("id {} stands twice", id));
    if (key.size() > kMaxTokenBytes)
      return Wrong(fmt::format("the token of id {} has more than {} bytes", id, kMaxTokenBytes));
    seen[id] = true;
    vocabulary.tokens_[id] = std::string(key);
    vocabulary.special_[id] =
        std::find(kSpecialNames.begin(), kSpecialNames.end(), std::string_view(key)) != kSpecialNames.end();
  }
  const auto first_of = [&vocabulary](const auto& names) -> std::optional<int> {
    for (const std::string_view name : names) {
      if (const auto id = vocabulary.Find(name)) return id;
    }
    return std::nullopt;
  };
  const auto blank = first_of(kPadNames);
  if (!blank) return Wrong("no padding token (<pad> or [PAD]), which is the CTC blank");
  const auto delimiter = first_of(kDelimiterNames);
  if (!delimiter) return Wrong("no word delimiter (| or a space)");
  vocabulary.blank_ = *blank;
  vocabulary.delimiter_ = *delimiter;
  return vocabulary;
}

std::optional<int> CtcVocabulary::Find(std::string_view token) const {
  const auto found = std::find(tokens_.begin(), tokens_.end(), token);
  if (found == tokens_.end()) return std::nullopt;
  return static_cast<int>(found - tokens_.begin());
}

std::optional<int> CtcVocabulary::FindCharacter(std::string_view character) const {
  auto id = Find(character);
  if (!id) id = Find(InCase(character, true));
  if (!id) id = Find(InCase(character, false));
  if (!id || *id == blank_ || IsSpecial(*id)) return std::nullopt;
  return id;
}

std::vector<int> CtcVocabulary::EncodeKnown(std::string_view text) const {
  std::vector<int> ids;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, CharacterBytes(text));
    if (const auto id = FindCharacter(character)) ids.push_back(*id);
    text.remove_prefix(character.size());
  }
  return ids;
}

std::optional<std::vector<int>> CtcVocabulary::Encode(std::string_view text) const {
  std::vector<int> ids;
  while (!text.empty()) {
    if (text.front() == ' ') {
      // Spaces at the ends and in a row mean one delimiter between words.
      if (!ids.empty() && ids.back() != delimiter_) ids.push_back(delimiter_);
      text.remove_prefix(1);
      continue;
    }
    const std::string_view character = text.substr(0, CharacterBytes(text));
    const auto id = FindCharacter(character);
    if (!id) return std::nullopt;
    ids.push_back(*id);
    text.remove_prefix(character.size());
  }
  if (!ids.empty() && ids.back() == delimiter_) ids.pop_back();
  return ids;
}

}  // namespace blindai::speech
