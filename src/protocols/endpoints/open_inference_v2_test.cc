#include "protocols/endpoints/open_inference_v2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <future>

#include "support/fake_exchange.h"
#include "support/onnx_builder.h"
#include "support/served_models.h"

namespace blindai::endpoints {
namespace {

using ::testing::HasSubstr;
using tests::FakeAnswer;
using tests::FakeExchange;
using tests::Serve;

// A server with one model, "negate": y = -x for two numbers.
class OpenInferenceTest : public ::testing::Test {
 protected:
  OpenInferenceTest() {
    RegisterOpenInferenceV2(router_, models_.catalogue(), ready_,
                            {.server_version = "1.2.3", .max_tensor_bytes = 4096}, tests::EverybodyMay);
    tests::OnnxGraph graph;
    graph.Input("x", tests::kOnnxFloat, {2}).Output("y", tests::kOnnxFloat, {2});
    graph.Node(tests::OnnxNode("Neg", {"x"}, {"y"}));
    auto upload = service::ModelUpload::Begin(
        models_.catalogue(), models_.upload(), service::Caller::AnonymousWithAllRights(),
        {.id = *vocabulary::ModelId::Parse("negate"), .content_length = std::nullopt});
    BLINDAI_CHECK(upload.ok() && (*upload)->Feed(tests::OnnxModel(graph).Opset(17).Bytes()).ok());
    std::promise<bool> published;
    service::ModelUpload::Finish(std::move(*upload), [&](const base::Result<service::ModelRecord>& record) {
      published.set_value(record.ok());
    });
    BLINDAI_CHECK(published.get_future().get());
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
  EXPECT_THAT(Ask("GET /v2/models/negate/versions/2").body, HasSubstr("\"code\":\"model-version\""));
  EXPECT_EQ(Ask("GET /v2/models/negate/versions/1").status, 200);
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
}

TEST_F(OpenInferenceTest, TheIndexListsWhatIsServedToTheCaller) {
  EXPECT_THAT(Ask("POST /v2/repository/index").body, HasSubstr(R"("name":"negate")"));
  EXPECT_EQ(Ask("POST /v2/repository/index", "[]").status, 400);
}

}  // namespace
}  // namespace blindai::endpoints
