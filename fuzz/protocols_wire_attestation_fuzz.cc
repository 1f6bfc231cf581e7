// rooms: base protocols/wire
// The law: what decodes, encodes to something that decodes to the same value.
#include "base/check.h"
#include "protocols/wire/attestation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const auto answer = wire::DecodeAttestation(base::AsText({data, size}));
  if (!answer.ok()) return 0;
  const auto again = wire::DecodeAttestation(wire::EncodeAttestation(*answer));
  BLINDAI_CHECK(again.ok() && *again == *answer);
  return 0;
}
