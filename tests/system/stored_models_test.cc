// Models that outlive the server, with the real programs: what was acknowledged survives SIGKILL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "client/client.h"
#include "client/settings.h"
#include "crypto/digest.h"
#include "encoding/hex.h"
#include "server_program.h"
#include "support/onnx_builder.h"

namespace blindai::tests {
namespace {

using testing::HasSubstr;

class StoredModelsTest : public ::testing::Test {
 protected:
  StoredModelsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "blindai-stored-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::filesystem::create_directory(folder_ / "store");
    model_ = MatMulModel(4, 2);
    std::ofstream(folder_ / "m.onnx", std::ios::binary) << base::AsText(model_);
  }
  ~StoredModelsTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void StartServer(const std::string& more = "") {
    auto started = ServerProgram::Start("platform = \"simulation\"\n" + more + "[storage]\ndirectory = \"" +
                                        (folder_ / "store").string() + "\"\n");
    ASSERT_TRUE(started.ok()) << started.error().message;
    server_ = std::move(*started);
  }
  client::Client Connect() {
    client::ConnectArguments arguments;
    arguments.addr = "127.0.0.1:" + std::to_string(server_->port());
    arguments.simulation = true;
    auto options = client::ResolveOptions(arguments, client::Surroundings::OfProcess());
    BLINDAI_CHECK(options.ok());
    return client::Client(*std::move(options));
  }
  base::Status Upload(client::Client& client, const std::string& id, bool save) {
    client::UploadOptions options;
    options.query.save = save;
    const auto info = client.UploadModel(id, client::ModelSource::Memory(model_), options);
    return info.ok() ? base::Ok() : base::Status(info.error());
  }
  // The model's answer to four ones, or the error's code.
  std::string Predict(client::Client& client, const std::string& id, const std::string& version = "") {
    const std::vector<float> ones(4, 1.0F);
    vocabulary::TensorView input("x", vocabulary::Datatype::kFp32, {1, 4},
                                 base::ByteView(reinterpret_cast<const std::uint8_t*>(ones.data()), 16));
    const auto prediction =
        client.Predict(id, std::span(&input, 1), {.outputs = {}, .timeout = {}, .version = version});
    if (!prediction.ok()) return prediction.error().code;
    return encoding::HexEncode(prediction->output(0).data);
  }

  std::filesystem::path folder_;
  base::Bytes model_;
  std::unique_ptr<ServerProgram> server_;
};

TEST_F(StoredModelsTest, AnAcknowledgedUploadSurvivesAKillAndAnswersTheSame) {
  StartServer();
  std::string before;
  {
    client::Client client = Connect();
    ASSERT_TRUE(Upload(client, "kept", true).ok());
    ASSERT_TRUE(Upload(client, "lost", false).ok());
    before = Predict(client, "kept");
    ASSERT_GT(before.size(), 8u);
  }
  server_->Kill();
  StartServer();
  client::Client client = Connect();
  const auto models = client.ListModels();
  ASSERT_TRUE(models.ok());
  ASSERT_EQ(models->size(), 1u);
  EXPECT_EQ(models->front().id, "kept");
  EXPECT_EQ(models->front().state, "stored");
  EXPECT_TRUE(models->front().saved);
  EXPECT_EQ(Predict(client, "kept"), before);
  EXPECT_EQ(Predict(client, "lost"), "model-not-found");
  // And what is deleted stays deleted.
  const auto deleted = client.DeleteModel("kept");
  ASSERT_TRUE(deleted.ok());
  EXPECT_EQ(deleted->sha256, encoding::HexEncode(crypto::Sha256(model_).view()));
  EXPECT_TRUE(deleted->saved);
  client.Close();
  server_->Kill();
  StartServer();
  client::Client later = Connect();
  EXPECT_EQ(Predict(later, "kept"), "model-not-found");
}

TEST_F(StoredModelsTest, VersionsAndLabelsSurviveAKill) {
  StartServer();
  {
    client::Client client = Connect();
    client::UploadOptions options;
    options.query.save = true;
    options.query.versions = vocabulary::VersionPolicy{.latest = 2};
    options.query.label = "stable";
    ASSERT_TRUE(client.UploadModel("kept", client::ModelSource::Memory(model_), options).ok());
    ASSERT_TRUE(Upload(client, "kept", true).ok());
    ASSERT_TRUE(client.ChangeModel("kept", {.versions = {}, .labels = {{"canary", 2}}}).ok());
  }
  server_->Kill();
  StartServer();
  client::Client client = Connect();
  const auto model = client.GetModel("kept");
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->versions, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(model->labels, (vocabulary::VersionLabels{{"canary", 2}, {"stable", 1}}));
  EXPECT_EQ(model->version_policy, "latest:2");
  EXPECT_EQ(Predict(client, "kept", "stable"), Predict(client, "kept", "canary"));
  EXPECT_GT(Predict(client, "kept", "stable").size(), 8u);
  EXPECT_EQ(client.DeleteModel("kept", "stable")->versions, std::vector<std::uint64_t>{1});
  client.Close();
  server_->Kill();
  StartServer();
  client::Client later = Connect();
  EXPECT_EQ(later.GetModel("kept")->versions, std::vector<std::uint64_t>{2});
  EXPECT_EQ(Predict(later, "kept", "stable"), "model-not-found");
}

TEST_F(StoredModelsTest, NothingOfAModelStandsOnTheDisk) {
  StartServer();
  client::Client client = Connect();
  ASSERT_TRUE(Upload(client, "a-telling-name", true).ok());
  // The weights, which MatMulModel writes as raw floats, and every other run of the file.
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "store")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(content.find("a-telling-name"), std::string::npos);
    for (std::size_t at = 0; at + 16 <= model_.size(); ++at) {
      EXPECT_EQ(content.find(base::AsText(base::ByteView(model_).subspan(at, 16))), std::string::npos) << at;
    }
  }
}

TEST_F(StoredModelsTest, TheOperatorsModelsAreServedFromTheStartAndNamedInTheManifest) {
  const std::string digest = encoding::HexEncode(crypto::Sha256(model_).view());
  const std::string table = "[[model]]\nid = \"official\"\nfile = \"" + (folder_ / "m.onnx").string() +
                            "\"\nsha256 = \"" + digest + "\"\n";
  StartServer(table);
  client::Client client = Connect();
  EXPECT_GT(Predict(client, "official").size(), 8u);
  EXPECT_EQ(Upload(client, "official", false).error().code, "model-id-taken");
  EXPECT_EQ(client.DeleteModel("official").error().code, "model-not-found");
  client.Close();
  server_.reset();
  const auto refused =
      ServerProgram::Start("platform = \"simulation\"\n[[model]]\nid = \"official\"\nfile = \"" +
                           (folder_ / "m.onnx").string() + "\"\nsha256 = \"" + std::string(64, '0') + "\"\n");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("SHA-256"));
}

}  // namespace
}  // namespace blindai::tests
