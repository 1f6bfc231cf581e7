// Azure's confidential machines: how hardware vouches for the key of a virtual TPM. Who says what:
//
//   AMD or Intel (pinned roots)
//    └ signs an SNP report, or a TD quote
//       └ REPORT_DATA = hash of the runtime data that the paravisor wrote: "this is my TPM's attestation key"
//          └ the key signs the TPM quote (verifier/tpm.h): nonce and PCRs
//
// The hardware report dates from boot and says nothing about now; only the TPM's nonce does. What the
// paravisor itself is, is said by the SNP measurement or MRTD, which a policy must name (over_snp, over_tdx).
//
// AuthenticateHcl takes these steps:
//   1. the hash of the runtime data is the report data, the rest of it zero       hardware-report
//   2. SNP: the report is authentic (verifier/snp.h)                              codes of snp.h
//      TDX: a TD quote is there and authentic, over the same report data and the same td_info   no-quote,
//      td-quote
#pragma once

#include <optional>

#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/azure_hcl_report.h"
#include "attestation/verifier/dcap.h"
#include "attestation/verifier/finding_list.h"
#include "attestation/verifier/snp.h"
#include "attestation/verifier/trust_anchors.h"
#include "base/clock.h"

namespace blindai::verifier {

struct HclFacts {
  evidence::HclRuntimeData runtime;
  // One of the two.
  std::optional<SnpFacts> snp;
  std::optional<DcapFacts> tdx;
};

std::optional<HclFacts> AuthenticateHcl(const evidence::HclReport& report,
                                        const endorsements::Endorsements& endorsements,
                                        const TrustAnchors& anchors, base::Time now, FindingList& findings);

}  // namespace blindai::verifier
