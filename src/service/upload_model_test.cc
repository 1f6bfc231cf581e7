// Uploads, runs and deletions with the real worker program and the real engine.
#include "service/upload_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstring>
#include <future>

#include "service/delete_model.h"
#include "service/run_model.h"
#include "support/onnx_builder.h"
#include "support/paths.h"

namespace blindai::service {
namespace {

using base::Result;
using vocabulary::Datatype;
using vocabulary::ModelId;
using vocabulary::Tensor;

ModelId Id(std::string_view text) { return *ModelId::Parse(text); }

base::Bytes FloatBytes(const std::vector<float>& values) {
  base::Bytes bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// y = x + x, for two numbers.
base::Bytes DoublingModel() {
  tests::OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {2}).Output("y", tests::kOnnxFloat, {2});
  graph.Node(tests::OnnxNode("Add", {"x", "x"}, {"y"}));
  return tests::OnnxModel(graph).Opset(17).Bytes();
}

class UploadModelTest : public ::testing::Test {
 protected:
  UploadModelTest() { options_.worker.worker_program = tests::ProgramsDir() / "blindai-worker"; }
  ~UploadModelTest() override {
    for (const auto& served : catalogue_.RemoveAll()) {
      std::promise<void> stopped;
      served->host->Stop([&] { stopped.set_value(); });
      stopped.get_future().wait();
    }
  }

  Result<std::unique_ptr<ModelUpload>> Begin(const Caller& caller, std::optional<std::uint64_t> length) {
    return ModelUpload::Begin(catalogue_, options_, caller,
                              UploadRequest{.id = Id("m"), .content_length = length});
  }
  Result<ModelRecord> Upload(base::ByteView file, const Caller& caller = Caller::AnonymousWithAllRights()) {
    BLINDAI_TRY(auto upload, Begin(caller, file.size()));
    BLINDAI_RETURN_IF_ERROR(upload->Feed(file));
    return Finish(std::move(upload));
  }
  Result<ModelRecord> Finish(std::unique_ptr<ModelUpload> upload) {
    std::promise<Result<ModelRecord>> record;
    ModelUpload::Finish(std::move(upload),
                        [&](Result<ModelRecord> result) { record.set_value(std::move(result)); });
    return record.get_future().get();
  }
  Result<RunDone> RunOn(const std::shared_ptr<const ServedModel>& served, std::vector<Tensor> inputs) {
    std::promise<Result<RunDone>> done;
    RunModel(served, Caller::AnonymousWithAllRights(), RunRequest::Of(std::move(inputs)),
             [&](Result<RunDone> result) { done.set_value(std::move(result)); });
    return done.get_future().get();
  }
  Result<RunDone> Run(std::vector<Tensor> inputs) {
    std::promise<Result<RunDone>> done;
    RunModel(catalogue_, Caller::AnonymousWithAllRights(), Id("m"), RunRequest::Of(std::move(inputs)),
             [&](Result<RunDone> result) { done.set_value(std::move(result)); });
    return done.get_future().get();
  }
  Result<DeletedModel> Delete(const Caller& caller = Caller::AnonymousWithAllRights()) {
    std::promise<Result<DeletedModel>> deleted;
    DeleteModel(catalogue_, caller, Id("m"), "",
                [&](Result<DeletedModel> result) { deleted.set_value(std::move(result)); });
    return deleted.get_future().get();
  }

  UploadOptions options_;
  ModelCatalogue catalogue_{CatalogueLimits{}};
};

TEST_F(UploadModelTest, AnUploadedModelRunsAndCanBeDeleted) {
  const Result<ModelRecord> record = Upload(DoublingModel());
  ASSERT_TRUE(record.ok()) << record.error().message;
  EXPECT_EQ(record->sha256.size(), 64u);
  ASSERT_EQ(record->signature.inputs.size(), 1u);
  EXPECT_EQ(record->signature.inputs[0].name, "x");

  const Result<RunDone> run = Run({{"x", Datatype::kFp32, {2}, FloatBytes({1.5f, -2.0f})}});
  ASSERT_TRUE(run.ok()) << run.error().message;
  EXPECT_EQ(run->answer.outputs[0].data, FloatBytes({3.0f, -4.0f}));

  EXPECT_TRUE(Delete().ok());
  EXPECT_EQ(Run({}).error().code, "model-not-found");
  EXPECT_EQ(Delete().error().code, "model-not-found");
}

TEST_F(UploadModelTest, ReplacingServesTheNewModelUnderTheSameId) {
  ASSERT_TRUE(Upload(DoublingModel()).ok());
  tests::OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {2}).Output("y", tests::kOnnxFloat, {2});
  graph.Node(tests::OnnxNode("Neg", {"x"}, {"y"}));
  const Result<ModelRecord> second = Upload(tests::OnnxModel(graph).Opset(17).Bytes());
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_EQ(second->version, 2u);
  EXPECT_EQ(Run({{"x", Datatype::kFp32, {2}, FloatBytes({1, 2})}})->answer.outputs[0].data,
            FloatBytes({-1, -2}));
}

TEST_F(UploadModelTest, WhoFoundAModelBeforeItWasReplacedIsAnsweredByIt) {
  ASSERT_TRUE(Upload(DoublingModel()).ok());
  auto older = *catalogue_.Find(Caller::AnonymousWithAllRights(), Id("m"));
  const auto pid = older->host->stats().pid;
  ASSERT_TRUE(Upload(DoublingModel()).ok());
  const Tensor input{"x", Datatype::kFp32, {2}, FloatBytes({1, 2})};
  const Result<RunDone> run = RunOn(older, {input});
  ASSERT_TRUE(run.ok()) << run.error().code;
  EXPECT_EQ(run->record.version, 1u);
  EXPECT_EQ(run->answer.outputs[0].data, FloatBytes({2, 4}));
  EXPECT_EQ(Run({input})->record.version, 2u);
  // Its worker ends with the last who holds it.
  EXPECT_EQ(kill(static_cast<pid_t>(pid), 0), 0);
}

TEST_F(UploadModelTest, AnUploadThatNamesNoVisibilityGetsTheServersDefault) {
  EXPECT_EQ(Upload(DoublingModel())->visibility, Visibility::kLink);
  options_.default_visibility = Visibility::kPrivate;
  EXPECT_EQ(Upload(DoublingModel())->visibility, Visibility::kPrivate);
}

TEST_F(UploadModelTest, AFileThatIsNoModelLeavesNothingBehind) {
  EXPECT_FALSE(Upload(base::AsBytes("this is no model")).ok());
  EXPECT_EQ(catalogue_.size(), 0u);
  EXPECT_EQ(catalogue_.uploads(), 0u);
  EXPECT_TRUE(Upload(DoublingModel()).ok());
}

TEST_F(UploadModelTest, AnAnnouncedLengthThatIsNotKeptIsRefused) {
  const base::Bytes file = DoublingModel();
  auto upload = Begin(Caller::AnonymousWithAllRights(), file.size() + 1);
  ASSERT_TRUE(upload.ok());
  ASSERT_TRUE((*upload)->Feed(file).ok());
  EXPECT_EQ(Finish(std::move(*upload)).error().code, "upload-length");
  EXPECT_EQ(catalogue_.size(), 0u);
}

TEST_F(UploadModelTest, WhatIsAnnouncedTooLargeIsRefusedBeforeAByteIsRead) {
  options_.max_model_bytes = 1000;
  EXPECT_EQ(Begin(Caller::AnonymousWithAllRights(), 1001).error().code, "model-too-large");
  EXPECT_TRUE(Begin(Caller::AnonymousWithAllRights(), 1000).ok());
}

TEST_F(UploadModelTest, WhatIsNotAnnouncedIsRefusedWhenItBecomesTooLarge) {
  options_.max_model_bytes = 16;
  auto upload = Begin(Caller::AnonymousWithAllRights(), std::nullopt);
  ASSERT_TRUE(upload.ok());
  EXPECT_EQ((*upload)->Feed(DoublingModel()).error().kind, base::ErrorKind::kTooLarge);
}

TEST_F(UploadModelTest, OnlyWhoMayUploadUploadsAndDeletes) {
  const Caller reader{"reader", 3, false, true};
  EXPECT_EQ(Begin(reader, 10).error().code, "not-allowed");
  EXPECT_EQ(Delete(reader).error().code, "not-allowed");
  EXPECT_EQ(Begin(Caller{}, 10).error().code, "login-required");
}

TEST(RandomModelId, IsAUuidOfVersion4AndAModelId) {
  const std::string text = RandomModelId().text();
  EXPECT_THAT(text,
              testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_NE(text, RandomModelId().text());
}

}  // namespace
}  // namespace blindai::service
