#include "protocols/wire/open_inference_repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "encoding/base64.h"

namespace blindai::wire {
namespace {

using base::AsBytes;
using ::testing::HasSubstr;

base::Result<LoadRequest> Load(std::string_view body) { return DecodeLoadRequest(AsBytes(body), "m"); }
base::Result<LoadRequest> LoadWith(const std::string& parameters) {
  return Load("{\"parameters\":{" + parameters + "}}");
}

TEST(OipRepository, AFileComesAsBase64) {
  const auto request = LoadWith(R"("config":"{\"name\":\"m\",\"backend\":\"onnxruntime\"}",)"
                                R"("file:1/model.onnx":"AQID","visibility":"private","precision":"bf16")");
  ASSERT_TRUE(request.ok()) << request.error().message;
  ASSERT_TRUE(request->file.has_value());
  EXPECT_EQ(base::CopyBytes(request->file->ExposeSecret()), (base::Bytes{1, 2, 3}));
  EXPECT_EQ(request->visibility, ModelVisibility::kPrivate);
  EXPECT_EQ(request->precision, ModelPrecision::kBf16);
}

TEST(OipRepository, NothingLoadsWhatIsKnown) {
  for (const char* body : {"", "{}", R"({"parameters":{}})", R"({"parameters":{"config":"{}","other":7}})"}) {
    const auto request = Load(body);
    ASSERT_TRUE(request.ok()) << body;
    EXPECT_FALSE(request->file.has_value());
  }
}

TEST(OipRepository, FilesThatAreNoModelAreRefused) {
  for (const char* name : {"file:model.onnx", "file:/model.onnx", "file:1/", "file:1/.onnx",
                           "file:1/model.plan", "file:1/../model.onnx", "file:one/model.onnx", "file:"}) {
    const auto request = LoadWith("\"" + std::string(name) + "\":\"AQID\"");
    ASSERT_FALSE(request.ok()) << name;
    EXPECT_EQ(request.error().code, "load-file") << name;
  }
  EXPECT_EQ(LoadWith(R"("file:1/model.onnx":"AQI")").error().code, "load-file");
  EXPECT_EQ(LoadWith(R"("file:1/model.onnx":"")").error().code, "load-file");
  EXPECT_EQ(LoadWith(R"("file:1/model.onnx":7)").error().code, "load-file");
  EXPECT_THAT(LoadWith(R"("file:1/a.onnx":"AQID","file:1/b.onnx":"AQID")").error().message,
              HasSubstr("more than one"));
}

TEST(OipRepository, AFileOverTheLimitIsToldTheOtherWay) {
  LoadBuilder builder("m");
  const auto added = builder.AddFile("file:1/model.onnx", base::SecretBytes(kMaxLoadFileBytes + 1));
  EXPECT_EQ(added.error().kind, base::ErrorKind::kTooLarge);
  EXPECT_THAT(added.error().message, HasSubstr("PUT"));
}

TEST(OipRepository, AConfigurationSaysWhichVersionsStay) {
  struct Row {
    const char* policy;
    const char* words;  // null: refused
  };
  for (const Row& row :
       {Row{R"({"latest":{"num_versions":2}})", "latest:2"}, Row{R"({"latest":{}})", "latest:1"},
        Row{R"({"all":{}})", "all"}, Row{R"({"specific":{"versions":[3,"1"]}})", "specific:1,3"},
        Row{R"({})", nullptr}, Row{R"({"newest":{}})", nullptr}, Row{R"({"all":7})", nullptr},
        Row{R"({"latest":{"num_versions":0}})", nullptr}, Row{R"({"latest":{"num_versions":1.5}})", nullptr},
        Row{R"({"specific":{}})", nullptr}, Row{R"({"specific":{"versions":[]}})", nullptr},
        Row{R"({"specific":{"versions":[[1]]}})", nullptr}, Row{R"({"all":{},"latest":{}})", nullptr}}) {
    LoadBuilder builder("m");
    const auto taken = builder.AddText("config", R"({"version_policy":)" + std::string(row.policy) + "}");
    ASSERT_EQ(taken.ok(), row.words != nullptr) << row.policy;
    if (row.words == nullptr) {
      EXPECT_EQ(taken.error().code, "load-config") << row.policy;
    } else {
      EXPECT_EQ(builder.Take().versions->ToText(), row.words);
    }
  }
  LoadBuilder silent("m");
  ASSERT_TRUE(silent.AddText("config", "{}").ok());
  EXPECT_FALSE(silent.Take().versions.has_value());
}

TEST(OipRepository, AConfigurationForSomethingElseIsRefused) {
  for (const char* config : {R"({\"name\":\"other\"})", R"({\"backend\":\"tensorrt\"})",
                             R"({\"platform\":\"pytorch\"})", R"({\"backend\":7})", "7", "{", ""}) {
    const auto request = LoadWith("\"config\":\"" + std::string(config) + "\"");
    ASSERT_FALSE(request.ok()) << config;
    EXPECT_EQ(request.error().code, "load-config") << config;
  }
  EXPECT_TRUE(LoadWith(R"("config":"{\"platform\":\"onnxruntime_onnx\",\"max_batch_size\":0}")").ok());
  EXPECT_EQ(LoadWith(R"("visibility":"everybody")").error().code, "load-parameter");
  EXPECT_EQ(LoadWith(R"("precision":"f64")").error().code, "load-parameter");
}

TEST(OipRepository, BodiesOfAnotherShapeAreRefused) {
  for (const char* body : {"[]", "7", "{", R"({"parameters":[]})", R"({"parameters":7})"}) {
    EXPECT_EQ(Load(body).error().code, "oip-body") << body;
    EXPECT_EQ(CheckUnloadRequest(AsBytes(body)).error().code, "oip-body") << body;
  }
  EXPECT_TRUE(CheckUnloadRequest({}).ok());
  EXPECT_TRUE(CheckUnloadRequest(AsBytes(R"({"parameters":{"unload_dependents":true}})")).ok());
  EXPECT_FALSE(CheckUnloadRequest(AsBytes(R"({"parameters":{"unload_dependents":"yes"}})")).ok());
  EXPECT_EQ(EncodeLoaded("m", "2"), R"({"name":"m","version":"2","state":"READY"})");
}

}  // namespace
}  // namespace blindai::wire
