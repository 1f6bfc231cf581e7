// rooms: base attestation/evidence
// Whatever a file holds: no crash, no large allocation; and what comes out of an envelope is bounded.
#include "attestation/evidence/envelope.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const auto envelope = evidence::OpenEnvelope({data, size});
  if (envelope.ok()) BLINDAI_CHECK(envelope->bundle.endorsements.size() <= size + 1);
  return 0;
}
