// rooms: base encoding
// Law: what was read from PEM text, written again, reads the same.
#include "base/check.h"
#include "encoding/pem.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const auto blocks = encoding::ParsePem(base::AsText({data, size}));
  if (!blocks.ok()) return 0;
  for (const auto& block : *blocks) {
    const auto again = encoding::ParsePem(encoding::PemEncode(block.label, block.bytes));
    BLINDAI_CHECK(again.ok() && again->size() == 1 && (*again)[0].bytes == block.bytes);
  }
  return 0;
}
