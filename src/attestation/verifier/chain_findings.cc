#include "attestation/verifier/chain_findings.h"

#include <algorithm>

namespace blindai::verifier {
namespace {

bool MayVouch(const TrustAnchor& anchor, std::span<const AnchorRole> roles) {
  return anchor.extra || std::find(roles.begin(), roles.end(), anchor.role) != roles.end();
}

std::vector<crypto::TrustAnchor> PinsOf(const TrustAnchors& anchors, std::span<const AnchorRole> roles) {
  std::vector<crypto::TrustAnchor> pins;
  for (const TrustAnchor& anchor : anchors.anchors()) {
    if (MayVouch(anchor, roles)) pins.push_back({crypto::TrustAnchor::Pins::kPublicKey, anchor.spki_sha256});
  }
  return pins;
}

std::string_view CodeOf(const crypto::ChainProblem& problem) {
  return problem.code == "bad-signature" ? std::string_view("bad-chain") : std::string_view(problem.code);
}

bool ReportAnchor(FindingList& findings, const TrustAnchors& anchors, std::span<const AnchorRole> roles,
                  const crypto::Sha256Digest& root) {
  for (const AnchorRole role : roles) {
    if (anchors.Find(role, root) != nullptr) return CheckTrustAnchor(findings, anchors, role, root);
  }
  return CheckTrustAnchor(findings, anchors, roles.empty() ? AnchorRole::kAny : roles.front(), root);
}

}  // namespace

std::optional<std::vector<crypto::Certificate>> CheckChain(FindingList& findings, const TrustAnchors& anchors,
                                                           const crypto::Certificate& leaf,
                                                           std::span<const crypto::Certificate> others,
                                                           const ChainCheck& how) {
  const std::vector<crypto::TrustAnchor> pins = PinsOf(anchors, how.roles);
  crypto::ChainOptions options;
  options.at = how.now;
  options.crl_use = how.crl_use;
  options.crls = how.crls;
  crypto::ChainResult chain = crypto::VerifyChain(leaf, others, pins, options);
  for (const crypto::ChainProblem& problem : chain.problems) {
    findings.Fail(CodeOf(problem), how.check, problem.subject + ": " + problem.message,
                  "a chain to a pinned key that is good at " + base::FormatTime(how.now));
  }
  if (!chain.ok()) return std::nullopt;
  findings.Pass(how.check, leaf.subject() + ", " + std::to_string(chain.path.size()) +
                               " certificates, good at " + base::FormatTime(how.now));
  if (!ReportAnchor(findings, anchors, how.roles, chain.path.back().public_key().SpkiSha256()))
    return std::nullopt;
  return std::move(chain.path);
}

}  // namespace blindai::verifier
