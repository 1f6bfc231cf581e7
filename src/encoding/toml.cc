#define TOML_IMPLEMENTATION
#include "encoding/toml.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace blindai::encoding {
namespace {

// Some editors write it; the parser reads past the end of a file that has nothing else.
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// TOML allows no control characters but tab and line ends.
bool HasControlCharacter(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && c != '\t' && c != '\r') || byte == 0x7f;
  });
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x7f; });
}

// One past the quote that ends the text which begins at `begin`.
std::size_t EndOfText(std::string_view line, std::size_t begin) {
  for (std::size_t i = begin + 1; i < line.size(); ++i) {
    if (line[i] == line[begin]) return i + 1;
    if (line[i] == '\\' && line[begin] == '"') ++i;
  }
  return std::string_view::npos;
}

// Whether letters beyond ASCII stand only in a remark, or in texts that are a value or a list of values. Three quotes
// in a row may end a text that another line began, so that a line cannot be judged alone.
bool ForeignLettersAreInTexts(std::string_view line) {
  if (IsAscii(line)) return true;
  if (line.find("\"\"\"") != line.npos || line.find("'''") != line.npos) return false;
  const std::string_view before_remark = line.substr(0, line.find('#'));
  if (IsAscii(before_remark) && before_remark.find_first_of("\"'") == line.npos) return true;

  std::size_t at = line.find_first_of("\"'[=");
  if (at == line.npos || line.substr(0, at).find('#') != line.npos || !IsAscii(line.substr(0, at)))
    return false;
  const bool has_key = line.find_first_not_of(" \t") < at;
  if (has_key != (line[at] == '=')) return false;
  if (has_key) ++at;
  bool text_may_begin = true;
  while (at < line.size() && line[at] != '#') {
    const char c = line[at];
    if (c == '"' || c == '\'') {
      if (!text_may_begin) return false;
      text_may_begin = false;
      at = EndOfText(line, at);
      continue;
    }
    if (std::string_view("[], \t\r").find(c) == std::string_view::npos) return false;
    if (c == '[' || c == ',') text_may_begin = true;
    ++at;
  }
  return at != line.npos;
}

// Whether a line that opens a table goes on with a key.
bool HasBrokenTableHeader(std::string_view line) {
  std::size_t at = line.find_first_not_of(" \t");
  if (at == std::string_view::npos || line[at] != '[') return false;
  at = line.find_first_not_of(" \t", line.substr(at).starts_with("[[") ? at + 2 : at + 1);
  if (at == std::string_view::npos) return true;
  const char c = line[at];
  const bool bare =
      (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  return !bare && c != '"' && c != '\'';
}

// What the parser takes for granted instead of refusing it, and stops the program over; found by fuzzing.
std::optional<TomlTrouble> FindTrouble(std::string_view text) {
  for (std::uint32_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (HasControlCharacter(line)) return TomlTrouble{number, "a control character"};
    if (!ForeignLettersAreInTexts(line)) return TomlTrouble{number, "a letter outside of texts and remarks"};
    if (HasBrokenTableHeader(line)) return TomlTrouble{number, "a table without a name"};
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::nullopt;
}

}  // namespace

ParsedToml ParseToml(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  ParsedToml parsed;
  parsed.trouble = FindTrouble(text);
  if (parsed.trouble) return parsed;
  toml::parse_result result = toml::parse(text);
  if (result) {
    parsed.table = std::move(result).table();
  } else {
    parsed.trouble =
        TomlTrouble{result.error().source().begin.line, std::string(result.error().description())};
  }
  return parsed;
}

}  // namespace blindai::encoding
