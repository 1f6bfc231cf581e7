#include "protocols/endpoints/open_inference_v2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <future>

#include "encoding/base64.h"
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

// A server with one model, "negate": y = -x for two numbers.
class OpenInferenceTest : public ::testing::Test {
 protected:
  OpenInferenceTest() {
    RegisterOpenInferenceV2(router_, models_.catalogue(), ready_,
                            {.server_version = "1.2.3", .max_tensor_bytes = 4096, .upload = models_.upload()},
                            Identify);
    auto upload = service::ModelUpload::Begin(
        models_.catalogue(), models_.upload(), service::Caller::AnonymousWithAllRights(),
        {.id = *vocabulary::ModelId::Parse("negate"), .content_length = std::nullopt});
    BLINDAI_CHECK(upload.ok() && (*upload)->Feed(NegateModel()).ok());
    std::promise<bool> published;
    service::ModelUpload::Finish(std::move(*upload), [&](const base::Result<service::ModelRecord>& record) {
      published.set_value(record.ok());
    });
    BLINDAI_CHECK(published.get_future().get());
  }
  static base::Bytes NegateModel() {
    tests::OnnxGraph graph;
    graph.Input("x", tests::kOnnxFloat, {2}).Output("y", tests::kOnnxFloat, {2});
    graph.Node(tests::OnnxNode("Neg", {"x"}, {"y"}));
    return tests::OnnxModel(graph).Opset(17).Bytes();
  }
  // "reader" may run and nothing else, "bert" is another user, everybody else is anonymous with all rights.
  static base::Result<service::Caller> Identify(const net::RequestHead& head) {
    const auto who = head.headers.Find("Authorization").value_or("");
    if (who == "Bearer reader") return service::Caller{"reader", 1, false, true};
    if (who == "Bearer bert") return service::Caller{"bert", 2, true, true};
    return service::Caller::AnonymousWithAllRights();
  }
  static std::string LoadBody(base::ByteView model, const std::string& more = "") {
    return R"({"parameters":{"config":"{\"backend\":\"onnxruntime\"}","file:1/model.onnx":")" +
           encoding::Base64Encode(model) + "\"" + more + "}}";
  }
  FakeAnswer Ask(const std::string& request, std::string_view body = "") {
    FakeExchange exchange(request, base::CopyBytes(base::AsBytes(body)));
    return Serve(router_, exchange);
  }
  FakeAnswer Infer(std::string_view body) { return Ask("POST /v2/models/negate/infer", body); }

  std::atomic<bool> ready_ = true;
  tests::ServedModels models_;
  Router router_;
};

TEST_F(OpenInferenceTest, JsonInJsonOut) {
  const FakeAnswer answer =
      Infer(R"({"id":"7","inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1.5,-2]}]})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("model_name":"negate")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("id":"7")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("data":[-1.5,2)"));
}

TEST_F(OpenInferenceTest, BinaryInBinaryOut) {
  const std::string json =
      R"({"inputs":[{"name":"x","shape":[2],"datatype":"FP32","parameters":{"binary_data_size":8}}],)"
      R"("parameters":{"binary_data_output":true}})";
  const float values[2] = {3, 4};
  std::string body = json;
  body.append(reinterpret_cast<const char*>(values), sizeof values);
  const FakeAnswer answer =
      Ask("POST /v2/models/negate/versions/1/infer\r\nInference-Header-Content-Length: " +
              std::to_string(json.size()),
          body);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.headers.Find("Content-Type"), "application/octet-stream");
  float out[2];
  ASSERT_GT(answer.body.size(), sizeof out);
  std::memcpy(out, answer.body.data() + answer.body.size() - sizeof out, sizeof out);
  EXPECT_EQ(out[0], -3);
  EXPECT_EQ(out[1], -4);
}

TEST_F(OpenInferenceTest, EveryWrongInputNamesWhatWasWanted) {
  struct Row {
    const char* input;
    const char* code;
  };
  const Row rows[] = {
      {R"({"name":"z","shape":[2],"datatype":"FP32","data":[1,2]})", "tensor-name"},
      {R"({"name":"x","shape":[2],"datatype":"INT32","data":[1,2]})", "tensor-dtype"},
      {R"({"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]})", "tensor-shape"},
      {R"({"name":"x","shape":[3],"datatype":"FP32","data":[1,2,3]})", "tensor-shape"},
      {R"({"name":"x","shape":[2],"datatype":"FP32","data":[1,2,3]})", "tensor-size"},
      {R"({"name":"x","shape":[2],"datatype":"FP32","data":[1,NaN]})", "tensor-json"},
      {R"({"name":"x","shape":[-2],"datatype":"FP32","data":[1,2]})", "infer-field"},
  };
  for (const Row& row : rows) {
    const FakeAnswer answer = Infer(R"({"inputs":[)" + std::string(row.input) + "]}");
    EXPECT_EQ(answer.status, 400) << row.input;
    EXPECT_THAT(answer.body, HasSubstr(R"("code":")" + std::string(row.code))) << row.input;
  }
}

TEST_F(OpenInferenceTest, ABodyOverTheLimitIsRefused) {
  const std::string large(5000 + (1 << 20), ' ');
  EXPECT_EQ(Infer(large).status, 413);
}

TEST_F(OpenInferenceTest, UnknownModelsAndVersionsAre404) {
  EXPECT_EQ(Ask("POST /v2/models/none/infer", "{}").status, 404);
  EXPECT_THAT(Ask("POST /v2/models/none/infer", "{}").body, HasSubstr("\"code\":\"model-not-found\""));
  EXPECT_THAT(Ask("GET /v2/models/negate/versions/2").body, HasSubstr("\"code\":\"model-not-found\""));
  EXPECT_EQ(Ask("GET /v2/models/negate/versions/1").status, 200);
}

TEST_F(OpenInferenceTest, EachVersionAndLabelHasItsOwnPaths) {
  service::Caller caller = service::Caller::AnonymousWithAllRights();
  const auto id = *vocabulary::ModelId::Parse("negate");
  {
    const auto place = models_.catalogue().ReserveToChange(
        caller, id, {.policy = *vocabulary::VersionPolicy::Parse("all"), .labels = {{"stable", 1}}});
    ASSERT_TRUE(place.ok());
    models_.catalogue().Apply(**place);
  }
  ASSERT_EQ(Ask("POST /v2/repository/models/negate/load", LoadBody(NegateModel())).status, 200);
  const std::string run = R"({"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,2]}]})";
  const auto answered_by = [&](const std::string& path, const char* version) {
    const FakeAnswer answer = Ask("POST /v2/models/negate" + path + "/infer", run);
    EXPECT_EQ(answer.status, 200) << path << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(R"("model_version":")" + std::string(version))) << path;
  };
  answered_by("", "2");
  answered_by("/versions/1", "1");
  answered_by("/versions/2", "2");
  answered_by("/versions/stable", "1");
  for (const char* path : {"", "/versions/1", "/versions/stable"}) {
    const std::string model = "GET /v2/models/negate" + std::string(path);
    EXPECT_THAT(Ask(model).body, HasSubstr(R"("versions":["1","2"])")) << path;
    for (const char* after : {"/ready", "/config", "/stats"})
      EXPECT_EQ(Ask(model + after).status, 200) << after;
  }
  EXPECT_THAT(Ask("GET /v2/models/negate/versions/stable/stats").body, HasSubstr(R"("inference_count":2)"));
  EXPECT_THAT(Ask("GET /v2/models/stats").body, HasSubstr(R"("version":"1")"));
  EXPECT_EQ(Ask("POST /v2/repository/index").body,
            R"([{"name":"negate","state":"READY","reason":"","version":"1"},)"
            R"({"name":"negate","state":"READY","reason":"","version":"2"}])");
  for (const char* unknown : {"3", "0", "01", "canary", "STABLE"}) {
    const FakeAnswer answer = Ask("POST /v2/models/negate/versions/" + std::string(unknown) + "/infer", run);
    EXPECT_EQ(answer.status, 404) << unknown;
    EXPECT_THAT(answer.body, HasSubstr("model-not-found")) << unknown;
  }
  // All versions at once, as the protocol has it.
  EXPECT_EQ(Ask("POST /v2/repository/models/negate/unload").status, 200);
  EXPECT_EQ(Ask("POST /v2/repository/index").body, "[]");
}

TEST_F(OpenInferenceTest, MetadataAndHealth) {
  EXPECT_THAT(Ask("GET /v2").body, HasSubstr(R"("version":"1.2.3")"));
  EXPECT_EQ(Ask("GET /v2/").status, 200);
  EXPECT_THAT(Ask("GET /v2/models/negate").body, HasSubstr(R"("platform":"onnx_onnxv1")"));
  EXPECT_EQ(Ask("GET /v2/models/negate/ready").status, 200);
  EXPECT_EQ(Ask("GET /v2/health/live").status, 200);
  EXPECT_EQ(Ask("GET /v2/health/ready").status, 200);
  ready_ = false;
  EXPECT_EQ(Ask("GET /v2/health/ready").status, 503);
}

TEST_F(OpenInferenceTest, StatisticsCountRuns) {
  Infer(R"({"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,2]}]})");
  EXPECT_THAT(Ask("GET /v2/models/negate/stats").body, HasSubstr(R"("inference_count":1)"));
  EXPECT_THAT(Ask("GET /v2/models/stats").body, HasSubstr(R"("name":"negate")"));
  const std::string body = Ask("GET /v2/models/negate/versions/1/stats").body;
  EXPECT_THAT(body, HasSubstr(R"("success":{"count":1,"ns":)"));
  EXPECT_THAT(body, HasSubstr(R"("queue":{"count":1,)"));
  EXPECT_THAT(body, Not(HasSubstr(R"("last_inference":0)")));
  EXPECT_THAT(body, Not(HasSubstr(R"("byte_size":0)")));
  EXPECT_EQ(Ask("GET /v2/models/negate/versions/2/stats").status, 404);
  EXPECT_EQ(Ask("GET /v2/models/none/stats").status, 404);
}

TEST_F(OpenInferenceTest, AModelsConfigurationIsInTritonsWords) {
  const FakeAnswer answer = Ask("GET /v2/models/negate/versions/1/config");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(R"("input":[{"name":"x","data_type":"TYPE_FP32","dims":[2]}])"));
  EXPECT_EQ(Ask("GET /v2/models/none/config").status, 404);
}

TEST_F(OpenInferenceTest, ALoadBringsAModelThroughTheGate) {
  const FakeAnswer loaded = Ask("POST /v2/repository/models/other/load", LoadBody(NegateModel()));
  ASSERT_EQ(loaded.status, 200) << loaded.body;
  EXPECT_EQ(loaded.body, R"({"name":"other","version":"1","state":"READY"})");
  const FakeAnswer answer = Ask("POST /v2/models/other/infer",
                                R"({"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,2]}]})");
  EXPECT_THAT(answer.body, HasSubstr(R"("data":[-1,-2)"));
  // Again: in its place, and the version counts.
  EXPECT_THAT(Ask("POST /v2/repository/models/other/load", LoadBody(NegateModel())).body,
              HasSubstr(R"("version":"2")"));
  // Without a file: what is there.
  EXPECT_THAT(Ask("POST /v2/repository/models/other/load").body, HasSubstr(R"("version":"2")"));
  EXPECT_EQ(Ask("POST /v2/repository/models/none/load").status, 404);
  const FakeAnswer hostile =
      Ask("POST /v2/repository/models/bad/load", LoadBody(base::AsBytes("not a model")));
  EXPECT_EQ(hostile.status, 400);
  EXPECT_THAT(hostile.body, HasSubstr(R"("code":"not-onnx")"));
  EXPECT_EQ(Ask("POST /v2/repository/models/bad/load", "[]").status, 400);
}

TEST_F(OpenInferenceTest, WhatIsUnloadedIsGone) {
  EXPECT_EQ(
      Ask("POST /v2/repository/models/negate/unload", R"({"parameters":{"unload_dependents":true}})").status,
      200);
  EXPECT_EQ(Ask("GET /v2/models/negate/ready").status, 404);
  EXPECT_EQ(Ask("POST /v2/repository/models/negate/unload").status, 404);
  EXPECT_EQ(Ask("POST /v2/repository/models/no%20id/unload").status, 400);
}

TEST_F(OpenInferenceTest, OnlyItsOwnerLoadsAndUnloads) {
  const std::string as_reader = "\r\nAuthorization: Bearer reader";
  EXPECT_EQ(Ask("POST /v2/repository/models/mine/load" + as_reader, LoadBody(NegateModel())).status, 403);
  EXPECT_EQ(Ask("POST /v2/repository/models/negate/load" + as_reader).status, 403);
  EXPECT_EQ(Ask("POST /v2/repository/models/negate/unload" + as_reader).status, 403);
  const std::string as_bert = "\r\nAuthorization: Bearer bert";
  EXPECT_EQ(Ask("POST /v2/repository/models/negate/load" + as_bert, LoadBody(NegateModel())).status, 409);
  EXPECT_EQ(Ask("POST /v2/repository/models/negate/unload" + as_bert).status, 404);
  EXPECT_EQ(Ask("POST /v2/repository/models/secret/load" + as_bert,
                LoadBody(NegateModel(), R"(,"visibility":"private")"))
                .status,
            200);
  EXPECT_EQ(Ask("GET /v2/models/secret").status, 404);
  EXPECT_EQ(Ask("GET /v2/models/secret" + as_bert).status, 200);
}

TEST_F(OpenInferenceTest, CompressedBodiesAreRefused) {
  const FakeAnswer answer = Ask("POST /v2/models/negate/infer\r\nContent-Encoding: gzip", "{}");
  EXPECT_EQ(answer.status, 501);
  EXPECT_THAT(answer.body, HasSubstr(R"("code":"content-encoding")"));
}

TEST_F(OpenInferenceTest, ATimeoutOfTheRequestIsItsDeadline) {
  const auto with = [](const char* timeout) {
    return R"({"parameters":{"timeout":)" + std::string(timeout) +
           R"(},"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[1,2]}]})";
  };
  EXPECT_EQ(Infer(with("9223372036854775807")).status, 200);
  EXPECT_EQ(Infer(with("0")).status, 200);
  EXPECT_EQ(Infer(with("60000000")).status, 200);
}

TEST_F(OpenInferenceTest, TheIndexListsWhatIsServedToTheCaller) {
  EXPECT_THAT(Ask("POST /v2/repository/index").body, HasSubstr(R"("name":"negate")"));
  EXPECT_EQ(Ask("POST /v2/repository/index", "[]").status, 400);
}

}  // namespace
}  // namespace blindai::endpoints
