// Letters of ASCII, whatever the locale: names in protocols are compared without their case (RFC 9110 section 5.1).
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace blindai::base {

constexpr char LowerCase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = LowerCase(c);
  return lower;
}

constexpr bool EqualWithoutCase(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](char a, char b) { return LowerCase(a) == LowerCase(b); });
}

}  // namespace blindai::base
