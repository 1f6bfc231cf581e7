#include "net/stream.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <tuple>

namespace blindai::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::ByteView;
using base::Result;
using base::Status;
using boost::system::error_code;

constexpr SteadyTime kNever = SteadyTime::max();
// A stream that always finds bytes lets other connections run after this many.
constexpr std::size_t kTurn = 4 * 1024 * 1024;
// Small parts are put together up to one TLS record (RFC 8446 section 5.1).
constexpr std::size_t kRecord = 16 * 1024;
constexpr std::size_t kMaxVectors = 64;

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

base::Error TimedOut() {
  return base::MakeError(base::ErrorKind::kDeadline, "timeout", "The other side took too long");
}

}  // namespace

base::Error ConnectionLost() {
  return base::MakeError(base::ErrorKind::kCancelled, "connection-lost",
                         "The connection to the other side was lost");
}

// Shared with the handlers of timer and socket, which may run after the Stream is gone.
struct Stream::State : std::enable_shared_from_this<Stream::State> {
  explicit State(tcp::socket s) : socket(std::move(s)), timer(socket.get_executor()) {}

  // One lazy timer guards both directions: it is only ever moved to an earlier time, and looks at what is due
  // when it wakes. So a wait that ends in time costs no timer operation.
  void Guard(SteadyTime time) {
    if (time >= armed) return;
    armed = time;
    timer.expires_at(time);
    timer.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (self != nullptr && !error) self->OnTimer();
    });
  }

  void OnTimer() {
    const SteadyTime now = std::chrono::steady_clock::now();
    armed = kNever;
    bool any = false;
    for (std::size_t d = 0; d < 2; ++d) {
      if (due[d] > now) continue;
      expired[d] = true;
      due[d] = kNever;
      any = true;
    }
    error_code ignored;
    if (any) socket.cancel(ignored);
    Guard(std::min(due[0], due[1]));
  }

  tcp::socket socket;
  asio::steady_timer timer;
  std::unique_ptr<TlsSession> tls;
  bool closed = false;
  bool sending_ended = false;
  std::size_t moved = 0;
  SteadyTime armed = kNever;
  std::array<SteadyTime, 2> due = {kNever, kNever};       // of the wait that runs
  std::array<bool, 2> expired = {false, false};           // set by the timer
  std::array<SteadyTime, 2> deadline = {kNever, kNever};  // set by the user
  std::array<std::chrono::milliseconds, 2> idle = {std::chrono::milliseconds::max(),
                                                   std::chrono::milliseconds::max()};
};

Stream::Stream(tcp::socket socket) : state_(std::make_shared<State>(std::move(socket))) {
  error_code ignored;
  state_->socket.non_blocking(true, ignored);
  state_->socket.set_option(tcp::no_delay(true), ignored);
}

Stream::~Stream() { Close(); }

int Stream::native_handle() { return state_->socket.native_handle(); }
tcp::socket& Stream::socket() { return state_->socket; }
asio::any_io_executor Stream::executor() { return state_->socket.get_executor(); }
const TlsSession* Stream::tls() const { return state_->tls.get(); }
void Stream::StartTls(std::unique_ptr<TlsSession> session) { state_->tls = std::move(session); }
bool Stream::closed() const { return state_->closed; }
void Stream::SetDeadline(Direction direction, SteadyTime deadline) { state_->deadline[direction] = deadline; }
void Stream::SetIdleLimit(Direction direction, std::chrono::milliseconds limit) {
  state_->idle[direction] = limit;
}

Task<Status> Stream::Wait(Direction direction) {
  const std::shared_ptr<State> state = state_;
  if (state->closed) co_return ConnectionLost();
  SteadyTime due = state->deadline[direction];
  const SteadyTime now = std::chrono::steady_clock::now();
  if (state->idle[direction] != std::chrono::milliseconds::max())
    due = std::min(due, now + state->idle[direction]);
  if (due <= now) co_return TimedOut();
  state->expired[direction] = false;
  state->due[direction] = due;
  state->Guard(due);
  const auto type = direction == kRead ? tcp::socket::wait_read : tcp::socket::wait_write;
  const auto token = asio::as_tuple(asio::use_awaitable);
  const std::tuple<error_code> waited = co_await state->socket.async_wait(type, token);
  state->due[direction] = kNever;
  if (state->expired[direction]) co_return TimedOut();
  if (state->closed || std::get<0>(waited)) co_return ConnectionLost();
  co_return base::Ok();
}

void Stream::WaitThen(Direction direction, std::function<void(bool)> then) {
  const auto type = direction == kRead ? tcp::socket::wait_read : tcp::socket::wait_write;
  state_->socket.async_wait(
      type, [state = state_, then = std::move(then)](error_code error) { then(!error && !state->closed); });
}

void Stream::CancelWaits() {
  error_code ignored;
  state_->socket.cancel(ignored);
}

Task<Status> Stream::WaitFor(TlsStep step) {
  if (step == TlsStep::kWantRead) {
    Status readable = co_await Wait(kRead);
    co_return readable;
  }
  if (step == TlsStep::kWantWrite) {
    Status writable = co_await Wait(kWrite);
    co_return writable;
  }
  if (step == TlsStep::kFailed) co_return state_->tls->error();
  co_return ConnectionLost();
}

Task<Status> Stream::Handshake() {
  while (true) {
    if (state_->closed) co_return ConnectionLost();
    const TlsStep step = state_->tls->Handshake();
    if (step == TlsStep::kDone) co_return base::Ok();
    Status ready = co_await WaitFor(step);
    if (!ready.ok()) co_return ready;
  }
}

std::optional<Result<std::size_t>> Stream::TryRead(std::span<std::uint8_t> into) {
  if (state_->closed) return Result<std::size_t>(ConnectionLost());
  if (state_->tls != nullptr) {
    std::size_t count = 0;
    switch (state_->tls->Read(into, count)) {
      case TlsStep::kDone:
        return Result<std::size_t>(count);
      case TlsStep::kClosed:
        return Result<std::size_t>(std::size_t{0});
      case TlsStep::kFailed:
        return Result<std::size_t>(state_->tls->error());
      default:
        return std::nullopt;
    }
  }
  const ssize_t count = ::recv(native_handle(), into.data(), into.size(), MSG_DONTWAIT);
  if (count >= 0) return Result<std::size_t>(static_cast<std::size_t>(count));
  if (WouldBlock()) return std::nullopt;
  return Result<std::size_t>(ConnectionLost());
}

Task<Result<std::size_t>> Stream::ReadSome(std::span<std::uint8_t> into) {
  BLINDAI_CHECK(!into.empty());
  while (true) {
    if (state_->moved > kTurn) {
      state_->moved = 0;
      co_await asio::post(asio::use_awaitable);
    }
    auto got = TryRead(into);
    if (got.has_value()) {
      if (got->ok()) state_->moved += **got;
      co_return std::move(*got);
    }
    Status ready = co_await Wait(kRead);
    if (!ready.ok()) co_return std::move(ready).error();
  }
}

std::optional<Result<std::size_t>> Stream::TryWrite(ByteView bytes) {
  if (state_->closed) return Result<std::size_t>(ConnectionLost());
  if (state_->tls != nullptr) {
    std::size_t count = 0;
    const TlsStep step = state_->tls->Write(bytes, count);
    if (step == TlsStep::kFailed) return Result<std::size_t>(state_->tls->error());
    if (count == 0 && !bytes.empty()) return std::nullopt;
    return Result<std::size_t>(count);
  }
  const ssize_t count = ::send(native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count >= 0) return Result<std::size_t>(static_cast<std::size_t>(count));
  if (WouldBlock()) return std::nullopt;
  return Result<std::size_t>(ConnectionLost());
}

std::optional<Status> Stream::TryFlush() {
  if (state_->closed) return Status(ConnectionLost());
  if (state_->tls == nullptr) return base::Ok();
  const TlsStep step = state_->tls->Flush();
  if (step == TlsStep::kDone) return base::Ok();
  if (step == TlsStep::kWantWrite) return std::nullopt;
  return Status(state_->tls->error());
}

Task<Status> Stream::WriteOne(ByteView bytes) {
  while (!bytes.empty()) {
    if (state_->moved > kTurn) {
      state_->moved = 0;
      co_await asio::post(asio::use_awaitable);
    }
    const auto count = TryWrite(bytes.first(std::min(bytes.size(), kTurn)));
    if (count.has_value()) {
      if (!count->ok()) co_return count->error();
      bytes = bytes.subspan(**count);
      state_->moved += **count;
      continue;
    }
    Status ready = co_await Wait(kWrite);
    if (!ready.ok()) co_return ready;
  }
  co_return base::Ok();
}

Task<Status> Stream::FlushAll() {
  while (true) {
    const auto flushed = TryFlush();
    if (flushed.has_value()) co_return *flushed;
    Status ready = co_await Wait(kWrite);
    if (!ready.ok()) co_return ready;
  }
}

Task<Status> Stream::WritePlain(std::span<const ByteView> parts) {
  std::vector<iovec> vectors;
  vectors.reserve(parts.size());
  for (const ByteView part : parts) {
    if (!part.empty()) vectors.push_back({const_cast<std::uint8_t*>(part.data()), part.size()});
  }
  std::size_t first = 0;
  while (first < vectors.size()) {
    if (state_->closed) co_return ConnectionLost();
    msghdr message{};
    message.msg_iov = &vectors[first];
    message.msg_iovlen = std::min(vectors.size() - first, kMaxVectors);
    const ssize_t sent = ::sendmsg(native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      if (!WouldBlock()) co_return ConnectionLost();
      Status ready = co_await Wait(kWrite);
      if (!ready.ok()) co_return ready;
      continue;
    }
    auto left = static_cast<std::size_t>(sent);
    while (left > 0 && left >= vectors[first].iov_len) left -= vectors[first++].iov_len;
    if (left > 0) {
      vectors[first].iov_base = static_cast<std::uint8_t*>(vectors[first].iov_base) + left;
      vectors[first].iov_len -= left;
    }
  }
  co_return base::Ok();
}

Task<Status> Stream::WriteAll(std::span<const ByteView> parts) {
  if (state_->tls == nullptr) {
    Status written = co_await WritePlain(parts);
    co_return written;
  }
  // A head and a small body become one record.
  base::Bytes start;
  std::size_t part = 0;
  std::size_t offset = 0;
  if (parts.size() > 1) {
    while (part < parts.size() && start.size() < kRecord) {
      const ByteView piece = parts[part].subspan(0, std::min(parts[part].size(), kRecord - start.size()));
      start.insert(start.end(), piece.begin(), piece.end());
      offset = piece.size();
      if (offset < parts[part].size()) break;
      ++part;
      offset = 0;
    }
    Status written = co_await WriteOne(start);
    if (!written.ok()) co_return written;
  }
  for (; part < parts.size(); ++part) {
    Status written = co_await WriteOne(parts[part].subspan(offset));
    if (!written.ok()) co_return written;
    offset = 0;
  }
  Status flushed = co_await FlushAll();
  co_return flushed;
}

Task<Result<std::optional<std::uint8_t>>> Stream::PeekFirstByte() {
  while (true) {
    std::uint8_t byte = 0;
    const ssize_t count = ::recv(native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count == 1) co_return std::optional<std::uint8_t>(byte);
    if (count == 0) co_return std::optional<std::uint8_t>();
    if (!WouldBlock()) co_return ConnectionLost();
    Status ready = co_await Wait(kRead);
    if (!ready.ok()) co_return std::move(ready).error();
  }
}

Task<void> Stream::CloseInOrder(std::chrono::milliseconds linger) {
  if (state_->closed) co_return;
  EndSending();
  // Below TLS on purpose: what still comes is not looked at.
  SetDeadline(kRead, std::chrono::steady_clock::now() + linger);
  base::Bytes discarded(64 * 1024);
  while (true) {
    const ssize_t count = ::recv(native_handle(), discarded.data(), discarded.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && !WouldBlock())) break;
    if (count > 0 && std::chrono::steady_clock::now() < state_->deadline[kRead]) continue;
    Status ready = co_await Wait(kRead);
    if (!ready.ok()) break;
  }
  Close();
}

void Stream::EndSending() {
  if (state_->closed || state_->sending_ended) return;
  state_->sending_ended = true;
  if (state_->tls != nullptr) state_->tls->CloseNotify();
  error_code ignored;
  state_->socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void Stream::Close() {
  if (state_->closed) return;
  state_->closed = true;
  error_code ignored;
  state_->timer.cancel();
  state_->socket.close(ignored);
}

void Stream::ReleaseBuffers() {
  if (state_->tls != nullptr) state_->tls->ReleaseBuffers();
}

}  // namespace blindai::net
