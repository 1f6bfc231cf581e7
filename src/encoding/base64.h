// Base64 (RFC 4648), strict: one text for each byte string. Missing or extra padding, characters of the other
// alphabet, white space and non-zero left-over bits are errors ("bad-base64").
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::encoding {

// Section 4: "+" and "/", padded with "=".
std::string Base64Encode(base::ByteView bytes);
base::Result<base::Bytes> Base64Decode(std::string_view text);

// Section 5: "-" and "_", without padding, as JSON Web Keys and the nonce of a URL use it.
std::string Base64UrlEncode(base::ByteView bytes);
base::Result<base::Bytes> Base64UrlDecode(std::string_view text);

}  // namespace blindai::encoding
