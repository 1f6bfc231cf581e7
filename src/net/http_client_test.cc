#include "net/http_client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "crypto/certificate.h"
#include "crypto/openssl_handle.h"
#include "net/net_test_support.h"

namespace blindai::net {
namespace {

using base::AsText;
using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;

ConnectOptions To(std::uint16_t port, bool tls) {
  ConnectOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  if (tls) options.tls = TlsClientContext::ForAttestedServer().value();
  return options;
}

HttpRequest Get(std::string target) {
  HttpRequest request;
  request.target = std::move(target);
  return request;
}

HttpRequest Post(std::string target, std::string_view body) {
  HttpRequest request = Get(std::move(target));
  request.method = "POST";
  request.body.assign(body.begin(), body.end());
  return request;
}

// A source that gives `size` bytes in pieces that do not fit any block.
BodySource SourceOf(std::size_t size) {
  return [left = size](std::span<std::uint8_t> into) mutable -> base::Result<std::size_t> {
    const std::size_t count = std::min({left, into.size(), std::size_t{70'001}});
    std::fill_n(into.begin(), count, std::uint8_t{'s'});
    left -= count;
    return count;
  };
}

std::string ErrorCode(const base::Result<HttpResponse>& response) {
  return response.ok() ? "answered " + std::to_string(response->status) : response.error().code;
}

class HttpClientTest : public testing::TestWithParam<bool> {
 protected:
  HttpClientTest() : server({}, GetParam()) {}
  std::unique_ptr<BlockingHttpConnection> Connect() {
    return BlockingHttpConnection::Connect(To(server.port(), GetParam())).value();
  }
  TestServer server;
};

INSTANTIATE_TEST_SUITE_P(PlainAndTls, HttpClientTest, testing::Bool(),
                         [](const auto& story) { return story.param ? "Tls" : "Plain"; });

TEST_P(HttpClientTest, SendsRequestsOneAfterTheOther) {
  const auto connection = Connect();
  for (int i = 0; i < 3; ++i) {
    HttpRequest request = Post("/echo", "text " + std::to_string(i));
    const auto response = connection->Send(request);
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(AsText(response->body), "text " + std::to_string(i));
    EXPECT_TRUE(connection->reusable());
  }
  EXPECT_EQ(server.server->stats().connections_total, 1u);
}

TEST_P(HttpClientTest, WritesPartsBehindTheBody) {
  const auto connection = Connect();
  const base::Bytes big(300'000, 'p');
  HttpRequest request = Post("/echo", "head ");
  request.parts.push_back({base::AsBytes("and "), nullptr});
  request.parts.push_back({big, nullptr});
  const auto response = connection->Send(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(AsText(response->body), "head and " + std::string(300'000, 'p'));
}

TEST_P(HttpClientTest, StreamsABodyWithAndWithoutItsSize) {
  const auto connection = Connect();
  for (const bool sized : {true, false}) {
    for (const bool ask : {true, false}) {
      HttpRequest request = Get("/count");
      request.method = "PUT";
      request.source = SourceOf(5'000'000);
      if (sized) request.source_bytes = 5'000'000;
      request.expect_continue = ask;
      const auto response = connection->Send(request);
      ASSERT_TRUE(response.ok()) << sized << ask << response.error().message;
      EXPECT_EQ(AsText(response->body), "5000000") << sized << ask;
    }
  }
}

TEST_P(HttpClientTest, StreamsABodyFromACoroutine) {
  const auto connection = Connect();
  std::size_t left = 1'000'000;
  HttpRequest request = Get("/count");
  request.method = "PUT";
  request.async_source = [&left](std::span<std::uint8_t> into) -> Task<base::Result<std::size_t>> {
    const std::size_t count = std::min(left, into.size());
    left -= count;
    co_return count;
  };
  std::string received;
  request.async_sink = [&received](base::ByteView bytes) -> Task<base::Status> {
    received += AsText(bytes);
    co_return base::Ok();
  };
  const auto response = connection->Send(request);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(received, "1000000");
}

TEST_P(HttpClientTest, GivesALargeBodyToASink) {
  const auto connection = Connect();
  HttpRequest request = Get("/file");
  std::size_t received = 0;
  int status = 0;
  request.on_head = [&](const HttpResponse& head) { status = head.status; };
  request.sink = [&](base::ByteView bytes) {
    EXPECT_EQ(status, 200);
    received += bytes.size();
    return base::Ok();
  };
  const auto response = connection->Send(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(received, 8'000'000u);
  EXPECT_TRUE(response->body.empty());
  EXPECT_TRUE(connection->reusable());
}

TEST_P(HttpClientTest, KeepsTheBodyOfAnErrorFromTheSink) {
  const auto connection = Connect();
  HttpRequest request = Get("/none");
  request.sink = [](base::ByteView) -> base::Status {
    ADD_FAILURE() << "an error text is no file";
    return base::Ok();
  };
  const auto response = connection->Send(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 404);
  EXPECT_EQ(AsText(response->body), "no such path");
}

TEST_P(HttpClientTest, ReadsAChunkedAnswer) {
  const auto connection = Connect();
  HttpRequest request = Get("/stream");
  const auto response = connection->Send(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(AsText(response->body), "one two three");
  EXPECT_TRUE(connection->reusable());
}

TEST_P(HttpClientTest, TellsACutAnswer) {
  const auto connection = Connect();
  HttpRequest request = Get("/stream?cut");
  EXPECT_EQ(ErrorCode(connection->Send(request)), "connection-lost");
  EXPECT_FALSE(connection->reusable());
  EXPECT_EQ(ErrorCode(connection->Send(request)), "connection-lost");
}

TEST_P(HttpClientTest, ReadsHeadWithoutWaitingForABody) {
  const auto connection = Connect();
  HttpRequest request = Get("/hello");
  request.method = "HEAD";
  const auto response = connection->Send(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->headers.Find("Content-Length"), "5");
  EXPECT_TRUE(response->body.empty());
}

TEST_P(HttpClientTest, HearsARefusalBeforeTheUpload) {
  const auto connection = Connect();
  HttpRequest request = Get("/echo");
  request.method = "PUT";
  request.source_bytes = 2'000'000;
  request.expect_continue = true;
  request.source = [](std::span<std::uint8_t>) -> base::Result<std::size_t> {
    ADD_FAILURE() << "the body was sent to a server that had refused it";
    return std::size_t{0};
  };
  const auto response = connection->Send(request);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 413);
  EXPECT_FALSE(connection->reusable());
}

TEST_P(HttpClientTest, HearsARefusalDuringTheUpload) {
  for (const bool streamed : {true, false}) {
    const auto connection = Connect();
    HttpRequest request = streamed ? Get("/echo") : Post("/echo", std::string(20'000'000, 'x'));
    request.method = "PUT";
    if (streamed) {
      request.source_bytes = 200'000'000;
      request.source = SourceOf(200'000'000);
    }
    const auto response = connection->Send(request);
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->status, 413) << streamed;
  }
}

TEST_P(HttpClientTest, PassesOnTheErrorsOfSourceAndSink) {
  HttpRequest request = Post("/count", "");
  request.source = [](std::span<std::uint8_t>) -> base::Result<std::size_t> {
    return base::Malformed("no", "my-source");
  };
  EXPECT_EQ(ErrorCode(Connect()->Send(request)), "my-source");
  request = Get("/file");
  request.sink = [](base::ByteView) -> base::Status { return base::Malformed("no", "my-sink"); };
  EXPECT_EQ(ErrorCode(Connect()->Send(request)), "my-sink");
}

TEST_P(HttpClientTest, RefusesASourceOfAnotherLength) {
  for (const std::size_t size : {99, 101}) {
    HttpRequest request = Post("/count", "");
    request.source = SourceOf(size);
    request.source_bytes = 100;
    EXPECT_EQ(ErrorCode(Connect()->Send(request)), "body-source");
  }
}

TEST_P(HttpClientTest, LimitsTheAnswer) {
  for (const std::string target : {"/file", "/stream"}) {
    HttpRequest request = Get(target);
    request.max_response_bytes = 10;
    EXPECT_EQ(ErrorCode(Connect()->Send(request)), "response-too-large") << target;
  }
}

TEST_P(HttpClientTest, EndsAtItsDeadline) {
  HttpRequest request = Get("/wait");
  request.timeout = milliseconds(50);
  EXPECT_EQ(ErrorCode(Connect()->Send(request)), "request-timeout");
  server.AwaitCancelled();
}

TEST_P(HttpClientTest, CanBeCancelledFromAnotherThread) {
  const auto connection = Connect();
  std::thread other([&] {
    const auto waiting = server.TakeWaiting();
    connection->Cancel();
    server.AwaitCancelled();
  });
  HttpRequest request = Get("/wait");
  EXPECT_EQ(ErrorCode(connection->Send(request)), "cancelled");
  EXPECT_FALSE(connection->reusable());
  other.join();
}

TEST_P(HttpClientTest, AsksTheCallerWhetherToGoOn) {
  std::atomic<bool> go_on{true};
  const auto connection =
      BlockingHttpConnection::Connect(To(server.port(), GetParam()), [&] { return go_on.load(); }).value();
  std::thread other([&] {
    const auto waiting = server.TakeWaiting();
    go_on = false;
    server.AwaitCancelled();
  });
  HttpRequest request = Get("/wait");
  EXPECT_EQ(ErrorCode(connection->Send(request)), "cancelled");
  other.join();
}

TEST_P(HttpClientTest, NoticesThatTheServerHasClosedBeforeItSends) {
  const auto connection = Connect();
  HttpRequest request = Get("/hello");
  ASSERT_TRUE(connection->Send(request).ok());
  server.server->Stop(milliseconds(0));
  EXPECT_EQ(ErrorCode(connection->Send(request)), "connection-lost");
}

TEST_P(HttpClientTest, RefusesToSendWhatIsNoRequest) {
  for (const std::string target : {"", "no-slash", "/a b", "/a\r\nX: y"}) {
    HttpRequest request = Get(target);
    EXPECT_EQ(ErrorCode(Connect()->Send(request)), "http-request") << target;
  }
  HttpRequest request = Get("/hello");
  request.headers.Add("X", "a\r\nY: b");
  EXPECT_EQ(ErrorCode(Connect()->Send(request)), "http-request");
}

// A listener that answers one connection with what the test says.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::function<void(int socket)> script) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BLINDAI_CHECK(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    BLINDAI_CHECK(::listen(listener_, 8) == 0);
    socklen_t size = sizeof address;
    BLINDAI_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this, script = std::move(script)] {
      const int socket = ::accept(listener_, nullptr, nullptr);
      script(socket);
      ::shutdown(socket, SHUT_WR);
      std::array<char, 4096> dropped;
      while (::recv(socket, dropped.data(), dropped.size(), 0) > 0) {
      }
      ::close(socket);
    });
  }
  ~ScriptedServer() {
    thread_.join();
    ::close(listener_);
  }
  std::uint16_t port = 0;

 private:
  int listener_ = -1;
  std::thread thread_;
};

// Reads a request's head, then says `text`.
std::function<void(int)> Says(std::string text) {
  return [text = std::move(text)](int socket) {
    std::string request;
    char byte = 0;
    while (!request.ends_with("\r\n\r\n") && ::recv(socket, &byte, 1, 0) == 1) request.push_back(byte);
    ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
  };
}

TEST(HttpClient, RefusesAnswersThatAreNotHttp) {
  for (const std::string text :
       {"SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", "HTTP/1.1 abc\r\n\r\n"}) {
    ScriptedServer server(Says(text));
    const auto connection = BlockingHttpConnection::Connect(To(server.port, false)).value();
    HttpRequest request = Get("/");
    EXPECT_EQ(ErrorCode(connection->Send(request)), "http-response") << text;
  }
}

TEST(HttpClient, LimitsTheHeaderOfAnAnswer) {
  ScriptedServer server(Says("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')));
  const auto connection = BlockingHttpConnection::Connect(To(server.port, false)).value();
  HttpRequest request = Get("/");
  EXPECT_EQ(ErrorCode(connection->Send(request)), "http-response");
}

TEST(HttpClient, TakesInterimAnswersAndABodyThatEndsWithTheConnection) {
  ScriptedServer server(Says("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end"));
  const auto connection = BlockingHttpConnection::Connect(To(server.port, false)).value();
  HttpRequest request = Get("/");
  const auto response = connection->Send(request);
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(AsText(response->body), "until the end");
  EXPECT_FALSE(connection->reusable());
}

TEST(HttpClient, TellsAnAnswerThatIsShorterThanItsLength) {
  ScriptedServer server(Says("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"));
  const auto connection = BlockingHttpConnection::Connect(To(server.port, false)).value();
  HttpRequest request = Get("/");
  EXPECT_EQ(ErrorCode(connection->Send(request)), "connection-lost");
}

std::string ConnectError(const ConnectOptions& options) {
  const auto connection = BlockingHttpConnection::Connect(options);
  return connection.ok() ? "connected" : connection.error().code;
}

TEST(HttpClient, SaysThatNothingListens) {
  std::uint16_t port = 0;
  {
    TestServer server;
    port = server.port();
  }
  EXPECT_EQ(ConnectError(To(port, false)), "connection-refused");
  ConnectOptions by_name = To(port, false);
  by_name.host = "localhost";
  EXPECT_EQ(ConnectError(by_name), "connection-refused");
}

TEST(HttpClient, SaysThatANameIsUnknown) {
  ConnectOptions options = To(1, false);
  options.host = "no such name";
  EXPECT_EQ(ConnectError(options), "name-not-found");
}

TEST(HttpClient, ConnectsByName) {
  TestServer server;
  ConnectOptions options = To(server.port(), false);
  options.host = "localhost";
  EXPECT_EQ(ConnectError(options), "connected");
}

TEST(HttpClient, EndsAHandshakeThatIsNotAnswered) {
  ScriptedServer server([](int) {});
  ConnectOptions options = To(server.port, true);
  EXPECT_EQ(ConnectError(options), "connection-lost");
  std::promise<void> over;
  ScriptedServer silent([&](int) { over.get_future().wait(); });
  options = To(silent.port, true);
  options.connect_timeout = milliseconds(50);
  EXPECT_EQ(ConnectError(options), "connect-timeout");
  over.set_value();
}

TEST(HttpClient, CanBeCancelledWhileItConnects) {
  std::promise<void> over;
  ScriptedServer silent([&](int) { over.get_future().wait(); });
  const auto connection = BlockingHttpConnection::Connect(To(silent.port, true), [] { return false; });
  ASSERT_FALSE(connection.ok());
  EXPECT_EQ(connection.error().code, "cancelled");
  over.set_value();
}

TEST(HttpClient, SaysThatThePortSpeaksNoTls) {
  TestServer server;
  EXPECT_EQ(ConnectError(To(server.port(), true)), "tls-not-spoken");
}

}  // namespace
}  // namespace blindai::net
