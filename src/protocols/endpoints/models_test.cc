#include "protocols/endpoints/models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_exchange.h"
#include "support/onnx_builder.h"
#include "support/served_models.h"

namespace blindai::endpoints {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using tests::FakeAnswer;
using tests::FakeExchange;
using tests::Serve;

base::Bytes NegatingModel() {
  tests::OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {2}).Output("y", tests::kOnnxFloat, {2});
  graph.Node(tests::OnnxNode("Neg", {"x"}, {"y"}));
  return tests::OnnxModel(graph).Opset(17).Bytes();
}

class ModelsEndpointTest : public ::testing::Test {
 protected:
  ModelsEndpointTest() {
    RegisterModels(router_, models_.catalogue(), models_.upload(), tests::EverybodyMay);
  }
  FakeAnswer Ask(const std::string& request, base::Bytes body = {}) {
    FakeExchange exchange(request, std::move(body));
    return Serve(router_, exchange);
  }
  tests::ServedModels models_;
  Router router_;
};

TEST_F(ModelsEndpointTest, AModelIsUploadedListedShownAndDeleted) {
  const FakeAnswer uploaded = Ask("PUT /v1/models/negate?visibility=public", NegatingModel());
  ASSERT_EQ(uploaded.status, 201) << uploaded.body;
  EXPECT_THAT(uploaded.body, HasSubstr(R"("id":"negate")"));
  EXPECT_THAT(uploaded.body, HasSubstr(R"("visibility":"public")"));
  EXPECT_THAT(uploaded.body, HasSubstr(R"("datatype":"FP32")"));

  EXPECT_THAT(Ask("GET /v1/models").body, HasSubstr(R"("object":"list")"));
  EXPECT_THAT(Ask("GET /v1/models").body, HasSubstr(R"("id":"negate")"));
  EXPECT_EQ(Ask("GET /v1/models/negate").status, 200);

  EXPECT_EQ(Ask("DELETE /v1/models/negate").status, 200);
  EXPECT_EQ(Ask("GET /v1/models/negate").status, 404);
  EXPECT_EQ(Ask("DELETE /v1/models/negate").status, 404);
  EXPECT_THAT(Ask("GET /v1/models").body, Not(HasSubstr("negate")));
}

TEST_F(ModelsEndpointTest, WhatCannotBeHonouredIsRefusedBeforeTheBodyIsRead) {
  struct Row {
    const char* query;
    const char* param;
  };
  for (const Row& row : {Row{"precision=f16", "precision"}, Row{"save=true", "save"},
                         Row{"kind=video", "kind"}, Row{"visibility=everybody", "visibility"}}) {
    const FakeAnswer answer = Ask("PUT /v1/models/m?" + std::string(row.query), NegatingModel());
    EXPECT_EQ(answer.status, 400) << row.query;
    EXPECT_THAT(answer.body, HasSubstr(R"("param":")" + std::string(row.param))) << row.query;
  }
  EXPECT_EQ(models_.catalogue().size(), 0u);
}

TEST_F(ModelsEndpointTest, VersionsAreShownChangedAndDeletedOneByOne) {
  ASSERT_EQ(Ask("PUT /v1/models/m?versions=latest:2&label=stable", NegatingModel()).status, 201);
  const FakeAnswer second = Ask("PUT /v1/models/m", NegatingModel());
  ASSERT_EQ(second.status, 201);
  EXPECT_THAT(second.body,
              HasSubstr(R"("version":2,"versions":[1,2],"labels":{"stable":1},"version_policy":"latest:2")"));
  // The list has each model once.
  EXPECT_THAT(Ask("GET /v1/models").body, HasSubstr(R"("version":2,"versions":[1,2])"));
  EXPECT_THAT(Ask("GET /v1/models").body, Not(HasSubstr(R"("version":1,)")));
  EXPECT_THAT(Ask("GET /v1/models/m?version=stable").body, HasSubstr(R"("version":1,)"));
  EXPECT_EQ(Ask("GET /v1/models/m?version=3").status, 404);

  const FakeAnswer changed = Ask(
      "PATCH /v1/models/m", base::CopyBytes(base::AsBytes(R"({"versions":"latest","labels":{"stable":2}})")));
  EXPECT_EQ(changed.status, 200);
  EXPECT_THAT(changed.body,
              HasSubstr(R"("version":2,"versions":[2],"labels":{"stable":2},"version_policy":"latest:1")"));
  EXPECT_EQ(models_.catalogue().size(), 1u);

  ASSERT_EQ(Ask("PUT /v1/models/m?label=canary", NegatingModel()).status, 201);
  EXPECT_THAT(Ask("DELETE /v1/models/m?version=canary").body, HasSubstr(R"("versions":[3])"));
  EXPECT_EQ(Ask("DELETE /v1/models/m?version=canary").status, 404);
  EXPECT_EQ(Ask("DELETE /v1/models/m?version=").status, 400);
  EXPECT_THAT(Ask("DELETE /v1/models/m").body, HasSubstr(R"("versions":[2])"));
  EXPECT_EQ(Ask("GET /v1/models/m").status, 404);
}

TEST_F(ModelsEndpointTest, AChangeThatCannotBeHonouredChangesNothing) {
  ASSERT_EQ(Ask("PUT /v1/models/m?label=stable", NegatingModel()).status, 201);
  struct Row {
    const char* body;
    int status;
    const char* code;
  };
  for (const Row& row : {Row{R"({"versions":"newest"})", 400, "version-policy"},
                         Row{R"({"versions":"specific:2","labels":{"stable":null}})", 400, "version-policy"},
                         Row{R"({"labels":{"stable":2}})", 404, "model-not-found"},
                         Row{R"({"labels":{"1":1}})", 400, "version-label"}, Row{"", 400, "model-change"}}) {
    const FakeAnswer answer = Ask("PATCH /v1/models/m", base::CopyBytes(base::AsBytes(row.body)));
    EXPECT_EQ(answer.status, row.status) << row.body;
    EXPECT_THAT(answer.body, HasSubstr(row.code)) << row.body;
  }
  EXPECT_EQ(Ask("PATCH /v1/models/none", base::CopyBytes(base::AsBytes("{}"))).status, 404);
  EXPECT_THAT(Ask("GET /v1/models/m").body,
              HasSubstr(R"("labels":{"stable":1},"version_policy":"latest:1")"));
}

TEST_F(ModelsEndpointTest, UnknownQueryKeysAreIgnored) {
  EXPECT_EQ(Ask("PUT /v1/models/m?colour=blue", NegatingModel()).status, 201);
}

TEST_F(ModelsEndpointTest, AnEmptyBodyAndABadIdAreClearErrors) {
  EXPECT_THAT(Ask("PUT /v1/models/m").body, HasSubstr(R"("code":"model-empty")"));
  EXPECT_THAT(Ask("PUT /v1/models/-m", NegatingModel()).body, HasSubstr(R"("code":"model-id")"));
  EXPECT_THAT(Ask("GET /v1/models/..").body, HasSubstr(R"("code":"model-id")"));
}

TEST_F(ModelsEndpointTest, TheGateAnswersWithItsOwnCode) {
  base::Bytes truncated = NegatingModel();
  truncated.resize(truncated.size() / 2);
  EXPECT_EQ(Ask("PUT /v1/models/m", std::move(truncated)).status, 400);

  tests::OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {2}).Output("y", tests::kOnnxFloat, {2});
  graph.Initializer(tests::ExternalTensor("w", tests::kOnnxFloat, {2}, "secrets"));
  graph.Node(tests::OnnxNode("Add", {"x", "w"}, {"y"}));
  const FakeAnswer answer = Ask("PUT /v1/models/m", tests::OnnxModel(graph).Opset(17).Bytes());
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr(R"("code":"external-data")"));
}

}  // namespace
}  // namespace blindai::endpoints
