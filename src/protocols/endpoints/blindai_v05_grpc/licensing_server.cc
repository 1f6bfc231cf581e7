#include "protocols/endpoints/blindai_v05_grpc/licensing_server.h"

#include <optional>
#include <utility>

#include "licensing.grpc.pb.h"
#include "protocols/endpoints/blindai_v05_grpc/listen.h"
#include "protocols/endpoints/grpc/call_status.h"

namespace blindai::endpoints {
namespace {

using base::Result;

constexpr int kMaxMessageBytes = 4096;

class LicensingCalls final : public LicensingService::Service {
 public:
  explicit LicensingCalls(FindEnclave find) : find_(std::move(find)) {}

  grpc::Status GetEnclave(grpc::ServerContext* context, const GetEnclaveRequest* request,
                          GetEnclaveReply* reply) override {
    const Result<Enclave> enclave = find_(request->api_key(), PeerAddress(context->peer()));
    if (!enclave.ok()) return StatusOf(enclave.error());
    reply->set_jwt(enclave->jwt);
    reply->set_enclave_url(enclave->host + ":" + std::to_string(enclave->attested_port) + "/" +
                           std::to_string(enclave->untrusted_port));
    return grpc::Status::OK;
  }

 private:
  const FindEnclave find_;
};

}  // namespace

struct LicensingServer::State {
  LicensingCalls calls;
  std::optional<Listener> listening;

  explicit State(FindEnclave find) : calls(std::move(find)) {}
};

Result<std::unique_ptr<LicensingServer>> LicensingServer::Start(const BlindaiV05Port& port,
                                                                FindEnclave find) {
  auto state = std::make_unique<State>(std::move(find));
  BLINDAI_TRY(state->listening, ListenV05(port, state->calls, kMaxMessageBytes));
  return std::unique_ptr<LicensingServer>(new LicensingServer(std::move(state)));
}

LicensingServer::LicensingServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
LicensingServer::~LicensingServer() { Stop(std::chrono::milliseconds(0)); }

std::uint16_t LicensingServer::port() const { return state_->listening->port(); }

void LicensingServer::Stop(std::chrono::milliseconds grace) {
  state_->listening->Stop(std::chrono::system_clock::now() + grace);
}

std::string PeerAddress(std::string_view peer) {
  const std::size_t scheme = peer.find(':');
  const std::size_t port = peer.rfind(':');
  if (scheme == std::string_view::npos || port <= scheme) return std::string(peer);
  std::string_view host = peer.substr(scheme + 1, port - scheme - 1);
  for (const std::string_view bracket : {"%5B", "["}) {
    if (host.starts_with(bracket)) host.remove_prefix(bracket.size());
  }
  for (const std::string_view bracket : {"%5D", "]"}) {
    if (host.ends_with(bracket)) host.remove_suffix(bracket.size());
  }
  return std::string(host);
}

}  // namespace blindai::endpoints
