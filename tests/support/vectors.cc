#include "support/vectors.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "support/paths.h"

namespace blindai::tests {
namespace {

std::vector<std::string> SplitTabs(const std::string& line) {
  std::vector<std::string> cells;
  std::size_t start = 0;
  while (true) {
    const std::size_t tab = line.find('\t', start);
    cells.push_back(line.substr(start, tab - start));
    if (tab == std::string::npos) return cells;
    start = tab + 1;
  }
}

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

const std::string& VectorRow::operator[](const std::string& column) const {
  static const std::string none;
  const auto found = cells_.find(column);
  EXPECT_NE(found, cells_.end()) << "the table has no column " << column;
  return found == cells_.end() ? none : found->second;
}

std::vector<VectorRow> ReadVectorTable(std::string_view name) {
  std::vector<VectorRow> rows;
  const auto folder = VectorsDir();
  if (!folder) return rows;
  std::ifstream file(*folder / name);
  std::string line;
  if (!std::getline(file, line)) return rows;
  const std::vector<std::string> columns = SplitTabs(line);
  for (int number = 2; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    std::vector<std::string> cells = SplitTabs(line);
    cells.resize(columns.size());
    std::map<std::string, std::string> row;
    for (std::size_t i = 0; i < columns.size(); ++i) row[columns[i]] = cells[i] == "-" ? "" : cells[i];
    rows.emplace_back(number, std::move(row));
  }
  return rows;
}

base::Bytes ReadVector(std::string_view reference) {
  const auto folder = VectorsDir();
  if (!folder) return {};
  const std::size_t hash = reference.find('#');
  const auto path = *folder / reference.substr(0, hash);
  EXPECT_TRUE(std::filesystem::exists(path)) << reference;
  base::Bytes bytes = ReadFile(path);
  if (hash == std::string_view::npos) return bytes;
  const boost::json::value json = boost::json::parse(base::AsText(bytes));
  const auto* value = json.as_object().if_contains(reference.substr(hash + 1));
  EXPECT_NE(value, nullptr) << reference;
  if (value == nullptr) return {};
  const std::string text =
      value->is_string() ? std::string(value->get_string()) : boost::json::serialize(*value);
  return base::CopyBytes(base::AsBytes(text));
}

std::vector<std::string> SplitReferences(std::string_view references) {
  std::vector<std::string> names;
  std::string folder;
  while (!references.empty()) {
    const std::size_t plus = references.find(" + ");
    const std::string_view name = Trim(references.substr(0, plus));
    if (names.empty()) folder = name.substr(0, name.rfind('/') + 1);
    names.push_back(names.empty() ? std::string(name) : folder + std::string(name));
    references = plus == std::string_view::npos ? std::string_view() : references.substr(plus + 3);
  }
  return names;
}

base::Bytes FromHex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  base::Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return bytes;
}

std::string ToHex(base::ByteView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace blindai::tests
