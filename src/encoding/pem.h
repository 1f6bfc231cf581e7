// PEM text (RFC 7468): one or more blocks with a label. What stands before, between and after the blocks is
// ignored, as the RFC allows; a block itself is read strictly. Intel's chains end in a NUL; that is ignored
// too. Private keys do not pass here: crypto/signing_key reads them into memory that is wiped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::encoding {

struct PemBlock {
  std::string label;  // "CERTIFICATE"
  base::Bytes bytes;
};

struct PemLimits {
  std::size_t max_text_bytes = 256 * 1024;
  std::size_t max_blocks = 16;
};

// At least one block ("bad-pem"), at most max_blocks ("too-large").
base::Result<std::vector<PemBlock>> ParsePem(std::string_view text, const PemLimits& limits = {});

// One block, lines of 64 characters.
std::string PemEncode(std::string_view label, base::ByteView bytes);

// Whether text looks like PEM at all, so that a caller can take PEM or DER.
bool LooksLikePem(base::ByteView bytes);

}  // namespace blindai::encoding
