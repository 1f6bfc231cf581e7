// One verified connection. Open makes a TLS 1.3 connection, asks for evidence with a fresh nonce, and judges
// the answer with what only this end can know: the nonce, the exporter value of this very connection, the key
// that ended its handshake. That one question is everything that is sent before the verdict. There is no way
// to a connection that was not accepted.
#pragma once

#include <memory>
#include <string>

#include "attestation/verifier/verdict.h"
#include "base/result.h"
#include "client/connection_record.h"
#include "client/settings.h"
#include "net/blocking_websocket.h"
#include "net/http_client.h"

namespace blindai::client {

// A connection, or none and the reason; the verdict either way, as soon as there was one.
struct ConnectOutcome;

class AttestedConnection {
 public:
  // Codes of the error: attestation-refused, attestation-undecided, attestation-answer and those of
  // net/http_client.h.
  static ConnectOutcome Open(const ConnectOptions& options);

  // Adds the API key and sends. Codes: those of net/http_client.h; an answer that is not 2xx is an error too,
  // as the server worded it (protocols/wire/errors.h).
  base::Result<net::HttpResponse> Send(net::HttpRequest& request);
  // Makes it a WebSocket. Codes: those of Send and of net/blocking_websocket.h.
  static base::Result<std::unique_ptr<net::BlockingWebSocket>> OpenWebSocket(
      std::unique_ptr<AttestedConnection> connection, net::HttpRequest& request);
  bool reusable() const { return connection_->reusable(); }
  // What Send adds from now on, instead of the API key that it was opened with.
  void UseCredential(std::shared_ptr<const base::SecretBytes> credential) {
    api_key_ = std::move(credential);
  }
  // What it proved when it was opened.
  const std::shared_ptr<const ConnectionRecord>& record() const { return record_; }
  void Cancel() { connection_->Cancel(); }

 private:
  void AddCredential(net::HttpRequest& request) const;
  AttestedConnection(std::unique_ptr<net::BlockingHttpConnection> connection,
                     std::shared_ptr<const base::SecretBytes> api_key,
                     std::shared_ptr<const ConnectionRecord> record)
      : connection_(std::move(connection)), api_key_(std::move(api_key)), record_(std::move(record)) {}

  std::unique_ptr<net::BlockingHttpConnection> connection_;
  std::shared_ptr<const base::SecretBytes> api_key_;
  std::shared_ptr<const ConnectionRecord> record_;
};

// The error of an answer that is not 2xx, as it is worded there, with the time of Retry-After.
base::Error AnswerError(const net::HttpResponse& response);

struct ConnectOutcome {
  base::Result<std::unique_ptr<AttestedConnection>> connection;
  std::optional<verifier::Verdict> verdict;
};

}  // namespace blindai::client
