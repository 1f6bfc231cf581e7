#include "attestation/evidence/dcap_quote.h"

#include <string>

#include "base/byte_reader.h"

namespace blindai::evidence {
namespace {

using base::ByteReader;
using base::ByteView;

constexpr std::uint32_t kTeeTypeSgx = 0;
constexpr std::uint32_t kTeeTypeTdx = 0x81;
constexpr std::uint16_t kBodySgx = 1;
constexpr std::uint16_t kBodyTd10 = 2;
constexpr std::uint16_t kBodyTd15 = 3;
constexpr std::uint16_t kCertificationQeReport = 6;
constexpr std::size_t kQeUserDataSize = 20;

base::Error Unexpected(std::string_view field, std::uint64_t seen, std::string_view wanted) {
  return base::Malformed(std::to_string(seen) + ", wanted " + std::string(wanted)).Within(field);
}

base::Status ReadHeader(ByteReader& reader, DcapQuote& quote) {
  BLINDAI_TRY(quote.version, reader.U16("version"));
  if (quote.version < 3 || quote.version > 5) return Unexpected("version", quote.version, "3, 4 or 5");
  BLINDAI_TRY(quote.attestation_key_type, reader.U16("attestation key type"));
  if (quote.attestation_key_type != kAttestationKeyP256) {
    return Unexpected("attestation key type", quote.attestation_key_type, "2 (ECDSA P-256)");
  }
  BLINDAI_TRY(const std::uint32_t tee_type, reader.U32("TEE type"));
  const bool tdx_possible = quote.version >= 4;
  if (tee_type != kTeeTypeSgx && !(tdx_possible && tee_type == kTeeTypeTdx)) {
    return Unexpected("TEE type", tee_type,
                      tdx_possible ? "0 (SGX) or 129 (TDX)" : "0 (version 3 is SGX only)");
  }
  quote.tee = tee_type == kTeeTypeTdx ? TeeKind::kTdx : TeeKind::kSgx;
  // QE and PCE SVN in version 3, reserved later; the verifier takes both from the certificate and the QE
  // report.
  BLINDAI_RETURN_IF_ERROR(reader.Skip("SVNs", 4));
  BLINDAI_TRY(quote.qe_vendor_id, reader.Fill<QeVendorId>("QE vendor id"));
  return reader.Skip("user data", kQeUserDataSize);
}

// The size of the body, from the TEE type or, in version 5, from its descriptor.
base::Result<std::size_t> ReadBodySize(ByteReader& reader, const DcapQuote& quote) {
  if (quote.version < 5) return quote.tee == TeeKind::kTdx ? kTdReport10Size : kSgxReportSize;
  BLINDAI_TRY(const std::uint16_t type, reader.U16("body type"));
  BLINDAI_TRY(const std::uint32_t size, reader.U32("body size"));
  std::size_t wanted = 0;
  if (quote.tee == TeeKind::kSgx && type == kBodySgx) wanted = kSgxReportSize;
  if (quote.tee == TeeKind::kTdx && type == kBodyTd10) wanted = kTdReport10Size;
  if (quote.tee == TeeKind::kTdx && type == kBodyTd15) wanted = kTdReport15Size;
  if (wanted == 0) return Unexpected("body type", type, "1 for SGX, 2 or 3 for TDX");
  if (size != wanted) return Unexpected("body size", size, std::to_string(wanted));
  return wanted;
}

base::Status ReadBody(ByteReader& reader, DcapQuote& quote) {
  BLINDAI_TRY(const std::size_t size, ReadBodySize(reader, quote));
  BLINDAI_TRY(const ByteView body, reader.Take("body", size));
  if (quote.tee == TeeKind::kTdx) {
    BLINDAI_TRY(quote.body, ParseTdReport(body));
  } else {
    BLINDAI_TRY(quote.body, ParseSgxReport(body));
  }
  return base::Ok();
}

// From the QE report on, which versions 4 and 5 wrap.
base::Status ReadQeCertification(ByteReader& reader, DcapQuote& quote) {
  BLINDAI_TRY(const ByteView qe_report, reader.Take("QE report", kSgxReportSize));
  quote.qe_report_bytes = base::CopyBytes(qe_report);
  BLINDAI_TRY(quote.qe_report, ParseSgxReport(qe_report).Within("QE report"));
  BLINDAI_TRY(quote.qe_report_signature, reader.Fill<EcdsaP256Signature>("QE report signature"));
  BLINDAI_TRY(const std::uint16_t auth_size, reader.U16("QE authentication data size"));
  BLINDAI_TRY(const ByteView auth_data, reader.Take("QE authentication data", auth_size));
  quote.qe_authentication_data = base::CopyBytes(auth_data);
  BLINDAI_TRY(quote.certification_type, reader.U16("certification type"));
  BLINDAI_TRY(const std::uint32_t size, reader.U32("certification data size"));
  BLINDAI_TRY(const ByteView data, reader.Take("certification data", size));
  quote.certification_data = base::CopyBytes(data);
  return reader.End("signature data");
}

base::Status ReadSignatureData(ByteView bytes, DcapQuote& quote) {
  ByteReader reader(bytes);
  BLINDAI_TRY(quote.signature, reader.Fill<EcdsaP256Signature>("quote signature"));
  BLINDAI_TRY(quote.attestation_key, reader.Fill<EcdsaP256Point>("attestation key"));
  if (quote.version == 3) return ReadQeCertification(reader, quote);
  BLINDAI_TRY(const std::uint16_t type, reader.U16("outer certification type"));
  if (type != kCertificationQeReport) return Unexpected("outer certification type", type, "6 (QE report)");
  BLINDAI_TRY(const std::uint32_t size, reader.U32("outer certification data size"));
  BLINDAI_TRY(const ByteView inner, reader.Take("outer certification data", size));
  BLINDAI_RETURN_IF_ERROR(reader.End("signature data"));
  ByteReader inner_reader(inner);
  return ReadQeCertification(inner_reader, quote);
}

}  // namespace

const ReportData& DcapQuote::report_data() const {
  return std::visit([](const auto& report) -> const ReportData& { return report.report_data; }, body);
}

base::Result<DcapQuote> ParseDcapQuote(ByteView bytes) {
  ByteReader reader(bytes);
  DcapQuote quote;
  BLINDAI_RETURN_IF_ERROR(ReadHeader(reader, quote).Within("quote header"));
  BLINDAI_RETURN_IF_ERROR(ReadBody(reader, quote).Within("quote"));
  quote.signed_bytes = base::CopyBytes(bytes.first(reader.offset()));
  BLINDAI_TRY(const std::uint32_t size, reader.U32("quote: signature data size"));
  BLINDAI_TRY(const ByteView signature_data, reader.Take("quote: signature data", size));
  BLINDAI_RETURN_IF_ERROR(ReadSignatureData(signature_data, quote).Within("quote"));
  quote.quote_bytes = reader.offset();
  quote.trailing_bytes = reader.remaining();
  return quote;
}

}  // namespace blindai::evidence
