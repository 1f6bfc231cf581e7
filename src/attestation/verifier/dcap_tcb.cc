#include "attestation/verifier/dcap_tcb.h"

#include <algorithm>

#include "encoding/hex.h"

namespace blindai::verifier {
namespace {

using endorsements::PckExtension;
using endorsements::QeIdentity;
using endorsements::SvnLevel;
using endorsements::TcbInfo;
using endorsements::TcbLevel;
using endorsements::TdxModule;
using evidence::TcbStatus;
using evidence::TdReport;
using evidence::TeeTcbSvn;

bool PlatformReaches(const PckExtension& pck, const TcbLevel& level) {
  for (std::size_t i = 0; i < level.sgx_components.size(); ++i) {
    if (pck.component_svns[i] < level.sgx_components[i]) return false;
  }
  return pck.pce_svn >= level.pce_svn;
}

// With a major version, the first two bytes are the module's own and are judged by rule 6.
bool TdReaches(const TeeTcbSvn& svn, const TcbLevel& level) {
  for (std::size_t i = svn[1] > 0 ? 2 : 0; i < svn.size(); ++i) {
    if (svn[i] < level.tdx_components[i]) return false;
  }
  return true;
}

bool NeedsConfiguration(TcbStatus status) {
  return status == TcbStatus::kConfigurationNeeded ||
         status == TcbStatus::kConfigurationAndSwHardeningNeeded ||
         status == TcbStatus::kOutOfDateConfigurationNeeded;
}

bool IsCurrent(TcbStatus status) {
  return status == TcbStatus::kUpToDate || status == TcbStatus::kSwHardeningNeeded ||
         status == TcbStatus::kConfigurationNeeded || status == TcbStatus::kConfigurationAndSwHardeningNeeded;
}

// Rule 9: whether the module that runs now, tee_tcb_svn2, is current, so that a relaunch would end the
// trouble.
bool RelaunchHelps(const TcbInfo& info, const TcbEvaluation& tcb, const TdReport& td) {
  if (!td.tee_tcb_svn2 || tcb.module_status != TcbStatus::kOutOfDate) return false;
  if (!IsCurrent(tcb.sgx_status) || !IsCurrent(tcb.qe_status)) return false;
  const TeeTcbSvn& now = *td.tee_tcb_svn2;
  const TcbLevel& top = info.levels.front();
  if (now[2] < top.tdx_components[2]) return false;
  if (now[1] == 0) return now[0] >= top.tdx_components[0];
  const auto module = info.tdx_identities.find(now[1]);
  return module != info.tdx_identities.end() && now[0] >= module->second.levels.front().isv_svn;
}

TcbStatus WithRelaunch(TcbStatus status) {
  if (status == TcbStatus::kOutOfDate) return TcbStatus::kTdRelaunchAdvised;
  if (status == TcbStatus::kOutOfDateConfigurationNeeded)
    return TcbStatus::kTdRelaunchAdvisedConfigurationNeeded;
  return status;
}

}  // namespace

PlatformLevel MatchPlatform(const TcbInfo& info, const PckExtension& pck, const TdReport* td) {
  PlatformLevel match;
  for (const TcbLevel& level : info.levels) {
    if (!PlatformReaches(pck, level)) continue;
    if (match.sgx == nullptr) match.sgx = &level;  // rule 3
    if (td == nullptr || TdReaches(td->tee_tcb_svn, level)) {
      match.effective = &level;  // rule 4
      break;
    }
  }
  return match;
}

ModuleMatch MatchModule(const TcbInfo& info, const TdReport& td) {
  ModuleMatch match;
  const std::uint8_t major = td.tee_tcb_svn[1];
  const TdxModule* module = nullptr;
  if (major == 0) {
    module = info.tdx_module ? &*info.tdx_module : nullptr;
  } else if (const auto found = info.tdx_identities.find(major); found != info.tdx_identities.end()) {
    module = &found->second;
  }
  match.seen = "module of major version " + std::to_string(major) + ", signer " +
               encoding::HexEncode(td.mrsignerseam.view().first(4)) + "…, attributes " +
               std::to_string(td.seam_attributes);
  // Attributes must be Intel's and zero: no bit of them is in use.
  match.known = module != nullptr && module->mrsigner == td.mrsignerseam && td.seam_attributes == 0 &&
                (td.seam_attributes & module->attributes_mask) == module->attributes;
  match.has_levels = major != 0;
  if (match.known && match.has_levels) match.level = MatchSvn(module->levels, td.tee_tcb_svn[0]);
  return match;
}

std::string QeDifference(const QeIdentity& identity, const evidence::SgxReport& qe) {
  std::string difference;
  const auto compare = [&difference](bool same, std::string_view field) {
    if (!same) difference += (difference.empty() ? "" : ", ") + std::string(field);
  };
  compare((qe.misc_select & identity.misc_select_mask) == identity.misc_select, "MISCSELECT");
  compare((qe.attributes_flags & identity.flags_mask) == identity.flags, "ATTRIBUTES.FLAGS");
  compare((qe.attributes_xfrm & identity.xfrm_mask) == identity.xfrm, "ATTRIBUTES.XFRM");
  compare(qe.mrsigner == identity.mrsigner, "MRSIGNER");
  compare(qe.isv_prod_id == identity.isv_prod_id, "ISVPRODID");
  return difference;
}

const SvnLevel* MatchSvn(const std::vector<SvnLevel>& levels, std::uint16_t isv_svn) {
  const auto level = std::find_if(levels.begin(), levels.end(),
                                  [isv_svn](const SvnLevel& one) { return one.isv_svn <= isv_svn; });
  return level == levels.end() ? nullptr : &*level;
}

TcbStatus MergeStatus(TcbStatus platform, TcbStatus part) {
  if (platform == TcbStatus::kRevoked || part == TcbStatus::kRevoked) return TcbStatus::kRevoked;
  if (part == TcbStatus::kUpToDate) return platform;
  // Intel gives enclaves and modules UpToDate, OutOfDate or Revoked; anything new counts as the worse one.
  return NeedsConfiguration(platform) ? TcbStatus::kOutOfDateConfigurationNeeded : TcbStatus::kOutOfDate;
}

TcbEvaluation EvaluateTcb(const TcbInfo& info, const QeIdentity& identity, const PlatformLevel& platform,
                          const SvnLevel& qe, const SvnLevel* module, const TdReport* td) {
  TcbEvaluation tcb;
  tcb.sgx_status = platform.sgx->status;
  tcb.platform_status = platform.effective->status;
  tcb.qe_status = qe.status;
  tcb.tcb_date = platform.effective->tcb_date;
  tcb.platform_advisories = platform.effective->advisories;  // rule 10
  tcb.qe_advisories = qe.advisories;
  tcb.evaluation_data_number = std::min(info.evaluation_data_number, identity.evaluation_data_number);
  tcb.issued = std::min(info.dates.issued, identity.dates.issued);

  // Rule 8. A lower TDX level must not hide that the SGX level is revoked.
  tcb.status = tcb.sgx_status == TcbStatus::kRevoked ? TcbStatus::kRevoked : tcb.platform_status;
  if (module != nullptr) {
    tcb.module_status = module->status;
    tcb.module_advisories = module->advisories;
    tcb.status = MergeStatus(tcb.status, module->status);
  }
  tcb.status = MergeStatus(tcb.status, tcb.qe_status);
  if (td != nullptr && RelaunchHelps(info, tcb, *td)) tcb.status = WithRelaunch(tcb.status);  // rule 9
  return tcb;
}

}  // namespace blindai::verifier
