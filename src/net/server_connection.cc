#include "net/server_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <ctime>
#include <utility>

#include "base/log_event.h"

namespace blindai::net {
namespace {

namespace asio = boost::asio;
using base::ByteView;
using base::Error;
using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kInputBlock = 16 * 1024;
// An unread rest of a body up to this size is read and dropped to keep the connection; a larger one closes
// it.
constexpr std::uint64_t kDrainLimit = 64 * 1024;
// How long a client that still sends is listened to after the last answer, so that it can read it.
constexpr milliseconds kLinger{2'000};
constexpr milliseconds kDrainTimeout{5'000};
constexpr milliseconds kRefuseTimeout{2'000};
constexpr std::uint8_t kTlsHandshakeRecord = 22;  // RFC 8446 section 5.1

std::uint64_t NextConnectionId() {
  static std::atomic<std::uint64_t> next{1};
  return next++;
}

ConnectionFacts FactsOf(const asio::ip::tcp::socket& socket) {
  ConnectionFacts facts;
  facts.id = NextConnectionId();
  boost::system::error_code error;
  asio::ip::address address = socket.remote_endpoint(error).address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  facts.peer_is_loopback = !error && address.is_loopback();
  if (!error) facts.peer_address = address.to_string();
  return facts;
}

// RFC 9110 section 5.6.7.
std::string HttpDate() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

// A field can carry a value that came from elsewhere: it must not end its line.
void AppendWithoutControls(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 0x20 && byte != 0x7f) || c == '\t') out.push_back(c);
  }
}

void AppendFields(std::string& out, const HeaderList& headers) {
  for (const auto& [name, value] : headers.fields()) {
    AppendWithoutControls(out, name);
    out += ": ";
    AppendWithoutControls(out, value);
    out += "\r\n";
  }
}

bool HasNoBody(int status) { return status == 204 || status == 304 || status < 200; }

// The client connection preface begins as a request of HTTP/1 that no server of it understands (RFC 9113 section 3.4).
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\n";

// 400 for most; where HTTP has a number of its own, that.
int StatusOfRefusal(const Error& error) {
  if (error.code == "http-version") return 505;
  if (error.code == "http-expectation") return 417;
  if (error.code == "header-too-large") return 431;
  if (error.code == "header-timeout") return 408;
  return StatusOf(error.kind);
}

// What a browser or curl sees that was pointed at the TLS port without TLS.
std::string PlainHttpOnTlsPort() {
  constexpr std::string_view kText =
      "This port speaks HTTPS (TLS 1.3). Use https:// instead of http:// for it.\n";
  return fmt::format(
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
      "Content-Length: {}\r\n\r\n{}",
      kText.size(), kText);
}

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<ServerShared> shared, asio::ip::tcp::socket socket,
                                   bool refuse)
    : shared_(std::move(shared)), refuse_(refuse), facts_(FactsOf(socket)), stream_(std::move(socket)) {
  stream_.SetIdleLimit(Stream::kWrite, shared_->options.write_timeout);
}

ServerConnection::~ServerConnection() {
  const std::lock_guard lock(shared_->mutex);
  shared_->open.erase(this);
  if (refuse_) --shared_->refusing;
  shared_->changed.notify_all();
}

Task<void> ServerConnection::Run(std::shared_ptr<ServerConnection> self) {
  bool open = co_await self->Greet();
  if (self->refuse_ && self->shared_->options.raw_bytes) open = false;
  if (open && self->refuse_) {
    const Error error = MakeError(ErrorKind::kUnavailable, "too-many-connections",
                                  "The server has as many connections as it accepts; try again later");
    co_await self->Refuse(error);
    open = false;
  }
  while (open) open = co_await self->ServeOne();
  if (self->linger_) {
    co_await self->stream_.CloseInOrder(kLinger);
  } else {
    co_await self->stream_.CloseInOrder(milliseconds(0));
  }
}

void ServerConnection::BeginStop() {
  asio::post(stream_.executor(), [self = shared_from_this()] {
    self->stopping_ = true;
    if (self->phase_ == Phase::kIdle) self->stream_.CancelWaits();
  });
}

void ServerConnection::Cut() {
  asio::post(stream_.executor(), [self = shared_from_this()] {
    self->stopping_ = true;
    self->Gone();
    self->stream_.Close();
  });
}

// The TLS handshake, where there is TLS. False: nothing more to do.
Task<bool> ServerConnection::Greet() {
  const auto timeout = refuse_ ? kRefuseTimeout : shared_->options.header_timeout;
  stream_.SetDeadline(Stream::kRead, steady_clock::now() + timeout);
  if (shared_->options.tls == nullptr) co_return true;
  const auto first = co_await stream_.PeekFirstByte();
  if (!first.ok() || !first->has_value()) co_return false;
  if (**first != kTlsHandshakeRecord) {
    ++shared_->tls_handshakes_failed;
    if (**first >= 'A' && **first <= 'Z') {
      const std::string answer = PlainHttpOnTlsPort();
      const std::array<ByteView, 1> parts = {base::AsBytes(answer)};
      const Status sent = co_await stream_.WriteAll(parts);
      linger_ = sent.ok();
    }
    co_return false;
  }
  auto session = shared_->options.tls->NewSession(stream_.native_handle());
  if (!session.ok()) co_return false;
  stream_.StartTls(std::move(session).value());
  const Status established = co_await stream_.Handshake();
  if (!established.ok()) {
    ++shared_->tls_handshakes_failed;
    // The peer may still be sending; it shall see the alert that says why.
    linger_ = true;
    co_return false;
  }
  facts_.is_tls = true;
  facts_.exporter = [weak = weak_from_this()](std::string_view label,
                                              ByteView context) -> Result<ExporterValue> {
    const auto self = weak.lock();
    if (self == nullptr || self->stream_.closed()) return ConnectionLost();
    return self->stream_.tls()->Export(label, context);
  };
  co_return true;
}

Task<bool> ServerConnection::ServeOne() {
  if (shared_->options.raw_bytes) {
    co_await ServeRawBytes();
    co_return false;
  }
  const Result<bool> read = co_await ReadHead();
  phase_ = Phase::kBusy;
  if (!read.ok()) {
    if (read.error().code != "connection-lost") co_await Refuse(read.error());
    co_return false;
  }
  if (!*read) co_return false;
  ++shared_->requests_total;
  co_await RunHandler();
  head_.Wipe();
  head_ = RequestHead();
  on_disconnect_.clear();
  StopWatch();
  if (answer_ != Answer::kComplete || gone_) co_return false;
  co_await DrainBody();
  phase_ = Phase::kIdle;
  co_return keep_alive_ && !stopping_ && !gone_;
}

// All that comes is one body without an end, and what goes out an answer without a head.
Task<void> ServerConnection::ServeRawBytes() {
  phase_ = Phase::kBusy;
  body_left_ = UINT64_MAX;
  answer_ = Answer::kStreaming;
  keep_alive_ = false;
  linger_ = true;  // so that the goodbye can be read
  stream_.SetDeadline(Stream::kRead, SteadyTime::max());
  stream_.SetIdleLimit(Stream::kRead, shared_->options.body_idle_timeout);
  ++shared_->requests_total;
  co_await RunHandler();
  on_disconnect_.clear();
  StopWatch();
}

// Reads and parses the next head. False: the client has no further request.
Task<Result<bool>> ServerConnection::ReadHead() {
  answer_ = Answer::kNone;
  phase_ = Phase::kIdle;
  stream_.SetIdleLimit(Stream::kRead, milliseconds::max());
  if (!first_request_)
    stream_.SetDeadline(Stream::kRead, steady_clock::now() + shared_->options.keep_alive_timeout);
  std::size_t searched = 0;
  while (true) {
    // An empty line before the request line is allowed (RFC 9112 section 2.2).
    while (searched == 0 && input_.text().starts_with("\r\n")) input_.Consume(2);
    const std::string_view text = input_.text();
    if (!text.empty() && phase_ == Phase::kIdle) {
      phase_ = Phase::kBusy;
      stream_.SetDeadline(Stream::kRead, steady_clock::now() + shared_->options.header_timeout);
    }
    const std::size_t end = text.find("\r\n\r\n", searched);
    if (shared_->options.http2_preface && text.starts_with(kHttp2Preface)) {
      // Left where it is, for who takes the bytes over.
      head_ = RequestHead();
      head_.method = "PRI";
      head_.path = head_.raw_target = "*";
      head_.is_http2_preface = true;
      break;
    }
    if (end != std::string_view::npos && end + 4 <= shared_->options.max_header_bytes) {
      const ByteView head = input_.view().first(end + 4);
      auto parsed = ParseRequestHead(head);
      input_.Consume(end + 4);
      if (!parsed.ok()) co_return std::move(parsed).error();
      head_ = std::move(parsed).value();
      break;
    }
    if (text.size() >= shared_->options.max_header_bytes) {
      co_return MakeError(
          ErrorKind::kTooLarge, "header-too-large",
          fmt::format("The request line and header fields are larger than the limit of {} bytes",
                      shared_->options.max_header_bytes));
    }
    // A line that ends with LF alone would be waited for in vain.
    for (std::size_t lf = text.find('\n', searched); lf != std::string_view::npos;
         lf = text.find('\n', lf + 1)) {
      if (lf == 0 || text[lf - 1] != '\r') {
        co_return base::Malformed("A line ends with LF alone; lines end with CRLF", "http-request");
      }
    }
    searched = text.size() < 3 ? 0 : text.size() - 3;
    if (stopping_ && phase_ == Phase::kIdle) co_return false;
    if (phase_ == Phase::kIdle) stream_.ReleaseBuffers();
    const std::size_t room = shared_->options.max_header_bytes - text.size();
    const std::span<std::uint8_t> space = input_.Space(std::min(room, kInputBlock));
    const Result<std::size_t> count = co_await stream_.ReadSome(space);
    if (!count.ok()) {
      const bool silent_between = phase_ == Phase::kIdle && !first_request_;
      if (count.error().code != "timeout" || silent_between) co_return false;
      co_return MakeError(ErrorKind::kDeadline, "header-timeout", "The request did not come in time");
    }
    if (*count == 0) co_return false;
    input_.Added(*count);
  }
  first_request_ = false;
  body_left_ = head_.content_length.value_or(0);
  chunked_.reset();
  if (head_.chunked) chunked_.emplace("http-request");
  continue_wanted_ = head_.expect_continue;
  body_broken_ = false;
  keep_alive_ = head_.keep_alive;
  stream_.SetDeadline(Stream::kRead, SteadyTime::max());
  stream_.SetIdleLimit(Stream::kRead, shared_->options.body_idle_timeout);
  co_return true;
}

// Answers what no handler will see, and closes.
Task<void> ServerConnection::Refuse(const Error& error) {
  if (!refuse_) ++shared_->requests_refused;
  head_ = RequestHead();
  keep_alive_ = false;
  linger_ = true;
  answer_ = Answer::kNone;
  HttpResponse response = ErrorResponse(StatusOfRefusal(error), error);
  if (refuse_) response.headers.Add("Retry-After", "1");
  const Status sent = co_await Respond(response);
  linger_ = sent.ok();
}

Task<void> ServerConnection::RunHandler() {
  ++shared_->requests_running;
  bool threw = false;
  try {
    co_await shared_->handler(*this);
  } catch (...) {
    threw = true;
  }
  if (threw) base::LogEvent("http-handler-exception").Emit();
  if (answer_ == Answer::kNone && !gone_) {
    const Error error =
        MakeError(ErrorKind::kInternal, "internal", "The server failed to answer this request");
    HttpResponse response = ErrorResponse(error);
    const Status sent = co_await Respond(response);
    if (!sent.ok()) Gone();
  }
  --shared_->requests_running;
}

// What the handler left of the body must not become the next request.
Task<void> ServerConnection::DrainBody() {
  if (body_left_ == 0 && !chunked_.has_value()) co_return;
  linger_ = true;
  if (!keep_alive_ || body_broken_ || continue_wanted_) {
    keep_alive_ = false;
    co_return;
  }
  stream_.SetDeadline(Stream::kRead, steady_clock::now() + kDrainTimeout);
  base::Bytes dropped(kInputBlock);
  std::uint64_t total = 0;
  while (total <= kDrainLimit) {
    const Result<std::size_t> count = co_await ReadBody(dropped);
    if (!count.ok()) break;
    if (*count == 0) {
      linger_ = false;
      co_return;
    }
    total += *count;
  }
  keep_alive_ = false;
}

Task<Result<std::size_t>> ServerConnection::ReadBody(std::span<std::uint8_t> into) {
  if (into.empty() || (body_left_ == 0 && !chunked_.has_value())) co_return std::size_t{0};
  if (body_broken_ || gone_) co_return ConnectionLost();
  StopWatch();
  if (continue_wanted_) {
    continue_wanted_ = false;
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const std::array<ByteView, 1> parts = {base::AsBytes(kContinue)};
    const Status sent = co_await Send(parts);
    if (!sent.ok()) co_return sent.error();
  }
  reading_ = true;
  Result<std::size_t> count = std::size_t{0};
  if (chunked_.has_value()) {
    count = co_await ReadChunked(into);
  } else {
    count = co_await ReadSized(into);
  }
  reading_ = false;
  if (!count.ok()) co_return BodyError(count.error());
  shared_->bytes_received += *count;
  ArmWatch();
  co_return count;
}

Task<Result<std::size_t>> ServerConnection::ReadSized(std::span<std::uint8_t> into) {
  into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), body_left_)));
  std::size_t count = input_.Take(into);
  if (count == 0) {
    const Result<std::size_t> got = co_await stream_.ReadSome(into);
    if (!got.ok()) co_return got;
    if (*got == 0) co_return ConnectionLost();
    count = *got;
  }
  body_left_ -= count;
  co_return count;
}

Task<Result<std::size_t>> ServerConnection::ReadChunked(std::span<std::uint8_t> into) {
  while (true) {
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
}

Error ServerConnection::BodyError(const Error& error) {
  body_broken_ = true;
  keep_alive_ = false;
  if (error.code == "timeout") {
    return MakeError(ErrorKind::kDeadline, "body-timeout", "The request body did not come in time");
  }
  if (error.code == "connection-lost") Gone();
  return error;
}

// True when what is left of the body would cost more than a new connection.
bool ServerConnection::MustCloseAfterAnswer() const {
  if (stopping_ || !keep_alive_ || body_broken_) return true;
  return (body_left_ > 0 || chunked_.has_value()) && (continue_wanted_ || body_left_ > kDrainLimit);
}

std::string ServerConnection::HeadOf(int status, const HeaderList& headers,
                                     std::optional<std::uint64_t> content_length) {
  std::string text;
  text.reserve(256);
  fmt::format_to(std::back_inserter(text), "HTTP/1.1 {} {}\r\nDate: {}\r\n", status, ReasonPhrase(status),
                 HttpDate());
  AppendFields(text, headers);
  if (content_length.has_value()) {
    fmt::format_to(std::back_inserter(text), "Content-Length: {}\r\n", *content_length);
  } else if (answer_chunked_) {
    text += "Transfer-Encoding: chunked\r\n";
  }
  if (MustCloseAfterAnswer()) keep_alive_ = false;
  if (!keep_alive_) text += "Connection: close\r\n";
  if (keep_alive_ && head_.version_minor == 0) text += "Connection: keep-alive\r\n";
  text += "\r\n";
  return text;
}

Task<Status> ServerConnection::Send(std::span<const ByteView> parts) {
  if (gone_) co_return ConnectionLost();
  const Status sent = co_await stream_.WriteAll(parts);
  if (sent.ok()) {
    for (const ByteView part : parts) shared_->bytes_sent += part.size();
    co_return sent;
  }
  keep_alive_ = false;
  const bool timed_out = sent.error().code == "timeout";
  Gone();
  // Half an answer cannot be taken back: whatever waits on this connection ends now.
  stream_.Close();
  if (!timed_out) co_return sent;
  co_return MakeError(ErrorKind::kDeadline, "write-timeout", "The client did not take the answer in time");
}

Task<Status> ServerConnection::Respond(HttpResponse& response) {
  BLINDAI_CHECK(answer_ == Answer::kNone);
  const HttpResponse answer = std::move(response);
  std::vector<ByteView> pieces = {ByteView(), answer.body};
  std::uint64_t size = answer.body.size();
  for (const BodyPart& part : answer.parts) {
    pieces.push_back(part.bytes);
    size += part.bytes.size();
  }
  const bool no_body = HasNoBody(answer.status);
  const std::string head =
      HeadOf(answer.status, answer.headers, no_body ? std::nullopt : std::optional<std::uint64_t>(size));
  pieces.front() = base::AsBytes(head);
  if (no_body || head_.method == "HEAD") pieces.resize(1);
  answer_ = Answer::kStreaming;
  const Status sent = co_await Send(pieces);
  if (sent.ok()) answer_ = Answer::kComplete;
  co_return sent;
}

Task<Status> ServerConnection::StartResponse(int status, HeaderList& headers) {
  BLINDAI_CHECK(answer_ == Answer::kNone && !HasNoBody(status));
  answer_ = Answer::kStreaming;
  // HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
  answer_chunked_ = head_.version_minor >= 1;
  if (!answer_chunked_) keep_alive_ = false;
  const std::string head = HeadOf(status, headers, std::nullopt);
  const std::array<ByteView, 1> parts = {base::AsBytes(head)};
  const Status sent = co_await Send(parts);
  co_return sent;
}

Task<Status> ServerConnection::Write(ByteView bytes) {
  BLINDAI_CHECK(answer_ == Answer::kStreaming);
  if (bytes.empty() || head_.method == "HEAD") co_return base::Ok();
  const std::string size = answer_chunked_ ? fmt::format("{:x}\r\n", bytes.size()) : std::string();
  const std::string_view end = answer_chunked_ ? "\r\n" : "";
  const std::array<ByteView, 3> parts = {base::AsBytes(size), bytes, base::AsBytes(end)};
  const Status sent = co_await Send(parts);
  co_return sent;
}

Task<Status> ServerConnection::Finish() {
  BLINDAI_CHECK(answer_ == Answer::kStreaming);
  const std::string_view end = answer_chunked_ && head_.method != "HEAD" ? "0\r\n\r\n" : "";
  const std::array<ByteView, 1> parts = {base::AsBytes(end)};
  const Status sent = co_await Send(parts);
  if (sent.ok()) answer_ = Answer::kComplete;
  co_return sent;
}

Task<Result<std::unique_ptr<ByteStream>>> ServerConnection::SwitchProtocols(HeaderList& headers) {
  BLINDAI_CHECK(answer_ == Answer::kNone);
  if (head_.is_http2_preface) {
    LeaveHttp();
    co_return internal::BytesOf(stream_, input_);
  }
  if (!head_.headers.HasToken("Connection", "upgrade") || head_.version_minor == 0 || head_.has_body()) {
    co_return MakeError(ErrorKind::kUnsupported, "protocol-upgrade",
                        "This path speaks another protocol; ask for it with 'Connection: Upgrade'");
  }
  LeaveHttp();
  std::string head = "HTTP/1.1 101 Switching Protocols\r\n";
  AppendFields(head, headers);
  head += "\r\n";
  const std::array<ByteView, 1> parts = {base::AsBytes(head)};
  const Status sent = co_await Send(parts);
  if (!sent.ok()) co_return sent.error();
  co_return internal::BytesOf(stream_, input_);
}

// Whoever takes the connection over reads by itself, and tells when the client has gone.
void ServerConnection::LeaveHttp() {
  StopWatch();
  reading_ = true;
  keep_alive_ = false;
  linger_ = true;  // so that the goodbye can be read
  answer_ = Answer::kComplete;
  stream_.SetDeadline(Stream::kRead, SteadyTime::max());
  stream_.SetIdleLimit(Stream::kRead, milliseconds::max());
}

void ServerConnection::OnDisconnect(std::function<void()> callback) {
  if (gone_) {
    callback();
    return;
  }
  on_disconnect_.push_back(std::move(callback));
  ArmWatch();
}

// Looks at the read side while nobody reads a body: what comes is kept for later, an end is told.
void ServerConnection::ArmWatch() {
  if (watching_ || reading_ || gone_ || on_disconnect_.empty()) return;
  watching_ = true;
  const std::uint64_t generation = ++watch_generation_;
  asio::post(stream_.executor(),
             [self = shared_from_this(), generation] { self->OnWatch(generation, true); });
}

void ServerConnection::StopWatch() {
  if (!watching_) return;
  watching_ = false;
  ++watch_generation_;
  stream_.CancelWaits();
}

void ServerConnection::OnWatch(std::uint64_t generation, bool ready) {
  if (generation != watch_generation_ || !watching_) return;
  if (!ready) {
    watching_ = false;
    Gone();
    return;
  }
  while (input_.size() < kInputBlock) {
    const auto got = stream_.TryRead(input_.Space(kInputBlock - input_.size()));
    if (!got.has_value()) {
      stream_.WaitThen(Stream::kRead, [self = shared_from_this(), generation](bool readable) {
        self->OnWatch(generation, readable);
      });
      return;
    }
    if (!got->ok() || **got == 0) {
      watching_ = false;
      Gone();
      return;
    }
    input_.Added(**got);
  }
  // The client sends ahead more than is kept: it is there, and what it sends is looked at later.
  watching_ = false;
}

void ServerConnection::Gone() {
  if (gone_) return;
  gone_ = true;
  keep_alive_ = false;
  const auto callbacks = std::exchange(on_disconnect_, {});
  for (const auto& callback : callbacks) callback();
}

}  // namespace blindai::net
