// Azure's evidence as its attesters send it, one JSON object: a TPM quote, the HCL report that names the
// quote's key, and what the host hands out for the hardware report (VCEK, or a TD quote). Three spellings are
// in use: number arrays under "quote"/"tpm_quote" and "report"/"hcl_report" (no "version"), hex and base64url
// with "version": 1 or 2. The quote alone (members signature, message, pcrs) is read too.
//
// Nothing here is checked beyond its form. Errors: "malformed" and those of tpm_quote.h.
#pragma once

#include "attestation/evidence/tpm_quote.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

struct AzureBundle {
  TpmEvidence tpm;
  base::Bytes hcl_report;  // empty when only a quote was given
  base::Bytes vcek;        // PEM or DER; empty on TDX
  base::Bytes td_quote;    // empty on SNP
};
base::Result<AzureBundle> ParseAzureBundle(base::ByteView text);

// Azure's quotes come as bare RSA signatures; they are always RSASSA with SHA-256 and the bank SHA-256, PCR 0
// first.
base::Result<TpmEvidence> TpmEvidenceFromAzureQuote(base::ByteView attest, base::ByteView signature,
                                                    const std::vector<base::Bytes>& pcrs);

}  // namespace blindai::evidence
