#include "protocols/endpoints/open_inference_v2_grpc/server.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "protocols/endpoints/grpc/listener.h"
#include "protocols/endpoints/open_inference_v2_grpc/infer_calls.h"
#include "protocols/wire/open_inference_repository.h"

namespace blindai::endpoints {
namespace {

// Names, shapes and parameters beside the tensors.
constexpr std::uint64_t kMessageAllowanceBytes = std::uint64_t{1} << 20;
// Of requests that are being received, in largest messages.
constexpr std::uint64_t kMessagesAtOnce = 8;

int MaxMessageBytes(const OpenInferenceGrpcOptions& options) {
  const std::uint64_t largest =
      std::max(options.max_tensor_bytes, wire::kMaxLoadFileBytes) + kMessageAllowanceBytes;
  return static_cast<int>(std::min<std::uint64_t>(largest, std::numeric_limits<int>::max()));
}

}  // namespace

struct OpenInferenceGrpcServer::State {
  InferenceContext context;
  InferenceCalls calls;
  std::optional<Listener> listener;

  State(service::ModelCatalogue& catalogue, const std::atomic<bool>& ready, OpenInferenceGrpcOptions options)
      : context(catalogue, ready, std::move(options)), calls(context) {}
};

base::Result<std::unique_ptr<OpenInferenceGrpcServer>> OpenInferenceGrpcServer::Start(
    service::ModelCatalogue& catalogue, const std::atomic<bool>& ready, OpenInferenceGrpcOptions options) {
  const int max_message_bytes = MaxMessageBytes(options);
  const base::SecretBytes key_pem = std::move(options.key_pem);
  auto state = std::make_unique<State>(catalogue, ready, std::move(options));
  BLINDAI_TRY(state->listener,
              Listener::Open({.address = state->context.options.address,
                              .certificate_pem = state->context.options.certificate_pem,
                              .key_pem = key_pem.ExposeSecret(),
                              .max_message_bytes = max_message_bytes,
                              .memory_bytes = kMessagesAtOnce * static_cast<std::size_t>(max_message_bytes)},
                             state->calls)
                  .Within("Open Inference Protocol over gRPC"));
  return std::unique_ptr<OpenInferenceGrpcServer>(new OpenInferenceGrpcServer(std::move(state)));
}

OpenInferenceGrpcServer::OpenInferenceGrpcServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
OpenInferenceGrpcServer::~OpenInferenceGrpcServer() { Stop(std::chrono::milliseconds(0)); }

std::uint16_t OpenInferenceGrpcServer::port() const { return state_->listener->port(); }

void OpenInferenceGrpcServer::Adopt(int socket) { state_->listener->Adopt(socket); }

void OpenInferenceGrpcServer::Stop(std::chrono::milliseconds grace) {
  state_->listener->Stop(std::chrono::system_clock::now() + grace);
}

}  // namespace blindai::endpoints
