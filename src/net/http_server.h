// An HTTP/1.1 server over plain TCP or TLS 1.3. What reaches a handler is a complete, strictly parsed request
// head (net/http_message.h); every wait has a limit, every limit ends in a clear answer, and no byte of a
// request is ever logged. Errors before a handler runs are answered in OpenAI's shape and close the
// connection.
//
// Codes of those answers: "http-request" 400, "http-version" 505, "header-too-large" 431, "header-timeout"
// 408, "too-many-connections" 503, "http-expectation" 417, "http-transfer-encoding" 501. Plain HTTP on the
// TLS port gets a plain 400 that says so.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/http_exchange.h"
#include "net/io_pool.h"
#include "net/tls.h"

namespace blindai::net {

struct HttpServerOptions {
  // The numeric address to listen on: "127.0.0.1", "0.0.0.0", "::".
  std::string address = "127.0.0.1";
  // 0 asks the system for a free one; HttpServer::port() says which.
  std::uint16_t port = 0;
  // Without it the server speaks plain HTTP.
  std::shared_ptr<const TlsServerContext> tls;
  // The threads, shared with other servers. Required.
  std::shared_ptr<IoPool> pool;
  // Whether the preface of HTTP/2 reaches the handler, which takes the bytes over (HttpExchange::SwitchProtocols);
  // otherwise it is answered 505.
  bool http2_preface = false;
  // Whether connections speak no HTTP at all: each reaches the handler at once, with an empty head. Its bytes come from
  // ReadBody until it is closed ("connection-lost") and go out with Write as they are; there is nothing else to call.
  bool raw_bytes = false;
  // One more connection than this is answered 503 and closed.
  std::size_t max_connections = 256;
  // Request line and header fields together; more is answered 431.
  std::size_t max_header_bytes = 32 * 1024;
  // From the first byte a client may send (or from the accept, with the TLS handshake) to the end of the
  // head.
  std::chrono::milliseconds header_timeout{10'000};
  // The longest wait for the next bytes of a body.
  std::chrono::milliseconds body_idle_timeout{30'000};
  // The longest silence between two requests of a connection.
  std::chrono::milliseconds keep_alive_timeout{75'000};
  // The longest wait for a client to take more bytes of an answer.
  std::chrono::milliseconds write_timeout{30'000};
};

struct HttpServerStats {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t connections_refused = 0;  // over max_connections
  std::uint64_t tls_handshakes_failed = 0;
  std::uint64_t requests_total = 0;
  std::uint64_t requests_running = 0;
  std::uint64_t requests_refused = 0;  // answered before a handler ran
  std::uint64_t bytes_received = 0;    // bodies
  std::uint64_t bytes_sent = 0;        // whole answers

  // Of several servers together.
  HttpServerStats& operator+=(const HttpServerStats& other);
};

class HttpServer {
 public:
  // Codes: "listen-address" (not a numeric address), "port-in-use", "listen-failed".
  static base::Result<std::unique_ptr<HttpServer>> Listen(HttpServerOptions options, HttpHandler handler);
  // Stop(0).
  ~HttpServer();

  std::uint16_t port() const;
  HttpServerStats stats() const;
  // Stops accepting, closes idle connections, lets running requests finish for at most `grace`, then cuts
  // them (their OnDisconnect fires) and waits for their handlers. Idempotent, from any thread but a pool
  // thread.
  void Stop(std::chrono::milliseconds grace);

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace blindai::net
