// Opens one of BlindAI 0.5's gRPC ports.
#pragma once

#include "protocols/endpoints/blindai_v05_grpc/port.h"
#include "protocols/endpoints/grpc/listener.h"

namespace blindai::endpoints {

// Code: listen.
base::Result<Listener> ListenV05(const BlindaiV05Port& port, grpc::Service& service, int max_message_bytes);

}  // namespace blindai::endpoints
