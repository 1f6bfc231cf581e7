// The SGX report body (384 bytes, Intel SDM volume 3D, "REPORT structure"): what an enclave is. It stands in
// SGX quotes as what is attested, and in every DCAP quote as the report of the quoting enclave.
#pragma once

#include <array>
#include <cstdint>

#include "attestation/evidence/measurement.h"
#include "attestation/evidence/report_data.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

inline constexpr std::size_t kSgxReportSize = 384;

// Bits of attributes_flags.
inline constexpr std::uint64_t kSgxInit = 1u << 0;
inline constexpr std::uint64_t kSgxDebug = 1u << 1;  // the host reads and writes the enclave's memory
inline constexpr std::uint64_t kSgxMode64 = 1u << 2;
inline constexpr std::uint64_t kSgxProvisionKey = 1u << 4;
inline constexpr std::uint64_t kSgxEinitTokenKey = 1u << 5;
inline constexpr std::uint64_t kSgxKss =
    1u << 7;  // key separation and sharing: the config fields mean something

struct SgxReport {
  std::array<std::uint8_t, 16> cpu_svn{};
  std::uint32_t misc_select = 0;
  SgxExtendedProductId extended_product_id;
  std::uint64_t attributes_flags = 0;
  std::uint64_t attributes_xfrm = 0;
  MrEnclave mrenclave;
  MrSigner mrsigner;
  SgxConfigId config_id;
  std::uint16_t isv_prod_id = 0;
  std::uint16_t isv_svn = 0;
  std::uint16_t config_svn = 0;
  SgxFamilyId family_id;
  ReportData report_data;
  bool reserved_is_zero = true;  // of all reserved bytes; the verifier refuses others

  bool debug() const { return (attributes_flags & kSgxDebug) != 0; }
};

// Exactly kSgxReportSize bytes. Error: malformed.
base::Result<SgxReport> ParseSgxReport(base::ByteView bytes);

}  // namespace blindai::evidence
