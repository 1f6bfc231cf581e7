// The Open Inference Protocol v2 over gRPC, a translation onto the same services as its HTTP form: same callers (the
// metadata `authorization: Bearer KEY`), same rights, same limits. The deadline of a call is the deadline of its run,
// and a call that is given up stops it.
//
// The port shows the attested certificate. gRPC offers no exporter value, so evidence cannot be bound to this very
// connection: a client compares the certificate's key with the one that it verified over HTTPS, which is weaker, since
// it trusts that key to stay where the evidence saw it (docs/open_inference.md). A tunnel through HTTPS (tunnel.h) has
// the binding.
//
// https://github.com/kserve/open-inference-protocol (specification/protocol/inference_grpc.md)
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "protocols/endpoints/authentication.h"
#include "service/model_catalogue.h"
#include "service/upload_model.h"

namespace blindai::endpoints {

struct OpenInferenceGrpcOptions {
  std::string address;  // "127.0.0.1:8444", "[::1]:0"; empty = no port, only tunnels (tunnel.h)
  std::string certificate_pem;
  base::SecretBytes key_pem;
  std::string server_version;
  IdentifyCaller identify;
  service::UploadOptions upload;  // for loads that bring a file
  // Elements of all tensors of one request (code tensors-too-large).
  std::uint64_t max_tensor_bytes = std::uint64_t{256} << 20;
  // From the complete request to its answer; a client may ask for less by its deadline or the parameter `timeout`.
  std::chrono::milliseconds deadline{600'000};
  // Of a stream without a request; it is cancelled then.
  std::chrono::milliseconds stream_idle{600'000};
  // Inferences, loads and open streams at once (code server-busy).
  std::size_t max_calls = 256;
};

class OpenInferenceGrpcServer {
 public:
  // Catalogue and `ready` must outlive it. Code: listen.
  static base::Result<std::unique_ptr<OpenInferenceGrpcServer>> Start(service::ModelCatalogue& catalogue,
                                                                      const std::atomic<bool>& ready,
                                                                      OpenInferenceGrpcOptions options);
  ~OpenInferenceGrpcServer();
  OpenInferenceGrpcServer(const OpenInferenceGrpcServer&) = delete;
  OpenInferenceGrpcServer& operator=(const OpenInferenceGrpcServer&) = delete;

  std::uint16_t port() const;
  // Serves a connection that was accepted elsewhere, and owns its socket (grpc/listener.h).
  void Adopt(int socket);
  // Takes no more calls; what runs may finish within the grace and is cancelled then.
  void Stop(std::chrono::milliseconds grace);

 private:
  struct State;
  explicit OpenInferenceGrpcServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace blindai::endpoints
