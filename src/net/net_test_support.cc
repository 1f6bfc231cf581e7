#include "net/net_test_support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "base/clock.h"
#include "crypto/certificate_builder.h"
#include "net/tls.h"

namespace blindai::net {
namespace {

using base::Result;
using base::Status;

constexpr std::chrono::seconds kPatience{60};

}  // namespace

TestIdentity TestIdentity::Make() {
  crypto::SigningKey key = crypto::SigningKey::GenerateP256();
  crypto::CertificateSpec spec;
  spec.common_name = "blindai test";
  spec.dns_names = {"localhost"};
  spec.ip_addresses = {"127.0.0.1"};
  spec.not_before = base::Now() - std::chrono::hours(1);
  spec.not_after = base::Now() + std::chrono::hours(1);
  crypto::Certificate certificate = crypto::MakeSelfSigned(spec, key).value();
  return {std::move(key), std::move(certificate)};
}

std::shared_ptr<const TlsServerContext> TestServerTls() {
  const TestIdentity identity = TestIdentity::Make();
  return TlsServerContext::Make(identity.key, identity.certificate).value();
}

TestServer::TestServer(HttpServerOptions options, bool tls) : pool(std::make_shared<IoPool>(2)) {
  options.pool = pool;
  if (tls) options.tls = TestServerTls();
  HttpHandler handler = [this](HttpExchange& exchange) { return Handle(exchange); };
  server = HttpServer::Listen(std::move(options), std::move(handler)).value();
}

TestServer::~TestServer() {
  {
    // A /wait that the test left behind would hold Stop: its callback goes, which ends it with an error.
    const std::lock_guard lock(mutex_);
    waiting_.clear();
  }
  server.reset();
}

Callback<std::string> TestServer::TakeWaiting() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kPatience, [this] { return !waiting_.empty(); }))
    ADD_FAILURE() << "no /wait came";
  Callback<std::string> callback = std::move(waiting_.front());
  waiting_.erase(waiting_.begin());
  return callback;
}

void TestServer::AwaitCancelled() {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, kPatience, [this] { return cancelled_ > 0; }));
}

void TestServer::AwaitUploadGone() {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, kPatience, [this] { return uploads_gone_ > 0; }));
}

Task<void> TestServer::HandleWait(HttpExchange& exchange) {
  std::function<void(Callback<std::string>)> start = [this](Callback<std::string> done) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(done));
    changed_.notify_all();
  };
  std::function<void()> cancel = [this] {
    std::vector<Callback<std::string>> dropped;
    const std::lock_guard lock(mutex_);
    dropped.swap(waiting_);
    ++cancelled_;
    changed_.notify_all();
  };
  const Result<std::string> result = co_await AwaitCallbackOrDisconnect<std::string>(exchange, start, cancel);
  HttpResponse response = result.ok() ? TextResponse(200, *result) : ErrorResponse(result.error());
  const Status sent = co_await exchange.Respond(response);
  (void)sent;
}

std::string TestServer::AwaitWebSocketEnd() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kPatience, [this] { return !web_sockets_ended_.empty(); }))
    return "still open";
  std::string code = web_sockets_ended_.front();
  web_sockets_ended_.erase(web_sockets_ended_.begin());
  return code;
}

Task<void> TestServer::HandleWebSocket(HttpExchange& exchange) {
  Result<std::unique_ptr<WebSocket>> opened = co_await exchange.AcceptWebSocket(web_socket_options);
  if (!opened.ok()) {
    if (!exchange.response_started()) {
      HttpResponse response = ErrorResponse(426, opened.error());
      const Status sent = co_await exchange.Respond(response);
      (void)sent;
    }
    co_return;
  }
  WebSocket& socket = **opened;
  std::string code = "goodbye";
  while (true) {
    const Result<WebSocketMessage> message = co_await socket.Read();
    if (!message.ok()) {
      code = message.error().code;
      break;
    }
    const std::string_view text = base::AsText(message->bytes);
    if (text == "bye") {
      const Status closed = co_await socket.Close(1000, "as you wish");
      (void)closed;
      break;
    }
    Status sent = base::Ok();
    if (message->is_text) {
      sent = co_await socket.SendText(text);
    } else {
      sent = co_await socket.SendBinary(message->bytes);
    }
    if (!sent.ok()) break;
  }
  const std::lock_guard lock(mutex_);
  web_sockets_ended_.push_back(code);
  changed_.notify_all();
}

Task<void> TestServer::HandleCount(HttpExchange& exchange) {
  exchange.OnDisconnect([this] {
    const std::lock_guard lock(mutex_);
    ++uploads_gone_;
    changed_.notify_all();
  });
  base::Bytes block(64 * 1024);
  std::uint64_t total = 0;
  while (true) {
    const Result<std::size_t> count = co_await exchange.ReadBody(block);
    if (!count.ok()) {
      HttpResponse response = ErrorResponse(count.error());
      const Status sent = co_await exchange.Respond(response);
      (void)sent;
      co_return;
    }
    if (*count == 0) break;
    total += *count;
  }
  HttpResponse response = TextResponse(200, std::to_string(total));
  const Status sent = co_await exchange.Respond(response);
  (void)sent;
}

Task<void> TestServer::Handle(HttpExchange& exchange) {
  const std::string& path = exchange.head().path;
  if (path == "/wait") {
    co_await HandleWait(exchange);
    co_return;
  }
  if (path == "/ws") {
    co_await HandleWebSocket(exchange);
    co_return;
  }
  if (path == "/count") {
    co_await HandleCount(exchange);
    co_return;
  }
  if (path == "/throw") throw std::runtime_error("secret text");
  if (path == "/silent") co_return;
  if (path == "/stream") {
    HeaderList headers = {{"Content-Type", "text/plain"}};
    Status status = co_await exchange.StartResponse(200, headers);
    for (const std::string_view piece : {"one ", "two ", "three"}) {
      if (status.ok()) status = co_await exchange.Write(base::AsBytes(piece));
    }
    if (status.ok() && !exchange.head().Query("cut").has_value()) status = co_await exchange.Finish();
    co_return;
  }
  HttpResponse response = TextResponse(404, "no such path");
  if (path == "/hello" || path == "/ignore") response = TextResponse(200, "hello");
  if (path == "/file") {
    response = TextResponse(200, "");
    response.body.assign(1'000'000, 'a');
    auto part = std::make_shared<base::Bytes>(7'000'000, 'b');
    response.parts.push_back({*part, part});
  }
  if (path == "/inject") {
    response = TextResponse(200, "hello");
    response.headers.Add("X-Name", "a\r\nX-Evil: b");
  }
  if (path == "/echo") {
    Result<base::Bytes> body = co_await exchange.ReadWholeBody(1024 * 1024);
    response = body.ok() ? TextResponse(200, base::AsText(*body)) : ErrorResponse(body.error());
  }
  if (path == "/facts") {
    const ConnectionFacts& facts = exchange.connection();
    const base::Bytes context(32, 7);
    const auto exporter = facts.Exporter("EXPORTER-blindai-attestation", context);
    std::string text =
        std::string(facts.is_tls ? "tls" : "plain") + (facts.peer_is_loopback ? " loopback " : " far ");
    response = TextResponse(
        200, text + (exporter.ok() ? std::string(base::AsText(*exporter)) : exporter.error().code));
  }
  const Status sent = co_await exchange.Respond(response);
  (void)sent;
}

RawClient::RawClient(std::uint16_t port, bool tls) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BLINDAI_CHECK(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  if (!tls) return;
  static const auto context = TlsClientContext::ForAttestedServer().value();
  tls_ = context->NewSession(socket_, "localhost").value();
  for (TlsStep step = tls_->Handshake(); step != TlsStep::kDone; step = tls_->Handshake()) WaitFor(step);
}

RawClient::~RawClient() { Close(); }

void RawClient::WaitFor(TlsStep step) {
  BLINDAI_CHECK(step == TlsStep::kWantRead || step == TlsStep::kWantWrite);
  pollfd waiting{socket_, static_cast<short>(step == TlsStep::kWantRead ? POLLIN : POLLOUT), 0};
  BLINDAI_CHECK(::poll(&waiting, 1, 60'000) == 1);
}

void RawClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t count = 0;
    if (tls_ != nullptr) {
      const TlsStep step = tls_->Write(base::AsBytes(bytes), count);
      if (step == TlsStep::kFailed) return;
      if (step != TlsStep::kDone) WaitFor(step);
    } else {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return;  // the server has closed; what it said is still to be read
      count = static_cast<std::size_t>(sent);
    }
    bytes.remove_prefix(count);
  }
  if (tls_ == nullptr) return;
  for (TlsStep step = tls_->Flush(); step == TlsStep::kWantWrite; step = tls_->Flush()) WaitFor(step);
}

bool RawClient::ReceiveSome() {
  std::array<std::uint8_t, 65536> block;
  std::size_t count = 0;
  if (tls_ != nullptr) {
    TlsStep step = tls_->Read(block, count);
    while (step == TlsStep::kWantRead) {
      WaitFor(step);
      step = tls_->Read(block, count);
    }
    if (step != TlsStep::kDone) return false;
  } else {
    pollfd waiting{socket_, POLLIN, 0};
    BLINDAI_CHECK(::poll(&waiting, 1, 60'000) == 1);
    const ssize_t got = ::recv(socket_, block.data(), block.size(), 0);
    if (got <= 0) return false;
    count = static_cast<std::size_t>(got);
  }
  received_.append(base::AsText(base::ByteView(block).first(count)));
  return true;
}

std::string RawClient::ReceiveAll() {
  while (ReceiveSome()) {
  }
  return std::exchange(received_, {});
}

std::string RawClient::ReceiveUntil(std::string_view end) {
  while (received_.find(end) == std::string::npos) {
    if (!ReceiveSome()) return std::exchange(received_, {});
  }
  const std::size_t size = received_.find(end) + end.size();
  std::string text = received_.substr(0, size);
  received_.erase(0, size);
  return text;
}

void RawClient::CloseSending() { ::shutdown(socket_, SHUT_WR); }

void RawClient::Close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

std::string CodeIn(std::string_view answer) {
  constexpr std::string_view kKey = "\"code\":\"";
  const std::size_t begin = answer.find(kKey);
  if (begin == std::string_view::npos) return "no code in: " + std::string(answer);
  answer.remove_prefix(begin + kKey.size());
  return std::string(answer.substr(0, answer.find('"')));
}

}  // namespace blindai::net
