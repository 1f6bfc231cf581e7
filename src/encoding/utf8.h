// Whether text is UTF-8 as RFC 3629 wants it: shortest forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <string_view>

namespace blindai::encoding {

bool IsUtf8(std::string_view text);

}  // namespace blindai::encoding
