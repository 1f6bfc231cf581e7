#include "encoding/base64.h"

#include <array>

namespace blindai::encoding {
namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNotADigit = 64;

constexpr std::array<std::uint8_t, 256> DigitValues(std::string_view alphabet) {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotADigit);
  for (std::uint8_t i = 0; i < 64; ++i) values[static_cast<std::uint8_t>(alphabet[i])] = i;
  return values;
}
constexpr auto kStandardValues = DigitValues(kStandard);
constexpr auto kUrlSafeValues = DigitValues(kUrlSafe);

std::string Encode(base::ByteView bytes, std::string_view alphabet) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    bit_count += 8;
    while (bit_count >= 6) {
      bit_count -= 6;
      text += alphabet[(bits >> bit_count) & 63];
    }
  }
  if (bit_count > 0) text += alphabet[(bits << (6 - bit_count)) & 63];
  return text;
}

base::Result<base::Bytes> Decode(std::string_view digits, const std::array<std::uint8_t, 256>& values) {
  if (digits.size() % 4 == 1) {
    return base::Malformed("base64 text has an impossible length", "bad-base64");
  }
  base::Bytes bytes;
  bytes.reserve(digits.size() * 3 / 4);
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::uint8_t value = values[static_cast<std::uint8_t>(digits[i])];
    if (value == kNotADigit) {
      return base::Malformed("not a base64 digit at position " + std::to_string(i), "bad-base64");
    }
    bits = (bits << 6) | value;
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes.push_back(static_cast<std::uint8_t>(bits >> bit_count));
    }
  }
  if ((bits & ((1u << bit_count) - 1)) != 0) {
    return base::Malformed("base64 text ends with bits that belong to no byte", "bad-base64");
  }
  return bytes;
}

}  // namespace

std::string Base64Encode(base::ByteView bytes) {
  std::string text = Encode(bytes, kStandard);
  while (text.size() % 4 != 0) text += '=';
  return text;
}

base::Result<base::Bytes> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) {
    return base::Malformed(
        "base64 text is not padded to a multiple of four (" + std::to_string(text.size()) + " characters)",
        "bad-base64");
  }
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return Decode(text, kStandardValues);
}

std::string Base64UrlEncode(base::ByteView bytes) { return Encode(bytes, kUrlSafe); }

base::Result<base::Bytes> Base64UrlDecode(std::string_view text) { return Decode(text, kUrlSafeValues); }

}  // namespace blindai::encoding
