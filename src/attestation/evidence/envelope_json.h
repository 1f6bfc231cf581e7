// The JSON envelopes of envelope.h. Private to this room.
#pragma once

#include "attestation/evidence/evidence_bundle.h"
#include "attestation/evidence/tpm_quote.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

// Codes: malformed, and those of the parts.
base::Result<EvidenceBundle> OpenJsonEnvelope(base::ByteView text);

// A bare RSA signature, as Azure's tools keep it, in the TPM's own form: RSASSA with SHA-256.
base::Bytes TpmSignatureFromRsa(base::ByteView signature);

// A parsed quote in blindai's container.
base::Bytes ToTpmContainer(const TpmEvidence& evidence);

}  // namespace blindai::evidence
