// A connection to a service of the host, as an interface, so that a test can play every way in which such a service
// is slow, silent or gone; and the kernel's own sockets behind it. The host is not trusted: whatever it answers is
// bounded by the caller and judged by the client.
//
// Outcomes are errno values, 0 for success: ETIMEDOUT when the deadline came first, ECONNRESET when the other end
// closed before everything was there.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/bytes.h"

namespace blindai::attester {

class ByteStream {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  virtual ~ByteStream() = default;
  // All of the bytes.
  virtual int Write(base::ByteView bytes, Deadline deadline) = 0;
  // Fills all of `into`.
  virtual int Read(std::span<std::uint8_t> into, Deadline deadline) = 0;
};

// A new connection, or the errno why there is none.
using Dial = std::function<int(ByteStream::Deadline deadline, std::unique_ptr<ByteStream>& out)>;

// A connected socket, closed when this dies.
class SocketStream final : public ByteStream {
 public:
  explicit SocketStream(int fd) : fd_(fd) {}
  ~SocketStream() override;
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  int Write(base::ByteView bytes, Deadline deadline) override;
  int Read(std::span<std::uint8_t> into, Deadline deadline) override;

 private:
  const int fd_;
};

// A socket of the family AF_VSOCK between a virtual machine and its host (vsock(7)); the host is context id 2.
Dial DialVsock(std::uint32_t context_id, std::uint32_t port);

}  // namespace blindai::attester
