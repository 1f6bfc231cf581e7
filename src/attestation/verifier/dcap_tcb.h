// What Intel says about a platform's patch level: matches the PCK certificate, the TD report and the QE
// report against TCB info and QE identity. Pure comparison of values that verifier/dcap.cc has authenticated
// before; the rules are those of Intel's quote verification library, numbered as in the attestation
// reference, section 2.4.
//
//   1  TCB info is for this FMSPC, PCEID and kind                                  (dcap.cc)
//   2  levels are compared highest first (endorsements/dcap_collateral) 3  the SGX level: all 16 component
//   SVNs of the certificate, and its PCESVN, reach the level's 4  the TDX level: from there on, the first
//   whose TDX components the report reaches too 5  none: not supported 6  the TDX module is one that Intel
//   lists, and its level 7  the quoting enclave is Intel's, and its level 8  the three statuses merge;
//   Revoked anywhere is Revoked 9  a TD that runs on an updated module and was launched on an old one:
//   relaunch advised 10 advisories of all three are collected
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attestation/endorsements/dcap_collateral.h"
#include "attestation/endorsements/pck_certificate.h"
#include "attestation/evidence/sgx_report.h"
#include "attestation/evidence/tcb_status.h"
#include "attestation/evidence/tdx_report.h"
#include "base/clock.h"

namespace blindai::verifier {

// Rules 3 and 4. Both point into the TCB info; null when nothing matches.
struct PlatformLevel {
  const endorsements::TcbLevel* sgx = nullptr;
  const endorsements::TcbLevel* effective = nullptr;  // the TDX level of a TD, the SGX level of an enclave
};
PlatformLevel MatchPlatform(const endorsements::TcbInfo& info, const endorsements::PckExtension& pck,
                            const evidence::TdReport* td);

// Rule 6.
struct ModuleMatch {
  bool known = false;       // Intel lists this module, with this signer and these attributes
  std::string seen;         // for the finding
  bool has_levels = false;  // modules of major version 0 have none: their SVN is a platform component
  const endorsements::SvnLevel* level = nullptr;
};
ModuleMatch MatchModule(const endorsements::TcbInfo& info, const evidence::TdReport& td);

// Rule 7. What differs from Intel's identity, empty when nothing does.
std::string QeDifference(const endorsements::QeIdentity& identity, const evidence::SgxReport& qe);
const endorsements::SvnLevel* MatchSvn(const std::vector<endorsements::SvnLevel>& levels,
                                       std::uint16_t isv_svn);

// Rule 8.
evidence::TcbStatus MergeStatus(evidence::TcbStatus platform, evidence::TcbStatus part);

struct TcbEvaluation {
  evidence::TcbStatus status = evidence::TcbStatus::kRevoked;  // merged: the answer
  evidence::TcbStatus sgx_status = evidence::TcbStatus::kRevoked;
  evidence::TcbStatus platform_status = evidence::TcbStatus::kRevoked;
  std::optional<evidence::TcbStatus> module_status;
  evidence::TcbStatus qe_status = evidence::TcbStatus::kRevoked;
  base::Time tcb_date;  // of the platform's level
  std::vector<std::string> platform_advisories;
  std::vector<std::string> module_advisories;
  std::vector<std::string> qe_advisories;
  std::uint32_t evaluation_data_number = 0;  // the lower one of TCB info and QE identity
  base::Time issued;                         // the older one of the two
};

// Rules 8 to 10. The matches are complete: effective level, QE level, and the module's where it has levels.
TcbEvaluation EvaluateTcb(const endorsements::TcbInfo& info, const endorsements::QeIdentity& identity,
                          const PlatformLevel& platform, const endorsements::SvnLevel& qe,
                          const endorsements::SvnLevel* module, const evidence::TdReport* td);

}  // namespace blindai::verifier
