#include "net/byte_stream.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <tuple>
#include <utility>

#include "net/callback_queue.h"
#include "net/input_buffer.h"
#include "net/stream.h"

namespace blindai::net {
namespace {

namespace asio = boost::asio;
using base::ByteView;
using base::Done;
using base::Result;
using base::Status;
using boost::system::error_code;

constexpr std::size_t kBlock = 64 * 1024;
// How long one side may go on when the other has ended.
constexpr std::chrono::seconds kAfterTheEnd{30};

class HttpBytes final : public ByteStream {
 public:
  HttpBytes(Stream& stream, InputBuffer& input) : stream_(stream), input_(input) {}

  Task<Result<std::size_t>> ReadSome(std::span<std::uint8_t> into) override {
    const std::size_t kept = input_.Take(into);
    if (kept > 0) co_return kept;
    Result<std::size_t> count = co_await stream_.ReadSome(into);
    co_return count;
  }

  Task<Status> Write(ByteView bytes) override {
    const std::array<ByteView, 1> parts = {bytes};
    Status written = co_await stream_.WriteAll(parts);
    co_return written;
  }

  void EndSending() override { stream_.EndSending(); }
  void Close() override { stream_.Close(); }

 private:
  Stream& stream_;
  InputBuffer& input_;
};

class SocketBytes final : public ByteStream {
 public:
  SocketBytes(const asio::any_io_executor& executor, int socket)
      : socket_(executor, asio::local::stream_protocol(), socket) {}

  Task<Result<std::size_t>> ReadSome(std::span<std::uint8_t> into) override {
    const auto buffer = asio::buffer(into.data(), into.size());
    const auto token = asio::as_tuple(asio::use_awaitable);
    const std::tuple<error_code, std::size_t> read = co_await socket_.async_read_some(buffer, token);
    if (std::get<0>(read) == asio::error::eof) co_return std::size_t{0};
    if (std::get<0>(read)) co_return ConnectionLost();
    co_return std::get<1>(read);
  }

  Task<Status> Write(ByteView bytes) override {
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    const auto token = asio::as_tuple(asio::use_awaitable);
    const std::tuple<error_code, std::size_t> written = co_await asio::async_write(socket_, buffer, token);
    if (std::get<0>(written)) co_return ConnectionLost();
    co_return base::Ok();
  }

  void EndSending() override {
    error_code ignored;
    socket_.shutdown(asio::local::stream_protocol::socket::shutdown_send, ignored);
  }

  void Close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  asio::local::stream_protocol::socket socket_;
};

// One direction, to its end.
Task<void> Pump(ByteStream& from, ByteStream& to) {
  base::Bytes block(kBlock);
  while (true) {
    const std::span<std::uint8_t> space(block);
    const Result<std::size_t> count = co_await from.ReadSome(space);
    if (!count.ok()) break;
    if (*count == 0) {
      to.EndSending();
      co_return;
    }
    const Status written = co_await to.Write(ByteView(block).first(*count));
    if (!written.ok()) break;
  }
  from.Close();
  to.Close();
}

}  // namespace

std::unique_ptr<ByteStream> AdoptSocket(const asio::any_io_executor& executor, int socket) {
  return std::make_unique<SocketBytes>(executor, socket);
}

Task<void> Relay(ByteStream& one, ByteStream& other) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  CallbackQueue<Done> ends(executor);
  const auto ended = [push = ends.pusher()](const std::exception_ptr&) { push(Done{}); };
  asio::co_spawn(executor, Pump(one, other), ended);
  asio::co_spawn(executor, Pump(other, one), ended);
  co_await ends.Pop();
  asio::steady_timer patience(executor, kAfterTheEnd);
  const auto waiting = std::make_shared<bool>(true);
  patience.async_wait([&one, &other, waiting](error_code) {
    if (!*waiting) return;
    one.Close();
    other.Close();
  });
  co_await ends.Pop();
  *waiting = false;
  one.Close();
  other.Close();
}

namespace internal {
std::unique_ptr<ByteStream> BytesOf(Stream& stream, InputBuffer& input) {
  return std::make_unique<HttpBytes>(stream, input);
}
}  // namespace internal

}  // namespace blindai::net
