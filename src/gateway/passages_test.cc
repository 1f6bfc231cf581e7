// Long exchanges through a gateway: WebSockets, bodies that one side takes slowly, and sides that leave in the middle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "gateway/gateway_test_support.h"
#include "net/await_callback.h"
#include "net/blocking_websocket.h"
#include "net/http_client.h"
#include "support/fake_attested_server.h"
#include "support/until.h"

namespace blindai::gateway {
namespace {

using base::ByteView;
using base::Result;
using base::Status;
using net::HeaderList;
using net::HttpExchange;
using net::HttpResponse;
using ::testing::HasSubstr;
using ::testing::Not;
using tests::FakeAttestedServer;

constexpr std::size_t kBlock = 256 * 1024;
constexpr std::size_t kLargeBlocks = 512;
constexpr std::size_t kLarge = kLargeBlocks * kBlock;
// What sockets hold of their own: two hops of a sender's and a receiver's buffer, as the kernel lets them grow. A
// gateway that keeps what its slow side does not take goes far beyond it.
constexpr std::size_t kInSockets = 32u << 20;

const std::string kHandshake =
    "GET /v1/realtime?intent=transcription HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

class PassageTest : public ::testing::Test {
 protected:
  PassageTest() {
    FakeAttestedServer::Options fake;
    fake.serve = [this](HttpExchange& exchange) { return Serve(exchange); };
    server_.emplace(std::move(fake));
    auto gateway = Gateway::Start(OptionsFor(server_->port()));
    BLINDAI_CHECK(gateway.ok());
    gateway_ = *std::move(gateway);
  }
  ~PassageTest() override {
    gateway_.reset();
    server_.reset();
  }

  net::Task<void> Serve(HttpExchange& exchange) {
    const std::string& path = exchange.head().path;
    if (path == "/v1/realtime") {
      co_await Echo(exchange);
    } else if (path == "/v1/large") {
      co_await SendLarge(exchange);
    } else if (path == "/v1/wait") {
      co_await Wait(exchange);
    } else if (path == "/v1/upload") {
      co_await TakeUpload(exchange);
    } else {
      HttpResponse response = net::JsonResponse(401, R"({"error":{"code":"login-required"}})");
      const Status sent = co_await exchange.Respond(response);
      (void)sent.ok();
    }
  }

  // Says what it hears.
  net::Task<void> Echo(HttpExchange& exchange) {
    const net::WebSocketOptions options;
    auto socket = co_await exchange.AcceptWebSocket(options);
    if (!socket.ok()) co_return;
    ++open_;
    while (true) {
      auto message = co_await (*socket)->Read();
      if (!message.ok()) break;
      const Status sent = co_await (*socket)->SendText(base::AsText(message->bytes));
      if (!sent.ok()) break;
    }
    --open_;
  }

  net::Task<void> SendLarge(HttpExchange& exchange) {
    HeaderList headers;
    Status sent = co_await exchange.StartResponse(200, headers);
    const base::Bytes block(kBlock, 'x');
    while (sent.ok() && sent_ < kLarge) {
      Status written = co_await exchange.Write(block);
      sent = std::move(written);
      if (sent.ok()) sent_ += kBlock;
    }
    if (sent.ok()) {
      const Status finished = co_await exchange.Finish();
      (void)finished.ok();
    }
    ended_ = true;
  }

  // A beginning of an answer, and no more until its client is gone.
  net::Task<void> Wait(HttpExchange& exchange) {
    ++open_;
    HeaderList headers;
    const Status started = co_await exchange.StartResponse(200, headers);
    const Status sent = co_await exchange.Write(base::AsBytes("begun"));
    BLINDAI_CHECK(started.ok() && sent.ok());
    std::function<void(net::Callback<base::Done>)> start = [&exchange](net::Callback<base::Done> done) {
      exchange.OnDisconnect([done] { done(base::Done{}); });
    };
    const auto gone = co_await net::AwaitCallback<base::Done>(start);
    (void)gone.ok();
    --open_;
  }

  // Takes a block whenever the test lets it.
  net::Task<void> TakeUpload(HttpExchange& exchange) {
    base::Bytes block(kBlock);
    while (true) {
      if (taken_ >= may_take_) {
        const bool may_go_on = co_await Allowed();
        if (!may_go_on) break;
      }
      const std::size_t least = std::min(kBlock, may_take_ - taken_);
      const std::span<std::uint8_t> space = std::span(block).first(least);
      const Result<std::size_t> count = co_await exchange.ReadBody(space);
      if (!count.ok() || *count == 0) {
        broken_ = !count.ok();
        break;
      }
      taken_ += *count;
    }
    ended_ = true;
    if (broken_) co_return;
    HttpResponse response = net::TextResponse(200, std::to_string(taken_));
    const Status sent = co_await exchange.Respond(response);
    (void)sent.ok();
  }
  net::Task<bool> Allowed() {
    std::function<void(net::Callback<bool>)> start = [this](net::Callback<bool> done) {
      const std::lock_guard lock(mutex_);
      allow_ = std::move(done);
      waits_.notify_all();
    };
    const auto may = co_await net::AwaitCallback<bool>(start);
    co_return may.ok() && *may;
  }
  void LetItTake(std::size_t count) {
    std::unique_lock lock(mutex_);
    waits_.wait(lock, [this] { return allow_ != nullptr; });
    may_take_ += count;
    std::exchange(allow_, nullptr)(true);
  }

  std::unique_ptr<net::BlockingWebSocket> OpenWebSocket(const HeaderList& headers = {}) const {
    auto connection =
        net::BlockingHttpConnection::Connect({.host = "127.0.0.1", .port = gateway_->port(), .tls = {}});
    BLINDAI_CHECK(connection.ok());
    net::HttpRequest request;
    request.target = "/v1/realtime?intent=transcription";
    request.headers = headers;
    auto socket = net::BlockingWebSocket::Open(*std::move(connection), request, {});
    BLINDAI_CHECK(socket.ok());
    return *std::move(socket);
  }
  std::string UploadHead(std::size_t size) const {
    return "POST /v1/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(size) +
           "\r\n\r\n";
  }

  std::atomic<int> open_ = 0;
  std::atomic<std::size_t> sent_ = 0;
  std::atomic<std::size_t> taken_ = 0;
  std::atomic<std::size_t> may_take_ = 0;
  std::atomic<bool> broken_ = false;
  std::atomic<bool> ended_ = false;
  std::mutex mutex_;
  std::condition_variable waits_;
  net::Callback<bool> allow_;
  std::optional<FakeAttestedServer> server_;
  std::unique_ptr<Gateway> gateway_;
};

// ---- WebSockets ----

TEST_F(PassageTest, AWebSocketIsPassedOnWithTheGatewaysKey) {
  const auto socket = OpenWebSocket({{"Authorization", "Bearer of-the-program"}, {"Cookie", "a=b"}});
  for (const std::string text : {"hello", "again"}) {
    ASSERT_TRUE(socket->SendText(text).ok());
    const auto heard = socket->Read();
    ASSERT_TRUE(heard.ok());
    EXPECT_EQ(base::AsText(heard->bytes), text);
  }
  const auto seen = server_->data_requests();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].target, "/v1/realtime?intent=transcription");
  EXPECT_EQ(seen[0].headers.Find("Authorization"), "Bearer servers-key");
  EXPECT_FALSE(seen[0].headers.Has("Cookie"));
}

TEST_F(PassageTest, TheTokenOfABrowserIsNotPassedOnAndComesBackWhereNothingElseWasChosen) {
  RawSocket browser(gateway_->port());
  const std::string own = "http://localhost";
  ASSERT_TRUE(browser.Send(kHandshake + "Origin: " + own +
                           "\r\nSec-WebSocket-Protocol: realtime, blindai-token." + std::string(kToken) +
                           "\r\n\r\n"));
  const std::string answer = browser.ReceiveUntil("\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 101"));
  EXPECT_THAT(answer, HasSubstr("Blindai-Verdict: simulation"));
  const auto seen = server_->data_requests();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].headers.Find("Sec-WebSocket-Protocol"), "realtime");
  EXPECT_FALSE(seen[0].headers.Has("Origin"));
}

TEST_F(PassageTest, ARefusedHandshakeComesBackAsItIsAndTheConnectionIsUsedAgain) {
  for (int i = 0; i < 2; ++i) {
    RawSocket client(gateway_->port());
    std::string other = kHandshake;
    other.replace(other.find("/v1/realtime"), 12, "/v1/elsewhere");
    ASSERT_TRUE(client.Send(other + "\r\n"));
    const std::string answer = client.ReceiveUntil("}}");
    EXPECT_THAT(answer, HasSubstr("HTTP/1.1 401"));
    EXPECT_THAT(answer, HasSubstr("login-required"));
  }
  const auto seen = server_->data_requests();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].connection, seen[1].connection);
}

TEST_F(PassageTest, AClientThatLeavesItsWebSocketEndsItAtTheServer) {
  auto socket = OpenWebSocket();
  ASSERT_TRUE(socket->SendText("hello").ok());
  ASSERT_TRUE(socket->Read().ok());
  EXPECT_EQ(open_, 1);
  socket.reset();
  EXPECT_TRUE(tests::Until([this] { return open_ == 0; }));
}

TEST_F(PassageTest, AServerThatLeavesEndsTheWebSocketOfTheClient) {
  const auto socket = OpenWebSocket();
  ASSERT_TRUE(socket->SendText("hello").ok());
  ASSERT_TRUE(socket->Read().ok());
  server_->Stop();
  EXPECT_FALSE(socket->Read().ok());
}

TEST_F(PassageTest, TheEndOfTheGatewayEndsItsWebSockets) {
  const auto socket = OpenWebSocket();
  ASSERT_TRUE(socket->SendText("hello").ok());
  ASSERT_TRUE(socket->Read().ok());
  gateway_->Stop(std::chrono::milliseconds(0));
  EXPECT_FALSE(socket->Read().ok());
  EXPECT_TRUE(tests::Until([this] { return open_ == 0; }));
}

// ---- Slow sides ----

TEST_F(PassageTest, AClientThatReadsSlowlySlowsTheServerDown) {
  RawSocket client(gateway_->port());
  ASSERT_TRUE(client.Send("GET /v1/large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  client.ReceiveUntil("\r\n\r\n");
  std::size_t read = 0;
  while (read < kLarge) {
    const std::size_t count = client.ReceiveExactly(kBlock).size();
    ASSERT_GT(count, 0u);
    read += count;
    ASSERT_LT(sent_, read + kInSockets);
  }
  EXPECT_THAT(client.ReceiveAll(), ::testing::EndsWith("0\r\n\r\n"));
}

TEST_F(PassageTest, AServerThatReadsSlowlySlowsTheClientDown) {
  RawSocket client(gateway_->port());
  std::atomic<std::size_t> sent = 0;
  std::thread upload([&] {
    EXPECT_TRUE(client.Send(UploadHead(kLarge)));
    const std::string block(kBlock, 'x');
    for (std::size_t i = 0; i < kLargeBlocks && client.Send(block); ++i) sent += kBlock;
  });
  while (taken_ < kLarge) {
    const std::size_t before = taken_;
    LetItTake(8 * kBlock);
    EXPECT_TRUE(tests::Until([&] { return taken_ == before + 8 * kBlock; }));
    EXPECT_LT(sent, taken_ + kInSockets);
    if (taken_ == kLarge) LetItTake(kBlock);  // its end
  }
  upload.join();
  EXPECT_THAT(client.ReceiveUntil(std::to_string(kLarge)), HasSubstr("HTTP/1.1 200"));
}

// ---- Sides that leave ----

TEST_F(PassageTest, AClientThatLeavesItsAnswerEndsItAtTheServer) {
  RawSocket client(gateway_->port());
  ASSERT_TRUE(client.Send("GET /v1/wait HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_THAT(client.ReceiveUntil("begun"), HasSubstr("begun"));
  EXPECT_EQ(open_, 1);
  client.Close();
  EXPECT_TRUE(tests::Until([this] { return open_ == 0; }));
}

TEST_F(PassageTest, AClientThatLeavesItsUploadBreaksItAtTheServer) {
  may_take_ = kLarge;
  RawSocket client(gateway_->port());
  ASSERT_TRUE(client.Send(UploadHead(kLarge) + std::string(kBlock, 'x')));
  EXPECT_TRUE(tests::Until([this] { return taken_ >= kBlock; }));
  client.Close();
  EXPECT_TRUE(tests::Until([this] { return ended_.load(); }));
  EXPECT_TRUE(broken_);
}

TEST_F(PassageTest, AServerThatLeavesInTheMiddleOfAnAnswerLeavesItCut) {
  RawSocket client(gateway_->port());
  ASSERT_TRUE(client.Send("GET /v1/wait HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_THAT(client.ReceiveUntil("begun"), HasSubstr("begun"));
  server_->Stop();
  EXPECT_THAT(client.ReceiveAll(), Not(HasSubstr("0\r\n\r\n")));
}

TEST_F(PassageTest, AServerThatLeavesInTheMiddleOfAnUploadIsTold) {
  may_take_ = kLarge;
  RawSocket client(gateway_->port());
  ASSERT_TRUE(client.Send(UploadHead(kLarge) + std::string(kBlock, 'x')));
  EXPECT_TRUE(tests::Until([this] { return taken_ >= kBlock; }));
  server_->Stop();
  // The rest may find nobody who reads it.
  client.Send(std::string(kBlock, 'x'));
  const std::string answer = client.ReceiveUntil("}}");
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 502"));
  EXPECT_THAT(answer, HasSubstr("server-connection-lost"));
}

}  // namespace
}  // namespace blindai::gateway
