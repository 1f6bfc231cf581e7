// A WebSocket for programs without coroutines, over a connection that they have looked at first (http_client.h). Each
// call runs to its end on the calling thread; one thread may read while another one sends. Codes: those of
// net/websocket.h, "cancelled".
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "net/http_client.h"
#include "net/websocket.h"

namespace blindai::net {

class BlockingWebSocket {
 public:
  // Takes the connection over. Code also: "websocket-upgrade" (the server answers with another status).
  static base::Result<std::unique_ptr<BlockingWebSocket>> Open(
      std::unique_ptr<BlockingHttpConnection> connection, HttpRequest& request,
      const WebSocketOptions& options);
  // Cuts the connection; no call may be under way.
  ~BlockingWebSocket();
  BlockingWebSocket(const BlockingWebSocket&) = delete;
  BlockingWebSocket& operator=(const BlockingWebSocket&) = delete;

  // `keep_waiting`, when given, is asked ten times a second on the calling thread; false cuts the connection.
  base::Result<WebSocketMessage> Read(const std::function<bool()>& keep_waiting = nullptr);
  base::Status SendText(std::string_view text);
  base::Status Close(std::uint16_t code, std::string_view reason);
  // Ends calls that wait, and the connection; from any thread.
  void Cancel();

 private:
  struct State;
  explicit BlockingWebSocket(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace blindai::net
