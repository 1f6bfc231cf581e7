// BlindAI 0.5's licensing call, GetEnclave: an API key, or none, becomes a token and the address of a server. It is the
// directory's; what it answers is the directory's affair.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocols/endpoints/blindai_v05_grpc/port.h"

namespace blindai::endpoints {

struct Enclave {
  std::string jwt;   // empty = none
  std::string host;  // a name or an IPv4 address: its clients cannot read others
  std::uint16_t attested_port = 0;
  std::uint16_t untrusted_port = 0;
};

// By API key (empty = none) and the numeric address of the peer. May block; called from several threads.
using FindEnclave =
    std::function<base::Result<Enclave>(std::string_view api_key, std::string_view peer_address)>;

class LicensingServer {
 public:
  // Code: listen.
  static base::Result<std::unique_ptr<LicensingServer>> Start(const BlindaiV05Port& port, FindEnclave find);
  ~LicensingServer();
  LicensingServer(const LicensingServer&) = delete;
  LicensingServer& operator=(const LicensingServer&) = delete;

  std::uint16_t port() const;
  // Takes no more calls; what runs may finish within the grace and is cancelled then.
  void Stop(std::chrono::milliseconds grace);

 private:
  struct State;
  explicit LicensingServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// "ipv4:192.0.2.1:50052" or "ipv6:%5B::1%5D:50052", as gRPC names a peer, without its port and brackets.
std::string PeerAddress(std::string_view peer);

}  // namespace blindai::endpoints
