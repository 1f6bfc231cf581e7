#include "protocols/wire/open_inference_v2_metadata.h"

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using base::AsBytes;

TEST(OipMetadata, TheServersIsReadBack) {
  const std::string text = EncodeServerMetadata({"blindai", "0.1.0", {"binary_tensor_data", "statistics"}});
  EXPECT_EQ(text, R"({"name":"blindai","version":"0.1.0","extensions":["binary_tensor_data","statistics"]})");
  EXPECT_EQ(EncodeServerMetadata(*DecodeServerMetadata(AsBytes(text))), text);
}

TEST(OipMetadata, AModelsIsReadBack) {
  const ModelMetadata metadata = {"m",
                                  {"1"},
                                  "onnx_onnxv1",
                                  {{"x", vocabulary::Datatype::kFp32, {-1, 3}}},
                                  {{"y", vocabulary::Datatype::kBool, {}}}};
  const std::string text = EncodeModelMetadata(metadata);
  EXPECT_EQ(
      text,
      R"({"name":"m","versions":["1"],"platform":"onnx_onnxv1","inputs":[{"name":"x","datatype":"FP32",)"
      R"("shape":[-1,3]}],)"
      R"("outputs":[{"name":"y","datatype":"BOOL","shape":[]}]})");
  EXPECT_EQ(EncodeModelMetadata(*DecodeModelMetadata(AsBytes(text))), text);
}

TEST(OipMetadata, HealthHasTheFieldsOfBothTexts) {
  EXPECT_EQ(EncodeHealth(true), R"({"live":true,"ready":true})");
  EXPECT_TRUE(*DecodeHealth(AsBytes(EncodeHealth(true))));
  EXPECT_FALSE(*DecodeHealth(AsBytes(EncodeHealth(false))));
  EXPECT_TRUE(*DecodeHealth(AsBytes(R"({"live":true})")));
  EXPECT_FALSE(DecodeHealth(AsBytes("{}")).ok());
  EXPECT_EQ(EncodeModelReady("m", false), R"({"name":"m","ready":false})");
  EXPECT_FALSE(*DecodeModelReady(AsBytes(EncodeModelReady("m", false))));
}

TEST(OipMetadata, AnErrorIsATextWithOurCodeBeside) {
  EXPECT_EQ(EncodeOipError(base::Malformed("no such thing", "tensor-shape")),
            R"({"error":"no such thing","code":"tensor-shape"})");
}

TEST(OipMetadata, TheRepositoryIndexIsReadBack) {
  const std::string text = EncodeIndex({{"a", "1", "READY", ""}, {"b", "", "UNAVAILABLE", "loading failed"}});
  EXPECT_EQ(text,
            R"([{"name":"a","state":"READY","reason":"","version":"1"},{"name":"b","state":"UNAVAILABLE",)"
            R"("reason":"loading failed"}])");
  EXPECT_EQ(EncodeIndex(*DecodeIndex(AsBytes(text))), text);
  EXPECT_FALSE(*DecodeIndexRequest({}));
  EXPECT_TRUE(*DecodeIndexRequest(AsBytes(R"({"ready":true})")));
  EXPECT_FALSE(DecodeIndexRequest(AsBytes(R"({"ready":1})")).ok());
}

TEST(OipMetadata, StatisticsAreReadBack) {
  ModelStatistics model;
  model.name = "m";
  model.last_inference_ms = 1764097376123;
  model.inference_count = 7;
  model.execution_count = 3;
  model.success = {7, 1'000'000'007};
  model.compute_infer = {3, 5};
  model.memory_bytes = 1 << 20;
  const std::string text = EncodeStatistics({model});
  const auto read = DecodeStatistics(AsBytes(text));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(EncodeStatistics(*read), text);
  EXPECT_EQ(read->front().success.ns, 1'000'000'007u);
  EXPECT_NE(text.find(R"("batch_stats":[{"batch_size":1,)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("memory_usage":[{"type":"CPU","id":0,"byte_size":1048576}])"), std::string::npos)
      << text;
}

TEST(OipMetadata, AModelsConfigurationSpeaksTritonsWords) {
  const ModelMetadata metadata{"m",
                               {"1"},
                               "onnx_onnxv1",
                               {{"x", vocabulary::Datatype::kFp32, {-1, 3}}},
                               {{"y", vocabulary::Datatype::kBytes, {}}}};
  EXPECT_EQ(EncodeModelConfig(metadata),
            R"({"name":"m","platform":"onnx_onnxv1","backend":"openvino","max_batch_size":0,)"
            R"("input":[{"name":"x","data_type":"TYPE_FP32","dims":[-1,3]}],)"
            R"("output":[{"name":"y","data_type":"TYPE_STRING","dims":[]}],)"
            R"("instance_group":[{"count":1,"kind":"KIND_CPU"}]})");
}

TEST(OipMetadata, BodiesOfAnotherShapeAreRefused) {
  for (const char* body : {"", "{}", "[]", "7", R"({"name":7})", R"({"name":"a","model_stats":{}})"}) {
    EXPECT_EQ(DecodeServerMetadata(AsBytes(body)).error().code, "oip-body") << body;
    EXPECT_EQ(DecodeModelMetadata(AsBytes(body)).error().code, "oip-body") << body;
    EXPECT_EQ(DecodeStatistics(AsBytes(body)).error().code, "oip-body") << body;
    EXPECT_EQ(DecodeModelReady(AsBytes(body)).error().code, "oip-body") << body;
  }
  EXPECT_FALSE(DecodeIndex(AsBytes("{}")).ok());
  EXPECT_FALSE(DecodeIndex(AsBytes("[1]")).ok());
}

}  // namespace
}  // namespace blindai::wire
