// Judging evidence from files, without a connection: what `blindai verify` does. A pure function of bytes and
// a time. The evidence may come in any envelope (evidence/envelope.h); endorsements that the caller names win
// over those that the envelope brought, so that fresher collateral can be used for old evidence.
//
// Offline, nothing says that the evidence was made for the reader: without report data or a nonce to compare,
// a verdict is about the machine and not about any connection, and its findings say so (not-asked).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attestation/evidence/evidence_bundle.h"
#include "attestation/evidence/report_data.h"
#include "attestation/policy/policy.h"
#include "attestation/verifier/appraise.h"
#include "attestation/verifier/verdict.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace blindai::verifier {

struct OfflineQuestion {
  base::Bytes file;        // with the evidence
  std::size_t offset = 0;  // where it starts there
  std::vector<evidence::NamedBytes> endorsements;
  std::vector<base::Bytes>
      roots;  // further trust anchors, certificates in PEM or DER; findings name them loudly
  const policy::Policy* policy = nullptr;
  std::optional<evidence::ReportData> report_data;
  std::optional<base::Bytes> nonce;
  AllowSimulation allow_simulation = AllowSimulation::kNo;
  base::Time at;
};

// A verdict for whatever the file holds: bytes that are no evidence are refused (malformed), evidence that
// nothing signs is undecided (no-quote, no-signature). An error only for a question that makes no sense,
// codes: offset, bad-certificate (a root), endorsement-name.
base::Result<Verdict> JudgeOffline(const OfflineQuestion& question);

// The text of a member of a JSON file, for arguments such as FILE.json#field. Collateral that was stored as
// text beside its signature (`tcb_info` and `tcb_info_signature`) is put together again. Codes:
// missing-field, wrong-type, bad-json.
base::Result<base::Bytes> MemberOfJsonFile(base::ByteView file, std::string_view field);

}  // namespace blindai::verifier
