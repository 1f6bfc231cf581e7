#include "attestation/verifier/azure.h"

#include <algorithm>

#include "attestation/evidence/snp_report.h"
#include "crypto/digest.h"
#include "encoding/hex.h"

namespace blindai::verifier {
namespace {

using evidence::HclHash;
using evidence::HclReport;

crypto::HashAlgorithm AlgorithmOf(HclHash hash) {
  switch (hash) {
    case HclHash::kSha256:
      return crypto::HashAlgorithm::kSha256;
    case HclHash::kSha384:
      return crypto::HashAlgorithm::kSha384;
    case HclHash::kSha512:
      return crypto::HashAlgorithm::kSha512;
  }
  return crypto::HashAlgorithm::kSha512;
}

// Step 1.
bool CheckRuntimeData(const HclReport& report, const evidence::ReportData& report_data,
                      FindingList& findings) {
  evidence::ReportData wanted;
  const base::Bytes hash = crypto::Hash(AlgorithmOf(report.hash), report.runtime_bytes);
  std::copy(hash.begin(), hash.end(), wanted.bytes.begin());
  return findings.Check("hardware-report", "Azure runtime data", report_data == wanted,
                        encoding::HexEncode(report_data.view()), encoding::HexEncode(wanted.view()),
                        "the hardware report does not name this key: it belongs to another machine or boot");
}

}  // namespace

std::optional<HclFacts> AuthenticateHcl(const HclReport& report,
                                        const endorsements::Endorsements& endorsements,
                                        const TrustAnchors& anchors, base::Time now, FindingList& findings) {
  findings.Require({"Azure hardware report", "Azure runtime data"});
  HclFacts facts;
  facts.runtime = report.runtime;
  if (report.hardware == evidence::HclHardware::kSnp) {
    const auto snp = evidence::ParseSnpReport(report.hardware_report);
    if (!snp.ok()) {
      findings.Fail("malformed", "Azure hardware report", snp.error().message, "an SNP report");
      return std::nullopt;
    }
    findings.Pass("Azure hardware report", "SNP report inside the HCL report");
    // 1.
    const bool bound = CheckRuntimeData(report, snp->report_data, findings);
    // 2.
    facts.snp = AuthenticateSnp(*snp, endorsements, anchors, now, findings);
    if (!bound || !facts.snp) return std::nullopt;
    return facts;
  }
  const auto local = evidence::ParseTdReportLocal(report.hardware_report);
  if (!local.ok()) {
    findings.Fail("malformed", "Azure hardware report", local.error().message, "a TDREPORT");
    return std::nullopt;
  }
  findings.Pass("Azure hardware report", "TDREPORT inside the HCL report");
  // 1.
  (void)CheckRuntimeData(report, local->report_data, findings);
  // 2.
  if (endorsements.Find(endorsements::name::kTdQuote)) {
    findings.CannotTell("no-collateral", "Azure TD quote",
                        "a TD quote, which this build does not judge under a TPM",
                        "collateral and a build that judges it");
    return std::nullopt;
  }
  findings.CannotTell("no-quote", "Azure TD quote", "a TDREPORT, which only its own machine can check",
                      "the TD quote over it",
                      "the server gets it from Azure's quote service; give it as `td-quote`");
  return std::nullopt;
}

}  // namespace blindai::verifier
