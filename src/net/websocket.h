// A WebSocket (RFC 6455) over a connection of this room, plain or TLS, either side. Pings are answered by the
// room; a peer that is silent for the idle time is asked with a ping and then cut. No compression (RFC 7692),
// so that sizes of messages never depend on what they say.
//
// Reading and writing may wait at the same time, each one at a time. Codes: "websocket-closed" (kCancelled,
// the peer closed in order), "connection-lost", "message-too-large" (the peer is told 1009),
// "websocket-timeout".
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "net/task.h"

namespace blindai::net {

struct HttpResponse;  // net/http_message.h

struct WebSocketOptions {
  // One message, after its fragments were joined.
  std::size_t max_message_bytes = 16 * 1024 * 1024;
  // Silence after which the peer is asked (at half of it) and cut.
  std::chrono::milliseconds idle_timeout{60'000};
  // The subprotocol that a client asks for, or that a server has chosen of those asked for; empty for none.
  std::string subprotocol;
  // Of a client: the error of an answer that opens no WebSocket, instead of "websocket-upgrade".
  std::function<base::Error(const HttpResponse& answer)> explain_refusal = nullptr;
};

struct WebSocketMessage {
  bool is_text = false;
  base::Bytes bytes;
};

class WebSocket {
 public:
  virtual ~WebSocket() = default;
  virtual Task<base::Result<WebSocketMessage>> Read() = 0;
  virtual Task<base::Status> SendText(std::string_view text) = 0;
  virtual Task<base::Status> SendBinary(base::ByteView bytes) = 0;
  // Says goodbye with a status code (1000 is a normal end, RFC 6455 section 7.4.1) and waits shortly for the
  // answer.
  virtual Task<base::Status> Close(std::uint16_t code, std::string_view reason) = 0;
};

}  // namespace blindai::net
