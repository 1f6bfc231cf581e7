#include "protocols/endpoints/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_exchange.h"

namespace blindai::endpoints {
namespace {

using base::ErrorKind;
using ::testing::HasSubstr;
using tests::FakeAnswer;
using tests::FakeExchange;
using tests::Serve;

struct FailWith {
  base::Error error;
  net::Task<void> Handle(net::HttpExchange& exchange) const { return AnswerError(exchange, error); }
};

FakeAnswer Answered(const std::string& request, ErrorKind kind) {
  const FailWith handler{base::MakeError(kind, "some-code", "what was seen", "field")};
  FakeExchange exchange(request);
  return Serve(handler, exchange);
}

TEST(Answer, OpenAiPathsGetOpenAiErrors) {
  const FakeAnswer answer = Answered("GET /v1/x", ErrorKind::kInvalid);
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr(R"("message":"what was seen")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("param":"field")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("code":"some-code")"));
}

TEST(Answer, OpenInferencePathsGetTheirOwnShape) {
  EXPECT_THAT(Answered("GET /v2/x", ErrorKind::kInvalid).body, HasSubstr(R"({"error":"what was seen")"));
  EXPECT_EQ(Answered("GET /v2", ErrorKind::kUnsupported).status, 501);
  EXPECT_EQ(Answered("GET /v1", ErrorKind::kUnsupported).status, 400);
}

TEST(Answer, AFullQueueSaysWhenToComeBack) {
  const FakeAnswer answer = Answered("GET /v1/x", ErrorKind::kExhausted);
  EXPECT_EQ(answer.status, 429);
  EXPECT_TRUE(answer.headers.Has("Retry-After"));
}

TEST(Answer, APredictedTimeToComeBackIsTold) {
  FailWith full{base::MakeError(ErrorKind::kExhausted, "queue-full", "too many requests wait")};
  full.error.retry_after_s = 17;
  FakeExchange exchange("GET /v1/x");
  EXPECT_EQ(Serve(full, exchange).headers.Find("Retry-After"), "17");
}

TEST(Answer, WhatIsUnavailableForNowSaysWhenToComeBack) {
  const FakeAnswer answer = Answered("GET /v1/x", ErrorKind::kUnavailable);
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.headers.Has("Retry-After"));
}

TEST(Answer, AMissingLoginNamesTheScheme) {
  EXPECT_EQ(Answered("GET /v1/x", ErrorKind::kUnauthorized).headers.Find("WWW-Authenticate"), "Bearer");
}

TEST(Answer, AnAnswerThatHasBegunIsLeftAlone) {
  struct AnswerTwice {
    net::Task<void> Handle(net::HttpExchange& exchange) const {
      co_await AnswerJson(exchange, 200, "{}");
      const base::Error late = base::Malformed("too late");
      co_await AnswerError(exchange, late);
    }
  };
  FakeExchange exchange("GET /v1/x");
  const AnswerTwice handler;
  EXPECT_EQ(Serve(handler, exchange).status, 200);
}

}  // namespace
}  // namespace blindai::endpoints
