#include "client/connect.h"

#include <algorithm>
#include <utility>

#include "attestation/evidence/tee_kind.h"
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

template <typename To, typename From>
To SameBytes(const From& from) {
  static_assert(To::kSize == From::kSize);
  To to;
  to.bytes = from.bytes;
  return to;
}

// The answer on the wire as the values that the channel judges.
Result<channel::AttestationAnswer> ToChannel(wire::AttestationAnswer answer) {
  const std::optional<evidence::TeeKind> tee = evidence::TeeFromName(answer.tee);
  if (!tee)
    return NoAnswer("the server's evidence is of a kind that this client does not know; a newer client may");
  channel::AttestationAnswer out;
  out.bundle.tee = *tee;
  out.bundle.evidence = std::move(answer.evidence);
  for (auto& [name, bytes] : answer.endorsements)
    out.bundle.endorsements.push_back({std::move(name), std::move(bytes)});
  out.statement.nonce = SameBytes<channel::Nonce>(answer.statement.nonce);
  out.statement.exporter_sha256 = SameBytes<crypto::Sha256Digest>(answer.statement.exporter_sha256);
  out.statement.server_key = SameBytes<crypto::Sha256Digest>(answer.statement.server_key_sha256);
  out.statement.keyset = SameBytes<crypto::Sha256Digest>(answer.statement.keyset_sha256);
  out.statement.manifest = SameBytes<crypto::Sha256Digest>(answer.statement.manifest_sha256);
  out.keyset = std::move(answer.keyset);
  out.manifest = std::move(answer.manifest);
  return out;
}

Result<std::unique_ptr<net::BlockingHttpConnection>> OpenTls(const ConnectOptions& options) {
  net::ConnectOptions to;
  to.host = options.server.host;
  to.port = options.server.port;
  to.connect_timeout = options.connect_timeout;
  BLINDAI_TRY(to.tls, net::TlsClientContext::ForAttestedServer());
  return net::BlockingHttpConnection::Connect(to, options.keep_waiting);
}

Result<channel::AttestationAnswer> AskForEvidence(net::BlockingHttpConnection& connection,
                                                  const channel::Nonce& nonce,
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
  auto answer = wire::DecodeAttestation(base::AsText(response.body));
  if (!answer.ok()) return NoAnswer("the server's evidence cannot be read: " + answer.error().message);
  return ToChannel(*std::move(answer));
}

Result<verifier::Verdict> Judge(net::BlockingHttpConnection& connection, const ConnectOptions& options) {
  channel::ClientView view;
  view.nonce = channel::FreshNonce();
  BLINDAI_TRY(const channel::AttestationAnswer answer,
              AskForEvidence(connection, view.nonce, options.connect_timeout));
  const net::ConnectionFacts& facts = connection.connection();
  BLINDAI_TRY(view.exporter, channel::ExportFor(facts.exporter, view.nonce));
  view.peer_spki_der = facts.peer_spki_der;
  channel::ClientDemand demand;
  demand.policy = options.policy.get();
  demand.allow_simulation = options.allow_simulation;
  demand.anchors = options.anchors;
  demand.now = base::Now();
  return channel::VerifyServer(answer, view, demand);
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

base::Error ServerSaid(const net::HttpResponse& response) {
  base::Error error = wire::DecodeError(response.status, response.body);
  const std::optional<std::string_view> later = response.headers.Find("Retry-After");
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (later && later->size() < 6 && std::all_of(later->begin(), later->end(), digit)) {
    error.message += " (again in " + std::string(*later) + " s)";
  }
  return error;
}

}  // namespace

ConnectOutcome AttestedConnection::Open(const ConnectOptions& options) {
  const std::string place = options.server.ToText();
  auto connection = OpenTls(options);
  if (!connection.ok()) return {std::move(connection).error().Within(place), std::nullopt};
  auto verdict = Judge(**connection, options);
  if (!verdict.ok()) return {std::move(verdict).error().Within(place), std::nullopt};
  if (!Accepted(*verdict, options)) return {Refusal(*verdict).Within(place), *std::move(verdict)};
  return {
      std::unique_ptr<AttestedConnection>(new AttestedConnection(*std::move(connection), options.api_key)),
      *std::move(verdict)};
}

Result<net::HttpResponse> AttestedConnection::Send(net::HttpRequest& request) {
  if (api_key_ != nullptr) {
    request.headers.Set("Authorization", "Bearer " + std::string(base::AsText(api_key_->ExposeSecret())));
  }
  BLINDAI_TRY(net::HttpResponse response, connection_->Send(request));
  if (response.status < 200 || response.status > 299) return ServerSaid(response);
  return response;
}

}  // namespace blindai::client
