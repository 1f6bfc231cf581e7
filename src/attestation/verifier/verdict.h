// The verdict: the one answer to "may I trust what is at the other end?", with every finding that led to it. It
// is the same value, the same text and the same JSON in the command line, Python, the gateway's page and tests.
//
//   trusted     every required check passed, under a policy
//   refused     at least one check failed: do not send anything
//   undecided   nothing failed, and something that must be known could not be checked (a certificate is missing,
//               or nobody said what is acceptable: code no-policy). Never acceptance
//   simulation  the caller asked for simulation and got exactly that; proves nothing
//
// A finding is one check. SKIPPED is not PASSED: a verdict is trusted only when each required check has passed.
// Codes are stable; docs/formats/verdict.md gives cause and remedy of each.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attestation/evidence/tee_kind.h"

namespace blindai::verifier {

enum class Outcome { kTrusted, kRefused, kUndecided, kSimulation };
enum class CheckStatus { kPassed, kFailed, kSkipped };

std::string_view OutcomeName(Outcome outcome);    // "trusted"
std::string_view StatusName(CheckStatus status);  // "PASSED"

struct Finding {
  std::string code;  // "ok" when it passed; "not-asked" when nobody asked for it
  std::string check;
  CheckStatus status = CheckStatus::kSkipped;
  std::string seen;
  std::string wanted;
  std::string hint;
};

// What authentic evidence says, in a fixed order: name, text. Empty unless the evidence is authentic.
using Claims = std::vector<std::pair<std::string, std::string>>;

struct Verdict {
  Outcome outcome = Outcome::kUndecided;
  std::string mode;                      // "hardware" or "simulation"
  std::optional<evidence::TeeKind> tee;  // nothing: the bytes are of no kind that is known
  std::vector<Finding> findings;
  Claims claims;

  bool trusted() const { return outcome == Outcome::kTrusted; }
  // Whether a finding with this code failed, or was skipped for want of something.
  bool Has(std::string_view code) const;
};

// A readable table: the answer first, then what failed, what could not be checked, what passed, then the
// claims.
std::string RenderText(const Verdict& verdict);

// {"verdict","mode","tee","findings":[{"code","check","status","seen","wanted","hint"}],"claims":{…}}
std::string RenderJson(const Verdict& verdict);

// Text from evidence, safe to print: printable ASCII stays, other bytes become \xNN, at most 200 characters.
std::string Printable(std::string_view text);

}  // namespace blindai::verifier
