#include "server/operator_models.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "crypto/digest.h"
#include "encoding/hex.h"
#include "support/onnx_builder.h"
#include "support/paths.h"

namespace blindai::server {
namespace {

class OperatorModelsTest : public ::testing::Test {
 protected:
  OperatorModelsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "blindai-models-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    const base::Bytes model = tests::MatMulModel(4, 2);
    std::ofstream(folder_ / "m.onnx", std::ios::binary) << base::AsText(model);
    config_.models = {{.id = "m",
                       .file = folder_ / "m.onnx",
                       .sha256 = encoding::HexEncode(crypto::Sha256(model).view()),
                       .vocab_file = "",
                       .preprocessor_file = ""}};
    options_.worker.worker_program = tests::ProgramsDir() / "blindai-worker";
  }
  ~OperatorModelsTest() override {
    for (const auto& served : catalogue_.RemoveAll()) {
      std::promise<void> stopped;
      served->host->Stop([&] { stopped.set_value(); });
      stopped.get_future().wait();
    }
    std::filesystem::remove_all(folder_);
  }
  std::string Load() {
    const base::Status loaded = LoadOperatorModels(config_, catalogue_, options_);
    return loaded.ok() ? "ok" : loaded.error().code;
  }

  std::filesystem::path folder_;
  ServerConfig config_;
  service::UploadOptions options_;
  service::ModelCatalogue catalogue_{service::CatalogueLimits{}};
};

TEST_F(OperatorModelsTest, AreServedToEverybodyAndTheirWorkersShared) {
  ASSERT_EQ(Load(), "ok");
  const auto served = catalogue_.Find(service::Caller{}, *vocabulary::ModelId::Parse("m"));
  ASSERT_TRUE(served.ok());
  EXPECT_TRUE((*served)->record.is_operators);
  EXPECT_EQ((*served)->record.owner, service::kOperator);
  EXPECT_EQ((*served)->record.sha256, config_.models[0].sha256);
  EXPECT_TRUE((*served)->host->options().shared);
}

TEST_F(OperatorModelsTest, ForThoseWithAnAccountWhenTheOperatorSaysSo) {
  config_.models[0].visibility = "tenants";
  ASSERT_EQ(Load(), "ok");
  const auto id = *vocabulary::ModelId::Parse("m");
  EXPECT_FALSE(catalogue_.Find(service::Caller{}, id).ok());
  EXPECT_TRUE(catalogue_.Find(service::Caller{"anna", 1, false, true}, id).ok());
}

TEST_F(OperatorModelsTest, AnotherFileThanTheMeasuredOneStopsTheStart) {
  config_.models[0].sha256 = std::string(64, '0');
  EXPECT_EQ(Load(), "model-sha256");
  EXPECT_EQ(catalogue_.size(), 0u);
  config_.models[0].file = folder_ / "none.onnx";
  EXPECT_EQ(Load(), "model-file");
  std::ofstream(folder_ / "none.onnx") << "this is no model";
  EXPECT_NE(Load(), "ok");
  EXPECT_EQ(catalogue_.uploads(), 0u);
}

TEST_F(OperatorModelsTest, ASpeechModelNeedsItsTextFiles) {
  config_.models[0].vocab_file = folder_ / "vocab.json";
  config_.models[0].preprocessor_file = folder_ / "preprocessor_config.json";
  EXPECT_EQ(Load(), "model-file");
  std::ofstream(folder_ / "vocab.json") << R"({"<pad>":0,"|":1,"A":2})";
  std::ofstream(folder_ / "preprocessor_config.json") << "{}";
  // This one takes no samples.
  EXPECT_EQ(Load(), "model-not-speech");
}

}  // namespace
}  // namespace blindai::server
