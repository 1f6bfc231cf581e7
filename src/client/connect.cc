#include "client/connect.h"

#include <algorithm>
#include <utility>

#include "channel/attested_server.h"
#include "client/evidence_question.h"
#include "protocols/wire/errors.h"

namespace blindai::client {
namespace {

using base::Result;

Result<ConnectionRecord> AskForEvidence(net::BlockingHttpConnection& connection,
                                        const ConnectOptions& options) {
  const channel::Nonce nonce = channel::FreshNonce();
  net::HttpRequest question = EvidenceRequest(nonce, options.connect_timeout);
  BLINDAI_TRY(const net::HttpResponse response, connection.Send(question));
  return TakeEvidence(response, nonce, connection.connection());
}

Result<std::unique_ptr<net::BlockingHttpConnection>> OpenTls(const ConnectOptions& options) {
  BLINDAI_TRY(const net::ConnectOptions to, TlsToServer(options));
  return net::BlockingHttpConnection::Connect(to, options.keep_waiting);
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
  auto record = AskForEvidence(**connection, options);
  if (!record.ok()) return {std::move(record).error().Within(place), std::nullopt};
  auto verdict = JudgeNow(*record, options);
  if (!verdict.ok()) return {std::move(verdict).error().Within(place), std::nullopt};
  const base::Status accepted = Accept(*verdict, options);
  if (!accepted.ok()) return {base::Error(accepted.error()).Within(place), *std::move(verdict)};
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
