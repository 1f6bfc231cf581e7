#include "attestation/verifier/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/check.h"

namespace blindai::verifier {
namespace {

constexpr std::size_t kMaxPrintable = 200;

std::string_view Sentence(Outcome outcome) {
  switch (outcome) {
    case Outcome::kTrusted:
      return "every required check passed under the policy";
    case Outcome::kRefused:
      return "at least one check failed; nothing may be sent";
    case Outcome::kUndecided:
      return "something that must be known could not be checked; this is not acceptance";
    case Outcome::kSimulation:
      return "a simulated server, as asked for; this proves nothing about the machine";
  }
  BLINDAI_CHECK(false);
}

std::string_view TeeText(const Verdict& verdict) {
  return verdict.tee ? evidence::TeeName(*verdict.tee) : "unknown";
}

// `width`: of the longest name of a check that passed.
void AppendFinding(std::string& out, const Finding& finding, std::size_t width) {
  if (finding.status == CheckStatus::kPassed) {
    const std::string name =
        finding.seen.empty() ? finding.check : fmt::format("{:<{}}  {}", finding.check, width, finding.seen);
    out += fmt::format("  {:<8} {}\n", StatusName(finding.status), name);
    return;
  }
  out += fmt::format("  {:<8} {}", StatusName(finding.status), finding.check);
  out += fmt::format(" [{}]\n", finding.code);
  if (!finding.seen.empty()) out += fmt::format("           seen    {}\n", finding.seen);
  if (!finding.wanted.empty()) out += fmt::format("           wanted  {}\n", finding.wanted);
  if (!finding.hint.empty()) out += fmt::format("           hint    {}\n", finding.hint);
}

}  // namespace

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kTrusted:
      return "trusted";
    case Outcome::kRefused:
      return "refused";
    case Outcome::kUndecided:
      return "undecided";
    case Outcome::kSimulation:
      return "simulation";
  }
  BLINDAI_CHECK(false);
}

std::string_view StatusName(CheckStatus status) {
  switch (status) {
    case CheckStatus::kPassed:
      return "PASSED";
    case CheckStatus::kFailed:
      return "FAILED";
    case CheckStatus::kSkipped:
      return "SKIPPED";
  }
  BLINDAI_CHECK(false);
}

bool Verdict::Has(std::string_view code) const {
  return std::any_of(findings.begin(), findings.end(), [code](const Finding& finding) {
    return finding.code == code && finding.status != CheckStatus::kPassed;
  });
}

std::string RenderText(const Verdict& verdict) {
  std::string out =
      fmt::format("verdict: {} ({})\n", OutcomeName(verdict.outcome), Sentence(verdict.outcome));
  out += fmt::format("mode: {}   tee: {}\n", verdict.mode, TeeText(verdict));
  std::size_t check_width = 0;
  for (const Finding& finding : verdict.findings) {
    if (finding.status == CheckStatus::kPassed) check_width = std::max(check_width, finding.check.size());
  }
  // What a reader must act on stands first.
  for (const CheckStatus status : {CheckStatus::kFailed, CheckStatus::kSkipped, CheckStatus::kPassed}) {
    for (const Finding& finding : verdict.findings) {
      if (finding.status == status) AppendFinding(out, finding, check_width);
    }
  }
  std::size_t width = 0;
  for (const auto& [name, text] : verdict.claims) width = std::max(width, name.size());
  if (!verdict.claims.empty()) out += "claims\n";
  for (const auto& [name, text] : verdict.claims) out += fmt::format("  {:<{}}  {}\n", name, width, text);
  return out;
}

std::string RenderJson(const Verdict& verdict) {
  boost::json::array findings;
  for (const Finding& finding : verdict.findings) {
    findings.push_back({{"code", finding.code},
                        {"check", finding.check},
                        {"status", StatusName(finding.status)},
                        {"seen", finding.seen},
                        {"wanted", finding.wanted},
                        {"hint", finding.hint}});
  }
  boost::json::object claims;
  for (const auto& [name, text] : verdict.claims) claims[name] = text;
  boost::json::object out;
  out["verdict"] = OutcomeName(verdict.outcome);
  out["mode"] = verdict.mode;
  out["tee"] = TeeText(verdict);
  out["findings"] = std::move(findings);
  out["claims"] = std::move(claims);
  return boost::json::serialize(out);
}

std::string Printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (out.size() >= kMaxPrintable) return out + "...";
    const bool plain = c >= ' ' && c <= '~' && c != '\\';
    out += plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace blindai::verifier
