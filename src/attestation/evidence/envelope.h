// Evidence as people have it in files. Makers, clouds and attesters wrap the same few structures in many ways;
// this finds out which way it is, takes the wrapping off, and hands out the evidence with the endorsements that
// were wrapped with it. It decides nothing: what comes out is parsed and judged like evidence from a connection.
//
//   binary     simulated evidence, SGX or TDX quote, SNP report and the firmware's answer around it, Nitro
//              document, blindai's TPM container, the TPM quote as Azure's tools store it, Azure's HCL report
//   text       hex or base64 of any other form
//   X.509      PEM or DER: Open Enclave's extension, a Nitro document as hex text in a DNS name
//   JSON       blindai's attestation answer, Azure's bundles, {"quote": hex} (dstack), the TPM evidence of
//              trustee and of go-attestation
//   protobuf   BlindAI's proof (0.5), go-tpm-tools' attestation
//   others     Open Enclave's report
//
// Codes: malformed (none of these, or damaged), no-quote (a log or a report that nothing signs), no-signature
// (a quote whose signature is not there), too-large, and those of the encodings.
#pragma once

#include <string>

#include "attestation/evidence/evidence_bundle.h"
#include "base/bytes.h"
#include "base/result.h"

namespace blindai::evidence {

inline constexpr std::size_t kMaxEnvelopeBytes = std::size_t{8} << 20;

struct Envelope {
  EvidenceBundle bundle;
  std::string form;  // "hex text, SNP report"
};

base::Result<Envelope> OpenEnvelope(base::ByteView file);

}  // namespace blindai::evidence
