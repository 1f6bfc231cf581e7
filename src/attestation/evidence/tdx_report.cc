#include "attestation/evidence/tdx_report.h"

#include <algorithm>
#include <string>

#include "base/byte_reader.h"

namespace blindai::evidence {
namespace {

base::Result<TeeTcbSvn> ReadSvn(base::ByteReader& reader, std::string_view field) {
  TeeTcbSvn svn{};
  BLINDAI_TRY(const base::ByteView bytes, reader.Take(field, svn.size()));
  std::copy(bytes.begin(), bytes.end(), svn.begin());
  return svn;
}

}  // namespace

base::Result<TdReport> ParseTdReport(base::ByteView bytes) {
  if (bytes.size() != kTdReport10Size && bytes.size() != kTdReport15Size) {
    return base::Malformed("TD report: " + std::to_string(bytes.size()) + " bytes, wanted 584 or 648");
  }
  base::ByteReader reader(bytes);
  TdReport report;
  BLINDAI_TRY(report.tee_tcb_svn, ReadSvn(reader, "TEE_TCB_SVN"));
  BLINDAI_TRY(report.mrseam, reader.Fill<MrSeam>("MRSEAM"));
  BLINDAI_TRY(report.mrsignerseam, reader.Fill<MrSignerSeam>("MRSIGNERSEAM"));
  BLINDAI_TRY(report.seam_attributes, reader.U64("SEAMATTRIBUTES"));
  BLINDAI_TRY(report.td_attributes, reader.U64("TDATTRIBUTES"));
  BLINDAI_TRY(report.xfam, reader.U64("XFAM"));
  BLINDAI_TRY(report.mrtd, reader.Fill<Mrtd>("MRTD"));
  BLINDAI_TRY(report.mr_config_id, reader.Fill<TdConfigId>("MRCONFIGID"));
  BLINDAI_TRY(report.mr_owner, reader.Fill<TdOwner>("MROWNER"));
  BLINDAI_TRY(report.mr_owner_config, reader.Fill<TdOwnerConfig>("MROWNERCONFIG"));
  for (Rtmr& rtmr : report.rtmr) {
    BLINDAI_TRY(rtmr, reader.Fill<Rtmr>("RTMR"));
  }
  BLINDAI_TRY(report.report_data, reader.Fill<ReportData>("REPORTDATA"));
  if (bytes.size() == kTdReport15Size) {
    BLINDAI_TRY(report.tee_tcb_svn2, ReadSvn(reader, "TEE_TCB_SVN2"));
    BLINDAI_TRY(report.mr_service_td, reader.Fill<MrServiceTd>("MRSERVICETD"));
  }
  BLINDAI_RETURN_IF_ERROR(reader.End("TD report"));
  return report;
}

}  // namespace blindai::evidence
