#include "protocols/endpoints/idempotency.h"

#include <gtest/gtest.h>

#include "protocols/endpoints/answer.h"
#include "support/fake_exchange.h"

namespace blindai::endpoints {
namespace {

using tests::FakeAnswer;
using tests::FakeExchange;

constexpr char kKey[] = "9f1c7a52-51a4-4dd2-8f0e-2f1a7d9c0b11";

// "Bearer 1" and so on; nobody without.
base::Result<service::Caller> Identify(const net::RequestHead& head) {
  const auto token = BearerCredential(head);
  if (!token) return base::MakeError(base::ErrorKind::kUnauthorized, "login-required", "who are you?");
  return service::Caller{"tenant" + std::string(*token), static_cast<std::uint64_t>((*token)[0]), true, true};
}

class IdempotencyTest : public ::testing::Test {
 protected:
  // Says how often it was asked, and what.
  struct Counting {
    int count = 0;
    int status = 200;
    std::function<void()> during;

    net::Task<void> Handle(net::HttpExchange& exchange) {
      const base::Result<base::Bytes> body = co_await exchange.ReadWholeBody(1 << 20);
      ++count;
      if (during) std::exchange(during, nullptr)();
      auto owned = std::make_shared<const base::Bytes>(*body);
      net::HttpResponse response = net::TextResponse(status, std::to_string(count) + ":");
      response.headers.Add("X-Extra", "kept too");
      response.parts.push_back({*owned, owned});
      co_await exchange.Respond(response);
    }
  };
  struct Handler {
    net::HttpHandler handle;
    net::Task<void> Handle(net::HttpExchange& exchange) { return handle(exchange); }
  };

  FakeAnswer Ask(const std::string& line, std::string_view body, const std::string& key = kKey,
                 const std::string& who = "1") {
    std::string request = line + "\r\nAuthorization: Bearer " + who;
    if (!key.empty()) request += "\r\nIdempotency-Key: " + key;
    FakeExchange exchange(request, base::CopyBytes(base::AsBytes(body)));
    return tests::Serve(handler_, exchange);
  }
  FakeAnswer Infer(std::string_view body, const std::string& key = kKey, const std::string& who = "1") {
    return Ask("POST /v2/models/m/infer", body, key, who);
  }

  service::KeptAnswers kept_;
  Counting counting_;
  Handler handler_{WithIdempotency(
      kept_, Identify, [this](net::HttpExchange& exchange) { return counting_.Handle(exchange); })};
};

TEST_F(IdempotencyTest, ARequestWithAKeyIsComputedOnce) {
  const FakeAnswer first = Infer("data");
  EXPECT_EQ(first.body, "1:data");
  EXPECT_FALSE(first.headers.Has(kIdempotencyReplayedHeader));
  const FakeAnswer again = Infer("data");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, "1:data");
  EXPECT_EQ(again.headers.Find("X-Extra"), "kept too");
  EXPECT_EQ(again.headers.Find("Content-Type"), first.headers.Find("Content-Type"));
  EXPECT_EQ(again.headers.Find(kIdempotencyReplayedHeader), "true");
  EXPECT_EQ(counting_.count, 1);
}

TEST_F(IdempotencyTest, WithoutAKeyEveryRequestIsComputed) {
  EXPECT_EQ(Infer("data", "").body, "1:data");
  EXPECT_EQ(Infer("data", "").body, "2:data");
  EXPECT_EQ(kept_.size(), 0u);
}

TEST_F(IdempotencyTest, AnotherBodyTargetMethodOrTypeUnderTheKeyIsRefused) {
  Infer("data");
  for (const FakeAnswer& answer :
       {Infer("datb"), Infer("data and more"), Infer(""), Ask("POST /v2/models/n/infer", "data"),
        Ask("PUT /v2/models/m/infer", "data"),
        Ask("POST /v2/models/m/infer\r\nContent-Type: text/plain", "data")}) {
    EXPECT_EQ(answer.status, 422);
    EXPECT_NE(answer.body.find("idempotency-key-reused"), std::string::npos);
    EXPECT_EQ(answer.body.find("1:"), std::string::npos);
  }
  EXPECT_EQ(counting_.count, 1);
}

TEST_F(IdempotencyTest, AnotherTenantGetsNothingOfIt) {
  Infer("data");
  EXPECT_EQ(Infer("data", kKey, "2").body, "2:data");
}

TEST_F(IdempotencyTest, WhoIsNotKnownIsToldByTheHandler) {
  FakeExchange exchange("POST /v2/models/m/infer\r\nIdempotency-Key: " + std::string(kKey));
  EXPECT_EQ(tests::Serve(handler_, exchange).status, 200);  // this handler takes everybody
  EXPECT_EQ(kept_.size(), 0u);
}

TEST_F(IdempotencyTest, WhatWasRefusedIsTriedAgain) {
  counting_.status = 503;
  EXPECT_EQ(Infer("data").status, 503);
  counting_.status = 200;
  EXPECT_EQ(Infer("data").body, "2:data");
  EXPECT_EQ(Infer("data").body, "2:data");
}

TEST_F(IdempotencyTest, WhileItIsComputedItIsNotComputedTwice) {
  FakeAnswer meanwhile;
  counting_.during = [&] { meanwhile = Infer("data"); };
  EXPECT_EQ(Infer("data").body, "1:data");
  EXPECT_EQ(meanwhile.status, 409);
  EXPECT_EQ(meanwhile.headers.Find("Retry-After"), "1");
  EXPECT_NE(meanwhile.body.find("request-running"), std::string::npos);
}

TEST_F(IdempotencyTest, DeletionsAndUploadsAreDoneOnceToo) {
  EXPECT_EQ(Ask("DELETE /v1/models/m", "").body, "1:");
  EXPECT_EQ(Ask("DELETE /v1/models/m", "").body, "1:");
  const std::string other = std::string(kKey) + "2";
  EXPECT_EQ(Ask("PUT /v1/models/m", "file", other).body, "2:file");
  EXPECT_EQ(Ask("PUT /v1/models/m", "file", other).body, "2:file");
}

TEST_F(IdempotencyTest, ReadsAndEvidenceAreNeverKept) {
  for (const char* line : {"GET /v2/models/m", "GET /v1/models/m", "POST /v1/attestation"}) {
    const FakeAnswer first = Ask(line, "");
    EXPECT_NE(Ask(line, "").body, first.body) << line;
  }
  EXPECT_EQ(kept_.size(), 0u);
}

TEST_F(IdempotencyTest, AKeyMayHaveTheQuotesOfTheDraft) {
  EXPECT_EQ(Infer("data", "\"" + std::string(kKey) + "\"").body, "1:data");
  EXPECT_EQ(Infer("data").body, "1:data");
}

TEST_F(IdempotencyTest, AShortKeyIsRefused) {
  const FakeAnswer answer = Infer("data", "1");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("idempotency-key"), std::string::npos);
}

}  // namespace
}  // namespace blindai::endpoints
