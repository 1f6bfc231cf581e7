#include "server/operator_models.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "crypto/digest.h"
#include "encoding/hex.h"
#include "support/onnx_builder.h"
#include "support/paths.h"
#include "support/toy_whisper.h"
#include "support/whisper_files.h"

namespace blindai::server {
namespace {

class OperatorModelsTest : public ::testing::Test {
 protected:
  OperatorModelsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "blindai-models-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    const base::Bytes model = tests::MatMulModel(4, 2);
    std::ofstream(folder_ / "m.onnx", std::ios::binary) << base::AsText(model);
    OperatorModel named;
    named.id = "m";
    named.file = folder_ / "m.onnx";
    named.sha256 = encoding::HexEncode(crypto::Sha256(model).view());
    config_.models = {named};
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

TEST_F(OperatorModelsTest, TheVoiceActivityNetworkIsReachedByTranscriptionsAlone) {
  if (!std::filesystem::exists(tests::SileroFile())) GTEST_SKIP() << tests::kNoSilero;
  config_.voice_activity_file = tests::SileroFile();
  config_.voice_activity_sha256 =
      encoding::HexEncode(crypto::Sha256(tests::ReadFile(tests::SileroFile())).view());
  ASSERT_EQ(OperatorModelsOf(config_).size(), 2u);
  ASSERT_EQ(Load(), "ok");
  const auto network = catalogue_.voice_network();
  ASSERT_NE(network, nullptr);
  EXPECT_EQ(network->record.sha256, config_.voice_activity_sha256);
  EXPECT_TRUE(network->host->options().shared);
  for (const auto& caller : {service::Caller{}, service::Caller{"anna", 1, true, true}}) {
    EXPECT_FALSE(catalogue_.Find(caller, network->record.id).ok());
    EXPECT_FALSE(catalogue_.FindBySha256(caller, network->record.sha256).ok());
    EXPECT_FALSE(catalogue_.ReserveToDelete(caller, network->record.id, "").ok());
    for (const auto& listed : catalogue_.List(caller)) EXPECT_EQ(listed->record.id.text(), "m");
  }
}

TEST_F(OperatorModelsTest, AModelOfThatNameIsAModelLikeOthers) {
  config_.models[0].id = "voice-activity";
  ASSERT_EQ(Load(), "ok");
  EXPECT_TRUE(catalogue_.Find(service::Caller{}, *vocabulary::ModelId::Parse("voice-activity")).ok());
  EXPECT_EQ(catalogue_.voice_network(), nullptr);
}

TEST_F(OperatorModelsTest, AnotherNetworkOrFileForVoiceActivityStopsTheStart) {
  config_.voice_activity_file = config_.models[0].file;
  config_.voice_activity_sha256 = std::string(64, '0');
  EXPECT_EQ(Load(), "model-sha256");
  config_.voice_activity_sha256 = config_.models[0].sha256;
  config_.models.clear();
  const base::Status loaded = LoadOperatorModels(config_, catalogue_, options_);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, "voice-activity");
  EXPECT_TRUE(loaded.error().message.starts_with("[voice_activity]")) << loaded.error().message;
}

// The networks in miniature and their files, as a folder of Hugging Face's optimum.
class OperatorWhisperTest : public OperatorModelsTest {
 protected:
  OperatorWhisperTest() {
    const tests::ToyWhisper networks = tests::MakeToyWhisper(tests::HelloChain());
    const base::Bytes bundle = tests::ToyBundle(networks);
    Write("encoder_model.onnx", base::AsText(networks.encoder));
    Write("decoder_model.onnx", base::AsText(networks.decoder));
    Write("decoder_with_past_model.onnx", base::AsText(networks.decoder_with_past));
    Write("tokenizer.json", tests::WhisperTokenizerJson(false));
    Write("generation_config.json", tests::WhisperGenerationJson(false));
    Write("preprocessor_config.json", tests::kWhisperPreprocessorJson);
    OperatorModel& model = config_.models[0];
    model.file.clear();
    model.whisper_folder = folder_;
    model.sha256 = encoding::HexEncode(crypto::Sha256(bundle).view());
  }
  void Write(const char* name, std::string_view text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
};

TEST_F(OperatorWhisperTest, IsServedFromItsFolderUnderTheDigestOfItsNetworks) {
  ASSERT_EQ(Load(), "ok");
  const auto served = catalogue_.Find(service::Caller{}, *vocabulary::ModelId::Parse("m"));
  ASSERT_TRUE(served.ok());
  EXPECT_NE((*served)->record.whisper, nullptr);
  EXPECT_TRUE((*served)->record.is_operators);
  EXPECT_EQ((*served)->record.sha256, config_.models[0].sha256);
}

TEST_F(OperatorWhisperTest, OtherNetworksOrAMissingFileStopTheStart) {
  const tests::ToyWhisper others = tests::MakeToyWhisper({261, 'b', 260});
  Write("decoder_model.onnx", base::AsText(others.decoder));
  EXPECT_EQ(Load(), "model-sha256");
  EXPECT_EQ(catalogue_.size(), 0u);
  for (const char* name :
       {"tokenizer.json", "generation_config.json", "preprocessor_config.json", "encoder_model.onnx"}) {
    std::filesystem::remove(folder_ / name);
    EXPECT_EQ(Load(), "model-file") << name;
  }
  EXPECT_EQ(catalogue_.uploads(), 0u);
}

}  // namespace
}  // namespace blindai::server
