// Evidence is what the machine says about itself (RFC 9334), parsed and not yet believed. Parsing is pure and
// bounded: bytes in, a typed value or an error that names the field out. Whether the hardware really said it is
// decided by verifier/authenticate.h, whether it is acceptable by verifier/appraise.h.
//
// How a kind is added: its parser stands in a file of its own here; its type joins the variant below, its case
// the two functions in evidence.cc; its verifier file joins verifier/authenticate.cc.
#pragma once

#include <variant>

#include "attestation/evidence/dcap_quote.h"
#include "attestation/evidence/nitro_document.h"
#include "attestation/evidence/simulated_evidence.h"
#include "attestation/evidence/snp_report.h"
#include "attestation/evidence/tee_kind.h"
#include "attestation/evidence/tpm_quote.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

using Evidence = std::variant<SimulatedEvidence, DcapQuote, SnpReport, NitroDocument, TpmEvidence>;

// No evidence is larger than this: a quote is 5 to 8 kB, a TPM bundle with its event log up to some hundred
// kB.
inline constexpr std::size_t kMaxEvidenceBytes = std::size_t{1} << 20;

// Reads bytes that claim to be of this kind. Codes: malformed, too-large, tee-unsupported and those of the
// parsers.
base::Result<Evidence> ParseEvidence(TeeKind kind, base::ByteView bytes);

TeeKind KindOf(const Evidence& evidence);

}  // namespace blindai::evidence
