// One request of this computer, passed on to the verified server and its answer back, both streamed a block at a time.
// What belongs to one connection stays on it (RFC 9110 section 7.6.1), what a browser adds stays here, and the gateway
// puts its own API key in.
//
// Answers of its own: 503 with the verdict where there is no good one, 502 server-connection-lost, 504 request-timeout.
#pragma once

#include <string_view>

#include "base/secret.h"
#include "gateway/standing.h"
#include "gateway/upstream.h"
#include "net/http_exchange.h"
#include "net/http_message.h"

namespace blindai::gateway {

// The shape of errors that a path's clients expect.
ErrorShape ShapeOf(std::string_view path);

// The fields of a request that go on, without those that the other side's connection adds.
net::HeaderList FieldsToServer(const net::RequestHead& head);
// The fields of an answer that come back, with those that every forwarded answer carries.
net::HeaderList FieldsToClient(const net::HeaderList& answered);

net::Task<void> Forward(net::HttpExchange& exchange, Upstream& upstream);
// The same for a WebSocket: the handshake is passed on, then the bytes, unread.
net::Task<void> ForwardWebSocket(net::HttpExchange& exchange, Upstream& upstream);
// Adds the credential for the server, where there is one.
void AddKey(net::HeaderList& headers, const client::ConnectOptions& server);
bool IsWebSocket(const net::RequestHead& head);

// "trusted", "simulation", …: the header of every answer.
inline constexpr std::string_view kVerdictHeader = "Blindai-Verdict";

}  // namespace blindai::gateway
