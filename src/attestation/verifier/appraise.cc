#include "attestation/verifier/appraise.h"

#include <optional>
#include <string>
#include <utility>

#include "attestation/verifier/dcap_appraise.h"
#include "base/check.h"
#include "crypto/digest.h"
#include "encoding/hex.h"

namespace blindai::verifier {
namespace {

using evidence::TeeKind;

void CheckReportData(const AuthenticEvidence& evidence, const Question& question, FindingList& findings) {
  if (!question.report_data) {
    findings.NotAsked("report data", "not compared: no report data was given; seen " +
                                         encoding::HexEncode(evidence.bound_data()));
    return;
  }
  // A TPM signs at most 50 chosen bytes, so it signs the digest of the 64 (evidence/report_data.h).
  const base::Bytes wanted = evidence.tee() == TeeKind::kTpm
                                 ? base::CopyBytes(crypto::Sha256(question.report_data->view()).view())
                                 : base::CopyBytes(question.report_data->view());
  findings.Require({"report data"});
  findings.Check("report-data-mismatch", "report data",
                 base::ConstantTimeEqual(evidence.bound_data(), wanted),
                 encoding::HexEncode(evidence.bound_data()), encoding::HexEncode(wanted),
                 "the evidence was made for another statement; do not use this connection");
}

void CheckNonce(const AuthenticEvidence& evidence, const Question& question, FindingList& findings) {
  if (!question.nonce) return;
  findings.Require({"nonce"});
  findings.Check("nonce-mismatch", "nonce", base::ConstantTimeEqual(evidence.nonce(), *question.nonce),
                 encoding::HexEncode(evidence.nonce()), encoding::HexEncode(*question.nonce),
                 "the evidence answers another question: it may be a replay");
}

// Simulation proves nothing, so no policy accepts it, and without a policy only the caller's own word lets it
// pass.
void CheckSimulation(const Question& question, FindingList& findings) {
  if (question.policy != nullptr) {
    findings.Fail(
        "simulation", "hardware", "simulated evidence", "evidence of hardware that the policy accepts",
        "no policy accepts simulation; leave the policy out and allow simulation to try things out");
  } else if (question.allow_simulation == AllowSimulation::kNo) {
    findings.Fail("simulation", "hardware", "simulated evidence",
                  "evidence of hardware, or permission for simulation",
                  "a simulated server proves nothing; to try things out say simulation=True, --simulation or "
                  "BLINDAI_SIMULATION=1");
  } else {
    findings.NotAsked("hardware", "simulated evidence, permitted by the caller; nothing was proved");
  }
}

// Facts of a kind meet the rules of that kind and no others: AcceptBlock::tee() is compared first.
template <typename FactsOfKind, typename RulesOfKind>
void Compare(const FactsOfKind&, const RulesOfKind&, FindingList&) {
  BLINDAI_CHECK(false);
}
void Compare(const DcapFacts& facts, const policy::SgxRules& rules, FindingList& findings) {
  AppraiseSgx(facts, rules, findings);
}
void Compare(const DcapFacts& facts, const policy::TdxRules& rules, FindingList& findings) {
  AppraiseTdx(facts, rules, findings);
}
void Compare(const SnpFacts& facts, const policy::SnpRules& rules, FindingList& findings) {
  AppraiseSnp(facts, rules, findings);
}

void Compare(const NitroFacts& facts, const policy::NitroRules& rules, FindingList& findings) {
  AppraiseNitro(facts, rules, findings);
}

void Compare(const TpmFacts& facts, const policy::TpmRules& rules, FindingList& findings) {
  AppraiseTpm(facts, rules, findings);
}

// Kinds without a debug mode have nothing to say when there is no policy.
template <typename FactsOfKind>
void AppraiseWithoutPolicy(const FactsOfKind&, FindingList&) {}
void AppraiseWithoutPolicy(const DcapFacts& facts, FindingList& findings) {
  AppraiseDcapWithoutPolicy(facts, findings);
}

struct Comparison {
  const policy::AcceptBlock* block = nullptr;
  FindingList findings;
  Outcome outcome = Outcome::kRefused;
};

Comparison CompareWithBlock(const AuthenticEvidence& evidence, const policy::AcceptBlock& block) {
  Comparison comparison;
  comparison.block = &block;
  std::visit([&](const auto& facts, const auto& rules) { Compare(facts, rules, comparison.findings); },
             evidence.facts(), block.rules);
  FindingList concluded = comparison.findings;
  comparison.outcome = concluded.Conclude();
  return comparison;
}

bool IsBetter(const Comparison& one, const Comparison& other) {
  const auto rank = [](const Comparison& comparison) {
    const int by_outcome = comparison.outcome == Outcome::kTrusted     ? 0
                           : comparison.outcome == Outcome::kUndecided ? 1
                                                                       : 2;
    return std::pair(by_outcome, comparison.findings.failures());
  };
  return rank(one) < rank(other);
}

// One block must accept in every point. The first one that does, else the one that comes closest, is
// reported: the findings of all of them would hide the reason.
std::optional<Comparison> BestBlock(const AuthenticEvidence& evidence, const policy::Policy& policy) {
  std::optional<Comparison> best;
  for (const policy::AcceptBlock& block : policy.accept) {
    if (block.tee() != evidence.tee()) continue;
    Comparison comparison = CompareWithBlock(evidence, block);
    if (!best || IsBetter(comparison, *best)) best = std::move(comparison);
  }
  return best;
}

std::string BlockText(const policy::AcceptBlock& block) {
  std::string text(evidence::TeeName(block.tee()));
  if (!block.name.empty()) text += ", block " + block.name;
  if (block.line > 0) text += ", line " + std::to_string(block.line);
  return text;
}

void CheckPolicy(const AuthenticEvidence& evidence, const Question& question, FindingList& findings) {
  if (question.policy == nullptr) {
    std::visit([&](const auto& facts) { AppraiseWithoutPolicy(facts, findings); }, evidence.facts());
    findings.CannotTell("no-policy", "policy", "authentic evidence and nothing to compare it with",
                        "a policy that says what is acceptable",
                        "give a policy; until then only authenticity is established");
    return;
  }
  findings.Require({"accepted kind"});
  std::optional<Comparison> best = BestBlock(evidence, *question.policy);
  if (!best) {
    findings.Fail(
        "tee-not-accepted", "accepted kind", evidence::TeeName(evidence.tee()),
        "a kind that the policy has a block for",
        "the server runs on another platform than the policy allows; do not change the policy because a "
        "server asks for it");
    return;
  }
  findings.Pass("accepted kind", BlockText(*best->block));
  findings.Append(std::move(best->findings));
}

std::string_view ModeOf(TeeKind tee) { return tee == TeeKind::kSimulated ? "simulation" : "hardware"; }

base::Result<endorsements::Endorsements> Collect(const evidence::EvidenceBundle& bundle) {
  endorsements::Endorsements collected;
  for (const evidence::NamedBytes& entry : bundle.endorsements) {
    BLINDAI_RETURN_IF_ERROR(collected.Add(entry.name, entry.bytes));
  }
  return collected;
}

Verdict Unreadable(const evidence::EvidenceBundle& bundle, const base::Error& error, FindingList findings) {
  const bool known = error.code == "tee-unsupported" || error.code == "tpm-magic" || error.code == "tpm-type";
  findings.Fail(known ? std::string_view(error.code) : "malformed", "evidence", error.message,
                "well-formed evidence of the kind that was named",
                "the sender, or something on the way, does not speak this protocol");
  return {findings.Conclude(), std::string(ModeOf(bundle.tee)), bundle.tee, findings.findings(), {}};
}

}  // namespace

void Appraise(const AuthenticEvidence& evidence, const Question& question, FindingList& findings) {
  CheckReportData(evidence, question, findings);
  CheckNonce(evidence, question, findings);
  if (evidence.tee() == TeeKind::kSimulated) {
    CheckSimulation(question, findings);
  } else {
    CheckPolicy(evidence, question, findings);
  }
}

Verdict Judge(const evidence::Evidence& evidence, const endorsements::Endorsements& endorsements,
              const TrustAnchors& anchors, const Question& question, FindingList already) {
  Verdict verdict;
  verdict.tee = evidence::KindOf(evidence);
  verdict.mode = ModeOf(*verdict.tee);

  FindingList findings = std::move(already);
  Authentication authentication = Authenticate(evidence, endorsements, anchors, question.now);
  findings.Append(std::move(authentication.findings));
  if (authentication.evidence) {
    Appraise(*authentication.evidence, question, findings);
    verdict.claims = authentication.evidence->claims();
  }

  verdict.outcome = findings.Conclude();
  if (verdict.outcome == Outcome::kTrusted && verdict.tee == TeeKind::kSimulated) {
    verdict.outcome = Outcome::kSimulation;
  }
  verdict.findings = findings.findings();
  return verdict;
}

Verdict JudgeBundle(const evidence::EvidenceBundle& bundle, const TrustAnchors& anchors,
                    const Question& question, FindingList already) {
  const auto evidence = evidence::ParseEvidence(bundle.tee, bundle.evidence);
  if (!evidence.ok()) return Unreadable(bundle, evidence.error(), std::move(already));
  const auto endorsements = Collect(bundle);
  if (!endorsements.ok()) return Unreadable(bundle, endorsements.error(), std::move(already));
  return Judge(*evidence, *endorsements, anchors, question, std::move(already));
}

}  // namespace blindai::verifier
