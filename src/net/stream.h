// Bytes in order over one TCP connection, plain or TLS: the layer that HTTP and WebSocket of this room stand
// on. It tries first and waits only when the socket has nothing to give, so large bodies move in large
// pieces; every wait has a limit. All calls are on the stream's executor; one read and one write may wait at
// the same time.
//
// Errors: "connection-lost" (kCancelled), "timeout" (kDeadline; the caller says what took too long).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/task.h"
#include "net/tls_session.h"

namespace blindai::net {

using SteadyTime = std::chrono::steady_clock::time_point;

class Stream {
 public:
  enum Direction { kRead = 0, kWrite = 1 };

  // The socket is connected.
  explicit Stream(boost::asio::ip::tcp::socket socket);
  ~Stream();

  int native_handle();
  boost::asio::ip::tcp::socket& socket();
  boost::asio::any_io_executor executor();
  const TlsSession* tls() const;

  // From now on the stream is TLS; the session was made over native_handle().
  void StartTls(std::unique_ptr<TlsSession> session);
  // The session's own errors as well ("tls-version" and so on).
  Task<base::Status> Handshake();

  // A wait ends at the deadline of its direction, and after the idle limit without a byte.
  void SetDeadline(Direction direction, SteadyTime deadline);
  void SetIdleLimit(Direction direction, std::chrono::milliseconds limit);

  // At least one byte, or 0 at the end of the stream.
  Task<base::Result<std::size_t>> ReadSome(std::span<std::uint8_t> into);
  // What is there without waiting: nothing yet, or as ReadSome.
  std::optional<base::Result<std::size_t>> TryRead(std::span<std::uint8_t> into);
  // All of the parts, in order, and sent.
  Task<base::Status> WriteAll(std::span<const base::ByteView> parts);
  // What can be taken without waiting: a count, or nothing yet; then Flush until it is done.
  std::optional<base::Result<std::size_t>> TryWrite(base::ByteView bytes);
  std::optional<base::Status> TryFlush();
  // Waits until the socket can be read or written.
  Task<base::Status> Wait(Direction direction);
  // The same for code that is no coroutine; called with false when the wait was cancelled or the stream
  // closed.
  void WaitThen(Direction direction, std::function<void(bool ready)> then);
  // Ends waits that run now with "connection-lost"; the stream stays usable.
  void CancelWaits();

  // The first byte that a peer sent, without taking it; nothing when the connection ended.
  Task<base::Result<std::optional<std::uint8_t>>> PeekFirstByte();
  // Says goodbye: nothing more is sent, what comes can still be read.
  void EndSending();
  // Does that, then discards what the peer still sends for a moment, so that it sees the last answer and
  // no reset.
  Task<void> CloseInOrder(std::chrono::milliseconds linger);
  // Ends everything at once; waits end with "connection-lost".
  void Close();
  bool closed() const;
  void ReleaseBuffers();

 private:
  struct State;
  Task<base::Status> WaitFor(TlsStep step);
  Task<base::Status> WriteOne(base::ByteView bytes);
  Task<base::Status> FlushAll();
  Task<base::Status> WritePlain(std::span<const base::ByteView> parts);

  std::shared_ptr<State> state_;
};

base::Error ConnectionLost();

}  // namespace blindai::net
