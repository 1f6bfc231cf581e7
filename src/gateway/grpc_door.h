// The gateway's door for gRPC: plain HTTP/2 of the programs of this computer, carried to the server in a tunnel through
// a verified connection (`GET /v2/grpc`, docs/open_inference.md), so that gRPC has the same channel binding as
// everything else. It ends HTTP/2 here and begins it anew towards the server: each call is looked at like a request of
// HTTP (local_access.h), goes only where the evidence is young, gets the gateway's API key, and is refused by itself,
// with a status of gRPC that says why.
//
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/local_access.h"
#include "gateway/standing.h"
#include "gateway/upstream.h"
#include "net/http_exchange.h"
#include "net/task.h"

namespace blindai::gateway {

// The fields of an answer that is nothing but a status: "grpc-status", "grpc-message" and what HTTP/2 needs.
net::HeaderList StatusAnswer(const base::Error& error);
// Text as the value of "grpc-message": what is not printable ASCII is percent-encoded.
std::string GrpcMessage(std::string_view text);
// The reason for a refusal with the findings that led to it, on one line.
base::Error WhyNotWithFindings(const Standing& standing);

class GrpcDoor {
 public:
  // Both outlive it.
  GrpcDoor(const AccessRules& rules, Upstream& upstream) : rules_(rules), upstream_(upstream) {}

  // One connection, from its first bytes to its end.
  net::Task<void> Handle(net::HttpExchange& exchange);
  // No more calls; a connection ends with the last one that runs. On the pool's thread.
  void BeginStop();

 private:
  struct Call;
  class Connection;
  class Tunnel;

  const AccessRules& rules_;
  Upstream& upstream_;
  std::vector<Connection*> connections_;
  bool stopping_ = false;
};

}  // namespace blindai::gateway
