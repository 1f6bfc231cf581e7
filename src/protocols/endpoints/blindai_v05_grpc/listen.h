// Opens one of BlindAI 0.5's gRPC ports. gRPC ends TLS itself, so the key is handed to it: the one place where keys
// leave our own hands. Its log is switched off, since it names peers.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "base/result.h"
#include "protocols/endpoints/blindai_v05_grpc/port.h"

namespace blindai::endpoints {

struct ListeningV05 {
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

// Code: listen (the port is in use, or its certificate and key do not belong together).
base::Result<ListeningV05> ListenV05(const BlindaiV05Port& port, grpc::Service& service,
                                     int max_message_bytes);

}  // namespace blindai::endpoints
