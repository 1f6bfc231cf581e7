#include "attestation/verifier/authenticate.h"

#include "attestation/verifier/event_log.h"

namespace blindai::verifier {
namespace {

// One line per kind: its own function, its own facts.
std::optional<Facts> AuthenticateKind(const evidence::SimulatedEvidence& evidence,
                                      const endorsements::Endorsements& endorsements,
                                      const TrustAnchors& anchors, base::Time now, FindingList& findings) {
  return AuthenticateSimulated(evidence, endorsements, anchors, now, findings);
}
std::optional<Facts> AuthenticateKind(const evidence::DcapQuote& evidence,
                                      const endorsements::Endorsements& endorsements,
                                      const TrustAnchors& anchors, base::Time now, FindingList& findings) {
  auto facts = AuthenticateDcap(evidence, endorsements, anchors, now, findings);
  // Not in AuthenticateDcap: under an Azure TPM the log is the TPM's, not the TD's.
  if (const evidence::TdReport* td = evidence.td()) CheckTdEventLog(*td, endorsements, findings);
  return facts;
}
std::optional<Facts> AuthenticateKind(const evidence::SnpReport& evidence,
                                      const endorsements::Endorsements& endorsements,
                                      const TrustAnchors& anchors, base::Time now, FindingList& findings) {
  return AuthenticateSnp(evidence, endorsements, anchors, now, findings);
}
std::optional<Facts> AuthenticateKind(const evidence::NitroDocument& evidence,
                                      const endorsements::Endorsements& endorsements,
                                      const TrustAnchors& anchors, base::Time now, FindingList& findings) {
  return AuthenticateNitro(evidence, endorsements, anchors, now, findings);
}
std::optional<Facts> AuthenticateKind(const evidence::TpmEvidence& evidence,
                                      const endorsements::Endorsements& endorsements,
                                      const TrustAnchors& anchors, base::Time now, FindingList& findings) {
  return AuthenticateTpm(evidence, endorsements, anchors, now, findings);
}

template <typename FactsOfKind>
base::ByteView NonceOf(const FactsOfKind& facts) {
  return BoundData(facts);
}
base::ByteView NonceOf(const NitroFacts& facts) { return NonceData(facts); }

}  // namespace

Claims AuthenticEvidence::claims() const {
  return std::visit([](const auto& facts) { return DescribeFacts(facts); }, facts_);
}

base::ByteView AuthenticEvidence::bound_data() const {
  return std::visit([](const auto& facts) { return BoundData(facts); }, facts_);
}

base::ByteView AuthenticEvidence::nonce() const {
  return std::visit([](const auto& facts) { return NonceOf(facts); }, facts_);
}

Authentication Authenticate(const evidence::Evidence& evidence,
                            const endorsements::Endorsements& endorsements, const TrustAnchors& anchors,
                            base::Time now) {
  Authentication result;
  std::optional<Facts> facts = std::visit(
      [&](const auto& of_kind) {
        return AuthenticateKind(of_kind, endorsements, anchors, now, result.findings);
      },
      evidence);
  // Facts beside a failure would be a mistake of the kind's own file; trust is not given on it.
  if (facts && !result.findings.any_failed()) {
    result.evidence = AuthenticEvidence(evidence::KindOf(evidence), std::move(*facts));
  }
  return result;
}

}  // namespace blindai::verifier
