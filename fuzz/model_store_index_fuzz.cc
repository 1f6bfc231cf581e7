// rooms: base model
// Law: an index that is accepted is the one encoding of what it says.

#include <cstdlib>

#include "model/store_index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const blindai::base::ByteView bytes(data, size);
  const auto index = blindai::model::DecodeStoreIndex(bytes);
  if (index.ok() && blindai::model::EncodeStoreIndex(*index) != blindai::base::CopyBytes(bytes)) std::abort();
  return 0;
}
