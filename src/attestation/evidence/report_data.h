// Report data: the 64 bytes that the attested program chooses and the hardware signs together with its
// measurement. In blindai they are the SHA-512 of a statement about the connection (channel/binding.h,
// docs/formats/binding.md). They are always compared in full, all 64 bytes.
//
// Where the 64 bytes stand, by kind:
//   simulated, SGX, TDX, SNP   REPORTDATA / REPORT_DATA as they are
//   Nitro                      user_data, 64 bytes
//   TPM                        extraData of the quote = SHA-256 of the 64 bytes (a TPM takes at most 50)
#pragma once

#include "base/bytes.h"

namespace blindai::evidence {

struct ReportDataTag {};
using ReportData = base::FixedBytes<64, ReportDataTag>;

}  // namespace blindai::evidence
