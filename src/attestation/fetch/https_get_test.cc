#include "attestation/fetch/https_get.h"

#include <gtest/gtest.h>

#include "net/http_server.h"

namespace blindai::fetch {
namespace {

TEST(HttpsGet, UrlsAreReadAndTheirPartsKept) {
  const auto url = ParseUrl("https://pccs.example.org:8081/sgx/v4/tcb?fmspc=00");
  ASSERT_TRUE(url.ok());
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "pccs.example.org");
  EXPECT_EQ(url->port, 8081);
  EXPECT_EQ(url->target, "/sgx/v4/tcb?fmspc=00");
  EXPECT_EQ(ParseUrl("https://a")->target, "/");
  EXPECT_EQ(ParseUrl("http://[::1]:80/x")->host, "::1");
}

TEST(HttpsGet, PlainHttpIsForThisMachineAndItsHostOnlyAndOddUrlsAreRefused) {
  for (const char* text :
       {"", "ftp://a/", "http://pccs.example.org/", "http://169.254.example.org/", "http://169.253.1.1/",
        "https://", "https:///x", "https://a:0/", "https://a:x/", "https://a:70000/", "https://user@a/",
        "https://a/#f", "https://a/ b", "https://[::1", "https://a:/"}) {
    EXPECT_EQ(ParseUrl(text).error().code, "url") << text;
  }
  EXPECT_TRUE(ParseUrl("http://localhost:8081/x").ok());
  EXPECT_TRUE(ParseUrl("http://169.254.169.254/acc/tdquote").ok());
}

TEST(HttpsGet, AnAnswerComesBackWithItsStatusAndHeaders) {
  const auto pool = std::make_shared<net::IoPool>(1);
  net::HttpServerOptions options;
  options.pool = pool;
  const net::HttpHandler handler = [](net::HttpExchange& exchange) -> net::Task<void> {
    net::HttpResponse response = net::TextResponse(429, exchange.head().raw_target);
    response.headers.Add("Retry-After", "7");
    co_await exchange.Respond(response);
  };
  const auto server = net::HttpServer::Listen(options, handler);
  ASSERT_TRUE(server.ok());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto answer =
      MakeHttpsGet("")("http://127.0.0.1:" + std::to_string((*server)->port()) + "/a?b=c", deadline);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->status, 429);
  EXPECT_EQ(base::AsText(answer->body), "/a?b=c");
  EXPECT_EQ(answer->headers.Find("Retry-After"), "7");
}

TEST(HttpsGet, AServiceThatIsNotThereIsAnError) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  EXPECT_EQ(MakeHttpsGet("")("http://127.0.0.1:1/", deadline).error().code, "connection-refused");
}

}  // namespace
}  // namespace blindai::fetch
