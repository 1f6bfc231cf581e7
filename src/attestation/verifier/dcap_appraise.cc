#include "attestation/verifier/dcap_appraise.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "encoding/hex.h"

namespace blindai::verifier {
namespace {

using evidence::SgxReport;
using evidence::TcbStatus;
using evidence::TdReport;
using policy::MaskedBits;

std::string Hex(base::ByteView bytes) { return encoding::HexEncode(bytes); }

std::string Bits(std::uint64_t bits) { return fmt::format("{:#x}", bits); }

std::string Wanted(const MaskedBits& bits) {
  return fmt::format("{:#x} under mask {:#x}", bits.value, bits.mask);
}

template <typename Value>
bool Contains(const std::vector<Value>& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

template <typename Value>
std::string OneOf(const std::vector<Value>& values) {
  if (values.empty()) return "nothing: the list is empty";
  if (values.size() == 1) return Hex(values.front().view());
  return fmt::format("one of {} values", values.size());
}

template <typename Fixed>
void CheckExact(FindingList& findings, std::string_view code, std::string_view check, const Fixed& seen,
                const Fixed& wanted, std::string_view hint) {
  findings.Check(code, check, seen == wanted, Hex(seen.view()), Hex(wanted.view()), hint);
}

// Patch level and platform.

std::string_view StatusCode(TcbStatus status) {
  switch (status) {
    case TcbStatus::kRevoked:
      return "revoked";
    case TcbStatus::kOutOfDate:
    case TcbStatus::kOutOfDateConfigurationNeeded:
      return "tcb-out-of-date";
    default:
      return "tcb-status";
  }
}

void CheckTcbStatus(const TcbEvaluation& tcb, const policy::DcapTcbRules& rules, FindingList& findings) {
  std::string wanted;
  for (const TcbStatus status : rules.statuses) {
    wanted += (wanted.empty() ? "" : ", ") + std::string(evidence::TcbStatusName(status));
  }
  // Revoked is never tolerable, whatever a list says.
  const bool accepted = tcb.status != TcbStatus::kRevoked && Contains(rules.statuses, tcb.status);
  findings.Check(
      StatusCode(tcb.status), "TCB status", accepted, evidence::TcbStatusName(tcb.status), wanted,
      "the platform lacks updates or settings; name the status in the policy only after reading its "
      "advisories");
}

void CheckAdvisories(const TcbEvaluation& tcb, const policy::DcapTcbRules& rules, FindingList& findings) {
  std::string open;
  for (const auto* list : {&tcb.platform_advisories, &tcb.module_advisories, &tcb.qe_advisories}) {
    for (const std::string& id : *list) {
      if (!Contains(rules.advisories, id)) open += (open.empty() ? "" : ", ") + id;
    }
  }
  findings.Check("advisories", "advisories", open.empty(),
                 open.empty() ? "none that the policy does not name" : open,
                 "only advisories that the policy names", "read them before you name them in the policy");
}

void CheckAges(const TcbEvaluation& tcb, base::Time judged_at, const policy::DcapTcbRules& rules,
               FindingList& findings) {
  if (rules.minimum_tcb_date) {
    findings.Check("tcb-date", "TCB date", tcb.tcb_date >= *rules.minimum_tcb_date,
                   base::FormatTime(tcb.tcb_date), base::FormatTime(*rules.minimum_tcb_date) + " or later",
                   "the platform must be updated");
  }
  if (rules.minimum_evaluation_data_number) {
    findings.Check("evaluation-data-number", "TCB evaluation data number",
                   tcb.evaluation_data_number >= *rules.minimum_evaluation_data_number,
                   std::to_string(tcb.evaluation_data_number),
                   std::to_string(*rules.minimum_evaluation_data_number) + " or higher",
                   "older collateral was replayed, or the server does not refresh it");
  }
  if (rules.maximum_collateral_age_days) {
    const auto age = std::chrono::floor<std::chrono::days>(judged_at - tcb.issued).count();
    findings.Check("collateral-age", "collateral age",
                   judged_at - tcb.issued <= std::chrono::days(*rules.maximum_collateral_age_days),
                   std::to_string(age) + " days",
                   std::to_string(*rules.maximum_collateral_age_days) + " days at most",
                   "the server does not refresh its collateral");
  }
}

void CheckTcb(const DcapFacts& facts, const policy::DcapTcbRules& rules, FindingList& findings) {
  findings.Require({"TCB status", "advisories"});
  if (!facts.tcb) return;
  CheckTcbStatus(*facts.tcb, rules, findings);
  CheckAdvisories(*facts.tcb, rules, findings);
  CheckAges(*facts.tcb, facts.judged_at, rules, findings);
}

void CheckPlatform(const DcapFacts& facts, const policy::DcapPlatformRules& rules, FindingList& findings) {
  if (rules.ppid.empty() && rules.platform_instance_id.empty()) return;
  const auto& instance = facts.pck.platform_instance_id;
  const bool listed =
      Contains(rules.ppid, facts.pck.ppid) || (instance && Contains(rules.platform_instance_id, *instance));
  findings.Require({"platform"});
  findings.Check(
      "platform", "platform", listed,
      "PPID " + Hex(facts.pck.ppid.view()) + (instance ? ", instance " + Hex(instance->view()) : ""),
      "a platform that the policy lists", "genuine hardware, and not one of yours");
}

// SGX.

void CheckSgxDebug(const SgxReport& report, bool allow_debug, FindingList& findings) {
  findings.Check("debug", "debug", !report.debug() || allow_debug,
                 report.debug() ? "debug enclave" : "production", "production",
                 "the host can read and change a debug enclave's memory");
}

void CheckSgxAttributes(const SgxReport& report, const policy::SgxRules& rules, FindingList& findings) {
  MaskedBits flags = rules.attributes_flags;
  // DEBUG has a check and a permission of its own.
  flags.mask &= ~evidence::kSgxDebug;
  flags.value &= ~evidence::kSgxDebug;
  findings.Check("attributes", "attributes", flags.Accepts(report.attributes_flags),
                 Bits(report.attributes_flags), Wanted(flags),
                 "the enclave was built or launched with other rights");
  findings.Check("xfam", "XFRM", rules.attributes_xfrm.Accepts(report.attributes_xfrm),
                 Bits(report.attributes_xfrm), Wanted(rules.attributes_xfrm),
                 "the enclave runs with other processor features");
  findings.Check("misc-select", "MISCSELECT", rules.misc_select.Accepts(report.misc_select),
                 Bits(report.misc_select), Wanted(rules.misc_select), "the enclave reports more to its host");
  findings.Check("attributes", "reserved fields", report.reserved_is_zero,
                 report.reserved_is_zero ? "zero" : "not zero", "zero",
                 "this verifier does not know what they mean");
}

void CheckSgxMeasurement(const SgxReport& report, const policy::SgxRules& rules, FindingList& findings) {
  // An empty pair of lists accepts nothing; where both are given, both must fit.
  const bool any = !rules.mrenclave.empty() || !rules.mrsigner.empty();
  if (!rules.mrenclave.empty() || !any) {
    findings.Check("measurement", "MRENCLAVE", Contains(rules.mrenclave, report.mrenclave),
                   Hex(report.mrenclave.view()), OneOf(rules.mrenclave),
                   "another program, or another version of it");
  }
  if (!rules.mrsigner.empty()) {
    const bool fits = Contains(rules.mrsigner, report.mrsigner) && rules.isv_prod_id && rules.isv_svn_minimum;
    findings.Check("measurement", "MRSIGNER", fits, Hex(report.mrsigner.view()),
                   OneOf(rules.mrsigner) + ", with a product id and a least version",
                   "signed by somebody else");
  }
  if (rules.isv_prod_id) {
    findings.Check("measurement", "ISVPRODID", report.isv_prod_id == *rules.isv_prod_id,
                   std::to_string(report.isv_prod_id), std::to_string(*rules.isv_prod_id),
                   "another product of the same signer");
  }
  if (rules.isv_svn_minimum) {
    findings.Check("isv-svn", "ISVSVN", report.isv_svn >= *rules.isv_svn_minimum,
                   std::to_string(report.isv_svn), std::to_string(*rules.isv_svn_minimum) + " or higher",
                   "an older version of the enclave");
  }
}

void CheckSgxConfig(const SgxReport& report, const policy::SgxRules& rules, FindingList& findings) {
  constexpr std::string_view kHint = "the enclave was launched with another configuration";
  CheckExact(findings, "config-id", "CONFIGID", report.config_id, rules.config_id, kHint);
  CheckExact(findings, "config-id", "ISVEXTPRODID", report.extended_product_id, rules.extended_product_id,
             kHint);
  CheckExact(findings, "config-id", "ISVFAMILYID", report.family_id, rules.family_id, kHint);
  findings.Check("config-id", "CONFIGSVN", report.config_svn >= rules.config_svn_minimum,
                 std::to_string(report.config_svn), std::to_string(rules.config_svn_minimum) + " or higher",
                 kHint);
}

// TDX.

void CheckTdDebug(const TdReport& report, FindingList& findings) {
  findings.Check("debug", "debug", !report.debug(), report.debug() ? "debug TD" : "production", "production",
                 "the host can read and change a debug TD's memory");
}

void CheckTdAttributes(const TdReport& report, const policy::TdxRules& rules, FindingList& findings) {
  findings.Check("td-attributes", "TD attributes", rules.td_attributes.Accepts(report.td_attributes),
                 Bits(report.td_attributes), Wanted(rules.td_attributes),
                 "among them SEPT_VE_DISABLE (bit 28, should be set) and MIGRATABLE (bit 29, should not)");
  const bool xfam_legal = (report.xfam & evidence::kXfamFixed1) == evidence::kXfamFixed1 &&
                          (report.xfam & ~evidence::kXfamAllowed) == 0;
  findings.Check("xfam", "XFAM", xfam_legal && rules.xfam.Accepts(report.xfam), Bits(report.xfam),
                 Wanted(rules.xfam), "the TD runs with other processor features");
  findings.Check("td-attributes", "SEAM attributes", report.seam_attributes == 0,
                 Bits(report.seam_attributes), "0", "the TDX module is a debug or unknown one");
}

void CheckTdMeasurements(const TdReport& report, const policy::TdxRules& rules, FindingList& findings) {
  findings.Check("measurement", "MRTD", Contains(rules.mrtd, report.mrtd), Hex(report.mrtd.view()),
                 OneOf(rules.mrtd), "another firmware, or another version of it");
  for (const auto& [index, values] : rules.rtmr) {
    const std::string name = "RTMR" + std::to_string(index);
    const bool exists = index >= 0 && static_cast<std::size_t>(index) < report.rtmr.size();
    const evidence::Rtmr seen = exists ? report.rtmr[static_cast<std::size_t>(index)] : evidence::Rtmr{};
    findings.Check("measurement", name, exists && Contains(values, seen), Hex(seen.view()), OneOf(values),
                   "something else was booted");
  }
  if (!rules.mrseam.empty()) {
    findings.Check("measurement", "MRSEAM", Contains(rules.mrseam, report.mrseam), Hex(report.mrseam.view()),
                   OneOf(rules.mrseam), "another TDX module, though one of Intel's");
  }
}

void CheckTdOwner(const TdReport& report, const policy::TdxRules& rules, FindingList& findings) {
  CheckExact(findings, "config-id", "MRCONFIGID", report.mr_config_id, rules.mr_config_id,
             "the TD was launched with another configuration");
  CheckExact(findings, "owner", "MROWNER", report.mr_owner, rules.mr_owner,
             "the TD belongs to another owner");
  CheckExact(findings, "owner", "MROWNERCONFIG", report.mr_owner_config, rules.mr_owner_config,
             "the owner configured it in another way");
  if (report.mr_service_td) {
    CheckExact(findings, "service-td", "MRSERVICETD", *report.mr_service_td, rules.mr_service_td,
               "a service TD is bound, which could move this one to another machine");
  } else {
    findings.Check("service-td", "MRSERVICETD", rules.mr_service_td.is_zero(), "not in a report of TDX 1.0",
                   Hex(rules.mr_service_td.view()), "the report cannot say which service TD is bound");
  }
}

}  // namespace

void AppraiseSgx(const DcapFacts& facts, const policy::SgxRules& rules, FindingList& findings) {
  BLINDAI_CHECK(facts.quote.sgx() != nullptr);
  const SgxReport& report = *facts.quote.sgx();
  findings.Require({"debug", "attributes", "XFRM", "MISCSELECT", "reserved fields", "CONFIGID",
                    "ISVEXTPRODID", "ISVFAMILYID", "CONFIGSVN"});
  findings.Require({rules.mrsigner.empty() ? "MRENCLAVE" : "MRSIGNER"});
  CheckSgxDebug(report, rules.allow_debug, findings);
  CheckSgxAttributes(report, rules, findings);
  CheckSgxMeasurement(report, rules, findings);
  CheckSgxConfig(report, rules, findings);
  CheckTcb(facts, rules.tcb, findings);
  CheckPlatform(facts, rules.platform, findings);
}

void AppraiseTdx(const DcapFacts& facts, const policy::TdxRules& rules, FindingList& findings) {
  BLINDAI_CHECK(facts.quote.td() != nullptr);
  const TdReport& report = *facts.quote.td();
  findings.Require({"debug", "TD attributes", "XFAM", "SEAM attributes", "MRTD", "MRCONFIGID", "MROWNER",
                    "MROWNERCONFIG", "MRSERVICETD"});
  CheckTdDebug(report, findings);
  CheckTdAttributes(report, rules, findings);
  CheckTdMeasurements(report, rules, findings);
  CheckTdOwner(report, rules, findings);
  CheckTcb(facts, rules.tcb, findings);
  CheckPlatform(facts, rules.platform, findings);
}

void AppraiseDcapWithoutPolicy(const DcapFacts& facts, FindingList& findings) {
  if (const SgxReport* enclave = facts.quote.sgx()) CheckSgxDebug(*enclave, false, findings);
  if (const TdReport* td = facts.quote.td()) {
    CheckTdDebug(*td, findings);
    const bool migratable = (td->td_attributes & evidence::kTdMigratable) != 0;
    findings.Check("td-attributes", "migration", !migratable, migratable ? "possible" : "not possible",
                   "not possible", "the TD can be moved to another machine");
  }
  if (!facts.tcb) return;
  policy::DcapTcbRules lenient;
  lenient.statuses = {TcbStatus::kUpToDate,
                      TcbStatus::kSwHardeningNeeded,
                      TcbStatus::kConfigurationNeeded,
                      TcbStatus::kConfigurationAndSwHardeningNeeded,
                      TcbStatus::kTdRelaunchAdvised,
                      TcbStatus::kTdRelaunchAdvisedConfigurationNeeded};
  CheckTcbStatus(*facts.tcb, lenient, findings);
}

}  // namespace blindai::verifier
