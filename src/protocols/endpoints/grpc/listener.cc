#include "protocols/endpoints/grpc/listener.h"

#include <grpc/support/log.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_posix.h>

#include <cstdlib>
#include <utility>

#include "base/secret.h"

namespace blindai::endpoints {
namespace {

constexpr int kMaxMetadataBytes = 16 << 10;
constexpr int kMaxStreamsOfAConnection = 32;
constexpr int kHandshakeTimeoutMs = 10'000;
// A connection that is dead is found out by a ping.
constexpr int kKeepaliveMs = 60'000;

}  // namespace

void RequireTls13OfGrpc() { setenv("GRPC_SSL_CIPHER_SUITES", "ECDHE-PSK-CHACHA20-POLY1305", 1); }

base::Result<Listener> Listener::Open(const ListenerOptions& options, grpc::Service& service) {
  gpr_set_log_function([](gpr_log_func_args*) {});
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  tls.pem_key_cert_pairs.push_back({std::string(base::AsText(options.key_pem)), options.certificate_pem});
  grpc::ServerBuilder builder;
  int port = 0;
  if (!options.address.empty())
    builder.AddListeningPort(options.address, grpc::SslServerCredentials(tls), &port);
  builder.RegisterService(&service);
  builder.SetMaxReceiveMessageSize(options.max_message_bytes);
  grpc::ResourceQuota quota;
  quota.Resize(options.memory_bytes);
  builder.SetResourceQuota(quota);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsOfAConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  // Otherwise a second server could take the same port and half of its clients.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  for (auto& pair : tls.pem_key_cert_pairs) base::Wipe(pair.private_key.data(), pair.private_key.size());
  if (server && (port != 0 || options.address.empty()))
    return Listener(std::move(server), static_cast<std::uint16_t>(port));
  return base::MakeError(base::ErrorKind::kUnavailable, "listen",
                         "cannot listen on " + options.address +
                             ": the port is in use, or its certificate and key do not belong together");
}

void Listener::Adopt(int socket) { grpc::AddInsecureChannelFromFd(server_.get(), socket); }

}  // namespace blindai::endpoints
