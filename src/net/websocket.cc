#include "net/websocket.h"

#include "net/server_connection.h"

namespace blindai::net {

Task<base::Result<std::unique_ptr<WebSocket>>> ServerConnection::AcceptWebSocket(
    const WebSocketOptions& /*options*/) {
  co_return base::MakeError(base::ErrorKind::kUnsupported, "websocket-upgrade",
                            "A WebSocket is not offered here");
}

}  // namespace blindai::net
