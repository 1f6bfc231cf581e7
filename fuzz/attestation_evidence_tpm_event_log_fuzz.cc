// rooms: base attestation/evidence
#include "attestation/evidence/tpm_event_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)blindai::evidence::ParseTpmEventLog({data, size});
  return 0;
}
