#include "net/websocket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "net/http_client.h"
#include "net/net_test_support.h"

namespace blindai::net {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

class WebSocketTest : public testing::TestWithParam<bool> {
 protected:
  WebSocketTest() : server({}, GetParam()) {
    to.host = "127.0.0.1";
    to.port = server.port();
    if (GetParam()) to.tls = TlsClientContext::ForAttestedServer().value();
  }

  // Connects, opens a WebSocket and runs the story with it; gives the code of what failed, or "".
  std::string Run(std::function<Task<std::string>(WebSocket&)> story) {
    std::promise<std::string> done;
    auto start = [this, &story, &done]() -> Task<void> {
      std::string code = co_await Open(story);
      done.set_value(code);
    };
    server.pool->Spawn(start);
    return done.get_future().get();
  }

  Task<std::string> Open(std::function<Task<std::string>(WebSocket&)>& story) {
    auto connection = co_await HttpConnection::Connect(to);
    if (!connection.ok()) co_return connection.error().code;
    HttpRequest request;
    request.target = target;
    auto socket = co_await (*connection)->OpenWebSocket(request, options);
    if (!socket.ok()) co_return socket.error().code;
    std::string code = co_await story(**socket);
    co_return code;
  }

  TestServer server;
  ConnectOptions to;
  WebSocketOptions options;
  std::string target = "/ws";
};

INSTANTIATE_TEST_SUITE_P(PlainAndTls, WebSocketTest, testing::Bool(),
                         [](const auto& story) { return story.param ? "Tls" : "Plain"; });

TEST_P(WebSocketTest, CarriesTextAndBinaryOfAnySize) {
  const std::string code = Run([](WebSocket& socket) -> Task<std::string> {
    for (const std::size_t size : {0, 1, 125, 126, 70'000, 3'000'000}) {
      const std::string text(size, 't');
      base::Status sent = co_await socket.SendText(text);
      if (!sent.ok()) co_return sent.error().code;
      auto heard = co_await socket.Read();
      if (!heard.ok()) co_return heard.error().code;
      EXPECT_TRUE(heard->is_text);
      EXPECT_EQ(base::AsText(heard->bytes), text);
      const base::Bytes bytes(size, 0xff);
      sent = co_await socket.SendBinary(bytes);
      if (!sent.ok()) co_return sent.error().code;
      heard = co_await socket.Read();
      if (!heard.ok()) co_return heard.error().code;
      EXPECT_FALSE(heard->is_text);
      EXPECT_EQ(heard->bytes, bytes);
    }
    const base::Status closed = co_await socket.Close(1000, "done");
    co_return closed.ok() ? "" : closed.error().code;
  });
  EXPECT_EQ(code, "");
  EXPECT_EQ(server.AwaitWebSocketEnd(), "websocket-closed");
}

TEST_P(WebSocketTest, HearsTheGoodbyeOfTheServer) {
  const std::string code = Run([](WebSocket& socket) -> Task<std::string> {
    const base::Status sent = co_await socket.SendText("bye");
    EXPECT_TRUE(sent.ok());
    const auto heard = co_await socket.Read();
    co_return heard.ok() ? "a message" : heard.error().code;
  });
  EXPECT_EQ(code, "websocket-closed");
  EXPECT_EQ(server.AwaitWebSocketEnd(), "goodbye");
}

TEST_P(WebSocketTest, TellsThatTheClientIsGone) {
  Run([](WebSocket&) -> Task<std::string> { co_return ""; });
  EXPECT_EQ(server.AwaitWebSocketEnd(), "connection-lost");
}

TEST_P(WebSocketTest, RefusesAMessageOverTheLimit) {
  server.web_socket_options.max_message_bytes = 1000;
  const std::string code = Run([](WebSocket& socket) -> Task<std::string> {
    const std::string text(1001, 't');
    const base::Status sent = co_await socket.SendText(text);
    EXPECT_TRUE(sent.ok());
    const auto heard = co_await socket.Read();
    co_return heard.ok() ? "a message" : heard.error().code;
  });
  EXPECT_EQ(code, "websocket-closed");
  EXPECT_EQ(server.AwaitWebSocketEnd(), "message-too-large");
}

TEST_P(WebSocketTest, CutsAClientThatIsSilent) {
  server.web_socket_options.idle_timeout = milliseconds(100);
  // A client that never answers a ping: raw bytes.
  RawClient client(server.port(), GetParam());
  client.Send(
      "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
      "13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  const std::string answer = client.ReceiveUntil("\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 101"));
  // The example of RFC 6455 section 1.3.
  EXPECT_THAT(answer, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  EXPECT_EQ(server.AwaitWebSocketEnd(), "websocket-timeout");
  client.ReceiveAll();
}

TEST_P(WebSocketTest, RefusesFramesAgainstTheProtocol) {
  RawClient client(server.port(), GetParam());
  client.Send(
      "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
      "13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
      // Together with the head: a frame of a client that is not masked (RFC 6455 section 5.1).
      "\x81\x05Hello");
  EXPECT_THAT(client.ReceiveUntil("\r\n\r\n"), StartsWith("HTTP/1.1 101"));
  EXPECT_EQ(server.AwaitWebSocketEnd(), "websocket-protocol");
  client.ReceiveAll();
}

TEST_P(WebSocketTest, TellsAnOrdinaryRequestWhatThePathSpeaks) {
  RawClient client(server.port(), GetParam());
  client.Send("GET /ws HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = client.ReceiveUntil("}}");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 426"));
  EXPECT_EQ(CodeIn(answer), "websocket-upgrade");
}

TEST_P(WebSocketTest, TellsThatAServerOpensNone) {
  target = "/hello";
  EXPECT_EQ(Run([](WebSocket&) -> Task<std::string> { co_return ""; }), "websocket-upgrade");
}

TEST_P(WebSocketTest, AgreesOnASubprotocol) {
  server.web_socket_options.subprotocol = "realtime";
  options.subprotocol = "realtime";
  EXPECT_EQ(Run([](WebSocket&) -> Task<std::string> { co_return ""; }), "");
  RawClient client(server.port(), GetParam());
  client.Send(
      "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
      "13\r\n"
      "Sec-WebSocket-Protocol: realtime, other\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_THAT(client.ReceiveUntil("\r\n\r\n"), HasSubstr("Sec-WebSocket-Protocol: realtime\r\n"));
}

TEST_P(WebSocketTest, IsCutWhenTheServerStops) {
  RawClient client(server.port(), GetParam());
  client.Send(
      "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
      "13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  client.ReceiveUntil("\r\n\r\n");
  server.server->Stop(milliseconds(10));
  EXPECT_EQ(server.AwaitWebSocketEnd(), "connection-lost");
}

}  // namespace
}  // namespace blindai::net
