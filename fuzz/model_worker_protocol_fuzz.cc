// rooms: base model vocabulary
// Law: a packet that is accepted is the one encoding of its message, on both sides; and an answer that passes
// the check lies inside the region.

#include <cstdlib>

#include "model/check_run.h"
#include "model/worker_protocol.h"

namespace {

using namespace blindai;         // NOLINT(google-build-using-namespace)
using namespace blindai::model;  // NOLINT(google-build-using-namespace)

void CheckInside(const RanMessage& ran) {
  constexpr std::uint64_t kRegion = 1 << 20;
  const ModelSignature signature{
      {}, {{"y", vocabulary::Datatype::kFp32, {-1, 4}}, {"z", vocabulary::Datatype::kInt64, {2}}}};
  if (!CheckAnswer(signature, {0, 1}, ran, kRegion, kRegion).ok()) return;
  for (const PlacedTensor& output : ran.outputs) {
    if (output.bytes > kRegion || output.offset + output.bytes > kRegion) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView packet(data, size);
  if (const auto message = DecodeToWorker(packet); message.ok()) {
    if (Encode(*message) != base::CopyBytes(packet)) std::abort();
  }
  if (const auto message = DecodeFromWorker(packet); message.ok()) {
    if (Encode(*message) != base::CopyBytes(packet)) std::abort();
    if (const auto* ran = std::get_if<RanMessage>(&*message)) CheckInside(*ran);
  }
  return 0;
}
