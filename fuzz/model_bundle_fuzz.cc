// rooms: base model
// A bundle of a stranger: refused, or parts that lie within it.
#include "base/check.h"
#include "model/model_bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const auto parts = model::ReadBundle({data, size});
  if (!parts.ok()) return 0;
  BLINDAI_CHECK(parts->size() <= model::kMaxBundleParts);
  for (const model::BundlePart& part : *parts)
    BLINDAI_CHECK(part.offset <= size && part.size <= size - part.offset);
  return 0;
}
