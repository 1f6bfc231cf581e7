#include "protocols/endpoints/blindai_v05_grpc/server.h"

#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>

#include <utility>

#include "protocols/endpoints/blindai_v05_grpc/attestation_calls.h"
#include "protocols/endpoints/blindai_v05_grpc/exchange_calls.h"

namespace blindai::endpoints {
namespace {

using base::Result;

// A message carries a piece of 32 KiB and its description; requests of the untrusted port are empty.
constexpr int kMaxMessageBytes = 1 << 20;
constexpr int kMaxUntrustedMessageBytes = 4096;
constexpr int kMaxMetadataBytes = 16 << 10;
constexpr int kMaxStreamsOfAConnection = 32;
constexpr int kHandshakeTimeoutMs = 10'000;
// A connection that is dead is found out by a ping.
constexpr int kKeepaliveMs = 60'000;

struct Listening {
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

Result<Listening> Listen(const BlindaiV05Port& port, grpc::Service& service, int max_message_bytes) {
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  tls.pem_key_cert_pairs.push_back(
      {std::string(base::AsText(port.key_pem.ExposeSecret())), port.certificate_pem});
  Listening listening;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(port.address, grpc::SslServerCredentials(tls), &listening.port);
  builder.RegisterService(&service);
  builder.SetMaxReceiveMessageSize(max_message_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsOfAConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  // Otherwise a second server could take the same port and half of its clients.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  listening.server = builder.BuildAndStart();
  for (auto& pair : tls.pem_key_cert_pairs) base::Wipe(pair.private_key.data(), pair.private_key.size());
  if (listening.server && listening.port != 0) return listening;
  return base::MakeError(base::ErrorKind::kUnavailable, "listen",
                         "BlindAI 0.5 cannot listen on " + port.address +
                             ": the port is in use, or its certificate and key do not belong together");
}

}  // namespace

struct BlindaiV05Server::State {
  AttestationCalls attestation;
  ExchangeCalls exchange;
  Listening untrusted;
  Listening attested;

  State(service::ModelCatalogue& catalogue, service::LegacyEvidence& evidence,
        const BlindaiV05Options& options)
      : attestation(options.certificate_der, evidence), exchange(catalogue, options) {}
};

Result<std::unique_ptr<BlindaiV05Server>> BlindaiV05Server::Start(service::ModelCatalogue& catalogue,
                                                                  service::LegacyEvidence& evidence,
                                                                  BlindaiV05Options options) {
  gpr_set_log_function([](gpr_log_func_args*) {});
  auto state = std::make_unique<State>(catalogue, evidence, options);
  BLINDAI_TRY(state->untrusted, Listen(options.untrusted, state->attestation, kMaxUntrustedMessageBytes));
  BLINDAI_TRY(state->attested, Listen(options.attested, state->exchange, kMaxMessageBytes));
  return std::unique_ptr<BlindaiV05Server>(new BlindaiV05Server(std::move(state)));
}

BlindaiV05Server::BlindaiV05Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
BlindaiV05Server::~BlindaiV05Server() { Stop(std::chrono::milliseconds(0)); }

std::uint16_t BlindaiV05Server::untrusted_port() const {
  return static_cast<std::uint16_t>(state_->untrusted.port);
}
std::uint16_t BlindaiV05Server::attested_port() const {
  return static_cast<std::uint16_t>(state_->attested.port);
}

void BlindaiV05Server::Stop(std::chrono::milliseconds grace) {
  const auto deadline = std::chrono::system_clock::now() + grace;
  state_->untrusted.server->Shutdown(deadline);
  state_->attested.server->Shutdown(deadline);
}

}  // namespace blindai::endpoints
