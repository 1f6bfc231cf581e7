// rooms: base attestation/evidence
// The law: what decodes, encodes to the same bytes.
#include "attestation/evidence/simulated_evidence.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const auto evidence = evidence::ParseSimulatedEvidence({data, size});
  if (!evidence.ok()) return 0;
  BLINDAI_CHECK(evidence->Encode() == base::Bytes(data, data + size));
  return 0;
}
