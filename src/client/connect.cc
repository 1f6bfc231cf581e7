#include "client/connect.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "channel/attested_client.h"
#include "channel/attested_server.h"
#include "channel/binding.h"
#include "client/failure.h"
#include "encoding/hex.h"
#include "net/tls.h"
#include "protocols/wire/attestation.h"
#include "protocols/wire/errors.h"

namespace blindai::client {
namespace {

using base::MakeError;
using base::Result;

base::Error NoAnswer(std::string message) {
  return MakeError(base::ErrorKind::kInvalid, std::string(kAttestationAnswer), std::move(message));
}

Result<std::unique_ptr<net::BlockingHttpConnection>> OpenTls(const ConnectOptions& options) {
  net::ConnectOptions to;
  to.host = options.server.host;
  to.port = options.server.port;
  to.connect_timeout = options.connect_timeout;
  BLINDAI_TRY(to.tls, net::TlsClientContext::ForAttestedServer());
  return net::BlockingHttpConnection::Connect(to, options.keep_waiting);
}

// The JSON of the answer.
Result<std::string> AskForEvidence(net::BlockingHttpConnection& connection, const channel::Nonce& nonce,
                                   std::chrono::milliseconds timeout) {
  net::HttpRequest request;
  request.target = "/v1/attestation?nonce=" + encoding::HexEncode(nonce.view());
  request.max_response_bytes = wire::kMaxAttestationJsonBytes;
  request.timeout = timeout;
  BLINDAI_TRY(const net::HttpResponse response, connection.Send(request));
  if (response.status != 200) {
    const base::Error said = wire::DecodeError(response.status, response.body);
    // A server that is full or starting says so; the caller can do something about that.
    if (said.kind == base::ErrorKind::kUnavailable || said.kind == base::ErrorKind::kExhausted) return said;
    return NoAnswer("the server gave no evidence (status " + std::to_string(response.status) +
                    "); is it a blindai server?");
  }
  return std::string(base::AsText(response.body));
}

// What the server says, with what only this end of the connection knows.
Result<ConnectionRecord> TakeEvidence(net::BlockingHttpConnection& connection,
                                      const ConnectOptions& options) {
  ConnectionRecord record;
  record.nonce = channel::FreshNonce();
  BLINDAI_TRY(record.answer, AskForEvidence(connection, record.nonce, options.connect_timeout));
  const net::ConnectionFacts& facts = connection.connection();
  BLINDAI_TRY(record.exporter, channel::ExportFor(facts.exporter, record.nonce));
  record.peer_spki_der = facts.peer_spki_der;
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

// The only place where a verdict becomes "go on".
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

base::Error AnswerError(const net::HttpResponse& response) {
  base::Error error = wire::DecodeError(response.status, response.body);
  const std::optional<std::string_view> later = response.headers.Find("Retry-After");
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (later && later->size() < 6 && std::all_of(later->begin(), later->end(), digit)) {
    error.message += " (again in " + std::string(*later) + " s)";
  }
  return error;
}

ConnectOutcome AttestedConnection::Open(const ConnectOptions& options) {
  const std::string place = options.server.ToText();
  auto connection = OpenTls(options);
  if (!connection.ok()) return {std::move(connection).error().Within(place), std::nullopt};
  auto record = TakeEvidence(**connection, options);
  if (!record.ok()) return {std::move(record).error().Within(place), std::nullopt};
  auto verdict = JudgeNow(*record, options);
  if (!verdict.ok()) return {std::move(verdict).error().Within(place), std::nullopt};
  if (!Accepted(*verdict, options)) return {Refusal(*verdict).Within(place), *std::move(verdict)};
  auto kept = std::make_shared<const ConnectionRecord>(*std::move(record));
  return {std::unique_ptr<AttestedConnection>(
              new AttestedConnection(*std::move(connection), options.api_key, std::move(kept))),
          *std::move(verdict)};
}

void AttestedConnection::AddCredential(net::HttpRequest& request) const {
  if (api_key_ == nullptr) return;
  request.headers.Set("Authorization", "Bearer " + std::string(base::AsText(api_key_->ExposeSecret())));
}

Result<std::unique_ptr<net::BlockingWebSocket>> AttestedConnection::OpenWebSocket(
    std::unique_ptr<AttestedConnection> connection, net::HttpRequest& request) {
  connection->AddCredential(request);
  net::WebSocketOptions options;
  options.explain_refusal = AnswerError;
  return net::BlockingWebSocket::Open(std::move(connection->connection_), request, options);
}

Result<net::HttpResponse> AttestedConnection::Send(net::HttpRequest& request) {
  AddCredential(request);
  BLINDAI_TRY(net::HttpResponse response, connection_->Send(request));
  if (response.status < 200 || response.status > 299) return AnswerError(response);
  return response;
}

}  // namespace blindai::client
