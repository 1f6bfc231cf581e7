// AWS Nitro enclaves. Who says what:
//
//   AWS's root G1 (pinned)
//    └ regional, zonal and instance certificates (they come in the document)
//       └ a certificate made for this enclave, good for three hours
//          └ signs the document: "the enclave on this instance has these PCRs and asks for this data"
//
// AuthenticateNitro takes these steps ("Nitro Enclaves attestation process", AWS):
//   1. every certificate of the document is readable                       malformed
//   2. cabundle starts with the pinned root                                 wrong-root
//   3. the chain from the document's certificate to it is good now         bad-chain, expired, not-yet-valid
//   4. the certificate may sign documents: P-384, digitalSignature, no CA  bad-chain
//   5. ES384 over the protected header and the payload                     bad-signature
//   6. the document was made after its certificate began and not in the future  not-yet-valid
//
// The debug mode shows in the PCRs alone: 0, 1 and 2 are zero, 3 and 4 are not. AppraiseNitro refuses when
// any of the three is zero or missing, whatever the policy says.
#pragma once

#include <optional>

#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/nitro_document.h"
#include "attestation/policy/reference_values.h"
#include "attestation/verifier/finding_list.h"
#include "attestation/verifier/trust_anchors.h"
#include "attestation/verifier/verdict.h"
#include "base/clock.h"

namespace blindai::verifier {

struct NitroFacts {
  evidence::NitroDocument document;
  base::Time made_at;
  base::Time judged_at;
};

std::optional<NitroFacts> AuthenticateNitro(const evidence::NitroDocument& document,
                                            const endorsements::Endorsements& endorsements,
                                            const TrustAnchors& anchors, base::Time now,
                                            FindingList& findings);

Claims DescribeFacts(const NitroFacts& facts);
// user_data; empty when there is none, which fits no report data.
base::ByteView BoundData(const NitroFacts& facts);
// The nonce of a document that was made for another verifier.
base::ByteView NonceData(const NitroFacts& facts);

// Codes: debug, pcr, document-age.
void AppraiseNitro(const NitroFacts& facts, const policy::NitroRules& rules, FindingList& findings);

// Without a policy: what no policy accepts. Code: debug.
void AppraiseWithoutPolicy(const NitroFacts& facts, FindingList& findings);

}  // namespace blindai::verifier
