// rooms: base attestation/evidence
#include "attestation/evidence/nitro_document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)blindai::evidence::ParseNitroDocument({data, size});
  return 0;
}
