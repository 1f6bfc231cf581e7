// A service of gRPC: on a port over TLS, and on connections that were accepted elsewhere. gRPC ends TLS itself, so the
// key is handed to it: the one place where a key leaves our own hands. Its log is switched off, since it names peers.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::endpoints {

// gRPC has no switch for the version of TLS. What it reads once, from the environment, is the list of ciphers of
// TLS 1.2: with one that needs a key which no peer has, every handshake of TLS 1.2 fails and those of 1.3 are as ever.
// Called by main before any thread starts, since it writes the environment.
void RequireTls13OfGrpc();

struct ListenerOptions {
  std::string address;  // "127.0.0.1:8444", "[::1]:0"; empty = no port, only Adopt
  std::string certificate_pem;
  base::ByteView key_pem;
  int max_message_bytes = 1 << 20;
  // Of all messages that are being received, together; gRPC slows down and refuses beyond it.
  std::size_t memory_bytes = std::size_t{2} << 30;
};

class Listener {
 public:
  // The service must outlive it. Code: listen (the port is in use, or certificate and key are unusable).
  static base::Result<Listener> Open(const ListenerOptions& options, grpc::Service& service);

  // 0 without one.
  std::uint16_t port() const { return port_; }
  // Serves plain HTTP/2 on a connected, non-blocking socket, which it owns from now on. Who can reach it is the
  // caller's affair.
  void Adopt(int socket);
  // Takes no more calls; what runs may finish until then and is cancelled.
  void Stop(std::chrono::system_clock::time_point deadline) { server_->Shutdown(deadline); }

 private:
  Listener(std::unique_ptr<grpc::Server> server, std::uint16_t port)
      : server_(std::move(server)), port_(port) {}
  std::unique_ptr<grpc::Server> server_;
  std::uint16_t port_;
};

}  // namespace blindai::endpoints
