// rooms: base model
// Laws: an index of today's format that is accepted is the one encoding of what it says; one of an older format says
// the same when it is written anew.

#include <cstdlib>

#include "model/store_index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const base::ByteView bytes(data, size);
  const auto index = model::DecodeStoreIndex(bytes);
  if (!index.ok()) return 0;
  const base::Bytes encoded = model::EncodeStoreIndex(*index);
  const bool is_today = bytes[0] == encoded[0];
  if (is_today && encoded != base::CopyBytes(bytes)) std::abort();
  const auto again = model::DecodeStoreIndex(encoded);
  if (!again.ok() || model::EncodeStoreIndex(*again) != encoded) std::abort();
  return 0;
}
