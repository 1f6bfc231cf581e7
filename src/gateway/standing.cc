#include "gateway/standing.h"

#include <algorithm>
#include <boost/json.hpp>
#include <initializer_list>
#include <utility>

#include "attestation/verifier/explain.h"
#include "base/bytes.h"
#include "client/failure.h"
#include "encoding/hex.h"
#include "encoding/json.h"
#include "protocols/wire/attestation.h"

namespace blindai::gateway {
namespace {

namespace json = boost::json;
using verifier::CheckStatus;
using verifier::Outcome;
using verifier::Verdict;

State StateOf(const Attempt& attempt) {
  if (!attempt.verdict) return State::kUnreachable;
  switch (attempt.verdict->outcome) {
    case Outcome::kTrusted:
      return attempt.error ? State::kRefused : State::kTrusted;
    case Outcome::kSimulation:
      // An error beside it: simulation was not permitted.
      return attempt.error ? State::kRefused : State::kSimulation;
    case Outcome::kRefused:
      return State::kRefused;
    case Outcome::kUndecided:
      return State::kUndecided;
  }
  return State::kRefused;
}

// True when what is shown is accepted in place of something else that was.
bool Take(std::optional<Shown>& shown, const crypto::Sha256Digest& digest, bool accepted, base::Time now) {
  if (!shown) shown.emplace();
  shown->sha256 = digest;
  if (!accepted) return false;
  const bool changed = shown->accepted && *shown->accepted != digest;
  if (changed) {
    shown->before = shown->accepted;
    shown->changed_at = now;
  }
  shown->accepted = digest;
  return changed;
}

std::optional<std::string> ManifestOf(const client::ConnectionRecord& record) {
  auto answer = wire::DecodeAttestation(record.answer);
  if (!answer.ok()) return std::nullopt;
  return std::move(answer->manifest);
}

bool IsConnectionState(State state) { return state == State::kUnreachable || state == State::kConnecting; }

json::value TimeOrNull(const std::optional<base::Time>& time) {
  if (!time) return nullptr;
  return json::value(base::FormatTime(*time));
}

json::value HexOrNull(const std::optional<crypto::Sha256Digest>& digest) {
  if (!digest) return nullptr;
  return json::value(encoding::HexEncode(digest->view()));
}

json::object ShownJson(const Shown& shown) {
  json::object object;
  object["sha256"] = encoding::HexEncode(shown.sha256.view());
  object["changed_at"] = TimeOrNull(shown.changed_at);
  object["before_sha256"] = HexOrNull(shown.before);
  return object;
}

json::value VerdictJson(const std::optional<Verdict>& verdict) {
  if (!verdict) return nullptr;
  return json::parse(verifier::RenderJson(*verdict));
}

// The documents' own grammar is the server's affair; what is no JSON is shown as nothing.
json::value DocumentJson(const client::ConnectionRecord& record) {
  const std::optional<std::string> manifest = ManifestOf(record);
  if (!manifest) return nullptr;
  auto document = encoding::ParseJson(*manifest);
  return document.ok() ? *std::move(document) : json::value(nullptr);
}

// The worst of the checks with these names; a check that was not made counts as skipped.
CheckStatus WorstOf(const Verdict& verdict, std::initializer_list<std::string_view> checks) {
  CheckStatus worst = CheckStatus::kPassed;
  for (const std::string_view check : checks) {
    CheckStatus status = CheckStatus::kSkipped;
    for (const verifier::Finding& finding : verdict.findings) {
      if (finding.check == check) status = finding.status;
    }
    if (status == CheckStatus::kFailed) return status;
    if (status == CheckStatus::kSkipped) worst = status;
  }
  return worst;
}

json::object Link(std::string_view name, CheckStatus status, std::string_view says) {
  json::object link;
  link["link"] = name;
  link["status"] = verifier::StatusName(status);
  link["says"] = says;
  return link;
}

json::object QuestionLink(const Verdict& verdict) {
  const CheckStatus status = WorstOf(verdict, {"nonce"});
  return Link("question", status,
              status == CheckStatus::kPassed
                  ? "The evidence answers the fresh question that this gateway asked, so it is no old answer."
                  : "The evidence does not answer the question that this gateway asked.");
}

json::object ConnectionLink(const Verdict& verdict) {
  const CheckStatus status = WorstOf(
      verdict, {"connection", "server key", "keyset", "manifest", "keyset content", "mode", "report data"});
  return Link(
      "connection", status,
      status == CheckStatus::kPassed
          ? "The hardware signed the key of this very connection, so nobody between reads or changes it."
          : "The evidence is not shown to belong to this connection: somebody else may be at its end.");
}

json::object MakerLink(const Verdict& verdict) {
  // Claims are there only when the evidence is authentic.
  const std::string explanation = verifier::Explain(verdict);
  const std::string first = explanation.substr(0, explanation.find('\n'));
  if (verdict.claims.empty()) {
    const bool failed = verdict.outcome == Outcome::kRefused;
    return Link("maker", failed ? CheckStatus::kFailed : CheckStatus::kSkipped, first);
  }
  const bool simulated = verdict.mode == "simulation";
  return Link("maker", simulated ? CheckStatus::kSkipped : CheckStatus::kPassed, first);
}

json::object PolicyLink(const Verdict& verdict) {
  switch (verdict.outcome) {
    case Outcome::kTrusted:
      return Link("policy", CheckStatus::kPassed, "Your policy accepts what runs there in every point.");
    case Outcome::kSimulation:
      return Link(
          "policy", CheckStatus::kSkipped,
          "You permitted simulation. It proves nothing: such a server can read everything it is sent.");
    case Outcome::kUndecided:
      return Link("policy", CheckStatus::kSkipped, "Too little is known to accept what runs there.");
    case Outcome::kRefused:
      return Link("policy", CheckStatus::kFailed, "What runs there is not accepted. Nothing is sent.");
  }
  return {};
}

json::array Chain(const std::optional<Verdict>& verdict) {
  if (!verdict) return {};
  return {QuestionLink(*verdict), ConnectionLink(*verdict), MakerLink(*verdict), PolicyLink(*verdict)};
}

}  // namespace

std::string_view StateName(State state) {
  switch (state) {
    case State::kConnecting:
      return "connecting";
    case State::kTrusted:
      return "trusted";
    case State::kSimulation:
      return "simulation";
    case State::kRefused:
      return "refused";
    case State::kUndecided:
      return "undecided";
    case State::kUnreachable:
      return "unreachable";
  }
  BLINDAI_CHECK(false);
}

Standing After(Standing standing, const Attempt& attempt, base::Time now) {
  const State before = standing.state;
  standing.state = StateOf(attempt);
  standing.error = attempt.error;
  std::string_view change;
  if (standing.state != before) {
    standing.since = now;
    change = IsConnectionState(before) == IsConnectionState(standing.state) ? "verdict" : "connection";
  }
  if (attempt.verdict && attempt.record) {
    standing.record = attempt.record;
    standing.verdict = attempt.verdict;
    const bool accepted = standing.usable();
    if (Take(standing.server_key, crypto::Sha256(attempt.record->peer_spki_der), accepted, now))
      change = "key";
    const std::optional<std::string> manifest = ManifestOf(*attempt.record);
    if (manifest && Take(standing.manifest, crypto::Sha256(base::AsBytes(*manifest)), accepted, now))
      change = "manifest";
  }
  if (!change.empty()) {
    standing.change = change;
    ++standing.number;
  }
  return standing;
}

Standing Renewed(Standing standing) {
  standing.change = "verified";
  ++standing.number;
  return standing;
}

std::string RenderStatus(const Standing& standing, const StatusFacts& facts) {
  json::object status;
  status["state"] = StateName(standing.state);
  status["usable"] = standing.usable();
  status["since"] = base::FormatTime(standing.since);
  status["server"] = facts.server;
  status["change"] = standing.change;
  status["number"] = standing.number;
  status["simulation_permitted"] = facts.simulation_permitted;
  status["policy"] = facts.has_policy;
  status["error"] = nullptr;
  if (standing.error)
    status["error"] = {{"code", standing.error->code}, {"message", standing.error->message}};
  std::optional<base::Time> verified_at;
  if (standing.record) verified_at = standing.record->verified_at;
  status["verified_at"] = TimeOrNull(verified_at);
  status["verify_again_at"] = nullptr;
  if (verified_at && standing.usable())
    status["verify_again_at"] = base::FormatTime(*verified_at + facts.verify_every);
  status["verdict"] = VerdictJson(standing.verdict);
  status["explanation"] = standing.verdict ? verifier::Explain(*standing.verdict) : std::string();
  status["chain"] = Chain(standing.verdict);
  status["server_key"] = nullptr;
  if (standing.server_key) status["server_key"] = ShownJson(*standing.server_key);
  status["manifest"] = nullptr;
  if (standing.manifest) {
    json::object manifest = ShownJson(*standing.manifest);
    manifest["document"] = DocumentJson(*standing.record);
    status["manifest"] = std::move(manifest);
  }
  return json::serialize(status);
}

base::Error WhyNot(const Standing& standing) {
  using base::ErrorKind;
  if (standing.state == State::kConnecting) {
    return base::MakeError(ErrorKind::kUnavailable, "server-unreachable",
                           "the gateway has not verified the server yet; try again in a moment");
  }
  const std::string message = standing.error ? standing.error->message : "the server is not verified";
  const bool refused = standing.state != State::kUnreachable;
  return base::MakeError(ErrorKind::kUnavailable, refused ? "server-not-trusted" : "server-unreachable",
                         message);
}

std::string RenderRefusal(const Standing& standing, ErrorShape shape) {
  const base::Error error = WhyNot(standing);
  json::object body;
  if (shape == ErrorShape::kOpenInference) {
    body["error"] = error.message;
    body["code"] = error.code;
  } else {
    body["error"] = {
        {"message", error.message}, {"type", "server_error"}, {"param", nullptr}, {"code", error.code}};
  }
  // What was said earlier is no reason for not being reached now.
  body["verdict"] = standing.state == State::kUnreachable ? nullptr : VerdictJson(standing.verdict);
  return json::serialize(body);
}

}  // namespace blindai::gateway
