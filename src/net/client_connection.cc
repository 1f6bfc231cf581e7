#include "net/client_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <tuple>
#include <utility>
#include <vector>

namespace blindai::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::ByteView;
using base::Error;
using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kInputBlock = 16 * 1024;
constexpr std::size_t kBodyBlock = 256 * 1024;
// How long a server that was asked with "Expect: 100-continue" is waited for (RFC 9110 section 10.1.1).
constexpr milliseconds kContinueWait{1'000};
// How long a tunnel's other end may take no bytes.
constexpr milliseconds kTunnelWriteLimit{30'000};
// More interim answers than this are no answer.
constexpr int kMaxInterim = 16;

std::uint64_t NextConnectionId() {
  static std::atomic<std::uint64_t> next{1};
  return next++;
}

Error ConnectTimedOut() {
  return MakeError(ErrorKind::kDeadline, "connect-timeout",
                   "The server did not answer in time while connecting");
}

// One look-up whose answer may come after nobody waits for it any more.
struct LookUp {
  explicit LookUp(const asio::any_io_executor& executor) : resolver(executor), arrived(executor) {}
  tcp::resolver resolver;
  asio::steady_timer arrived;
  bool done = false;
  error_code error;
  std::vector<tcp::endpoint> endpoints;
};

Task<Result<std::vector<tcp::endpoint>>> Resolve(const std::string& host, std::uint16_t port,
                                                 SteadyTime deadline) {
  error_code not_numeric;
  const auto address = asio::ip::make_address(host, not_numeric);
  if (!not_numeric) co_return std::vector<tcp::endpoint>{tcp::endpoint(address, port)};
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto look_up = std::make_shared<LookUp>(executor);
  look_up->resolver.async_resolve(host, std::to_string(port),
                                  [look_up](error_code error, const tcp::resolver::results_type& results) {
                                    look_up->done = true;
                                    look_up->error = error;
                                    for (const auto& entry : results)
                                      look_up->endpoints.push_back(entry.endpoint());
                                    look_up->arrived.cancel();
                                  });
  look_up->arrived.expires_at(deadline);
  while (!look_up->done && steady_clock::now() < deadline) {
    const auto token = asio::as_tuple(asio::use_awaitable);
    const std::tuple<error_code> woken = co_await look_up->arrived.async_wait(token);
    (void)woken;
  }
  if (!look_up->done) co_return ConnectTimedOut();
  if (look_up->error || look_up->endpoints.empty()) {
    co_return MakeError(ErrorKind::kUnavailable, "name-not-found",
                        "The server's name was not found; check its spelling and the network");
  }
  co_return look_up->endpoints;
}

Task<Result<tcp::socket>> ConnectTo(const tcp::endpoint& endpoint, SteadyTime deadline) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto socket = std::make_shared<tcp::socket>(executor);
  asio::steady_timer timer(executor, deadline);
  timer.async_wait([socket](error_code error) {
    error_code ignored;
    if (!error) socket->close(ignored);
  });
  const auto token = asio::as_tuple(asio::use_awaitable);
  const std::tuple<error_code> connected = co_await socket->async_connect(endpoint, token);
  timer.cancel();
  const error_code error = std::get<0>(connected);
  if (!error && socket->is_open()) co_return std::move(*socket);
  if (error == asio::error::connection_refused) {
    co_return MakeError(ErrorKind::kUnavailable, "connection-refused",
                        "Nothing listens on this port; is the server running, and is the port right?");
  }
  if (steady_clock::now() >= deadline || error == asio::error::timed_out) co_return ConnectTimedOut();
  co_return MakeError(ErrorKind::kUnavailable, "connect-failed",
                      "The server could not be reached over the network");
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool HasControls(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

bool IsSuccess(int status) { return status >= 200 && status < 300; }

}  // namespace

struct ClientConnection::Exchange {
  HttpRequest& request;
  SteadyTime deadline;
  bool has_source = false;
  bool answered_early = false;
  // A source or a sink of the caller failed: this, and not what the connection says afterwards, is the error.
  std::optional<Error> callers_error;
};

ClientConnection::ClientConnection(ConnectOptions options, tcp::socket socket)
    : options_(std::move(options)), stream_(std::move(socket)), handle_(stream_.native_handle()) {
  facts_.id = NextConnectionId();
}

Task<Result<std::unique_ptr<ClientConnection>>> ClientConnection::Connect(ConnectOptions options) {
  const SteadyTime deadline = steady_clock::now() + options.connect_timeout;
  Result<std::vector<tcp::endpoint>> endpoints = co_await Resolve(options.host, options.port, deadline);
  if (!endpoints.ok()) co_return std::move(endpoints).error();
  std::optional<Error> failure;
  for (const tcp::endpoint& endpoint : *endpoints) {
    Result<tcp::socket> socket = co_await ConnectTo(endpoint, deadline);
    if (!socket.ok()) {
      failure = std::move(socket).error();
      continue;
    }
    auto connection = std::unique_ptr<ClientConnection>(
        new ClientConnection(std::move(options), std::move(socket).value()));
    connection->facts_.peer_is_loopback = endpoint.address().is_loopback();
    connection->stream_.SetDeadline(Stream::kRead, deadline);
    connection->stream_.SetDeadline(Stream::kWrite, deadline);
    if (connection->options_.tls != nullptr) {
      Status established = co_await connection->StartTls();
      if (!established.ok()) co_return std::move(established).error();
    }
    co_return connection;
  }
  co_return *failure;
}

Task<Status> ClientConnection::StartTls() {
  auto session = options_.tls->NewSession(stream_.native_handle(), options_.host);
  if (!session.ok()) co_return std::move(session).error();
  stream_.StartTls(std::move(session).value());
  Status established = co_await stream_.Handshake();
  if (!established.ok()) {
    if (established.error().code == "timeout") co_return ConnectTimedOut();
    co_return established;
  }
  facts_.is_tls = true;
  facts_.peer_certificate_der = stream_.tls()->PeerCertificateDer();
  facts_.peer_spki_der = stream_.tls()->PeerSpkiDer();
  facts_.exporter = [this](std::string_view label, ByteView context) -> Result<ExporterValue> {
    if (stream_.closed()) return ConnectionLost();
    return stream_.tls()->Export(label, context);
  };
  co_return base::Ok();
}

// An idle connection has nothing to read: bytes mean that the server says goodbye, and an end that it has.
bool ClientConnection::reusable() const {
  if (!reusable_) return false;
  char byte = 0;
  const ssize_t seen = ::recv(handle_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Task<Result<UpgradeOutcome>> ClientConnection::Upgrade(HttpRequest& request) {
  Result<HttpResponse> response = co_await Send(request);
  if (!response.ok()) co_return std::move(response).error();
  UpgradeOutcome outcome{std::move(response).value(), nullptr};
  if (outcome.response.status == 101) {
    reusable_ = false;
    stream_.SetDeadline(Stream::kRead, SteadyTime::max());
    stream_.SetDeadline(Stream::kWrite, SteadyTime::max());
    stream_.SetIdleLimit(Stream::kWrite, kTunnelWriteLimit);
    outcome.stream = internal::BytesOf(stream_, input_);
  }
  co_return std::move(outcome);
}

Task<bool> ClientConnection::StaysOpenUntil(SteadyTime time) {
  stream_.SetDeadline(Stream::kRead, time);
  const Status waited = co_await stream_.Wait(Stream::kRead);
  // An idle connection has nothing to read but its end.
  if (waited.ok() || waited.error().code != "timeout") reusable_ = false;
  co_return reusable();
}

void ClientConnection::Cancel() {
  cancelled_ = true;
  reusable_ = false;
  stream_.Close();
}

Error ClientConnection::Fail(Error error) {
  reusable_ = false;
  stream_.Close();
  if (cancelled_) return MakeError(ErrorKind::kCancelled, "cancelled", "The call was cancelled");
  if (error.code == "timeout") {
    return MakeError(ErrorKind::kDeadline, "request-timeout", "The server did not answer in time");
  }
  return error;
}

Task<Result<HttpResponse>> ClientConnection::Send(HttpRequest& request) {
  if (!reusable_) co_return Fail(ConnectionLost());
  BLINDAI_CHECK(!(request.source && request.async_source) && !(request.sink && request.async_sink));
  Exchange exchange{.request = request,
                    .deadline = steady_clock::now() + request.timeout,
                    .has_source = request.source || request.async_source,
                    .callers_error = {}};
  // A server that closed while the connection was idle has said so: nothing is sent into the void.
  const auto stale = stream_.TryRead(input_.Space(kInputBlock));
  if (stale.has_value() || !input_.empty()) co_return Fail(ConnectionLost());

  stream_.SetDeadline(Stream::kRead, exchange.deadline);
  stream_.SetDeadline(Stream::kWrite, exchange.deadline);
  Status sent = co_await SendRequest(exchange);
  if (exchange.callers_error.has_value()) co_return Fail(*exchange.callers_error);
  if (!sent.ok() && sent.error().code != "connection-lost") co_return Fail(std::move(sent).error());
  // A server that refuses an upload answers and closes: when sending failed there may still be an answer.
  if (!sent.ok()) exchange.answered_early = true;
  Result<HttpResponse> response = co_await ReadResponse(exchange);
  if (exchange.callers_error.has_value()) co_return Fail(*exchange.callers_error);
  if (!response.ok()) co_return Fail(std::move(response).error());
  if (exchange.answered_early) reusable_ = false;
  if (!reusable_) stream_.Close();
  co_return std::move(response);
}

std::string ClientConnection::HostHeader() const {
  const bool bare_ipv6 = options_.host.find(':') != std::string::npos;
  const std::string host = bare_ipv6 ? "[" + options_.host + "]" : options_.host;
  const bool default_port = options_.port == (options_.tls != nullptr ? 443 : 80);
  return default_port ? host : fmt::format("{}:{}", host, options_.port);
}

Result<std::string> ClientConnection::RequestHeadOf(const HttpRequest& request) const {
  if (!IsToken(request.method) || !IsToken(request.target) || request.target.front() != '/') {
    return base::Malformed("The request's method or target holds a character that HTTP does not allow",
                           "http-request");
  }
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
  text += fmt::format("Host: {}\r\n", HostHeader());
  for (const auto& [name, value] : request.headers.fields()) {
    if (!IsToken(name) || HasControls(value)) {
      return base::Malformed("A header field holds a character that HTTP does not allow", "http-request");
    }
    text += fmt::format("{}: {}\r\n", name, value);
  }
  std::uint64_t size = request.body.size();
  for (const BodyPart& part : request.parts) size += part.bytes.size();
  if (!request.source && !request.async_source) {
    if (size > 0 || (request.method != "GET" && request.method != "HEAD")) {
      text += fmt::format("Content-Length: {}\r\n", size);
    }
  } else if (request.source_bytes.has_value()) {
    text += fmt::format("Content-Length: {}\r\n", *request.source_bytes);
  } else {
    text += "Transfer-Encoding: chunked\r\n";
  }
  if (request.expect_continue) text += "Expect: 100-continue\r\n";
  text += "\r\n";
  return text;
}

Task<Status> ClientConnection::SendRequest(Exchange& exchange) {
  HttpRequest& request = exchange.request;
  const Result<std::string> head = RequestHeadOf(request);
  if (!head.ok()) {
    exchange.callers_error = head.error();
    co_return head.error();
  }
  std::vector<ByteView> pieces = {base::AsBytes(*head)};
  if (!exchange.has_source && !request.expect_continue) {
    pieces.push_back(request.body);
    for (const BodyPart& part : request.parts) pieces.push_back(part.bytes);
  }
  Status sent = co_await stream_.WriteAll(pieces);
  if (!sent.ok()) co_return sent;
  if (request.expect_continue) {
    sent = co_await AwaitContinue(exchange);
    if (!sent.ok() || exchange.answered_early) co_return sent;
    if (!exchange.has_source) {
      pieces.assign(1, request.body);
      for (const BodyPart& part : request.parts) pieces.push_back(part.bytes);
      sent = co_await stream_.WriteAll(pieces);
      co_return sent;
    }
  }
  if (exchange.has_source) sent = co_await SendSource(exchange);
  co_return sent;
}

// What the server has said while the request is still being sent, without waiting for it.
ClientConnection::Early ClientConnection::LookForAnswer() {
  const auto got = stream_.TryRead(input_.Space(kInputBlock));
  if (got.has_value()) {
    if (!got->ok() || **got == 0) return Early::kAnswer;  // ReadResponse will say what is wrong
    input_.Added(**got);
  }
  const std::size_t end = input_.text().find("\r\n\r\n");
  if (end == std::string_view::npos) return Early::kNothing;
  const auto head = ParseResponseHead(input_.view().first(end + 4));
  if (!head.ok() || head->status >= 200 || head->status == 101) return Early::kAnswer;
  input_.Consume(end + 4);
  return Early::kContinue;
}

// Waits for "100 Continue" or another answer; a server that says nothing gets the body after a moment.
Task<Status> ClientConnection::AwaitContinue(Exchange& exchange) {
  stream_.SetDeadline(Stream::kRead, std::min(exchange.deadline, steady_clock::now() + kContinueWait));
  Status ready = base::Ok();
  Early early = LookForAnswer();
  while (early == Early::kNothing && ready.ok()) {
    ready = co_await stream_.Wait(Stream::kRead);
    early = LookForAnswer();
  }
  exchange.answered_early = early == Early::kAnswer;
  stream_.SetDeadline(Stream::kRead, exchange.deadline);
  if (!ready.ok() && ready.error().code == "timeout") co_return base::Ok();
  co_return ready;
}

Task<Status> ClientConnection::SendSource(Exchange& exchange) {
  const HttpRequest& request = exchange.request;
  const bool chunked = !request.source_bytes.has_value();
  base::Bytes block(kBodyBlock);
  std::uint64_t total = 0;
  while (true) {
    // Once every announced byte is sent an answer is not early: the source is only asked for its end.
    const bool all_sent = !chunked && total == *request.source_bytes;
    if (!all_sent && LookForAnswer() == Early::kAnswer) {
      exchange.answered_early = true;
      co_return base::Ok();
    }
    Result<std::size_t> count = std::size_t{0};
    if (request.source) {
      count = request.source(block);
    } else {
      count = co_await request.async_source(block);
    }
    if (count.ok()) total += *count;
    if (count.ok() && !chunked &&
        (total > *request.source_bytes || (*count == 0 && total < *request.source_bytes))) {
      count =
          MakeError(ErrorKind::kInternal, "body-source", "The request body is not as long as was announced");
    }
    if (!count.ok()) {
      exchange.callers_error = count.error();
      co_return count.error();
    }
    const std::string start = chunked && *count > 0 ? fmt::format("{:x}\r\n", *count) : std::string();
    const std::string_view end = !chunked ? "" : *count > 0 ? "\r\n" : "0\r\n\r\n";
    const std::array<ByteView, 3> pieces = {base::AsBytes(start), ByteView(block).first(*count),
                                            base::AsBytes(end)};
    Status sent = co_await stream_.WriteAll(pieces);
    if (!sent.ok() || *count == 0) co_return sent;
  }
}

Task<Result<ResponseHead>> ClientConnection::ReadHead() {
  std::size_t searched = 0;
  while (true) {
    const std::string_view text = input_.text();
    const std::size_t end = text.find("\r\n\r\n", searched);
    if (end != std::string_view::npos) {
      auto head = ParseResponseHead(input_.view().first(end + 4));
      input_.Consume(end + 4);
      co_return std::move(head);
    }
    if (text.size() >= options_.max_response_header_bytes) {
      co_return base::Malformed("The server's answer has a header larger than the limit", "http-response");
    }
    // A peer that does not speak HTTP shall not be listened to until its end.
    constexpr std::string_view kStart = "HTTP/1.";
    if (text.substr(0, kStart.size()) != kStart.substr(0, text.size())) {
      co_return base::Malformed("The server's answer is not HTTP/1.1", "http-response");
    }
    searched = text.size() < 3 ? 0 : text.size() - 3;
    const std::span<std::uint8_t> space = input_.Space(kInputBlock);
    const Result<std::size_t> count = co_await stream_.ReadSome(space);
    if (!count.ok()) co_return count.error();
    if (*count == 0) co_return ConnectionLost();
    input_.Added(*count);
  }
}

Task<Result<HttpResponse>> ClientConnection::ReadResponse(Exchange& exchange) {
  for (int interim = 0; interim < kMaxInterim; ++interim) {
    Result<ResponseHead> head = co_await ReadHead();
    if (!head.ok()) co_return std::move(head).error();
    if (head->status < 200 && head->status != 101) continue;
    HttpResponse response;
    response.status = head->status;
    response.headers = head->headers;
    if (!head->keep_alive) reusable_ = false;
    const bool no_body = exchange.request.method == "HEAD" || head->status == 204 || head->status == 304 ||
                         head->status == 101;
    if (!no_body) {
      const Status read = co_await ReadBody(exchange, *head, response);
      if (!read.ok()) co_return read.error();
    } else if (exchange.request.on_head) {
      exchange.request.on_head(response);
    }
    co_return std::move(response);
  }
  co_return base::Malformed("The server's answer has no end of interim answers", "http-response");
}

// The next bytes of the response body; 0 at its end.
Task<Result<std::size_t>> ClientConnection::ReadBodySome(const ResponseHead& head,
                                                         std::span<std::uint8_t> into) {
  if (head.content_length.has_value()) {
    into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), body_left_)));
    if (into.empty()) co_return std::size_t{0};
  }
  if (!head.chunked) {
    std::size_t count = input_.Take(into);
    if (count == 0) {
      const Result<std::size_t> got = co_await stream_.ReadSome(into);
      if (!got.ok()) co_return got;
      if (*got == 0 && head.content_length.has_value()) co_return ConnectionLost();
      count = *got;
    }
    body_left_ -= head.content_length.has_value() ? count : 0;
    co_return count;
  }
  while (chunked_.has_value()) {
    const auto progress = chunked_->Decode(input_.view(), into);
    if (!progress.ok()) co_return progress.error();
    input_.Consume(progress->consumed);
    if (progress->done) chunked_.reset();
    if (progress->done || progress->produced > 0) co_return progress->produced;
    const std::span<std::uint8_t> space = input_.Space(kInputBlock);
    const Result<std::size_t> got = co_await stream_.ReadSome(space);
    if (!got.ok()) co_return got;
    if (*got == 0) co_return ConnectionLost();
    input_.Added(*got);
  }
  co_return std::size_t{0};
}

Task<Status> ClientConnection::ReadBody(Exchange& exchange, const ResponseHead& head,
                                        HttpResponse& response) {
  const HttpRequest& request = exchange.request;
  const Error too_large = MakeError(
      ErrorKind::kTooLarge, "response-too-large",
      fmt::format("The server's answer is larger than the limit of {} bytes", request.max_response_bytes));
  if (head.content_length.value_or(0) > request.max_response_bytes) co_return too_large;
  if (request.on_head) request.on_head(response);
  body_left_ = head.content_length.value_or(0);
  chunked_.reset();
  if (head.chunked) chunked_.emplace("http-response");
  if (!head.chunked && !head.content_length.has_value()) reusable_ = false;

  const bool to_sink =
      (request.sink || request.async_sink) && (request.sink_every_status || IsSuccess(head.status));
  base::Bytes& body = response.body;
  // Address space only: pages are used when bytes come.
  if (!to_sink) body.reserve(static_cast<std::size_t>(body_left_));
  std::uint64_t total = 0;
  while (true) {
    const std::size_t kept = to_sink ? 0 : body.size();
    const std::uint64_t left = head.content_length.has_value() ? body_left_ : kBodyBlock;
    if (left == 0) {
      body.resize(kept);
      co_return base::Ok();
    }
    body.resize(kept + static_cast<std::size_t>(std::min<std::uint64_t>(left, kBodyBlock)));
    const std::span<std::uint8_t> space = std::span(body).subspan(kept);
    const Result<std::size_t> count = co_await ReadBodySome(head, space);
    if (!count.ok()) co_return count.error();
    total += *count;
    if (total > request.max_response_bytes) co_return too_large;
    if (*count == 0) {
      body.resize(kept);
      co_return base::Ok();
    }
    if (!to_sink) {
      body.resize(kept + *count);
      continue;
    }
    const ByteView piece(body.data(), *count);
    Status taken = base::Ok();
    if (request.sink) {
      taken = request.sink(piece);
    } else {
      taken = co_await request.async_sink(piece);
    }
    if (!taken.ok()) {
      exchange.callers_error = taken.error();
      co_return taken;
    }
  }
}

}  // namespace blindai::net
