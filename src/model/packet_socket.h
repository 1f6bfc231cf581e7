// Packets with at most one descriptor over a local SOCK_SEQPACKET socket (unix(7)); both sides of
// worker_protocol.h.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::model {

// A descriptor that is closed unless it is taken.
class OwnedDescriptor {
 public:
  OwnedDescriptor() = default;
  explicit OwnedDescriptor(int fd) : fd_(fd) {}
  ~OwnedDescriptor();
  OwnedDescriptor(OwnedDescriptor&& other) noexcept;
  OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept;

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct ReceivedPacket {
  enum class State { kNone, kEnded, kPacket };
  State state = State::kNone;
  base::Bytes bytes;
  OwnedDescriptor descriptor;
};

// `flags` as of send(2): MSG_DONTWAIT or 0. False: the other side is gone, or does not read.
bool SendPacket(int socket, base::ByteView bytes, int descriptor, int flags);

// kNone only with MSG_DONTWAIT. Code worker-protocol: longer than kMaxMessageBytes, or more than one
// descriptor.
base::Result<ReceivedPacket> ReceivePacket(int socket, int flags);

}  // namespace blindai::model
