#include "net/websocket.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "net/client_connection.h"
#include "net/input_buffer.h"
#include "net/server_connection.h"
#include "net/stream.h"

namespace blindai::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;
using beast::error_code;

// How long a peer has to answer the handshake or a goodbye.
constexpr std::chrono::seconds kHandshakeTimeout{10};
// A frame's header and its payload are put together up to one TLS record.
constexpr std::size_t kRecord = 16 * 1024;

// Gives Beast the stream as it wants one. Bytes that came behind the HTTP head are read first.
class StreamForBeast {
 public:
  using executor_type = asio::any_io_executor;

  StreamForBeast(Stream& stream, InputBuffer& input) : stream_(&stream), input_(&input) {}
  executor_type get_executor() const { return stream_->executor(); }
  Stream& stream() { return *stream_; }

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    std::span<std::uint8_t> into;
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
      const asio::mutable_buffer buffer = *at;
      into = {static_cast<std::uint8_t*>(buffer.data()), buffer.size()};
      if (!into.empty()) break;
    }
    return asio::async_compose<Token, void(error_code, std::size_t)>(ReadStep(stream_, input_, into), token,
                                                                     get_executor());
  }

  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    base::Bytes small;
    base::ByteView view;
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
      const asio::const_buffer buffer = *at;
      view = {static_cast<const std::uint8_t*>(buffer.data()), buffer.size()};
      if (small.empty() && view.size() >= kRecord) break;
      view = view.first(std::min(view.size(), kRecord - small.size()));
      small.insert(small.end(), view.begin(), view.end());
    }
    return asio::async_compose<Token, void(error_code, std::size_t)>(
        WriteStep(stream_, std::move(small), view), token, get_executor());
  }

  // How Beast ends a connection (whoever owns the stream closes it), and how it cuts one that is silent.
  [[maybe_unused]] friend void teardown(beast::role_type, StreamForBeast& self, error_code& error) {
    error = {};
    self.stream_->EndSending();
  }
  template <typename Handler>
  friend void async_teardown(beast::role_type, StreamForBeast& self, Handler&& handler) {
    self.stream_->EndSending();
    asio::post(self.get_executor(), beast::bind_handler(std::forward<Handler>(handler), error_code()));
  }
  friend void beast_close_socket(StreamForBeast& self) { self.stream_->Close(); }

 private:
  // What both steps share: a result that is there at once is told from another turn of the executor, as Asio wants.
  struct Step {
    Stream* stream;
    bool waited = false;
    std::optional<std::pair<error_code, std::size_t>> outcome;

    template <typename Self>
    void Finish(Self& self, error_code error, std::size_t count) {
      if (waited) return self.complete(error, count);
      outcome.emplace(error, count);
      asio::post(stream->executor(), std::move(self));
    }
  };

  struct ReadStep : Step {
    ReadStep(Stream* stream_to_read, InputBuffer* first, std::span<std::uint8_t> space)
        : Step{.stream = stream_to_read, .outcome = {}}, input(first), into(space) {}
    InputBuffer* input;
    std::span<std::uint8_t> into;

    template <typename Self>
    void operator()(Self& self, error_code error = {}) {
      if (this->outcome.has_value()) return self.complete(this->outcome->first, this->outcome->second);
      if (error || into.empty()) return this->Finish(self, error, 0);
      const std::size_t kept = input->Take(into);
      if (kept > 0) return this->Finish(self, {}, kept);
      const auto got = this->stream->TryRead(into);
      if (got.has_value() && got->ok() && **got > 0) return this->Finish(self, {}, **got);
      if (got.has_value()) return this->Finish(self, asio::error::eof, 0);
      this->waited = true;
      this->stream->socket().async_wait(asio::ip::tcp::socket::wait_read, std::move(self));
    }
  };

  struct WriteStep : Step {
    WriteStep(Stream* stream_to_write, base::Bytes small_bytes, base::ByteView large_bytes)
        : Step{.stream = stream_to_write, .outcome = {}}, small(std::move(small_bytes)), large(large_bytes) {}
    base::Bytes small;     // gathered pieces, or
    base::ByteView large;  // one large piece where it lies
    std::size_t taken = 0;

    template <typename Self>
    void operator()(Self& self, error_code error = {}) {
      if (this->outcome.has_value()) return self.complete(this->outcome->first, this->outcome->second);
      if (error) return this->Finish(self, error, 0);
      const base::ByteView bytes = small.empty() ? large : base::ByteView(small);
      bool wait = false;
      if (taken == 0 && !bytes.empty()) {
        const auto count = this->stream->TryWrite(bytes);
        if (count.has_value() && !count->ok()) return this->Finish(self, asio::error::broken_pipe, 0);
        taken = count.has_value() ? **count : 0;
        wait = !count.has_value();
      }
      if (!wait) {
        const auto flushed = this->stream->TryFlush();
        if (flushed.has_value() && !flushed->ok()) return this->Finish(self, asio::error::broken_pipe, 0);
        if (flushed.has_value()) return this->Finish(self, {}, taken);
      }
      this->waited = true;
      this->stream->socket().async_wait(asio::ip::tcp::socket::wait_write, std::move(self));
    }
  };

  Stream* stream_;
  InputBuffer* input_;
};

base::Error ErrorOf(const error_code& error) {
  if (error == websocket::error::closed) {
    return MakeError(ErrorKind::kCancelled, "websocket-closed", "The other side closed the WebSocket");
  }
  if (error == websocket::error::message_too_big || error == websocket::error::buffer_overflow) {
    return MakeError(ErrorKind::kTooLarge, "message-too-large",
                     "A WebSocket message is larger than the limit");
  }
  if (error == beast::error::timeout) {
    return MakeError(ErrorKind::kDeadline, "websocket-timeout",
                     "The other side of the WebSocket was silent too long");
  }
  if (error.category() == websocket::make_error_code(websocket::error::closed).category()) {
    return base::Malformed("The other side does not keep to the WebSocket protocol", "websocket-protocol");
  }
  return ConnectionLost();
}

HttpResponse ResponseOf(const websocket::response_type& answer) {
  HttpResponse response;
  response.status = static_cast<int>(answer.result_int());
  for (const auto& field : answer)
    response.headers.Add(std::string(field.name_string()), std::string(field.value()));
  response.body = base::CopyBytes(base::AsBytes(answer.body()));
  return response;
}

class BeastWebSocket final : public WebSocket {
 public:
  BeastWebSocket(Stream& stream, InputBuffer& input, const WebSocketOptions& options, beast::role_type role)
      : socket_(stream, input), subprotocol_(options.subprotocol) {
    websocket::stream_base::timeout timeouts{};
    timeouts.handshake_timeout = kHandshakeTimeout;
    timeouts.idle_timeout = options.idle_timeout;
    timeouts.keep_alive_pings = true;
    socket_.set_option(timeouts);
    socket_.read_message_max(options.max_message_bytes);
    if (role == beast::role_type::server && !subprotocol_.empty()) {
      socket_.set_option(
          websocket::stream_base::decorator([protocol = subprotocol_](websocket::response_type& answer) {
            answer.set(http::field::sec_websocket_protocol, protocol);
          }));
    }
  }

  Task<Status> Accept(http::request<http::empty_body>& request) {
    const auto token = asio::as_tuple(asio::use_awaitable);
    const std::tuple<error_code> accepted = co_await socket_.async_accept(request, token);
    if (std::get<0>(accepted)) co_return ErrorOf(std::get<0>(accepted));
    co_return base::Ok();
  }

  Task<Status> Handshake(const std::string& host, const std::string& target, const HeaderList& headers,
                         const WebSocketOptions& options) {
    socket_.set_option(websocket::stream_base::decorator(
        [&headers, protocol = subprotocol_](websocket::request_type& request) {
          for (const auto& [name, value] : headers.fields()) request.insert(name, value);
          if (!protocol.empty()) request.set(http::field::sec_websocket_protocol, protocol);
        }));
    websocket::response_type answer;
    const auto token = asio::as_tuple(asio::use_awaitable);
    const std::tuple<error_code> done = co_await socket_.async_handshake(answer, host, target, token);
    if (!std::get<0>(done)) co_return base::Ok();
    if (std::get<0>(done) != websocket::error::upgrade_declined) co_return ErrorOf(std::get<0>(done));
    const HttpResponse refusal = ResponseOf(answer);
    if (options.explain_refusal) co_return options.explain_refusal(refusal);
    co_return MakeError(
        ErrorKind::kUnsupported, "websocket-upgrade",
        "The server did not open a WebSocket; it answered with status " + std::to_string(refusal.status));
  }

  Task<Result<WebSocketMessage>> Read() override {
    WebSocketMessage message;
    auto buffer = asio::dynamic_buffer(message.bytes);
    const auto token = asio::as_tuple(asio::use_awaitable);
    const std::tuple<error_code, std::size_t> read = co_await socket_.async_read(buffer, token);
    if (std::get<0>(read)) co_return ErrorOf(std::get<0>(read));
    message.is_text = socket_.got_text();
    co_return std::move(message);
  }

  Task<Status> SendText(std::string_view text) override {
    socket_.text(true);
    Status sent = co_await SendMessage(base::AsBytes(text));
    co_return sent;
  }

  Task<Status> SendBinary(base::ByteView bytes) override {
    socket_.binary(true);
    Status sent = co_await SendMessage(bytes);
    co_return sent;
  }

  Task<Status> Close(std::uint16_t code, std::string_view reason) override {
    websocket::close_reason why(code);
    why.reason.assign(reason.data(), std::min(reason.size(), why.reason.max_size()));
    const auto token = asio::as_tuple(asio::use_awaitable);
    const std::tuple<error_code> closed = co_await socket_.async_close(why, token);
    if (std::get<0>(closed)) co_return ErrorOf(std::get<0>(closed));
    co_return base::Ok();
  }

 private:
  Task<Status> SendMessage(base::ByteView bytes) {
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    const auto token = asio::as_tuple(asio::use_awaitable);
    const std::tuple<error_code, std::size_t> sent = co_await socket_.async_write(buffer, token);
    if (std::get<0>(sent)) co_return ErrorOf(std::get<0>(sent));
    co_return base::Ok();
  }

  // False: no compression.
  websocket::stream<StreamForBeast, false> socket_;
  const std::string subprotocol_;
};

}  // namespace

Task<Result<std::unique_ptr<WebSocket>>> ServerConnection::AcceptWebSocket(const WebSocketOptions& options) {
  BLINDAI_CHECK(answer_ == Answer::kNone);
  http::request<http::empty_body> request(http::string_to_verb(head_.method), head_.raw_target,
                                          head_.version_minor == 1 ? 11 : 10);
  for (const auto& [name, value] : head_.headers.fields()) request.insert(name, value);
  if (!websocket::is_upgrade(request) || head_.has_body()) {
    co_return MakeError(ErrorKind::kUnsupported, "websocket-upgrade",
                        "This path speaks WebSocket; ask for it with 'Upgrade: websocket'");
  }
  LeaveHttp();
  auto socket = std::make_unique<BeastWebSocket>(stream_, input_, options, beast::role_type::server);
  const Status accepted = co_await socket->Accept(request);
  if (!accepted.ok()) {
    Gone();
    co_return accepted.error();
  }
  co_return std::unique_ptr<WebSocket>(std::move(socket));
}

Task<Result<std::unique_ptr<WebSocket>>> ClientConnection::OpenWebSocket(HttpRequest& request,
                                                                         const WebSocketOptions& options) {
  if (!reusable_) co_return Fail(ConnectionLost());
  const auto head = RequestHeadOf(request);  // refuses what is no request
  if (!head.ok()) co_return head.error();
  reusable_ = false;
  auto socket = std::make_unique<BeastWebSocket>(stream_, input_, options, beast::role_type::client);
  const std::string host = HostHeader();
  const Status opened = co_await socket->Handshake(host, request.target, request.headers, options);
  if (!opened.ok()) co_return Fail(opened.error());
  co_return std::unique_ptr<WebSocket>(std::move(socket));
}

}  // namespace blindai::net
