// Trust is a type. AuthenticEvidence means: the hardware's maker vouches that this was really said. Only
// Authenticate (authenticate.h) can make one, and Appraise (appraise.h) takes nothing else, so evidence whose
// signatures were not followed to an anchor cannot be compared with a policy by mistake.
#pragma once

#include <variant>

#include "attestation/evidence/evidence.h"
#include "attestation/verifier/dcap.h"
#include "attestation/verifier/nitro.h"
#include "attestation/verifier/simulated.h"
#include "attestation/verifier/snp.h"
#include "attestation/verifier/tpm.h"
#include "attestation/verifier/verdict.h"

namespace blindai::verifier {

// One alternative per kind; SGX and TDX share the one of DCAP.
using Facts = std::variant<SimulatedFacts, DcapFacts, SnpFacts, NitroFacts, TpmFacts>;

struct Authentication;

class AuthenticEvidence {
 public:
  evidence::TeeKind tee() const { return tee_; }
  const Facts& facts() const { return facts_; }
  Claims claims() const;
  // What binds it to a connection: the 64 bytes of report data, or for a TPM their SHA-256
  // (evidence/report_data.h).
  base::ByteView bound_data() const;
  // The nonce of evidence that was made for another verifier: the same bytes, but where a kind has a field
  // for it.
  base::ByteView nonce() const;

 private:
  friend Authentication Authenticate(const evidence::Evidence&, const endorsements::Endorsements&,
                                     const TrustAnchors&, base::Time);
  AuthenticEvidence(evidence::TeeKind tee, Facts facts) : tee_(tee), facts_(std::move(facts)) {}

  evidence::TeeKind tee_;
  Facts facts_;
};

}  // namespace blindai::verifier
