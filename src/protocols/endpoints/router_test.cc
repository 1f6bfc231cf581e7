#include "protocols/endpoints/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_exchange.h"

namespace blindai::endpoints {
namespace {

using ::testing::HasSubstr;
using tests::FakeAnswer;
using tests::FakeExchange;
using tests::Serve;

// A router with two routes; each answers with the pattern's arguments.
class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    const auto echo = [](net::HttpExchange& exchange, const PathArguments& arguments) -> net::Task<void> {
      std::string text;
      for (const auto& [name, value] : arguments) text += name + "=" + value + ";";
      net::HttpResponse response = net::TextResponse(200, text);
      co_await exchange.Respond(response);
    };
    router_.Add("GET", "/v1/models/{id}", echo);
    router_.Add("PUT", "/v1/models/{id}", echo);
    router_.Add("POST", "/v2/models/{model}/versions/{version}/infer", echo);
  }
  FakeAnswer Ask(const std::string& request) {
    FakeExchange exchange(request);
    return Serve(router_, exchange);
  }
  Router router_;
};

TEST_F(RouterTest, NamesTakeOneSegmentEach) {
  EXPECT_EQ(Ask("GET /v1/models/a").body, "id=a;");
  EXPECT_EQ(Ask("POST /v2/models/a/versions/3/infer?x=y").body, "model=a;version=3;");
}

TEST_F(RouterTest, AnEscapedSlashStaysInsideItsSegment) {
  EXPECT_EQ(Ask("GET /v1/models/user%2Fmodel").body, "id=user/model;");
  EXPECT_EQ(Ask("GET /v1/models/user/model").status, 404);
}

TEST_F(RouterTest, AnEmptySegmentIsNoName) { EXPECT_EQ(Ask("GET /v1/models/").status, 404); }

TEST_F(RouterTest, AnUnknownPathIs404InTheShapeOfItsProtocol) {
  EXPECT_THAT(Ask("GET /v1/nothing").body, HasSubstr(R"("code":"path-not-found")"));
  const FakeAnswer answer = Ask("GET /v2/nothing");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr(R"("error":"nothing is served)"));
}

TEST_F(RouterTest, AWrongMethodIs405AndSaysWhichAreTaken) {
  const FakeAnswer answer = Ask("POST /v1/models/a");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.headers.Find("Allow"), "GET, PUT");
}

}  // namespace
}  // namespace blindai::endpoints
