// One HTTP/1.1 connection to one server, plain or TLS, kept alive between requests. It follows no redirect,
// uses no proxy and no environment variable, and sends nothing by itself: a caller that needs evidence first
// looks at connection() before Send.
//
// Codes: "name-not-found", "connection-refused", "connect-timeout", "connect-failed", "tls-version" (the
// server speaks only an older TLS), "tls-not-spoken" (no TLS behind that port), "tls-certificate",
// "tls-failed", "connection-lost", "request-timeout", "response-too-large", "http-response" (not HTTP),
// "cancelled".
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/byte_stream.h"
#include "net/connection_facts.h"
#include "net/http_message.h"
#include "net/task.h"
#include "net/tls.h"
#include "net/websocket.h"

namespace blindai::net {

struct ConnectOptions {
  std::string host;  // name or address, without brackets
  std::uint16_t port = 443;
  // Without it the connection is plain.
  std::shared_ptr<const TlsClientContext> tls;
  // The whole of name look-up, TCP and TLS.
  std::chrono::milliseconds connect_timeout{10'000};
  std::size_t max_response_header_bytes = 64 * 1024;
};

// Fills the span with the next bytes of a request body; 0 is the end.
using BodySource = std::function<base::Result<std::size_t>(std::span<std::uint8_t> into)>;
// Takes the next bytes of a response body.
using BodySink = std::function<base::Status(base::ByteView bytes)>;
// The same as coroutines, for a program that passes bodies on.
using AsyncBodySource = std::function<Task<base::Result<std::size_t>>(std::span<std::uint8_t> into)>;
using AsyncBodySink = std::function<Task<base::Status>(base::ByteView bytes)>;

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, percent-encoded
  HeaderList headers;        // without Host, Content-Length, Transfer-Encoding and Connection
  base::Bytes body;
  std::vector<BodyPart> parts;  // follow `body`, written without a copy
  // A streamed body instead (at most one of the two); chunked unless its size is known.
  BodySource source;
  AsyncBodySource async_source;
  std::optional<std::uint64_t> source_bytes;
  // Asks the server before a large body is sent, so that a refusal comes before the upload.
  bool expect_continue = false;
  // Where a response body of status 2xx goes instead of HttpResponse::body (at most one of the two).
  BodySink sink;
  AsyncBodySink async_sink;
  // Bodies of every other status go there too.
  bool sink_every_status = false;
  // Called with the head of the response (its body is empty) before the first byte reaches a sink.
  std::function<void(const HttpResponse& head)> on_head;
  // The whole of request and response.
  std::chrono::milliseconds timeout{600'000};
  // The longest response body that is kept or given to a sink: "response-too-large".
  std::uint64_t max_response_bytes = 256ull * 1024 * 1024;
};

// The answer to a request for another protocol, and where it is 101 the raw bytes of the connection, which serves
// nothing else afterwards and must outlive them.
struct UpgradeOutcome {
  HttpResponse response;
  std::unique_ptr<ByteStream> stream;
};

class HttpConnection {
 public:
  // Runs on the caller's executor, which is the connection's strand from then on.
  static Task<base::Result<std::unique_ptr<HttpConnection>>> Connect(const ConnectOptions& options);
  virtual ~HttpConnection() = default;

  virtual const ConnectionFacts& connection() const = 0;
  // One request at a time. Consumes the request's body.
  virtual Task<base::Result<HttpResponse>> Send(HttpRequest& request) = 0;
  // Asks for a WebSocket (net/websocket.h) on this connection, which serves nothing else afterwards.
  virtual Task<base::Result<std::unique_ptr<WebSocket>>> OpenWebSocket(HttpRequest& request,
                                                                       const WebSocketOptions& options) = 0;
  // Asks for another protocol; the request's headers say which (Connection and Upgrade).
  virtual Task<base::Result<UpgradeOutcome>> Upgrade(HttpRequest& request) = 0;
  // While nothing is asked: waits until then, true; false as soon as the server ends the connection.
  virtual Task<bool> StaysOpenUntil(std::chrono::steady_clock::time_point time) = 0;
  // False once the server or an error ended it: connect (and verify) anew.
  virtual bool reusable() const = 0;
  // Ends what runs with "cancelled"; on the strand.
  virtual void Cancel() = 0;
};

// The same for programs without coroutines: each call runs to its end on the calling thread.
class BlockingHttpConnection {
 public:
  // `keep_waiting`, when given, is asked ten times a second on the calling thread; false cancels.
  static base::Result<std::unique_ptr<BlockingHttpConnection>> Connect(
      const ConnectOptions& options, std::function<bool()> keep_waiting = nullptr);
  ~BlockingHttpConnection();

  const ConnectionFacts& connection() const;
  base::Result<HttpResponse> Send(HttpRequest& request);
  bool reusable() const;
  // Ends a running call with "cancelled"; from any thread.
  void Cancel();

 private:
  friend class BlockingWebSocket;
  struct State;
  explicit BlockingHttpConnection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace blindai::net
