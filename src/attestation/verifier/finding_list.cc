#include "attestation/verifier/finding_list.h"

#include <algorithm>
#include <iterator>

namespace blindai::verifier {

void FindingList::Require(std::initializer_list<std::string_view> checks) {
  required_.insert(required_.end(), checks.begin(), checks.end());
}

bool FindingList::Check(std::string_view code, std::string_view check, bool passed, std::string_view seen,
                        std::string_view wanted, std::string_view hint) {
  if (passed) {
    Pass(check, seen);
  } else {
    Fail(code, check, seen, wanted, hint);
  }
  return passed;
}

void FindingList::Pass(std::string_view check, std::string_view seen) {
  findings_.push_back({"ok", std::string(check), CheckStatus::kPassed, Printable(seen), "", ""});
}

void FindingList::Fail(std::string_view code, std::string_view check, std::string_view seen,
                       std::string_view wanted, std::string_view hint) {
  ++failures_;
  findings_.push_back({std::string(code), std::string(check), CheckStatus::kFailed, Printable(seen),
                       Printable(wanted), std::string(hint)});
}

void FindingList::CannotTell(std::string_view code, std::string_view check, std::string_view seen,
                             std::string_view wanted, std::string_view hint) {
  undecided_ = true;
  findings_.push_back({std::string(code), std::string(check), CheckStatus::kSkipped, Printable(seen),
                       Printable(wanted), std::string(hint)});
}

void FindingList::NotAsked(std::string_view check, std::string_view seen) {
  findings_.push_back({"not-asked", std::string(check), CheckStatus::kSkipped, Printable(seen), "", ""});
}

void FindingList::Append(FindingList other) {
  std::move(other.findings_.begin(), other.findings_.end(), std::back_inserter(findings_));
  std::move(other.required_.begin(), other.required_.end(), std::back_inserter(required_));
  failures_ += other.failures_;
  undecided_ = undecided_ || other.undecided_;
}

Outcome FindingList::Conclude() {
  // After a failure the later checks of a chain are not made, and naming each of them would hide the cause.
  if (any_failed()) return Outcome::kRefused;
  if (undecided_) return Outcome::kUndecided;
  for (const std::string& check : required_) {
    if (!Passed(check)) CannotTell("not-checked", check, "this check was not made", "a check that passed");
  }
  return undecided_ ? Outcome::kUndecided : Outcome::kTrusted;
}

bool FindingList::Passed(std::string_view check) const {
  return std::any_of(findings_.begin(), findings_.end(), [check](const Finding& finding) {
    return finding.check == check && finding.status == CheckStatus::kPassed;
  });
}

}  // namespace blindai::verifier
