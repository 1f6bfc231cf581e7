#include "attestation/attester/byte_stream.h"

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace blindai::attester {
namespace {

using Deadline = ByteStream::Deadline;

constexpr std::chrono::milliseconds kLongestWait{60'000};

// Rounded up, so that a wait never ends just before its deadline and then begins again.
int WaitFor(int fd, short events, Deadline deadline) {
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return ETIMEDOUT;
    const auto left = deadline - now >= kLongestWait
                          ? kLongestWait
                          : std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
    pollfd one{fd, events, 0};
    const int ready = poll(&one, 1, static_cast<int>(left.count()));
    if (ready > 0) return 0;  // an error of the socket too: the next call names it
    if (ready < 0 && errno != EINTR) return errno;
  }
}

bool IsWorthWaiting(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

int FinishConnect(int fd, Deadline deadline) {
  if (const int error = WaitFor(fd, POLLOUT, deadline); error != 0) return error;
  int outcome = 0;
  socklen_t size = sizeof(outcome);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &outcome, &size) != 0) return errno;
  return outcome;
}

}  // namespace

SocketStream::~SocketStream() { close(fd_); }

int SocketStream::Write(base::ByteView bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
      continue;
    }
    if (!IsWorthWaiting(errno)) return errno;
    if (const int error = WaitFor(fd_, POLLOUT, deadline); error != 0) return error;
  }
  return 0;
}

int SocketStream::Read(std::span<std::uint8_t> into, Deadline deadline) {
  while (!into.empty()) {
    const ssize_t got = recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
    if (got == 0) return ECONNRESET;
    if (got > 0) {
      into = into.subspan(static_cast<std::size_t>(got));
      continue;
    }
    if (!IsWorthWaiting(errno)) return errno;
    if (const int error = WaitFor(fd_, POLLIN, deadline); error != 0) return error;
  }
  return 0;
}

Dial DialVsock(std::uint32_t context_id, std::uint32_t port) {
  return [context_id, port](Deadline deadline, std::unique_ptr<ByteStream>& out) {
    const int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    auto stream = std::make_unique<SocketStream>(fd);
    sockaddr_vm address{};
    address.svm_family = AF_VSOCK;
    address.svm_cid = context_id;
    address.svm_port = port;
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      if (errno != EINPROGRESS) return errno;
      if (const int error = FinishConnect(fd, deadline); error != 0) return error;
    }
    out = std::move(stream);
    return 0;
  };
}

}  // namespace blindai::attester
