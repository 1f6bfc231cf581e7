// rooms: base encoding
// Whatever a text holds, it is TOML or the error names one of its lines.
#include "base/bytes.h"
#include "base/check.h"
#include "encoding/toml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const encoding::ParsedToml parsed = encoding::ParseToml(base::AsText({data, size}));
  if (parsed.trouble) BLINDAI_CHECK(parsed.trouble->line >= 1 && parsed.trouble->line <= size + 1);
  return 0;
}
