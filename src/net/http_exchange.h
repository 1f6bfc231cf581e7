// One request and its answer, as a handler sees it. It is an interface so that an endpoint is tested with a
// fake and without sockets. Everything runs on the connection's strand; a handler that ends without an answer
// makes a 500.
//
// Errors of reading and writing: "connection-lost" (kCancelled), "body-timeout" and "write-timeout"
// (kDeadline), "body-too-large" (kTooLarge), "http-request" (kInvalid, a broken chunked body).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "net/byte_stream.h"
#include "net/connection_facts.h"
#include "net/http_message.h"
#include "net/task.h"
#include "net/websocket.h"

namespace blindai::net {

class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  virtual const RequestHead& head() const = 0;
  virtual const ConnectionFacts& connection() const = 0;

  // Reads up to into.size() bytes of the body straight into the caller's memory; 0 is the end of the body.
  // The first call answers "Expect: 100-continue".
  virtual Task<base::Result<std::size_t>> ReadBody(std::span<std::uint8_t> into) = 0;
  // The rest of the body. "body-too-large" before anything is read when Content-Length says more than
  // max_bytes, and as soon as a chunked body exceeds it. Then answer: nothing more is read.
  Task<base::Result<base::Bytes>> ReadWholeBody(std::uint64_t max_bytes);

  // The whole answer at once. Consumes the response.
  virtual Task<base::Status> Respond(HttpResponse& response) = 0;
  // Or a streamed answer (chunked): StartResponse, any number of Write, Finish. Without Finish the client
  // sees a cut body. Each Write is sent before it returns.
  virtual Task<base::Status> StartResponse(int status, HeaderList& headers) = 0;
  virtual Task<base::Status> Write(base::ByteView bytes) = 0;
  virtual Task<base::Status> Finish() = 0;
  virtual bool response_started() const = 0;

  // Calls back, at most once and on the strand, when the client goes away before the answer is complete: it
  // closed its side, the connection broke, or the server is stopping and cuts it. Called at once if it is
  // gone already. The read side is watched while no body is being read. Several callbacks may be set.
  virtual void OnDisconnect(std::function<void()> callback) = 0;
  virtual bool disconnected() const = 0;

  // Answers an upgrade request and turns the connection into a WebSocket (net/websocket.h); code
  // "websocket-upgrade" when the request is not one. The exchange must outlive the WebSocket.
  virtual Task<base::Result<std::unique_ptr<WebSocket>>> AcceptWebSocket(const WebSocketOptions& options);

  // Answers "101 Switching Protocols" with these fields (Upgrade and Connection among them) and hands the raw bytes
  // over; code "protocol-upgrade" when the request asks for no upgrade. The exchange must outlive the stream. After the
  // preface of HTTP/2 nothing is answered, and the bytes begin with it.
  virtual Task<base::Result<std::unique_ptr<ByteStream>>> SwitchProtocols(HeaderList& headers);
};

// A handler gives one answer. It outlives the server; exceptions that leave it become a 500.
using HttpHandler = std::function<Task<void>(HttpExchange&)>;

}  // namespace blindai::net
