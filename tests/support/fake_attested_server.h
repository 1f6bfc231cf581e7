// A blindai server as a client sees it, for tests of the client: real TLS, real HTTP, real simulated evidence
// for the connection, and everything else as the test says. It can bend its answer, relay another server's,
// and it keeps every request that reached it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "channel/attestation_answer.h"
#include "channel/server_identity.h"
#include "net/http_server.h"

namespace blindai::tests {

struct SeenRequest {
  std::string method;
  std::string target;
  net::HeaderList headers;
  base::Bytes body;
  std::uint64_t connection = 0;
};

class FakeAttestedServer {
 public:
  // Changes the answer before it is sent.
  using Bend = std::function<void(channel::AttestationAnswer& answer)>;
  using Answer = std::function<net::HttpResponse(const SeenRequest& request)>;

  struct Options {
    Bend bend;
    // Instead of the attestation answer.
    std::function<net::HttpResponse(const SeenRequest& request)> attestation;
    // Everything but the attestation.
    Answer answer;
    // Everything but the attestation, by the test's own means instead (a WebSocket, say).
    std::function<net::Task<void>(net::HttpExchange& exchange)> serve;
    // Everything but the attestation is read and its answer cut off, as when a server dies.
    bool cut_answers = false;
    std::string mode = "simulation";  // in the manifest
    std::string manifest_version = "0";
    std::uint16_t port = 0;
  };

  explicit FakeAttestedServer(Options options);
  ~FakeAttestedServer();

  std::uint16_t port() const { return server_->port(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port()); }
  std::vector<SeenRequest> seen() const;
  // Requests other than the attestation.
  std::vector<SeenRequest> data_requests() const;
  void Stop();

 private:
  net::Task<void> Handle(net::HttpExchange& exchange);
  net::HttpResponse Respond(const SeenRequest& request, const net::HttpExchange& exchange);
  net::HttpResponse Attest(const SeenRequest& request, const net::HttpExchange& exchange);

  const Options options_;
  const channel::ServerIdentity identity_;
  std::shared_ptr<net::IoPool> pool_;
  std::unique_ptr<net::HttpServer> server_;
  mutable std::mutex mutex_;
  std::vector<SeenRequest> seen_;
};

// An answer that was read from the wire as the values that it stands for, and back: for tests that relay.
std::string EncodeAnswer(const channel::AttestationAnswer& answer);

}  // namespace blindai::tests
