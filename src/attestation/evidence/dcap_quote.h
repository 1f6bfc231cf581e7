// Intel's DCAP quote, versions 3 (SGX), 4 and 5 (SGX and TDX): a report, signed by an attestation key; that
// key, vouched for by the quoting enclave (QE); and the QE's report, signed by the platform's certified key
// (PCK). Layout: Intel "SGX ECDSA QuoteGenReference API", appendix A.4, and "TDX DCAP Quoting Library API",
// A.3 and A.4.
//
// Parsing trusts nothing: verifier/dcap.h follows the signatures. Every length is taken from the structure
// and checked; what a length field promises must be used up exactly. Bytes after the quote are counted and
// never looked at: some platforms hand out larger buffers, and envelopes append their own data.
#pragma once

#include <array>
#include <cstdint>
#include <variant>

#include "attestation/evidence/report_data.h"
#include "attestation/evidence/sgx_report.h"
#include "attestation/evidence/tdx_report.h"
#include "attestation/evidence/tee_kind.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

using EcdsaP256Signature = base::FixedBytes<64, struct EcdsaP256SignatureTag>;  // r || s, big-endian
using EcdsaP256Point = base::FixedBytes<64, struct EcdsaP256PointTag>;          // x || y, big-endian
using QeVendorId = base::FixedBytes<16, struct QeVendorIdTag>;

// 939a7233-f79c-4ca9-940a-0db3957f0607.
inline constexpr QeVendorId kIntelQeVendorId{
    {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07}};

inline constexpr std::uint16_t kAttestationKeyP256 = 2;
// "Certification data type": 5 is a PEM chain of the PCK certificate; 1 to 3 name the platform and bring
// none.
inline constexpr std::uint16_t kCertificationPckChain = 5;

struct DcapQuote {
  std::uint16_t version = 0;
  std::uint16_t attestation_key_type = 0;
  TeeKind tee = TeeKind::kSgx;
  QeVendorId qe_vendor_id;
  std::variant<SgxReport, TdReport> body;
  base::Bytes signed_bytes;  // header and body, v5 with the body's descriptor

  EcdsaP256Signature signature;  // of the attestation key over signed_bytes
  EcdsaP256Point attestation_key;
  base::Bytes qe_report_bytes;  // 384
  SgxReport qe_report;
  EcdsaP256Signature qe_report_signature;  // of the PCK over qe_report_bytes
  base::Bytes qe_authentication_data;
  std::uint16_t certification_type = 0;
  base::Bytes certification_data;

  std::size_t quote_bytes = 0;     // what the structure covers
  std::size_t trailing_bytes = 0;  // what follows it

  const SgxReport* sgx() const { return std::get_if<SgxReport>(&body); }
  const TdReport* td() const { return std::get_if<TdReport>(&body); }
  const ReportData& report_data() const;
};

// Error: malformed, naming the field.
base::Result<DcapQuote> ParseDcapQuote(base::ByteView bytes);

}  // namespace blindai::evidence
