// Against a real server on this machine.
#include "server/ask_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/http_server.h"

namespace blindai::server {
namespace {

using ::testing::HasSubstr;

attester::Attester::Deadline Soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(20); }

// Tells what it was asked; /large answers more than is wanted.
class HostService {
 public:
  HostService() {
    net::HttpServerOptions options;
    options.pool = std::make_shared<net::IoPool>(1);
    const net::HttpHandler handler = [](net::HttpExchange& exchange) -> net::Task<void> {
      std::string text = exchange.head().method + " " + exchange.head().raw_target;
      text += " " + std::string(exchange.head().headers.Find("Metadata").value_or("-")) + " ";
      base::Bytes body(1000);
      const auto got = co_await exchange.ReadBody(body);
      if (got.ok()) text += base::AsText(base::ByteView(body).first(*got));
      net::HttpResponse response = net::TextResponse(exchange.head().path == "/busy" ? 429 : 200, text);
      if (exchange.head().path == "/large") response.body.resize(attester::kMaxHostAnswerBytes + 1);
      co_await exchange.Respond(response);
    };
    auto listening = net::HttpServer::Listen(options, handler);
    BLINDAI_CHECK(listening.ok());
    server_ = std::move(*listening);
  }
  std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + path;
  }

 private:
  std::unique_ptr<net::HttpServer> server_;
};

TEST(AskHost, AGetAndAPostReachTheService) {
  const HostService service;
  auto answer = AskHost({service.Url("/a?b=c"), {{"Metadata", "true"}}, ""}, Soon());
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(base::AsText(answer->body), "GET /a?b=c true ");
  answer = AskHost({service.Url("/a"), {}, "{}"}, Soon());
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(base::AsText(answer->body), "POST /a - {}");
}

TEST(AskHost, AnyStatusIsAnAnswer) {
  const HostService service;
  const auto answer = AskHost({service.Url("/busy"), {}, ""}, Soon());
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->status, 429);
}

TEST(AskHost, AnAnswerThatIsTooLargeIsAnError) {
  const HostService service;
  EXPECT_EQ(AskHost({service.Url("/large"), {}, ""}, Soon()).error().code, "response-too-large");
}

// The kernel takes the connection and nobody answers.
TEST(AskHost, ASilentServiceEndsAtTheDeadline) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
  const auto answer =
      AskHost({url, {}, ""}, std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, base::ErrorKind::kDeadline);
  close(listener);
}

TEST(AskHost, NobodyThereAndOtherMachinesAreErrors) {
  EXPECT_EQ(AskHost({"http://127.0.0.1:1/", {}, ""}, Soon()).error().code, "connection-refused");
  EXPECT_EQ(AskHost({"http://example.org/", {}, ""}, Soon()).error().code, "url");
}

}  // namespace
}  // namespace blindai::server
