#include "protocols/endpoints/open_inference_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/served_models.h"

namespace blindai::endpoints {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(OpenInferenceModels, OnlyWhatIsThereIsAnnounced) {
  EXPECT_THAT(OpenInferenceExtensions(),
              ::testing::UnorderedElementsAre("binary_tensor_data", "parameters", "statistics",
                                              "model_repository", "model_configuration"));
}

TEST(OpenInferenceModels, ATimeoutMakesTheDeadlineShorterAndNeverLonger) {
  const auto latest = std::chrono::steady_clock::now() + seconds(60);
  wire::InferRequest request;
  EXPECT_EQ(RunRequestOf(request, nullptr, latest).deadline, latest);
  request.parameters["timeout"] = std::int64_t{30'000'000};
  const auto sooner = RunRequestOf(request, nullptr, latest).deadline;
  EXPECT_LT(sooner, latest);
  EXPECT_GT(sooner, latest - seconds(60));
  for (const std::int64_t large : {std::int64_t{120'000'000}, std::numeric_limits<std::int64_t>::max()}) {
    request.parameters["timeout"] = large;
    EXPECT_EQ(RunRequestOf(request, nullptr, latest).deadline, latest);
  }
}

TEST(OpenInferenceModels, ARunNamesItsTensorsAndKeepsTheirBytes) {
  wire::InferRequest request;
  const base::Bytes bytes(8);
  request.inputs.push_back({{"x", vocabulary::Datatype::kFp32, {2}, bytes}, true, {}});
  request.outputs.push_back({"y", std::nullopt, {}});
  const auto elements = std::make_shared<int>(1);
  const service::RunRequest run =
      RunRequestOf(request, elements, std::chrono::steady_clock::now() + microseconds(1));
  ASSERT_EQ(run.inputs.size(), 1u);
  EXPECT_EQ(run.inputs[0].data.data(), bytes.data());
  EXPECT_EQ(run.outputs, std::vector<std::string>{"y"});
  EXPECT_EQ(elements.use_count(), 2);
}

TEST(OpenInferenceModels, WhatIsNotThereIsNotFoundWhateverIsAsked) {
  tests::ServedModels models;
  const auto caller = service::Caller::AnonymousWithAllRights();
  EXPECT_EQ(FindVersion(models.catalogue(), caller, "none", "").error().code, "model-not-found");
  EXPECT_EQ(FindVersion(models.catalogue(), caller, "no id", "").error().code, "model-id");
  EXPECT_EQ(StatisticsFor(models.catalogue(), caller, "none", "1").error().code, "model-not-found");
  EXPECT_TRUE(StatisticsFor(models.catalogue(), caller, "", "")->empty());
  EXPECT_TRUE(IndexFor(models.catalogue(), caller).empty());
  std::string code;
  const auto keep = [&](const base::Result<service::ModelRecord>& record) { code = record.error().code; };
  LoadModel(models.catalogue(), models.upload(), caller, "none", {}, keep);
  EXPECT_EQ(code, "model-not-found");
  LoadModel(models.catalogue(), models.upload(), {"reader", 1, false, true}, "none", {}, keep);
  EXPECT_EQ(code, "not-allowed");
  UnloadModel(models.catalogue(), caller, "no id", keep);
  EXPECT_EQ(code, "model-id");
}

}  // namespace
}  // namespace blindai::endpoints
