// How findings are made. Every check of every kind goes through this list, so that each has a code and says
// what was seen and wanted, and so that the verdict can be concluded in one place (Conclude in verdict.cc's
// sibling appraise.cc): a failed check refuses, a check that could not be made leaves it undecided, and a
// check that was announced with Require() and never passed cannot be forgotten by an early return.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/verifier/verdict.h"

namespace blindai::verifier {

class FindingList {
 public:
  // Announces checks that must pass before anything can be trusted; call it before the first of them is made.
  void Require(std::initializer_list<std::string_view> checks);

  // PASSED or FAILED. `seen` is said in both cases, `wanted` and `hint` matter when it failed. Returns
  // `passed`.
  bool Check(std::string_view code, std::string_view check, bool passed, std::string_view seen,
             std::string_view wanted = "", std::string_view hint = "");
  void Pass(std::string_view check, std::string_view seen);
  void Fail(std::string_view code, std::string_view check, std::string_view seen, std::string_view wanted,
            std::string_view hint = "");

  // SKIPPED because something is missing that is needed: the verdict becomes undecided (no-vcek, no-policy
  // …).
  void CannotTell(std::string_view code, std::string_view check, std::string_view seen,
                  std::string_view wanted, std::string_view hint = "");
  // SKIPPED because nobody asked: no influence on the verdict, but visible.
  void NotAsked(std::string_view check, std::string_view seen);

  // Adds another list at the end, requirements too.
  void Append(FindingList other);

  bool any_failed() const { return failures_ > 0; }
  std::size_t failures() const { return failures_; }
  const std::vector<Finding>& findings() const { return findings_; }

  // trusted, refused or undecided by the rules above. A required check without a finding is added as SKIPPED
  // with code not-checked.
  Outcome Conclude();

 private:
  bool Passed(std::string_view check) const;

  std::vector<Finding> findings_;
  std::vector<std::string> required_;
  std::size_t failures_ = 0;
  bool undecided_ = false;
};

}  // namespace blindai::verifier
