#include "attestation/verifier/explain.h"

#include <algorithm>

namespace blindai::verifier {
namespace {

using evidence::TeeKind;

// Who is believed when the checks of a kind have passed.
std::string_view Maker(std::optional<TeeKind> tee) {
  if (!tee) return "nobody";
  switch (*tee) {
    case TeeKind::kSimulated:
      return "nobody: the key of simulated evidence is public";
    case TeeKind::kSgx:
    case TeeKind::kTdx:
      return "Intel, which certified the processor and says what its patch level is worth";
    case TeeKind::kSnp:
      return "AMD, which certified the key of this chip or of this cloud";
    case TeeKind::kTpm:
      return "the maker of the TPM or the cloud that runs it, and the hardware report over it if there is "
             "one";
    case TeeKind::kNitro:
      return "AWS, which certified the enclave's key and runs the machine it is on";
  }
  return "nobody";
}

std::string_view Subject(std::optional<TeeKind> tee) {
  if (!tee) return "What the file holds";
  switch (*tee) {
    case TeeKind::kSimulated:
      return "The simulated evidence";
    case TeeKind::kSgx:
      return "The SGX quote";
    case TeeKind::kTdx:
      return "The TDX quote";
    case TeeKind::kSnp:
      return "The SEV-SNP report";
    case TeeKind::kTpm:
      return "The TPM quote";
    case TeeKind::kNitro:
      return "The Nitro document";
  }
  return "The evidence";
}

const std::string* Claim(const Verdict& verdict, std::string_view name) {
  const auto found = std::find_if(verdict.claims.begin(), verdict.claims.end(),
                                  [name](const auto& claim) { return claim.first == name; });
  return found == verdict.claims.end() ? nullptr : &found->second;
}

// A TPM's key may be vouched for by nobody, and a quote may have come without Intel's word on its platform.
std::string_view Voucher(const Verdict& verdict) {
  const std::string* by = Claim(verdict, "vouched_for_by");
  if (by != nullptr && *by == "nobody")
    return "nobody: anybody can make such a key, and only a pin in the policy names it";
  if (verdict.Has("no-collateral"))
    return "the processor's key alone: whether its maker revoked it, and what its patch level is worth, was "
           "not checked";
  return Maker(verdict.tee);
}

bool Passed(const Verdict& verdict, std::string_view check) {
  return std::any_of(verdict.findings.begin(), verdict.findings.end(), [check](const Finding& finding) {
    return finding.check == check && finding.status == CheckStatus::kPassed;
  });
}

void Sentences(const Verdict& verdict, CheckStatus status, std::string_view opening, std::string& out) {
  bool first = true;
  for (const Finding& finding : verdict.findings) {
    if (finding.status != status || finding.code == "not-asked") continue;
    if (first) out += std::string(opening) + "\n";
    first = false;
    out += "  - " + finding.check;
    if (!finding.seen.empty()) out += ": " + finding.seen;
    if (!finding.wanted.empty()) out += "; wanted: " + finding.wanted;
    out += ".\n";
    if (!finding.hint.empty()) out += "    What to do: " + finding.hint + ".\n";
  }
}

void AuthenticPart(const Verdict& verdict, std::string& out) {
  const bool authentic = !verdict.claims.empty();
  out += std::string(Subject(verdict.tee)) +
         (authentic ? " is authentic. Vouched for by " : " is not shown to be authentic");
  out += authentic ? std::string(Voucher(verdict)) + ".\n" : std::string(".\n");
  for (const Finding& finding : verdict.findings) {
    if (finding.seen.find("EXTRA ANCHOR") != std::string::npos) {
      out += "BUT this rests on a root that you added yourself, not on a maker's: " + finding.seen + ".\n";
    }
  }
  if (const std::string* measurement = Claim(verdict, "measurement")) {
    out += "What runs there measures to " + *measurement + ".\n";
  }
}

void BoundPart(const Verdict& verdict, std::string& out) {
  if (Passed(verdict, "report data") || Passed(verdict, "nonce")) {
    out += "It was made for the report data or nonce that you gave, so it is not a replay of another.\n";
  } else if (!verdict.claims.empty()) {
    out += "It was not compared with report data or a nonce, so it may be old or made for somebody else.\n";
  }
}

void EndPart(const Verdict& verdict, std::string& out) {
  switch (verdict.outcome) {
    case Outcome::kTrusted:
      out += "Your policy accepts it in every point: trusted.\n";
      break;
    case Outcome::kRefused:
      out += "Do not send anything to this machine: refused.\n";
      break;
    case Outcome::kUndecided:
      out += "Too little is known to accept it: undecided.\n";
      break;
    case Outcome::kSimulation:
      out += "You allowed simulation, and that is all it is. Nothing is protected.\n";
      break;
  }
}

}  // namespace

std::string Explain(const Verdict& verdict) {
  std::string out;
  AuthenticPart(verdict, out);
  BoundPart(verdict, out);
  Sentences(verdict, CheckStatus::kFailed, "What is wrong:", out);
  Sentences(verdict, CheckStatus::kSkipped, "What could not be checked:", out);
  EndPart(verdict, out);
  return out;
}

}  // namespace blindai::verifier
