// "Did the hardware say this?" Follows every signature from the evidence to a trust anchor at an explicit
// time, with revocation, and derives what the makers say about the platform. It needs no policy and knows
// none.
//
// How a kind is added: write verifier/<kind>.h after the pattern of simulated.h; put its facts into the
// variant in authentic.h and its case into authenticate.cc and appraise.cc.
#pragma once

#include <optional>

#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/evidence.h"
#include "attestation/verifier/authentic.h"
#include "attestation/verifier/finding_list.h"
#include "attestation/verifier/trust_anchors.h"
#include "base/clock.h"

namespace blindai::verifier {

struct Authentication {
  FindingList findings;  // of every check, also when it failed
  // Only when nothing failed. What was missing has left findings that keep the verdict undecided; the facts
  // that are known can then still be refused (a debug quote whose collateral is not there), never accepted.
  std::optional<AuthenticEvidence> evidence;
};

Authentication Authenticate(const evidence::Evidence& evidence,
                            const endorsements::Endorsements& endorsements, const TrustAnchors& anchors,
                            base::Time now);

}  // namespace blindai::verifier
