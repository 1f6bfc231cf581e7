#include "client/verified_connection.h"

#include <utility>

#include "channel/attested_server.h"
#include "client/evidence_question.h"

namespace blindai::client {
namespace {

VerifiedOutcome Failed(base::Error error, const ConnectOptions& options) {
  return {std::move(error).Within(options.server.ToText()), nullptr, std::nullopt};
}

}  // namespace

net::Task<VerifiedOutcome> OpenVerified(const ConnectOptions& options) {
  const auto to = TlsToServer(options);
  if (!to.ok()) co_return Failed(to.error(), options);
  auto connection = co_await net::HttpConnection::Connect(*to);
  if (!connection.ok()) co_return Failed(std::move(connection).error(), options);
  const channel::Nonce nonce = channel::FreshNonce();
  net::HttpRequest question = EvidenceRequest(nonce, options.connect_timeout);
  const auto response = co_await (*connection)->Send(question);
  if (!response.ok()) co_return Failed(response.error(), options);
  auto record = TakeEvidence(*response, nonce, (*connection)->connection());
  if (!record.ok()) co_return Failed(std::move(record).error(), options);
  auto kept = std::make_shared<const ConnectionRecord>(*std::move(record));
  auto verdict = JudgeNow(*kept, options);
  if (!verdict.ok()) {
    VerifiedOutcome outcome = Failed(std::move(verdict).error(), options);
    outcome.record = std::move(kept);
    co_return outcome;
  }
  const base::Status accepted = Accept(*verdict, options);
  if (!accepted.ok()) {
    VerifiedOutcome outcome = Failed(accepted.error(), options);
    outcome.record = std::move(kept);
    outcome.verdict = *std::move(verdict);
    co_return outcome;
  }
  co_return VerifiedOutcome{*std::move(connection), std::move(kept), *std::move(verdict)};
}

}  // namespace blindai::client
