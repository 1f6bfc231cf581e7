#include "protocols/wire/open_inference_grpc/model_messages.h"

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using vocabulary::Datatype;

const ModelMetadata kModel{
    "m", {"2"}, "onnx_onnxv1", {{"x", Datatype::kFp32, {-1, 3}}}, {{"y", Datatype::kBytes, {}}}};

TEST(ModelMessages, MetadataSaysWhatAModelTakes) {
  inference::ModelMetadataResponse message;
  FillMetadata(kModel, message);
  EXPECT_EQ(message.name() + message.versions(0) + message.platform(), "m2onnx_onnxv1");
  EXPECT_EQ(message.inputs(0).datatype(), "FP32");
  EXPECT_EQ(message.inputs(0).shape(0), -1);
  EXPECT_EQ(message.outputs(0).name(), "y");
  inference::ServerMetadataResponse server;
  FillMetadata({"blindai", "1", {"parameters"}}, server);
  EXPECT_EQ(server.extensions(0), "parameters");
}

TEST(ModelMessages, EveryDatatypeHasATypeInTheConfiguration) {
  for (const Datatype datatype :
       {Datatype::kBool, Datatype::kUint8, Datatype::kUint16, Datatype::kUint32, Datatype::kUint64,
        Datatype::kInt8, Datatype::kInt16, Datatype::kInt32, Datatype::kInt64, Datatype::kFp16,
        Datatype::kBf16, Datatype::kFp32, Datatype::kFp64, Datatype::kBytes}) {
    inference::ModelConfig config;
    FillConfig({"m", {}, "", {{"x", datatype, {1}}}, {}}, config);
    EXPECT_NE(config.input(0).data_type(), inference::TYPE_INVALID) << vocabulary::DatatypeName(datatype);
  }
  inference::ModelConfig config;
  FillConfig(kModel, config);
  EXPECT_EQ(config.output(0).data_type(), inference::TYPE_STRING);
  EXPECT_EQ(config.input(0).dims(1), 3);
  EXPECT_EQ(config.max_batch_size(), 0);
}

TEST(ModelMessages, StatisticsAndIndexSayWhatTheirJsonSays) {
  ModelStatistics model;
  model.name = "m";
  model.execution_count = 2;
  model.success = {2, 9};
  model.memory_bytes = 7;
  inference::ModelStatisticsResponse statistics;
  FillStatistics({model, {}}, statistics);
  EXPECT_EQ(statistics.model_stats(0).inference_stats().success().ns(), 9u);
  EXPECT_EQ(statistics.model_stats(0).batch_stats(0).batch_size(), 1u);
  EXPECT_EQ(statistics.model_stats(0).memory_usage(0).byte_size(), 7u);
  EXPECT_EQ(statistics.model_stats(1).batch_stats_size(), 0);
  inference::RepositoryIndexResponse index;
  FillIndex({{"m", "2", "READY", ""}}, index);
  EXPECT_EQ(index.models(0).state(), "READY");
}

TEST(ModelMessages, ALoadTakesItsFileOutOfTheMessage) {
  inference::RepositoryModelLoadRequest message;
  message.set_model_name("m");
  auto& parameters = *message.mutable_parameters();
  parameters["config"].set_string_param(R"({"name":"m"})");
  parameters["file:1/model.onnx"].set_bytes_param("abc");
  parameters["visibility"].set_string_param("private");
  parameters["other"].set_int64_param(7);
  const auto load = DecodeLoadMessage(message);
  ASSERT_TRUE(load.ok()) << load.error().message;
  EXPECT_EQ(base::AsText(load->file->ExposeSecret()), "abc");
  EXPECT_EQ(load->visibility, ModelVisibility::kPrivate);
  EXPECT_EQ(parameters["file:1/model.onnx"].bytes_param(), "");
}

TEST(ModelMessages, ALoadThatIsWrongSaysWhy) {
  inference::RepositoryModelLoadRequest message;
  message.set_model_name("m");
  (*message.mutable_parameters())["config"].set_string_param(R"({"name":"other"})");
  EXPECT_EQ(DecodeLoadMessage(message).error().code, "load-config");
  message.clear_parameters();
  (*message.mutable_parameters())["file:model.plan"].set_bytes_param("abc");
  EXPECT_EQ(DecodeLoadMessage(message).error().code, "load-file");
  message.clear_parameters();
  EXPECT_FALSE(DecodeLoadMessage(message)->file.has_value());
}

}  // namespace
}  // namespace blindai::wire
