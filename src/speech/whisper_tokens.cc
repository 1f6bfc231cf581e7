#include "speech/whisper_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <limits>
#include <utility>

#include "base/secret.h"
#include "encoding/json.h"
#include "encoding/utf8.h"

namespace blindai::speech {
namespace {

namespace json = boost::json;
using base::Result;

constexpr std::size_t kMaxTokens = 100'000;
constexpr std::size_t kMaxTokenBytes = 256;
constexpr std::size_t kMaxListed = 1'000;
constexpr int kMostTokens = 4'096;
constexpr encoding::JsonLimits kTokenizerLimits{.max_bytes = std::size_t{16} << 20, .max_depth = 16};

base::Error WrongTokenizer(std::string message) {
  return base::MakeError(base::ErrorKind::kInvalid, "tokenizer", "tokenizer.json: " + std::move(message),
                         "tokenizer");
}
base::Error WrongGeneration(std::string message) {
  return base::MakeError(base::ErrorKind::kInvalid, "generation-config",
                         "generation_config.json: " + std::move(message), "generation_config");
}

std::uint64_t PairOf(int left, int right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

std::size_t CharacterBytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return std::min(size, text.size());
}

// GPT-2 writes bytes as characters: those that can be seen as themselves, the others as U+0100 and up.
class ByteLetters {
 public:
  ByteLetters() {
    byte_of_.fill(kNoByte);
    int others = 0;
    for (int byte = 0; byte < 256; ++byte) {
      const bool seen = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
      byte_of_[static_cast<std::size_t>(seen ? byte : 256 + others++)] = byte;
    }
  }

  // Nothing: a character that stands for no byte.
  std::optional<std::string> BytesOf(std::string_view token) const {
    std::string bytes;
    while (!token.empty()) {
      const std::size_t size = CharacterBytes(token);
      std::size_t code = static_cast<unsigned char>(token[0]);
      if (size == 2) code = (code & 0x1f) << 6 | (static_cast<unsigned char>(token[1]) & 0x3f);
      if (size > 2 || code >= byte_of_.size() || byte_of_[code] == kNoByte) return std::nullopt;
      bytes += static_cast<char>(byte_of_[code]);
      token.remove_prefix(size);
    }
    return bytes;
  }

 private:
  static constexpr int kNoByte = -1;
  std::array<int, 256 + 68> byte_of_{};
};

std::optional<int> IdOf(const json::value& value) {
  if (!value.is_int64() || value.as_int64() < 0 || value.as_int64() >= static_cast<std::int64_t>(kMaxTokens))
    return std::nullopt;
  return static_cast<int>(value.as_int64());
}

// "a b" or ["a", "b"].
std::optional<std::pair<std::string_view, std::string_view>> HalvesOf(const json::value& merge) {
  if (merge.is_string()) {
    const std::string_view text = merge.as_string();
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    return std::pair(text.substr(0, space), text.substr(space + 1));
  }
  if (!merge.is_array() || merge.as_array().size() != 2) return std::nullopt;
  const json::array& halves = merge.as_array();
  if (!halves[0].is_string() || !halves[1].is_string()) return std::nullopt;
  return std::pair(std::string_view(halves[0].as_string()), std::string_view(halves[1].as_string()));
}

// The ISO 639 code in "<|en|>".
std::optional<std::string> LanguageIn(std::string_view token) {
  if (token.size() < 6 || token.size() > 7 || !token.starts_with("<|") || !token.ends_with("|>"))
    return std::nullopt;
  const std::string_view code = token.substr(2, token.size() - 4);
  if (!std::ranges::all_of(code, [](char c) { return c >= 'a' && c <= 'z'; })) return std::nullopt;
  return std::string(code);
}

// ---- words, as GPT-2's pattern cuts them:
// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

enum class CharacterClass { kLetter, kDigit, kSpace, kOther };

CharacterClass ClassOf(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x80 || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'))
    return CharacterClass::kLetter;
  if (byte >= '0' && byte <= '9') return CharacterClass::kDigit;
  return byte == ' ' || (byte >= '\t' && byte <= '\r') ? CharacterClass::kSpace : CharacterClass::kOther;
}

std::size_t RunOf(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && ClassOf(text[end]) == ClassOf(text[from])) ++end;
  return end;
}

std::size_t WordBytes(std::string_view text) {
  for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    if (text.starts_with(ending)) return ending.size();
  }
  if (ClassOf(text[0]) != CharacterClass::kSpace) return RunOf(text, 0);
  const std::size_t spaces = RunOf(text, 0);
  if (spaces == text.size()) return spaces;
  if (spaces > 1) return spaces - 1;  // the last one belongs to what follows
  return text[0] == ' ' ? RunOf(text, 1) : 1;
}

}  // namespace

Result<WhisperTokens> WhisperTokens::Parse(std::string_view tokenizer_json,
                                           std::string_view generation_config_json) {
  WhisperTokens tokens;
  BLINDAI_RETURN_IF_ERROR(tokens.ReadVocabulary(tokenizer_json));
  BLINDAI_RETURN_IF_ERROR(tokens.ReadGeneration(generation_config_json));
  return tokens;
}

base::Status WhisperTokens::ReadVocabulary(std::string_view tokenizer_json) {
  const auto document = encoding::ParseJsonObject(tokenizer_json, kTokenizerLimits);
  if (!document.ok()) return WrongTokenizer("wanted the JSON object of a fast tokenizer");
  const json::value* model = encoding::JsonFind(*document, "model");
  const json::value* added = encoding::JsonFind(*document, "added_tokens");
  if (model == nullptr || !model->is_object() || added == nullptr || !added->is_array())
    return WrongTokenizer("no model, or no added_tokens");
  const json::value* vocab = encoding::JsonFind(model->as_object(), "vocab");
  const json::value* merges = encoding::JsonFind(model->as_object(), "merges");
  if (vocab == nullptr || !vocab->is_object() || merges == nullptr || !merges->is_array())
    return WrongTokenizer("the model has no vocab or no merges: it is no BPE tokenizer");
  if (vocab->as_object().size() > kMaxTokens || merges->as_array().size() > kMaxTokens)
    return WrongTokenizer(fmt::format("more than {} tokens or merges", kMaxTokens));

  for (const json::value& token : added->as_array()) {
    const json::value* content =
        token.is_object() ? encoding::JsonFind(token.as_object(), "content") : nullptr;
    const json::value* number = token.is_object() ? encoding::JsonFind(token.as_object(), "id") : nullptr;
    const auto id = number == nullptr ? std::nullopt : IdOf(*number);
    if (!id || content == nullptr || !content->is_string() || content->as_string().size() > kMaxTokenBytes ||
        added_.size() >= kMaxTokens) {
      return WrongTokenizer("an added token without content or with a wrong id");
    }
    added_.insert_or_assign(std::string(content->as_string()), *id);
  }

  const ByteLetters letters;
  of_byte_.assign(256, kNone);
  for (const auto& [text, value] : vocab->as_object()) {
    const auto id = IdOf(value);
    if (!id || text.size() > kMaxTokenBytes)
      return WrongTokenizer(fmt::format("a token longer than {} bytes or with a wrong id", kMaxTokenBytes));
    if (added_.contains(std::string_view(text))) continue;
    auto bytes = letters.BytesOf(text);
    if (!bytes || bytes->empty()) return WrongTokenizer(fmt::format("token {} is not written in bytes", *id));
    if (bytes_.size() <= static_cast<std::size_t>(*id)) bytes_.resize(static_cast<std::size_t>(*id) + 1);
    if (!bytes_[static_cast<std::size_t>(*id)].empty())
      return WrongTokenizer(fmt::format("id {} stands twice", *id));
    if (bytes->size() == 1) of_byte_[static_cast<unsigned char>(bytes->front())] = *id;
    bytes_[static_cast<std::size_t>(*id)] = std::move(*bytes);
  }
  if (std::ranges::count(of_byte_, kNone) != 0) return WrongTokenizer("not every byte has a token");

  const auto id_of = [vocab](std::string_view text) -> std::optional<int> {
    const json::value* value = vocab->as_object().if_contains(text);
    return value == nullptr ? std::nullopt : IdOf(*value);
  };
  int rank = 0;
  for (const json::value& merge : merges->as_array()) {
    const auto halves = HalvesOf(merge);
    if (!halves) return WrongTokenizer("a merge that does not name two tokens");
    const auto left = id_of(halves->first);
    const auto right = id_of(halves->second);
    const auto both = id_of(std::string(halves->first) + std::string(halves->second));
    if (!left || !right || !both) return WrongTokenizer("a merge of tokens that are not in the vocabulary");
    merges_.emplace(PairOf(*left, *right), Merge{rank++, *both});
  }
  return base::Ok();
}

base::Status WhisperTokens::ReadGeneration(std::string_view generation_config_json) {
  const auto added = [this](std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      if (const auto found = added_.find(name); found != added_.end()) return found->second;
    }
    return kNone;
  };
  special_.end_of_text = added({"<|endoftext|>"});
  special_.start_of_transcript = added({"<|startoftranscript|>"});
  special_.no_timestamps = added({"<|notimestamps|>"});
  special_.previous_text = added({"<|startofprev|>"});
  special_.no_speech = added({"<|nospeech|>", "<|nocaptions|>"});
  if (special_.end_of_text == kNone || special_.start_of_transcript == kNone ||
      special_.no_timestamps == kNone)
    return WrongTokenizer("no <|endoftext|>, <|startoftranscript|> or <|notimestamps|>: it is not Whisper's");

  const auto config = encoding::ParseJsonObject(generation_config_json);
  if (!config.ok()) return WrongGeneration("wanted a JSON object");
  const auto number = [&config](std::string_view field, int least, int most, int& into) -> base::Status {
    const json::value* value = encoding::JsonFind(*config, field);
    if (value == nullptr) return base::Ok();
    if (!value->is_int64() || value->as_int64() < least || value->as_int64() > most)
      return WrongGeneration(fmt::format("{} must be a whole number from {} to {}", field, least, most));
    into = static_cast<int>(value->as_int64());
    return base::Ok();
  };
  BLINDAI_RETURN_IF_ERROR(number("max_length", 16, kMostTokens, most_tokens_));
  BLINDAI_RETURN_IF_ERROR(number("max_initial_timestamp_index", 0, kTimestamps - 1, last_initial_timestamp_));
  const auto ids = [&config](std::string_view field, std::vector<int>& into) -> base::Status {
    const json::value* value = encoding::JsonFind(*config, field);
    if (value == nullptr) return base::Ok();
    if (!value->is_array() || value->as_array().size() > kMaxListed)
      return WrongGeneration(fmt::format("{} must be a list of at most {} ids", field, kMaxListed));
    for (const json::value& element : value->as_array()) {
      const auto id = IdOf(element);
      if (!id) return WrongGeneration(fmt::format("{} holds something that is no id", field));
      into.push_back(*id);
    }
    return base::Ok();
  };
  BLINDAI_RETURN_IF_ERROR(ids("suppress_tokens", suppressed_));
  BLINDAI_RETURN_IF_ERROR(ids("begin_suppress_tokens", suppressed_at_begin_));
  const json::value* const heads = encoding::JsonFind(*config, "alignment_heads");
  if (heads != nullptr && !heads->is_null()) {
    if (!heads->is_array() || heads->as_array().size() > model::kMostHeads)
      return WrongGeneration(
          fmt::format("alignment_heads must be a list of at most {} pairs", model::kMostHeads));
    for (const json::value& pair : heads->as_array()) {
      const bool is_pair = pair.is_array() && pair.as_array().size() == 2;
      const auto layer = is_pair ? IdOf(pair.as_array()[0]) : std::nullopt;
      const auto head = is_pair ? IdOf(pair.as_array()[1]) : std::nullopt;
      if (!layer || !head)
        return WrongGeneration("alignment_heads holds something that is no layer and head");
      alignment_heads_.push_back({*layer, *head});
    }
  }
  // What steers the decoder is never part of what it says.
  for (const auto& [content, id] : added_) {
    const bool steers = id != special_.end_of_text && id < first_timestamp();
    if (steers && content.starts_with("<|") && !std::ranges::count(suppressed_, id))
      suppressed_.push_back(id);
  }
  std::ranges::sort(suppressed_);

  const json::value* is_multilingual = encoding::JsonFind(*config, "is_multilingual");
  const bool multilingual = is_multilingual != nullptr
                                ? is_multilingual->is_bool() && is_multilingual->as_bool()
                                : encoding::JsonFind(*config, "lang_to_id") != nullptr;
  if (!multilingual) return base::Ok();
  special_.transcribe = added({"<|transcribe|>"});
  special_.translate = added({"<|translate|>"});
  for (const auto& [content, id] : added_) {
    const auto code = LanguageIn(content);
    if (code && id > special_.start_of_transcript && id < special_.no_timestamps)
      languages_.emplace(*code, id);
  }
  if (special_.transcribe == kNone || languages_.empty())
    return WrongTokenizer("the model is multilingual, and there is no <|transcribe|> or no language");
  return base::Ok();
}

std::string WhisperTokens::BytesOf(std::span<const int> tokens) const {
  std::string bytes;
  for (const int token : tokens) {
    if (token >= 0 && static_cast<std::size_t>(token) < bytes_.size())
      bytes += bytes_[static_cast<std::size_t>(token)];
  }
  return bytes;
}

bool WhisperTokens::FormCharacters(std::span<const int> tokens) const {
  std::string bytes = BytesOf(tokens);
  const bool whole = encoding::IsUtf8(bytes);
  base::Wipe(bytes.data(), bytes.size());
  return whole;
}

std::string WhisperTokens::Decode(std::span<const int> tokens) const {
  std::string bytes = BytesOf(tokens);
  if (encoding::IsUtf8(bytes)) return bytes;
  std::string text;
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::string_view character = rest.substr(0, CharacterBytes(rest));
    const bool whole = encoding::IsUtf8(character);
    if (whole) text += character;
    rest.remove_prefix(whole ? character.size() : 1);
  }
  return text;
}

void WhisperTokens::EncodeWord(std::string_view word, std::vector<int>& tokens) const {
  std::vector<int> parts;
  for (const char c : word) parts.push_back(of_byte_[static_cast<unsigned char>(c)]);
  while (parts.size() > 1) {
    std::size_t best = parts.size();
    Merge merge{std::numeric_limits<int>::max(), 0};
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = merges_.find(PairOf(parts[i], parts[i + 1]));
      if (found == merges_.end() || found->second.rank >= merge.rank) continue;
      best = i;
      merge = found->second;
    }
    if (best == parts.size()) break;
    parts[best] = merge.merged;
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  tokens.insert(tokens.end(), parts.begin(), parts.end());
}

std::vector<int> WhisperTokens::Encode(std::string_view text) const {
  // Merging takes the square of a word's length; longer words are merged piece by piece.
  constexpr std::size_t kLongestWord = 256;
  std::vector<int> tokens;
  while (!text.empty()) {
    const std::size_t size = std::min(WordBytes(text), kLongestWord);
    EncodeWord(text.substr(0, size), tokens);
    text.remove_prefix(size);
  }
  return tokens;
}

}  // namespace blindai::speech
