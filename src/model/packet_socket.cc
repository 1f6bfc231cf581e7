#include "model/packet_socket.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "model/worker_protocol.h"

namespace blindai::model {
namespace {

// Room for more than one descriptor, so that a surplus is seen (and closed) instead of cut off silently.
constexpr std::size_t kControlBytes = CMSG_SPACE(4 * sizeof(int));

// Takes every descriptor out of the control data, so that none leaks.
std::vector<OwnedDescriptor> TakeDescriptors(msghdr& message) {
  std::vector<OwnedDescriptor> found;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      found.emplace_back(fd);
    }
  }
  return found;
}

}  // namespace

OwnedDescriptor::~OwnedDescriptor() {
  if (fd_ >= 0) close(fd_);
}

OwnedDescriptor::OwnedDescriptor(OwnedDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

OwnedDescriptor& OwnedDescriptor::operator=(OwnedDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

bool SendPacket(int socket, base::ByteView bytes, int descriptor, int flags) {
  iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::uint8_t control[CMSG_SPACE(sizeof(int))] = {};
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(bytes.size());
}

base::Result<ReceivedPacket> ReceivePacket(int socket, int flags) {
  // One buffer for each thread: most packets are small, the longest are long.
  thread_local base::Bytes buffer(kMaxMessageBytes);
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::uint8_t control[kControlBytes];
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);

  ReceivedPacket packet;
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return packet;
  if (got <= 0) {
    packet.state = ReceivedPacket::State::kEnded;
    return packet;
  }
  std::vector<OwnedDescriptor> descriptors = TakeDescriptors(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || descriptors.size() > 1) {
    return base::Malformed("a packet is too long or has too many descriptors", "worker-protocol");
  }
  packet.state = ReceivedPacket::State::kPacket;
  packet.bytes.assign(buffer.begin(), buffer.begin() + got);
  if (!descriptors.empty()) packet.descriptor = std::move(descriptors.front());
  return packet;
}

}  // namespace blindai::model
