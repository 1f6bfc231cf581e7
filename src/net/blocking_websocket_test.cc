#include "net/blocking_websocket.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "net/net_test_support.h"

namespace blindai::net {
namespace {

class BlockingWebSocketTest : public testing::TestWithParam<bool> {
 protected:
  BlockingWebSocketTest() : server({}, GetParam()) {}

  base::Result<std::unique_ptr<BlockingWebSocket>> Open(const char* target = "/ws") {
    ConnectOptions to;
    to.host = "127.0.0.1";
    to.port = server.port();
    if (GetParam()) to.tls = TlsClientContext::ForAttestedServer().value();
    HttpRequest request;
    request.target = target;
    return BlockingWebSocket::Open(BlockingHttpConnection::Connect(to).value(), request, {});
  }

  TestServer server;
};

INSTANTIATE_TEST_SUITE_P(PlainAndTls, BlockingWebSocketTest, testing::Bool(),
                         [](const auto& story) { return story.param ? "Tls" : "Plain"; });

TEST_P(BlockingWebSocketTest, OneThreadReadsWhileAnotherSends) {
  const auto socket = Open().value();
  std::thread sender([&] {
    for (int i = 0; i < 200; ++i) {
      EXPECT_TRUE(socket->SendText(std::string(static_cast<std::size_t>(i) * 100, 't')).ok());
    }
  });
  for (std::size_t i = 0; i < 200; ++i) {
    const auto heard = socket->Read();
    ASSERT_TRUE(heard.ok());
    EXPECT_EQ(heard->bytes.size(), i * 100);
  }
  sender.join();
  EXPECT_TRUE(socket->Close(1000, "done").ok());
  EXPECT_EQ(server.AwaitWebSocketEnd(), "websocket-closed");
}

TEST_P(BlockingWebSocketTest, AReadThatWaitsIsCancelledFromAnotherThread) {
  const auto socket = Open().value();
  std::thread other([&] { socket->Cancel(); });
  const auto heard = socket->Read();
  other.join();
  ASSERT_FALSE(heard.ok());
  EXPECT_EQ(heard.error().code, "cancelled");
}

TEST_P(BlockingWebSocketTest, AReadEndsWhenItsCallerDoesNotWantToWait) {
  const auto socket = Open().value();
  int asked = 0;
  const auto heard = socket->Read([&] { return ++asked < 3; });
  ASSERT_FALSE(heard.ok());
  EXPECT_EQ(heard.error().code, "cancelled");
  EXPECT_EQ(asked, 3);
}

TEST_P(BlockingWebSocketTest, HearsTheGoodbyeAndIsRefusedWhereNoneIsServed) {
  const auto socket = Open().value();
  ASSERT_TRUE(socket->SendText("bye").ok());
  EXPECT_EQ(socket->Read().error().code, "websocket-closed");
  EXPECT_EQ(Open("/hello").error().code, "websocket-upgrade");
}

TEST_P(BlockingWebSocketTest, DroppedItCutsTheConnection) {
  Open().value().reset();
  EXPECT_EQ(server.AwaitWebSocketEnd(), "connection-lost");
}

}  // namespace
}  // namespace blindai::net
