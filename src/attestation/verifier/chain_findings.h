// Certificate chains as findings: runs crypto/certificate_chain.h against the anchors of one role and reports
// what it says. A certificate that its issuer did not sign is "bad-chain" here, because "bad-signature" is
// kept for the signature of the evidence itself; all other codes are those of crypto/certificate_chain.h.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "attestation/verifier/finding_list.h"
#include "attestation/verifier/trust_anchors.h"
#include "base/clock.h"
#include "crypto/certificate.h"
#include "crypto/certificate_chain.h"
#include "crypto/crl.h"

namespace blindai::verifier {

struct ChainCheck {
  std::string_view check;             // the finding's name, "VCEK chain"
  std::span<const AnchorRole> roles;  // which makers may vouch; extra anchors always may
  std::span<const crypto::Crl> crls;
  crypto::CrlUse crl_use = crypto::CrlUse::kIfPresent;
  base::Time now;
};

// The path from the leaf to the anchor when nothing is wrong with it, else findings and nothing. The anchor
// that was reached is reported by CheckTrustAnchor.
std::optional<std::vector<crypto::Certificate>> CheckChain(FindingList& findings, const TrustAnchors& anchors,
                                                           const crypto::Certificate& leaf,
                                                           std::span<const crypto::Certificate> others,
                                                           const ChainCheck& how);

}  // namespace blindai::verifier
