// An SGX quote with its endorsements in the shape that the clients of BlindAI 0.5 and 0.6 read: chains and lists as
// PEM, the PCK chain from the quote itself, leaf first. Nothing is judged here; the clients' own verifiers do that.
#pragma once

#include "attestation/evidence/evidence_bundle.h"
#include "base/result.h"
#include "service/legacy_evidence.h"

namespace blindai::server {

// Codes: malformed and those of the readers, collateral-missing (kUnavailable: neither the platform nor the operator's
// endorsements have a part).
base::Result<service::LegacyQuote> ToLegacyQuote(const evidence::EvidenceBundle& bundle);

}  // namespace blindai::server
