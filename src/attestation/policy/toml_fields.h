// Reads the keys of a TOML table into typed values, with errors that name line and key. A reader names each
// key once, like a table of contents, and asks at the end whether all was well: the first error stays, and a
// key that nobody named is an error of its own, so that a misspelt rule cannot silently accept more than was
// meant.
//
//   TomlFields fields(table, errors);
//   fields.HexList("mrtd", Zero::kRefused, rules.mrtd);
//   fields.Flag("allow_debug", rules.allow_debug);
//   fields.End();
//
// Codes: policy-key (unknown or missing), policy-value.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/policy/reference_values.h"
#include "base/result.h"
#include "encoding/hex.h"
#include "encoding/toml.h"

namespace blindai::policy {

// Whether a value of all zeros may stand in a list: it would match hardware that measured nothing.
enum class Zero { kRefused, kAllowed };

// The first thing that was wrong in the file, by the order of reading.
class TomlErrors {
 public:
  void Add(std::uint32_t line, std::string_view code, const std::string& message);
  bool any() const { return first_.has_value(); }
  base::Error Take() && { return std::move(*first_); }

 private:
  std::optional<base::Error> first_;
};

class TomlFields {
 public:
  TomlFields(const toml::table& table, TomlErrors& errors) : table_(table), errors_(errors) {}

  std::uint32_t line() const { return table_.source().begin.line; }
  bool Has(std::string_view key) const { return table_.contains(key); }
  // An error of the whole table, or of one key.
  void Wrong(std::string_view code, const std::string& message);
  void WrongValue(std::string_view key, const std::string& message);

  // Each leaves `out` as it is when the key is absent.
  void Text(std::string_view key, std::string& out);
  void Flag(std::string_view key, bool& out);
  void Number(std::string_view key, std::uint64_t maximum, std::uint64_t& out);
  template <typename Integer>
  void Number(std::string_view key, Integer& out);
  template <typename Integer>
  void Number(std::string_view key, std::optional<Integer>& out);
  // An integer or a text such as "0xfffffffffffffffd", for what TOML's signed integers cannot hold.
  void Bits(std::string_view key, std::uint64_t& out);
  // `key` and `key`_mask; a value with a bit outside its mask could never be met.
  void Masked(const std::string& key, MaskedBits& out);
  // A date, a date with time, or a text of RFC 3339.
  void Date(std::string_view key, std::optional<base::Time>& out);
  void TextList(std::string_view key, std::vector<std::string>& out);
  template <typename Fixed>
  void Hex(std::string_view key, Fixed& out);
  template <typename Fixed>
  void Hex(std::string_view key, std::optional<Fixed>& out);
  // A list of hex texts; one that is there must not be empty.
  template <typename Fixed>
  void HexList(std::string_view key, Zero zero, std::vector<Fixed>& out);
  // The table under a key, or nullptr.
  const toml::table* Table(std::string_view key);
  std::vector<std::string> Keys() const;
  // Marks a key as read without reading it.
  void Known(std::string_view key) { known_.emplace(key); }

  // The error for keys that were never named.
  void End();

  TomlErrors& errors() { return errors_; }

 private:
  const toml::node* Find(std::string_view key);
  static std::uint32_t LineOf(const toml::node& node) { return node.source().begin.line; }
  void WrongAt(const toml::node& node, std::string_view key, const std::string& message);
  // The texts of a list, which must not be empty.
  std::vector<std::pair<std::string, const toml::node*>> ReadTexts(std::string_view key);
  template <typename Fixed>
  std::optional<Fixed> ReadHex(std::string_view key, const toml::node& node, const std::string& text);

  const toml::table& table_;
  TomlErrors& errors_;
  std::set<std::string, std::less<>> known_;
};

template <typename Integer>
void TomlFields::Number(std::string_view key, Integer& out) {
  std::uint64_t value = out;
  Number(key, std::numeric_limits<Integer>::max(), value);
  out = static_cast<Integer>(value);
}

template <typename Integer>
void TomlFields::Number(std::string_view key, std::optional<Integer>& out) {
  Integer value = 0;
  Number(key, value);
  if (Has(key)) out = value;
}

template <typename Fixed>
std::optional<Fixed> TomlFields::ReadHex(std::string_view key, const toml::node& node,
                                         const std::string& text) {
  auto value = encoding::HexDecodeFixed<Fixed>(text);
  if (value.ok()) return *value;
  WrongAt(node, key,
          "is not " + std::to_string(2 * Fixed::kSize) + " hex digits (it has " +
              std::to_string(text.size()) + " characters)");
  return std::nullopt;
}

template <typename Fixed>
void TomlFields::Hex(std::string_view key, Fixed& out) {
  std::string text;
  Text(key, text);
  const toml::node* node = Find(key);
  if (node == nullptr || !node->is_string()) return;
  if (const auto value = ReadHex<Fixed>(key, *node, text)) out = *value;
}

template <typename Fixed>
void TomlFields::Hex(std::string_view key, std::optional<Fixed>& out) {
  Fixed value;
  Hex(key, value);
  if (Has(key)) out = value;
}

template <typename Fixed>
void TomlFields::HexList(std::string_view key, Zero zero, std::vector<Fixed>& out) {
  for (const auto& [text, node] : ReadTexts(key)) {
    const auto value = ReadHex<Fixed>(key, *node, text);
    if (value && value->is_zero() && zero == Zero::kRefused) {
      WrongAt(*node, key,
              "is all zeros, which is what hardware says that measured nothing or runs in debug mode");
    }
    if (value) out.push_back(*value);
  }
}

}  // namespace blindai::policy
