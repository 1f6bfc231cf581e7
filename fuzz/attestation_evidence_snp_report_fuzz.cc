// rooms: base attestation/evidence
#include "attestation/evidence/snp_report.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)blindai::evidence::ParseSnpReport({data, size});
  return 0;
}
