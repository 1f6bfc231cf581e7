// Raw bytes of a connection that has left HTTP: what is there after "101 Switching Protocols" (RFC 9110 section
// 15.2.2), on either side, or a socket of this process. For programs that pass another protocol on without looking
// into it.
//
// Reading and writing may wait at the same time, each one at a time; everything runs on the connection's strand.
// Codes: "connection-lost", "timeout" (the other side takes nothing).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "net/task.h"

namespace blindai::net {

class InputBuffer;
class Stream;

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // At least one byte, or 0 at the end.
  virtual Task<base::Result<std::size_t>> ReadSome(std::span<std::uint8_t> into) = 0;
  virtual Task<base::Status> Write(base::ByteView bytes) = 0;
  // Says that nothing more comes; reading goes on.
  virtual void EndSending() = 0;
  // Ends everything at once.
  virtual void Close() = 0;
};

// A connected stream socket of this process, which it owns from now on (one end of a socketpair, for example).
std::unique_ptr<ByteStream> AdoptSocket(const boost::asio::any_io_executor& executor, int socket);

// Moves bytes both ways, a block at a time, so that a slow side slows the other one down. Ends when both sides have
// ended or one breaks; then both are closed. A side that goes on for half a minute after the other has ended is cut.
Task<void> Relay(ByteStream& one, ByteStream& other);

namespace internal {
// Of this room only. `input` holds what came behind the HTTP head; both must outlive the ByteStream.
std::unique_ptr<ByteStream> BytesOf(Stream& stream, InputBuffer& input);
}  // namespace internal

}  // namespace blindai::net
