// What the tests of this room share: a server with a few endpoints on a loopback port, and a client that
// sends raw bytes, right or wrong, over plain TCP or TLS.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/signing_key.h"
#include "net/await_callback.h"
#include "net/http_server.h"
#include "net/tls_session.h"

namespace blindai::net {

// A P-256 key with a self-signed certificate, made in memory.
struct TestIdentity {
  crypto::SigningKey key;
  crypto::Certificate certificate;
  static TestIdentity Make();
};

std::shared_ptr<const TlsServerContext> TestServerTls();

// Endpoints: /hello · /echo (body up to 1 MiB) · /count (streams a body and counts it) · /ignore (answers
// without reading the body) · /stream (three chunks) · /facts (is TLS, loopback, exporter) · /throw · /silent
// (no answer) · /wait (answers when the test says so, or is cancelled) · /file (a large answer) ·
// /ws (a WebSocket that says what it hears; "bye" makes it say goodbye, a loud end is reported).
class TestServer {
 public:
  explicit TestServer(HttpServerOptions options = {}, bool tls = false);
  ~TestServer();

  std::uint16_t port() const { return server->port(); }
  // The next /wait that started: its callback. Waits for it.
  Callback<std::string> TakeWaiting();
  // Waits until a /wait was cancelled.
  void AwaitCancelled();
  // Waits until a /ws has ended; gives the code of what ended it.
  std::string AwaitWebSocketEnd();
  // Waits until OnDisconnect has fired for a /count.
  void AwaitUploadGone();

  std::shared_ptr<IoPool> pool;
  std::unique_ptr<HttpServer> server;
  WebSocketOptions web_socket_options;

 private:
  Task<void> Handle(HttpExchange& exchange);
  Task<void> HandleWait(HttpExchange& exchange);
  Task<void> HandleCount(HttpExchange& exchange);
  Task<void> HandleWebSocket(HttpExchange& exchange);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Callback<std::string>> waiting_;
  int cancelled_ = 0;
  int uploads_gone_ = 0;
  std::vector<std::string> web_sockets_ended_;
};

// A blocking connection that sends and receives raw bytes.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, bool tls = false);
  ~RawClient();

  void Send(std::string_view bytes);
  // Everything until the server closes.
  std::string ReceiveAll();
  // Until `end` has come, or the server closes.
  std::string ReceiveUntil(std::string_view end);
  void CloseSending();
  void Close();

 private:
  void WaitFor(TlsStep step);
  bool ReceiveSome();

  int socket_ = -1;
  std::unique_ptr<TlsSession> tls_;
  std::string received_;
};

// The code in the JSON body of an error answer.
std::string CodeIn(std::string_view answer);

}  // namespace blindai::net
