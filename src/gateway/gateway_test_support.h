// What the tests of the gateway share: its options in front of a server, its states as they come, and a client that
// sends raw bytes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/gateway.h"

namespace blindai::gateway {

inline constexpr std::string_view kToken = "0123456789abcdef0123";

// The states that a gateway went through, for tests that wait for one.
class Told {
 public:
  std::function<void(const Standing&)> Listener() {
    return [this](const Standing& standing) {
      const std::lock_guard lock(mutex_);
      standings_.push_back(standing);
      changed_.notify_all();
    };
  }

  // Waits until the newest standing is so.
  Standing Await(const std::function<bool(const Standing&)>& is_so) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !standings_.empty() && is_so(standings_.back()); });
    return standings_.back();
  }
  Standing AwaitState(State state) {
    return Await([state](const Standing& standing) { return standing.state == state; });
  }
  // The first standing of that state, also when others followed.
  Standing AwaitOnce(State state) {
    std::unique_lock lock(mutex_);
    const auto is_so = [state](const Standing& standing) { return standing.state == state; };
    changed_.wait(lock, [&] { return std::any_of(standings_.begin(), standings_.end(), is_so); });
    return *std::find_if(standings_.begin(), standings_.end(), is_so);
  }
  Standing AwaitChange(std::string_view change) {
    return Await([change](const Standing& standing) { return standing.change == change; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Standing> standings_;
};

inline GatewayOptions OptionsFor(std::uint16_t server_port) {
  GatewayOptions options;
  options.port = 0;
  options.server.server = {"127.0.0.1", server_port};
  options.server.allow_simulation = verifier::AllowSimulation::kYes;
  options.server.api_key =
      std::make_shared<const base::SecretBytes>(base::SecretBytes::CopyOf(base::AsBytes("servers-key")));
  options.token = base::SecretBytes::CopyOf(base::AsBytes(kToken));
  options.retry = std::chrono::milliseconds(20);
  return options;
}

// Bytes as they are, over plain TCP.
class RawSocket {
 public:
  explicit RawSocket(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~RawSocket() { ::close(socket_); }
  bool Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  // Until `end` has come, or the other side closed.
  std::string ReceiveUntil(std::string_view end) const {
    std::string all;
    char block[4096];
    while (all.find(end) == std::string::npos) {
      const ssize_t count = ::recv(socket_, block, sizeof block, 0);
      if (count <= 0) break;
      all.append(block, static_cast<std::size_t>(count));
    }
    return all;
  }
  std::string ReceiveAll() const { return ReceiveUntil("\x01never"); }
  // So many bytes, or fewer when the other side closed.
  std::string ReceiveExactly(std::size_t size) const {
    std::string all(size, '\0');
    std::size_t at = 0;
    for (ssize_t count = 1; at < size && count > 0;
         at += static_cast<std::size_t>(std::max<ssize_t>(count, 0)))
      count = ::recv(socket_, all.data() + at, size - at, 0);
    all.resize(at);
    return all;
  }
  void Close() { ::shutdown(socket_, SHUT_RDWR); }

 private:
  int socket_;
};

}  // namespace blindai::gateway
