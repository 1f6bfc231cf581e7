// rooms: base attestation/evidence
#include "attestation/evidence/azure_bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)blindai::evidence::ParseAzureBundle({data, size});
  return 0;
}
