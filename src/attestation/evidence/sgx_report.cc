#include "attestation/evidence/sgx_report.h"

#include <algorithm>

#include "base/byte_reader.h"

namespace blindai::evidence {
namespace {

using base::ByteView;

bool AllZero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

base::Status ReadReserved(base::ByteReader& reader, std::size_t size, SgxReport& report) {
  BLINDAI_TRY(const ByteView bytes, reader.Take("reserved", size));
  report.reserved_is_zero = report.reserved_is_zero && AllZero(bytes);
  return base::Ok();
}

}  // namespace

base::Result<SgxReport> ParseSgxReport(base::ByteView bytes) {
  base::ByteReader reader(bytes);
  SgxReport report;
  BLINDAI_TRY(const ByteView cpu_svn, reader.Take("CPUSVN", report.cpu_svn.size()));
  std::copy(cpu_svn.begin(), cpu_svn.end(), report.cpu_svn.begin());
  BLINDAI_TRY(report.misc_select, reader.U32("MISCSELECT"));
  BLINDAI_RETURN_IF_ERROR(ReadReserved(reader, 12, report));
  BLINDAI_TRY(report.extended_product_id, reader.Fill<SgxExtendedProductId>("ISVEXTPRODID"));
  BLINDAI_TRY(report.attributes_flags, reader.U64("ATTRIBUTES.FLAGS"));
  BLINDAI_TRY(report.attributes_xfrm, reader.U64("ATTRIBUTES.XFRM"));
  BLINDAI_TRY(report.mrenclave, reader.Fill<MrEnclave>("MRENCLAVE"));
  BLINDAI_RETURN_IF_ERROR(ReadReserved(reader, 32, report));
  BLINDAI_TRY(report.mrsigner, reader.Fill<MrSigner>("MRSIGNER"));
  BLINDAI_RETURN_IF_ERROR(ReadReserved(reader, 32, report));
  BLINDAI_TRY(report.config_id, reader.Fill<SgxConfigId>("CONFIGID"));
  BLINDAI_TRY(report.isv_prod_id, reader.U16("ISVPRODID"));
  BLINDAI_TRY(report.isv_svn, reader.U16("ISVSVN"));
  BLINDAI_TRY(report.config_svn, reader.U16("CONFIGSVN"));
  BLINDAI_RETURN_IF_ERROR(ReadReserved(reader, 42, report));
  BLINDAI_TRY(report.family_id, reader.Fill<SgxFamilyId>("ISVFAMILYID"));
  BLINDAI_TRY(report.report_data, reader.Fill<ReportData>("REPORTDATA"));
  BLINDAI_RETURN_IF_ERROR(reader.End("SGX report"));
  return report;
}

}  // namespace blindai::evidence
