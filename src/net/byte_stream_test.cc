#include "net/byte_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/this_coro.hpp>
#include <future>
#include <string>
#include <thread>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/net_test_support.h"

namespace blindai::net {
namespace {

using base::Result;
using base::Status;

std::pair<int, int> SocketPair() {
  std::array<int, 2> ends{};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {ends[0], ends[1]};
}

std::string ReadToEnd(int socket) {
  std::string all;
  std::array<char, 64 * 1024> block{};
  for (ssize_t count = 0; (count = ::read(socket, block.data(), block.size())) > 0;)
    all.append(block.data(), static_cast<std::size_t>(count));
  return all;
}

void WriteAll(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

// Two socket pairs with a relay between their inner ends; the test holds the outer ones.
class RelayTest : public ::testing::Test {
 protected:
  RelayTest() {
    const auto [left, inner_left] = SocketPair();
    const auto [right, inner_right] = SocketPair();
    left_ = left;
    right_ = right;
    pool_.Spawn([this, one = inner_left, other = inner_right]() -> Task<void> {
      const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
      {
        const auto first = AdoptSocket(executor, one);
        const auto second = AdoptSocket(executor, other);
        co_await Relay(*first, *second);
      }
      ended_.set_value();
    });
  }
  ~RelayTest() override {
    CloseLeft();
    ::close(right_);
  }
  void CloseLeft() {
    if (left_ >= 0) ::close(left_);
    left_ = -1;
  }

  int left_ = -1;
  int right_ = -1;
  std::promise<void> ended_;
  IoPool pool_{1};
};

TEST_F(RelayTest, BytesMoveBothWaysAndEndsAreTold) {
  WriteAll(left_, "from the left");
  ::shutdown(left_, SHUT_WR);
  EXPECT_EQ(ReadToEnd(right_), "from the left");
  // The other direction goes on until it ends by itself.
  WriteAll(right_, "from the right");
  ::shutdown(right_, SHUT_WR);
  EXPECT_EQ(ReadToEnd(left_), "from the right");
  ended_.get_future().wait();
}

TEST_F(RelayTest, MoreThanAnyBufferArrivesWhole) {
  std::string sent(24u << 20, ' ');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 131 + (i >> 11));
  std::thread writer([&] {
    WriteAll(left_, sent);
    ::shutdown(left_, SHUT_WR);
  });
  EXPECT_TRUE(ReadToEnd(right_) == sent);
  writer.join();
  ::shutdown(right_, SHUT_WR);
  ended_.get_future().wait();
}

TEST_F(RelayTest, ASideThatBreaksEndsTheOther) {
  CloseLeft();
  EXPECT_EQ(ReadToEnd(right_), "");
  WriteAll(right_, "nobody hears this");
  ::shutdown(right_, SHUT_WR);
  ended_.get_future().wait();
}

// A server whose every path speaks upper case once it was asked to.
class UpgradeTest : public ::testing::TestWithParam<bool> {
 protected:
  UpgradeTest() {
    HttpServerOptions options;
    options.pool = pool_;
    if (GetParam()) options.tls = TestServerTls();
    server_ = *HttpServer::Listen(options, [](HttpExchange& exchange) { return Handle(exchange); });
  }

  static Task<void> Handle(HttpExchange& exchange) {
    if (exchange.head().path == "/plain") {
      HttpResponse response = TextResponse(200, "still HTTP");
      const Status sent = co_await exchange.Respond(response);
      (void)sent.ok();
      co_return;
    }
    HeaderList headers = {{"Connection", "Upgrade"}, {"Upgrade", "upper-case"}};
    Result<std::unique_ptr<ByteStream>> stream = co_await exchange.SwitchProtocols(headers);
    if (!stream.ok()) {
      HttpResponse response = ErrorResponse(stream.error());
      const Status sent = co_await exchange.Respond(response);
      (void)sent.ok();
      co_return;
    }
    base::Bytes block(16);
    while (true) {
      const std::span<std::uint8_t> space(block);
      const Result<std::size_t> count = co_await (*stream)->ReadSome(space);
      if (!count.ok() || *count == 0) co_return;
      for (std::uint8_t& byte : block) byte = static_cast<std::uint8_t>(std::toupper(byte));
      const Status written = co_await (*stream)->Write(base::ByteView(block).first(*count));
      if (!written.ok()) co_return;
    }
  }

  struct Heard {
    int status = 0;
    std::string body;  // of an answer that is no upgrade
    std::string bytes;
    bool reusable = true;
  };

  // Asks for `path`, and where the server agrees says "hello" and reads five bytes.
  Heard Ask(const std::string& path, HeaderList headers) {
    std::promise<Heard> heard;
    pool_->Spawn([&]() -> Task<void> {
      Heard result;
      ConnectOptions to;
      to.host = "127.0.0.1";
      to.port = server_->port();
      if (GetParam()) to.tls = *TlsClientContext::ForAttestedServer();
      auto connection = co_await HttpConnection::Connect(to);
      HttpRequest request;
      request.target = path;
      request.headers = headers;
      Result<UpgradeOutcome> outcome = co_await (*connection)->Upgrade(request);
      if (outcome.ok()) {
        result.status = outcome->response.status;
        result.body = std::string(base::AsText(outcome->response.body));
        result.reusable = (*connection)->reusable();
      }
      if (outcome.ok() && outcome->stream != nullptr) {
        constexpr std::string_view kHello = "hello";
        const Status written = co_await outcome->stream->Write(base::AsBytes(kHello));
        base::Bytes block(5);
        while (written.ok() && result.bytes.size() < kHello.size()) {
          const std::span<std::uint8_t> space(block);
          const Result<std::size_t> count = co_await outcome->stream->ReadSome(space);
          if (!count.ok() || *count == 0) break;
          result.bytes += base::AsText(base::ByteView(block).first(*count));
        }
        outcome->stream->Close();
      }
      heard.set_value(result);
    });
    return heard.get_future().get();
  }

  std::shared_ptr<IoPool> pool_ = std::make_shared<IoPool>(2);
  std::unique_ptr<HttpServer> server_;
};

TEST_P(UpgradeTest, BothSidesLeaveHttp) {
  const Heard heard = Ask("/", {{"Connection", "Upgrade"}, {"Upgrade", "upper-case"}});
  EXPECT_EQ(heard.status, 101);
  EXPECT_EQ(heard.bytes, "HELLO");
  EXPECT_FALSE(heard.reusable);
}

TEST_P(UpgradeTest, AnOrdinaryAnswerIsOne) {
  const Heard heard = Ask("/plain", {{"Connection", "Upgrade"}, {"Upgrade", "upper-case"}});
  EXPECT_EQ(heard.status, 200);
  EXPECT_EQ(heard.body, "still HTTP");
  EXPECT_TRUE(heard.reusable);
}

TEST_P(UpgradeTest, NobodyIsUpgradedWhoDidNotAsk) {
  const Heard heard = Ask("/", {});
  EXPECT_EQ(heard.status, 501);
  EXPECT_NE(heard.body.find("protocol-upgrade"), std::string::npos);
}

TEST_P(UpgradeTest, WhatCameWithTheRequestIsReadFirst) {
  RawClient client(server_->port(), GetParam());
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: upper-case\r\n\r\nat once");
  EXPECT_NE(client.ReceiveUntil("AT ONCE").find("HTTP/1.1 101 Switching Protocols\r\n"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(PlainAndTls, UpgradeTest, ::testing::Values(false, true));

// ---- HTTP/2 ----

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

TEST(Http2Preface, IsRefusedWhereNobodyTakesItOver) {
  TestServer server;
  RawClient client(server.port());
  client.Send(kPreface);
  EXPECT_THAT(client.ReceiveAll(), ::testing::HasSubstr("HTTP/1.1 505"));
}

TEST(Http2Preface, IsTheFirstOfTheBytesForWhomItIsMeant) {
  HttpServerOptions options;
  options.pool = std::make_shared<IoPool>(1);
  options.http2_preface = true;
  const auto echo = [](HttpExchange& exchange) -> Task<void> {
    EXPECT_TRUE(exchange.head().is_http2_preface);
    HeaderList none;
    Result<std::unique_ptr<ByteStream>> stream = co_await exchange.SwitchProtocols(none);
    if (!stream.ok()) co_return;
    base::Bytes block(kPreface.size());
    for (std::size_t at = 0; at < block.size();) {
      const std::span<std::uint8_t> space = std::span(block).subspan(at);
      const Result<std::size_t> count = co_await (*stream)->ReadSome(space);
      if (!count.ok() || *count == 0) co_return;
      at += *count;
    }
    const Status written = co_await (*stream)->Write(block);
    (void)written.ok();
  };
  const auto server = *HttpServer::Listen(options, echo);
  RawClient client(server->port());
  client.Send(kPreface.substr(0, 5));
  client.Send(kPreface.substr(5));
  EXPECT_EQ(client.ReceiveAll(), kPreface);
}

// ---- No HTTP at all ----

// Gives back what comes, in capitals, and says "bye" to a line that says so.
class RawBytesTest : public ::testing::Test {
 protected:
  void Serve(const std::function<void(HttpServerOptions&)>& change = [](auto&) {}) {
    HttpServerOptions options;
    options.pool = std::make_shared<IoPool>(1);
    options.raw_bytes = true;
    change(options);
    server_ = *HttpServer::Listen(options, [this](HttpExchange& exchange) { return Echo(exchange); });
  }

  Task<void> Echo(HttpExchange& exchange) {
    exchange.OnDisconnect([this] { left_.set_value(); });
    base::Bytes block(64);
    while (true) {
      const std::span<std::uint8_t> space(block);
      const Result<std::size_t> count = co_await exchange.ReadBody(space);
      if (!count.ok()) {
        ended_.set_value(count.error().code);
        co_return;
      }
      const base::Bytes got(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(*count));
      const Status written = co_await exchange.Write(got);
      if (!written.ok() || base::AsText(got).ends_with("bye\n")) co_return;
    }
  }

  std::promise<std::string> ended_;
  std::promise<void> left_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(RawBytesTest, GoBothWaysAsTheyAreUntilTheHandlerEnds) {
  Serve();
  RawClient client(server_->port());
  client.Send("no HTTP\n");
  EXPECT_EQ(client.ReceiveUntil("\n"), "no HTTP\n");
  client.Send("GET / HTTP/1.1\r\n\r\nbye\n");
  EXPECT_EQ(client.ReceiveAll(), "GET / HTTP/1.1\r\n\r\nbye\n");
}

TEST_F(RawBytesTest, AClientThatLeavesIsNoticed) {
  Serve();
  {
    RawClient client(server_->port());
    client.Send("a\n");
    client.ReceiveUntil("\n");
  }
  EXPECT_EQ(ended_.get_future().get(), "connection-lost");
  left_.get_future().wait();
}

TEST_F(RawBytesTest, OneThatSaysNothingForTooLongIsLetGo) {
  Serve([](HttpServerOptions& options) { options.body_idle_timeout = std::chrono::milliseconds(1); });
  RawClient client(server_->port());
  EXPECT_EQ(ended_.get_future().get(), "body-timeout");
  EXPECT_EQ(client.ReceiveAll(), "");
}

TEST_F(RawBytesTest, OneTooManyIsClosedWithoutAWord) {
  Serve([](HttpServerOptions& options) { options.max_connections = 1; });
  RawClient first(server_->port());
  first.Send("a\n");
  first.ReceiveUntil("\n");
  RawClient second(server_->port());
  EXPECT_EQ(second.ReceiveAll(), "");
  server_->Stop(std::chrono::milliseconds(0));
  EXPECT_EQ(first.ReceiveAll(), "");
}

}  // namespace
}  // namespace blindai::net
