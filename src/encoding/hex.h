// Hexadecimal text, as endpoints' vendors, policies and people write digests.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::encoding {

// Lower case, two digits a byte.
std::string HexEncode(base::ByteView bytes);

// Accepts both cases and nothing else: no prefix, no spaces, an even number of digits ("bad-hex").
base::Result<base::Bytes> HexDecode(std::string_view text);

// Exactly Fixed::kSize bytes: HexDecodeFixed<Measurement>(text).
template <typename Fixed>
base::Result<Fixed> HexDecodeFixed(std::string_view text) {
  BLINDAI_TRY(const base::Bytes bytes, HexDecode(text));
  if (bytes.size() != Fixed::kSize) {
    return base::Malformed(
        "has " + std::to_string(text.size()) + " hex digits, wanted " + std::to_string(2 * Fixed::kSize),
        "bad-hex");
  }
  Fixed fixed;
  std::copy(bytes.begin(), bytes.end(), fixed.bytes.begin());
  return fixed;
}

}  // namespace blindai::encoding
