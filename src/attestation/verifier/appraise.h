// "Is it what I accept?" Compares authentic evidence with what the relying party said: a policy, the report
// data of its connection, its permission for simulation. Judge is the whole way from parsed evidence to
// verdict, and what every caller uses.
#pragma once

#include <optional>

#include "attestation/evidence/evidence_bundle.h"
#include "attestation/evidence/report_data.h"
#include "attestation/policy/policy.h"
#include "attestation/verifier/authenticate.h"
#include "attestation/verifier/verdict.h"
#include "base/clock.h"

namespace blindai::verifier {

// The explicit permission of the caller: `simulation=True`, `--simulation`, BLINDAI_SIMULATION=1.
enum class AllowSimulation { kNo, kYes };

// What the relying party asks of the evidence.
struct Question {
  // Nothing: only authenticity is established, and the verdict is undecided (code no-policy).
  const policy::Policy* policy = nullptr;
  // What the evidence must be bound to, compared in full. Nothing: not compared, which the findings say.
  std::optional<evidence::ReportData> report_data;
  // The nonce as it stands in a TPM quote or a Nitro document made for another verifier; offline use only.
  std::optional<base::Bytes> nonce;
  AllowSimulation allow_simulation = AllowSimulation::kNo;
  base::Time now;
};

// Codes: report-data-mismatch, nonce-mismatch, no-policy, simulation, tee-not-accepted and those of the
// kinds.
void Appraise(const AuthenticEvidence& evidence, const Question& question, FindingList& findings);

// Authenticate, Appraise, conclude. `already` holds what the caller has checked itself
// (channel/attested_client.h).
Verdict Judge(const evidence::Evidence& evidence, const endorsements::Endorsements& endorsements,
              const TrustAnchors& anchors, const Question& question, FindingList already = {});

// The same from bytes: parses the evidence and bounds the endorsements first. What cannot be read is refused
// too (codes malformed, tee-unsupported), so that a caller has one verdict to look at.
Verdict JudgeBundle(const evidence::EvidenceBundle& bundle, const TrustAnchors& anchors,
                    const Question& question, FindingList already = {});

}  // namespace blindai::verifier
