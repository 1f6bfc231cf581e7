#include "vocabulary/model_id.h"

#include <algorithm>

namespace blindai::vocabulary {
namespace {

constexpr std::size_t kMaxLength = 128;

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsWord(std::string_view word) {
  return !word.empty() && IsAlphanumeric(word.front()) && std::all_of(word.begin(), word.end(), [](char c) {
    return IsAlphanumeric(c) || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace

base::Result<ModelId> ModelId::Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const bool good =
      text.size() <= kMaxLength &&
      (slash == std::string_view::npos ? IsWord(text)
                                       : IsWord(text.substr(0, slash)) && IsWord(text.substr(slash + 1)));
  if (!good) {
    return base::MakeError(
        base::ErrorKind::kInvalid, "model-id",
        "model id has " + std::to_string(text.size()) +
            " characters; wanted 1 to 128 letters, digits, '.', '_' or '-', starting with a letter or "
            "digit (one '/' may follow an owner's name)",
        "id");
  }
  return ModelId(std::string(text));
}

}  // namespace blindai::vocabulary
