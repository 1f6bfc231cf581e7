#include "protocols/endpoints/blindai_v05_grpc/listen.h"

#include <grpc/support/log.h>

namespace blindai::endpoints {
namespace {

using base::Result;

constexpr int kMaxMetadataBytes = 16 << 10;
constexpr int kMaxStreamsOfAConnection = 32;
constexpr int kHandshakeTimeoutMs = 10'000;
// A connection that is dead is found out by a ping.
constexpr int kKeepaliveMs = 60'000;

}  // namespace

Result<ListeningV05> ListenV05(const BlindaiV05Port& port, grpc::Service& service, int max_message_bytes) {
  gpr_set_log_function([](gpr_log_func_args*) {});
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  tls.pem_key_cert_pairs.push_back(
      {std::string(base::AsText(port.key_pem.ExposeSecret())), port.certificate_pem});
  ListeningV05 listening;
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

}  // namespace blindai::endpoints
