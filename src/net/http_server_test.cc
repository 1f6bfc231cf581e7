#include "net/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <future>
#include <string>
#include <thread>

#include "net/net_test_support.h"

namespace blindai::net {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Every story of plain HTTP/1.1 is also told over TLS.
class HttpServerTest : public testing::TestWithParam<bool> {
 protected:
  bool tls() const { return GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(PlainAndTls, HttpServerTest, testing::Bool(),
                         [](const auto& story) { return story.param ? "Tls" : "Plain"; });

std::string Get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"; }
std::string Last(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
}
std::string Post(const std::string& path, const std::string& body) {
  return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

TEST_P(HttpServerTest, AnswersAndClosesWhenAsked) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Last("/hello"));
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\nConnection: close\r\n\r\nhello"));
}

TEST_P(HttpServerTest, KeepsTheConnectionAndTakesPipelinedRequests) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Post("/echo", "first") + Post("/echo", "second") + Get("/hello"));
  EXPECT_THAT(client.ReceiveUntil("first"), Not(HasSubstr("Connection: close")));
  EXPECT_THAT(client.ReceiveUntil("second"), HasSubstr("200 OK"));
  EXPECT_THAT(client.ReceiveUntil("hello"), HasSubstr("200 OK"));
  client.Send("\r\n" + Last("/hello"));
  EXPECT_THAT(client.ReceiveAll(), EndsWith("hello"));
  EXPECT_EQ(server.server->stats().connections_total, 1u);
  EXPECT_EQ(server.server->stats().requests_total, 4u);
}

TEST_P(HttpServerTest, ReadsAChunkedBody) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n");
  client.Send("0\r\n\r\n" + Last("/hello"));
  EXPECT_THAT(client.ReceiveUntil("hello!"), HasSubstr("Content-Length: 6"));
  EXPECT_THAT(client.ReceiveAll(), EndsWith("hello"));
}

TEST_P(HttpServerTest, RefusesABrokenChunkedBody) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX\r\n");
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(CodeIn(answer), "http-request");
}

TEST_P(HttpServerTest, MovesALargeBodyBothWays) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Post("/count", std::string(20'000'000, 'x')));
  EXPECT_THAT(client.ReceiveUntil("20000000"), HasSubstr("200 OK"));
  client.Send(Last("/file"));
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer.substr(0, 200), HasSubstr("Content-Length: 8000000\r\n"));
  const std::string body = answer.substr(answer.find("\r\n\r\n") + 4);
  EXPECT_EQ(body.size(), 8'000'000u);
  EXPECT_EQ(body.find('b'), 1'000'000u);
  EXPECT_EQ(body.find_last_of('a'), 999'999u);
}

TEST_P(HttpServerTest, StreamsAnAnswerInChunks) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Get("/stream"));
  const std::string answer = client.ReceiveUntil("0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_THAT(answer, EndsWith("4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n"));
  client.Send("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.ReceiveAll(), EndsWith("Connection: close\r\n\r\none two three"));
}

TEST_P(HttpServerTest, CutsAStreamedAnswerThatWasNotFinished) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Get("/stream?cut"));
  EXPECT_THAT(client.ReceiveAll(), Not(EndsWith("0\r\n\r\n")));
}

TEST_P(HttpServerTest, AnswersHeadWithoutABody) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_P(HttpServerTest, SaysContinueBeforeABodyIsRead) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.ReceiveUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("ok");
  EXPECT_THAT(client.ReceiveUntil("ok"), HasSubstr("200 OK"));
}

TEST_P(HttpServerTest, RefusesALargeBodyBeforeItIsSent) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\nExpect: 100-continue\r\n\r\n");
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_EQ(CodeIn(answer), "body-too-large");
  EXPECT_EQ(server.server->stats().bytes_received, 0u);
}

TEST_P(HttpServerTest, RefusesALargeBodyThatIsSentAnyway) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Post("/echo", std::string(3'000'000, 'x')));
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(server.server->stats().bytes_received, 0u);
}

TEST_P(HttpServerTest, RefusesAChunkedBodyAboveTheLimit) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  const std::string chunk = "100001\r\n" + std::string(0x100001, 'x') + "\r\n0\r\n\r\n";
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk);
  EXPECT_EQ(CodeIn(client.ReceiveUntil("}}")), "body-too-large");
}

TEST_P(HttpServerTest, DropsABodyThatNobodyReads) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Post("/ignore", "GET /throw HTTP/1.1\r\nHost: x\r\n\r\n") + Last("/hello"));
  client.ReceiveUntil("hello");
  EXPECT_THAT(client.ReceiveAll(), EndsWith("hello"));
}

TEST_P(HttpServerTest, ClosesAfterALargeBodyThatNobodyReads) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Post("/ignore", std::string(1'000'000, 'x')));
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_THAT(answer, EndsWith("hello"));
}

TEST_P(HttpServerTest, AnswersForAHandlerThatThrowsOrSaysNothing) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Get("/silent") + Get("/throw"));
  EXPECT_EQ(CodeIn(client.ReceiveUntil("}}")), "internal");
  const std::string answer = client.ReceiveUntil("}}");
  EXPECT_EQ(CodeIn(answer), "internal");
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
}

TEST_P(HttpServerTest, KeepsAHeaderValueInItsLine) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Last("/inject"));
  EXPECT_THAT(client.ReceiveAll(), HasSubstr("X-Name: aX-Evil: b\r\n"));
}

TEST_P(HttpServerTest, RefusesABadRequestAndCloses) {
  TestServer server({}, tls());
  for (const std::string_view bad :
       {"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\nHost: x\n\n", "nonsense\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    RawClient client(server.port(), tls());
    client.Send(bad);
    const std::string answer = client.ReceiveAll();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400")) << bad;
    EXPECT_EQ(CodeIn(answer), "http-request") << bad;
    EXPECT_THAT(answer, HasSubstr("\"type\":\"invalid_request_error\",\"param\":null"));
  }
  EXPECT_EQ(server.server->stats().requests_total, 0u);
  EXPECT_EQ(server.server->stats().requests_refused, 4u);
}

TEST_P(HttpServerTest, RefusesAHeaderOverTheLimit) {
  HttpServerOptions options;
  options.max_header_bytes = 1000;
  TestServer server(options, tls());
  const std::string start = "GET /hello HTTP/1.1\r\nHost: x\r\nX: ";
  const std::string end = "\r\n\r\n";
  RawClient fits(server.port(), tls());
  fits.Send(start + std::string(1000 - start.size() - end.size(), 'x') + end);
  EXPECT_THAT(fits.ReceiveUntil("hello"), StartsWith("HTTP/1.1 200"));
  for (const std::size_t over : {1, 100'000}) {
    RawClient client(server.port(), tls());
    client.Send(start + std::string(1000 + over - start.size() - end.size(), 'x') + end);
    const std::string answer = client.ReceiveAll();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 431")) << over;
    EXPECT_EQ(CodeIn(answer), "header-too-large") << over;
  }
}

TEST_P(HttpServerTest, EndsASlowHeader) {
  HttpServerOptions options;
  options.header_timeout = milliseconds(tls() ? 1000 : 100);
  TestServer server(options, tls());
  RawClient client(server.port(), tls());
  client.Send("GET /hello HTTP/1.1\r\nHos");
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408"));
  EXPECT_EQ(CodeIn(answer), "header-timeout");
}

TEST_P(HttpServerTest, EndsASilentClient) {
  HttpServerOptions options;
  options.header_timeout = milliseconds(tls() ? 1000 : 100);
  TestServer server(options, tls());
  RawClient client(server.port(), tls());
  EXPECT_EQ(CodeIn(client.ReceiveAll()), "header-timeout");
}

TEST_P(HttpServerTest, EndsAnIdleConnectionWithoutAWord) {
  HttpServerOptions options;
  options.keep_alive_timeout = milliseconds(50);
  TestServer server(options, tls());
  RawClient client(server.port(), tls());
  client.Send(Get("/hello"));
  client.ReceiveUntil("hello");
  EXPECT_EQ(client.ReceiveAll(), "");
}

TEST_P(HttpServerTest, EndsABodyThatIsShorterThanItsLength) {
  HttpServerOptions options;
  options.body_idle_timeout = milliseconds(50);
  TestServer server(options, tls());
  RawClient client(server.port(), tls());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort");
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 504"));
  EXPECT_EQ(CodeIn(answer), "body-timeout");
}

TEST_P(HttpServerTest, TakesWhatIsLongerThanItsLengthAsTheNextRequest) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcdef\r\n\r\n");
  EXPECT_THAT(client.ReceiveUntil("abc"), HasSubstr("Content-Length: 3"));
  EXPECT_EQ(CodeIn(client.ReceiveAll()), "http-request");
}

TEST_P(HttpServerTest, TellsAHandlerThatTheClientLeftDuringUpload) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc");
  client.Close();
  server.AwaitUploadGone();
}

TEST_P(HttpServerTest, TellsAHandlerThatTheClientLeftDuringItsRun) {
  TestServer server({}, tls());
  for (const bool orderly : {true, false}) {
    RawClient client(server.port(), tls());
    client.Send(Get("/wait"));
    Callback<std::string> done = server.TakeWaiting();
    if (orderly) {
      client.CloseSending();
    } else {
      client.Close();
    }
    server.AwaitCancelled();
    done(std::string("too late"));
  }
}

TEST_P(HttpServerTest, KeepsWhatAClientSendsAheadDuringARun) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Get("/wait"));
  Callback<std::string> done = server.TakeWaiting();
  client.Send(Post("/echo", "ahead") + Post("/echo", std::string(100'000, 'y')));
  done(std::string("in time"));
  EXPECT_THAT(client.ReceiveUntil("in time"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.ReceiveUntil("ahead"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(client.ReceiveUntil(std::string(100'000, 'y')), StartsWith("HTTP/1.1 200"));
}

TEST_P(HttpServerTest, EndsAClientThatTakesNoAnswer) {
  HttpServerOptions options;
  options.write_timeout = milliseconds(50);
  TestServer server(options, tls());
  RawClient client(server.port(), tls());
  client.Send(Last("/file"));
  EXPECT_THAT(client.ReceiveUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  // The server gives up and closes, which the socket shows without reading on.
  while (server.server->stats().connections_open > 0) std::this_thread::yield();
}

TEST_P(HttpServerTest, RefusesOneConnectionTooMany) {
  HttpServerOptions options;
  options.max_connections = 1;
  TestServer server(options, tls());
  RawClient first(server.port(), tls());
  first.Send(Get("/hello"));
  first.ReceiveUntil("hello");
  RawClient second(server.port(), tls());
  second.Send(Get("/hello"));
  const std::string answer = second.ReceiveAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_EQ(CodeIn(answer), "too-many-connections");
  EXPECT_EQ(server.server->stats().connections_refused, 1u);
  first.Send(Last("/hello"));
  EXPECT_THAT(first.ReceiveAll(), EndsWith("hello"));
}

TEST_P(HttpServerTest, StopsWithoutWaitingForIdleConnections) {
  TestServer server({}, tls());
  RawClient idle(server.port(), tls());
  idle.Send(Get("/hello"));
  idle.ReceiveUntil("hello");
  server.server->Stop(std::chrono::hours(1));
  EXPECT_EQ(idle.ReceiveAll(), "");
  EXPECT_EQ(server.server->stats().connections_open, 0u);
}

TEST_P(HttpServerTest, LetsARunningRequestFinishWhenItStops) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Get("/wait"));
  Callback<std::string> done = server.TakeWaiting();
  std::thread stopping([&] { server.server->Stop(std::chrono::hours(1)); });
  done(std::string("finished"));
  EXPECT_THAT(client.ReceiveAll(), EndsWith("finished"));
  stopping.join();
}

TEST_P(HttpServerTest, CutsAStuckRequestAfterTheGrace) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Get("/wait"));
  Callback<std::string> done = server.TakeWaiting();
  std::thread stopping([&] { server.server->Stop(milliseconds(20)); });
  server.AwaitCancelled();
  done(std::string("late"));
  stopping.join();
  EXPECT_EQ(client.ReceiveAll(), "");
  server.server->Stop(milliseconds(0));  // again: nothing to do
}

TEST_P(HttpServerTest, EndsAWaitWhoseCallbackIsDropped) {
  TestServer server({}, tls());
  RawClient client(server.port(), tls());
  client.Send(Get("/wait"));
  server.TakeWaiting() = nullptr;
  const std::string answer = client.ReceiveUntil("}}");
  EXPECT_EQ(CodeIn(answer), "callback-dropped");
}

TEST_P(HttpServerTest, ServesManyClientsAtOnce) {
  TestServer server({}, tls());
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&, i] {
      RawClient client(server.port(), GetParam());
      for (int k = 0; k < 20; ++k) {
        const std::string body(static_cast<std::size_t>(1 + i * 1000 + k), 'z');
        client.Send(Post("/echo", body));
        const std::string answer = client.ReceiveUntil("\r\n\r\n" + body);
        EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(server.server->stats().requests_total, 160u);
}

TEST(HttpServer, SaysThatThePortIsInUse) {
  TestServer server;
  HttpServerOptions options;
  options.pool = server.pool;
  options.port = server.port();
  HttpHandler handler = [](HttpExchange&) -> Task<void> { co_return; };
  const auto second = HttpServer::Listen(options, handler);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, "port-in-use");
  options.address = "localhost";
  EXPECT_EQ(HttpServer::Listen(options, handler).error().code, "listen-address");
}

TEST(HttpServer, TellsPlainHttpThatThePortSpeaksHttps) {
  TestServer server({}, true);
  RawClient client(server.port());
  client.Send(Get("/hello"));
  const std::string answer = client.ReceiveAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer, HasSubstr("This port speaks HTTPS"));
  EXPECT_EQ(server.server->stats().requests_total, 0u);
}

TEST(HttpServer, EndsAClientThatIsSilentBeforeTls) {
  HttpServerOptions options;
  options.header_timeout = milliseconds(50);
  TestServer server(options, true);
  RawClient client(server.port());
  EXPECT_EQ(client.ReceiveAll(), "");
}

TEST(HttpServer, SurvivesNonsenseInsteadOfTls) {
  TestServer server({}, true);
  for (const std::string_view nonsense :
       {std::string_view("\x16\x03\x01\x00\x05nonsense", 13), std::string_view("\x16\x03\x01\xff\xff", 5),
        std::string_view("\0\0\0", 3)}) {
    RawClient client(server.port());
    client.Send(nonsense);
    client.CloseSending();
    client.ReceiveAll();
  }
  RawClient client(server.port(), true);
  client.Send(Last("/hello"));
  EXPECT_THAT(client.ReceiveAll(), EndsWith("hello"));
  EXPECT_GE(server.server->stats().tls_handshakes_failed, 3u);
}

TEST(HttpServer, PlainConnectionsHaveNoExporter) {
  TestServer server;
  RawClient client(server.port());
  client.Send(Last("/facts"));
  EXPECT_THAT(client.ReceiveAll(), EndsWith("plain loopback not-tls"));
}

}  // namespace
}  // namespace blindai::net
