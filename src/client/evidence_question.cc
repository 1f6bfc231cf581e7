#include "client/evidence_question.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "channel/attested_client.h"
#include "channel/attested_server.h"
#include "client/failure.h"
#include "encoding/hex.h"
#include "net/tls.h"
#include "protocols/wire/attestation.h"
#include "protocols/wire/errors.h"

namespace blindai::client {
namespace {

using base::MakeError;
using base::Result;

bool Accepted(const verifier::Verdict& verdict, const ConnectOptions& options) {
  switch (verdict.outcome) {
    case verifier::Outcome::kTrusted:
      return true;
    case verifier::Outcome::kSimulation:
      return options.allow_simulation == verifier::AllowSimulation::kYes;
    case verifier::Outcome::kRefused:
    case verifier::Outcome::kUndecided:
      return false;
  }
  return false;
}

// One line that says what is wrong first; the verdict has all of it.
base::Error Refusal(const verifier::Verdict& verdict) {
  const bool refused = verdict.outcome == verifier::Outcome::kRefused;
  const auto wanted = refused ? verifier::CheckStatus::kFailed : verifier::CheckStatus::kSkipped;
  std::string message =
      refused ? "the server's evidence is refused" : "the server's evidence could not be fully checked";
  const auto finding =
      std::find_if(verdict.findings.begin(), verdict.findings.end(),
                   [&](const verifier::Finding& f) { return f.status == wanted && f.code != "not-asked"; });
  if (finding != verdict.findings.end()) {
    message += ": " + finding->check + " [" + finding->code + "]";
    if (!finding->hint.empty()) message += ": " + finding->hint;
  }
  message += ". Nothing was sent";
  return MakeError(base::ErrorKind::kDenied,
                   std::string(refused ? kAttestationRefused : kAttestationUndecided), std::move(message));
}

}  // namespace

Result<net::ConnectOptions> TlsToServer(const ConnectOptions& options) {
  net::ConnectOptions to;
  to.host = options.server.host;
  to.port = options.server.port;
  to.connect_timeout = options.connect_timeout;
  BLINDAI_TRY(to.tls, net::TlsClientContext::ForAttestedServer());
  return to;
}

net::HttpRequest EvidenceRequest(const channel::Nonce& nonce, std::chrono::milliseconds timeout) {
  net::HttpRequest request;
  request.target = "/v1/attestation?nonce=" + encoding::HexEncode(nonce.view());
  request.max_response_bytes = wire::kMaxAttestationJsonBytes;
  request.timeout = timeout;
  return request;
}

Result<ConnectionRecord> TakeEvidence(const net::HttpResponse& response, const channel::Nonce& nonce,
                                      const net::ConnectionFacts& connection) {
  if (response.status != 200) {
    base::Error said = wire::DecodeError(response.status, response.body);
    // A server that is full or starting says so; the caller can do something about that.
    if (said.kind == base::ErrorKind::kUnavailable || said.kind == base::ErrorKind::kExhausted) return said;
    return MakeError(base::ErrorKind::kInvalid, std::string(kAttestationAnswer),
                     "the server gave no evidence (status " + std::to_string(response.status) +
                         "); is it a blindai server?");
  }
  ConnectionRecord record;
  record.nonce = nonce;
  record.answer = base::AsText(response.body);
  BLINDAI_TRY(record.exporter, channel::ExportFor(connection.exporter, record.nonce));
  record.peer_spki_der = connection.peer_spki_der;
  record.verified_at = base::Now();
  return record;
}

Result<verifier::Verdict> JudgeNow(const ConnectionRecord& record, const ConnectOptions& options) {
  channel::ClientDemand demand;
  demand.policy = options.policy.get();
  demand.allow_simulation = options.allow_simulation;
  demand.anchors = options.anchors;
  demand.now = record.verified_at;
  return Judge(record, demand);
}

base::Status Accept(const verifier::Verdict& verdict, const ConnectOptions& options) {
  if (Accepted(verdict, options)) return base::Ok();
  return Refusal(verdict);
}

}  // namespace blindai::client
