// `GET /v2/grpc` with `Upgrade: blindai-grpc` (RFC 9110 section 7.8): behind the 101 the connection carries HTTP/2 to
// the Open Inference service of this process, so gRPC stands on the very TLS connection that the evidence is for. The
// bytes go through a socket pair and no port, so nobody else can come that way. Whoever opens a tunnel must be known;
// each call in it says by its own metadata who asks, as on the port of gRPC. docs/open_inference.md.
//
// Codes: upgrade-wanted (no upgrade to blindai-grpc), tunnels-full (503), those of IdentifyCaller.
#pragma once

#include <cstddef>

#include "protocols/endpoints/authentication.h"
#include "protocols/endpoints/open_inference_v2_grpc/server.h"
#include "protocols/endpoints/router.h"

namespace blindai::endpoints {

inline constexpr std::string_view kGrpcTunnelProtocol = "blindai-grpc";

// At most so many tunnels are open at once. The service must outlive the router.
void RegisterGrpcTunnel(Router& router, OpenInferenceGrpcServer& service, IdentifyCaller identify,
                        std::size_t max_tunnels);

}  // namespace blindai::endpoints
