// The gateway: plain HTTP on the user's own computer in front of a server that it verifies first, and again and again.
// It trusts the server as far as the verdict goes and nobody who knocks at its own door (local_access.h). While the
// verdict is not good, nothing is forwarded. docs/gateway.md says what it offers, with the exact JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "client/settings.h"
#include "gateway/standing.h"
#include "gateway/wyoming_door.h"

namespace blindai::gateway {

struct GatewayOptions {
  // The server, or the directory that names some; what is accepted, and the API key.
  client::ConnectOptions server;
  // A numeric address; what is not loopback needs token_for_programs.
  std::string address = "127.0.0.1";
  std::uint16_t port = 8800;
  // Where gRPC is taken too, on the same address; nothing: nowhere.
  std::optional<std::uint16_t> grpc_port;
  // Where Wyoming is taken too. It knows no token: loopback only, and not together with token_for_programs.
  std::optional<WyomingOptions> wyoming;
  // At least kMinTokenBytes.
  base::SecretBytes token;
  bool token_for_programs = false;
  std::size_t max_connections = 128;
  // Evidence older than this is not relied on.
  std::chrono::milliseconds verify_every{600'000};
  std::chrono::milliseconds heartbeat{30'000};
  // Between two attempts while there is no good verdict.
  std::chrono::milliseconds retry{1'000};
  // Called on the gateway's thread with every change.
  std::function<void(const Standing&)> on_change;
};

inline constexpr std::size_t kMinTokenBytes = 16;

class Gateway {
 public:
  // Listens, and begins to verify. Codes: argument (a token that is too short or missing where one is needed),
  // listen-address, port-in-use, listen-failed.
  static base::Result<std::unique_ptr<Gateway>> Start(GatewayOptions options);
  // Stop(0).
  ~Gateway();

  std::uint16_t port() const;
  // 0 without one, as the next.
  std::uint16_t grpc_port() const;
  std::uint16_t wyoming_port() const;
  // Takes no more requests; what runs may finish within the grace and is cut then.
  void Stop(std::chrono::milliseconds grace);

 private:
  struct State;
  explicit Gateway(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace blindai::gateway
