// Simulated evidence: checked as carefully as hardware evidence and worth nothing. The signature says only
// that somebody with this source code made it. This file is the smallest example of what a kind provides:
//
//   XFacts          what authentication establishes: the parsed evidence and what follows from endorsements
//   AuthenticateX   did the maker say this? Findings go to the list; facts only when nothing failed or misses
//   DescribeFacts   the facts as claims, for people
//   BoundData       the bytes that bind the evidence to a connection, as they stand in the evidence
//   AppraiseX       is it what the rules of a policy accept? (None here: no policy can accept simulation)
#pragma once

#include <optional>

#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/simulated_evidence.h"
#include "attestation/verifier/finding_list.h"
#include "attestation/verifier/trust_anchors.h"
#include "attestation/verifier/verdict.h"
#include "base/clock.h"

namespace blindai::verifier {

struct SimulatedFacts {
  evidence::SimulatedEvidence evidence;
};

// Codes: bad-signature, measurement.
std::optional<SimulatedFacts> AuthenticateSimulated(const evidence::SimulatedEvidence& evidence,
                                                    const endorsements::Endorsements& endorsements,
                                                    const TrustAnchors& anchors, base::Time now,
                                                    FindingList& findings);
Claims DescribeFacts(const SimulatedFacts& facts);
base::ByteView BoundData(const SimulatedFacts& facts);

}  // namespace blindai::verifier
