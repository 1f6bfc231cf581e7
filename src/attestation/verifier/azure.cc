#include "attestation/verifier/azure.h"

#include <fmt/format.h>

#include <algorithm>

#include "attestation/evidence/dcap_quote.h"
#include "attestation/evidence/snp_report.h"
#include "base/byte_writer.h"
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

// td_info as the quote's own report has it: attributes, XFAM, MRTD, configuration, owner, RTMRs.
base::Bytes TdInfoOf(const evidence::TdReport& report) {
  base::ByteWriter writer;
  writer.U64(report.td_attributes)
      .U64(report.xfam)
      .Append(report.mrtd.view())
      .Append(report.mr_config_id.view());
  writer.Append(report.mr_owner.view()).Append(report.mr_owner_config.view());
  for (const evidence::Rtmr& rtmr : report.rtmr) writer.Append(rtmr.view());
  return std::move(writer).Take();
}

bool HashIs(const evidence::TdReportLocal::Sha384& hash, base::ByteView bytes) {
  return crypto::Sha384(bytes).bytes == hash.bytes;
}

// The quote must be over this very TDREPORT: the same report data, the same td_info, and hashes that hold.
bool CheckTdQuoteFits(const evidence::TdReportLocal& local, const evidence::DcapQuote& quote,
                      FindingList& findings) {
  const evidence::TdReport* td = quote.td();
  const bool same_data = td != nullptr && td->report_data == local.report_data;
  const base::Bytes quoted = td == nullptr ? base::Bytes() : TdInfoOf(*td);
  const base::ByteView info(local.td_info);
  const bool same_info = td != nullptr && std::equal(quoted.begin(), quoted.end(), info.begin());
  const bool hashes =
      HashIs(local.td_info_hash, local.td_info) && HashIs(local.tee_tcb_info_hash, local.tee_tcb_info);
  return findings.Check(
      "td-quote", "Azure TD quote fits", same_data && same_info && hashes,
      fmt::format("same report data: {}, same td_info: {}, hashes hold: {}", same_data, same_info, hashes),
      "a quote over the TDREPORT that names the key", "the quote is another machine's or boot's");
}

std::optional<HclFacts> AuthenticateOverSnp(const HclReport& report,
                                            const endorsements::Endorsements& endorsements,
                                            const TrustAnchors& anchors, base::Time now,
                                            FindingList& findings) {
  const auto snp = evidence::ParseSnpReport(report.hardware_report);
  if (!snp.ok()) {
    findings.Fail("malformed", "Azure hardware report", snp.error().message, "an SNP report");
    return std::nullopt;
  }
  findings.Pass("Azure hardware report", "SNP report inside the HCL report");
  // 1.
  const bool bound = CheckRuntimeData(report, snp->report_data, findings);
  // 2.
  HclFacts facts{report.runtime, AuthenticateSnp(*snp, endorsements, anchors, now, findings), std::nullopt};
  if (!bound || !facts.snp) return std::nullopt;
  return facts;
}

std::optional<HclFacts> AuthenticateOverTdx(const HclReport& report,
                                            const endorsements::Endorsements& endorsements,
                                            const TrustAnchors& anchors, base::Time now,
                                            FindingList& findings) {
  const auto local = evidence::ParseTdReportLocal(report.hardware_report);
  if (!local.ok()) {
    findings.Fail("malformed", "Azure hardware report", local.error().message, "a TDREPORT");
    return std::nullopt;
  }
  findings.Pass("Azure hardware report", "TDREPORT inside the HCL report");
  // 1.
  const bool bound = CheckRuntimeData(report, local->report_data, findings);
  // 2.
  const auto bytes = endorsements.Find(endorsements::name::kTdQuote);
  if (!bytes) {
    findings.CannotTell("no-quote", "Azure TD quote", "a TDREPORT, which only its own machine can check",
                        "the TD quote over it",
                        "the server gets it from Azure's quote service; give it as `td-quote`");
    return std::nullopt;
  }
  const auto quote = evidence::ParseDcapQuote(*bytes);
  if (!quote.ok()) {
    findings.Fail("malformed", "Azure TD quote", quote.error().message, "a TD quote");
    return std::nullopt;
  }
  findings.Pass("Azure TD quote", fmt::format("version {}", quote->version));
  const bool fits = CheckTdQuoteFits(*local, *quote, findings);
  HclFacts facts{report.runtime, std::nullopt,
                 AuthenticateDcap(*quote, endorsements, anchors, now, findings)};
  if (!bound || !fits || !facts.tdx) return std::nullopt;
  return facts;
}

}  // namespace

std::optional<HclFacts> AuthenticateHcl(const HclReport& report,
                                        const endorsements::Endorsements& endorsements,
                                        const TrustAnchors& anchors, base::Time now, FindingList& findings) {
  findings.Require({"Azure hardware report", "Azure runtime data"});
  return report.hardware == evidence::HclHardware::kSnp
             ? AuthenticateOverSnp(report, endorsements, anchors, now, findings)
             : AuthenticateOverTdx(report, endorsements, anchors, now, findings);
}

}  // namespace blindai::verifier
