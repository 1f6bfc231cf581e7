#include "attestation/policy/toml_fields.h"

#include <charconv>
#include <numeric>

#include "base/clock.h"

namespace blindai::policy {
namespace {

// How many letters differ (Levenshtein): for "did you mean".
std::size_t Distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (left[i] == right[j] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row.back();
}

std::optional<std::uint64_t> ParseBits(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

void TomlErrors::Add(std::uint32_t line, std::string_view code, const std::string& message) {
  if (first_) return;
  first_ = base::Malformed("policy line " + std::to_string(line) + ": " + message, std::string(code));
}

void TomlFields::Wrong(std::string_view code, const std::string& message) {
  errors_.Add(line(), code, message);
}

void TomlFields::WrongValue(std::string_view key, const std::string& message) {
  const toml::node* node = Find(key);
  errors_.Add(node != nullptr ? LineOf(*node) : line(), "policy-value",
              "'" + std::string(key) + "' " + message);
}

void TomlFields::WrongAt(const toml::node& node, std::string_view key, const std::string& message) {
  errors_.Add(LineOf(node), "policy-value", "'" + std::string(key) + "' " + message);
}

const toml::node* TomlFields::Find(std::string_view key) {
  known_.emplace(key);
  return table_.get(key);
}

void TomlFields::Text(std::string_view key, std::string& out) {
  const toml::node* node = Find(key);
  if (node == nullptr) return;
  if (!node->is_string()) return WrongAt(*node, key, "is not a text in quotes");
  out = node->as_string()->get();
}

void TomlFields::Flag(std::string_view key, bool& out) {
  const toml::node* node = Find(key);
  if (node == nullptr) return;
  if (!node->is_boolean()) return WrongAt(*node, key, "is not true or false");
  out = node->as_boolean()->get();
}

void TomlFields::Number(std::string_view key, std::uint64_t maximum, std::uint64_t& out) {
  const toml::node* node = Find(key);
  if (node == nullptr) return;
  const bool good = node->is_integer() && node->as_integer()->get() >= 0 &&
                    static_cast<std::uint64_t>(node->as_integer()->get()) <= maximum;
  if (!good) return WrongAt(*node, key, "is not a whole number from 0 to " + std::to_string(maximum));
  out = static_cast<std::uint64_t>(node->as_integer()->get());
}

void TomlFields::Bits(std::string_view key, std::uint64_t& out) {
  const toml::node* node = Find(key);
  if (node == nullptr) return;
  std::optional<std::uint64_t> value;
  if (node->is_string()) value = ParseBits(node->as_string()->get());
  if (node->is_integer() && node->as_integer()->get() >= 0) {
    value = static_cast<std::uint64_t>(node->as_integer()->get());
  }
  if (!value) return WrongAt(*node, key, "is not a number of 64 bits such as \"0x5\"");
  out = *value;
}

void TomlFields::Masked(const std::string& key, MaskedBits& out) {
  Bits(key, out.value);
  Bits(key + "_mask", out.mask);
  if ((out.value & ~out.mask) != 0)
    WrongValue(key, "has a bit outside " + key + "_mask, so nothing could match");
}

void TomlFields::Date(std::string_view key, std::optional<base::Time>& out) {
  const toml::node* node = Find(key);
  if (node == nullptr) return;
  std::string text;
  if (node->is_string()) text = node->as_string()->get();
  if (node->is_date() || node->is_date_time()) {
    std::ostringstream written;
    node->visit([&written](const auto& value) {
      if constexpr (toml::is_date<decltype(value)> || toml::is_date_time<decltype(value)>)
        written << value.get();
    });
    text = written.str();
  }
  const auto time = base::ParseTime(text);
  if (!time.ok()) return WrongAt(*node, key, "is not a date such as 2026-01-31");
  out = *time;
}

std::vector<std::pair<std::string, const toml::node*>> TomlFields::ReadTexts(std::string_view key) {
  std::vector<std::pair<std::string, const toml::node*>> texts;
  const toml::node* node = Find(key);
  if (node == nullptr) return texts;
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    WrongAt(*node, key, "is not a list such as [\"…\"]");
    return texts;
  }
  if (list->empty())
    WrongAt(*node, key, "is an empty list, so nothing would be accepted; name values or leave the key out");
  for (const toml::node& entry : *list) {
    if (entry.is_string()) {
      texts.emplace_back(entry.as_string()->get(), &entry);
    } else {
      WrongAt(entry, key, "holds something that is not a text in quotes");
    }
  }
  return texts;
}

void TomlFields::TextList(std::string_view key, std::vector<std::string>& out) {
  for (const auto& [text, node] : ReadTexts(key)) out.push_back(text);
}

const toml::table* TomlFields::Table(std::string_view key) {
  const toml::node* node = Find(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) WrongAt(*node, key, "is not a table such as { name = … }");
  return node->as_table();
}

std::vector<std::string> TomlFields::Keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : table_) keys.emplace_back(key.str());
  return keys;
}

void TomlFields::End() {
  for (const auto& [key, value] : table_) {
    const std::string name(key.str());
    if (known_.contains(name)) continue;
    const auto nearest =
        std::min_element(known_.begin(), known_.end(), [&name](const auto& left, const auto& right) {
          return Distance(name, left) < Distance(name, right);
        });
    const bool close = nearest != known_.end() && Distance(name, *nearest) <= 3;
    errors_.Add(key.source().begin.line, "policy-key",
                "'" + name + "' is not a key here" + (close ? "; did you mean '" + *nearest + "'?" : ""));
  }
}

}  // namespace blindai::policy
