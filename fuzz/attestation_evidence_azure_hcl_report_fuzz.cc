// rooms: base attestation/evidence
#include "attestation/evidence/azure_hcl_report.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)blindai::evidence::ParseHclReport({data, size});
  return 0;
}
