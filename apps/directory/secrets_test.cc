#include "directory/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/paths.h"

namespace blindai::directory {
namespace {

const base::Time kNow{std::chrono::seconds(1'800'000'000)};

class SecretsTest : public ::testing::Test {
 protected:
  SecretsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "blindai-secrets-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    config_.simulation = true;
    config_.database = Path("directory.db");
  }
  ~SecretsTest() override { std::filesystem::remove_all(folder_); }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  std::string SecretError() {
    const auto secret = ReadOrMakeSessionSecret(config_);
    return secret.ok() ? "ok" : secret.error().code;
  }

  std::filesystem::path folder_;
  DirectoryConfig config_;
};

TEST_F(SecretsTest, BesideAnSqliteFileTheSecretIsMadeOnceForItsOwnerAlone) {
  const auto made = ReadOrMakeSessionSecret(config_);
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(made->size(), 32u);
  struct stat status {};
  ASSERT_EQ(stat(Path("directory.db.secret").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  const auto again = ReadOrMakeSessionSecret(config_);
  EXPECT_TRUE(base::ConstantTimeEqual(made->ExposeSecret(), again->ExposeSecret()));
}

TEST_F(SecretsTest, ForASharedDatabaseTheSecretMustBeThere) {
  config_.database = "postgresql://db/blindai";
  config_.secret_file = Path("secret");
  EXPECT_EQ(SecretError(), "config-file");
  std::ofstream(Path("secret")) << std::string(64, 'a') << "\n";
  EXPECT_EQ(SecretError(), "ok");
}

TEST_F(SecretsTest, ATextThatIsNoSecretIsRefused) {
  config_.secret_file = Path("secret");
  for (const std::string& text :
       {std::string(), std::string(63, 'a'), std::string(66, 'a'), std::string(64, 'x')}) {
    std::ofstream(Path("secret")) << text;
    EXPECT_EQ(SecretError(), "config-file") << text;
  }
}

TEST_F(SecretsTest, ACertificateThatIsMadeNamesThisMachineAndIsWrittenForClients) {
  config_.self_signed_file = Path("directory.pem");
  config_.names = {"cloud.example.org", "192.0.2.1"};
  const auto identity = ReadOrMakeIdentity(config_, kNow);
  ASSERT_TRUE(identity.ok()) << identity.error().message;
  EXPECT_TRUE(identity->self_signed);
  EXPECT_EQ(base::AsText(tests::ReadFile(Path("directory.pem"))), identity->certificates.front().ToPem());
}

TEST_F(SecretsTest, ACertificateOfTheOperatorIsReadWithItsChain) {
  const auto made = ReadOrMakeIdentity(config_, kNow);
  const auto issuer = ReadOrMakeIdentity(config_, kNow);
  config_.certificate_file = Path("chain.pem");
  config_.key_file = Path("key.pem");
  std::ofstream(Path("chain.pem")) << made->certificates.front().ToPem()
                                   << issuer->certificates.front().ToPem();
  std::ofstream(Path("key.pem")) << base::AsText(made->key.ToPem().ExposeSecret());
  const auto identity = ReadOrMakeIdentity(config_, kNow);
  ASSERT_TRUE(identity.ok()) << identity.error().message;
  EXPECT_FALSE(identity->self_signed);
  EXPECT_EQ(identity->certificates.size(), 2u);
  EXPECT_EQ(identity->key.public_key(), made->key.public_key());
  config_.key_file = Path("nowhere.pem");
  EXPECT_EQ(ReadOrMakeIdentity(config_, kNow).error().code, "config-file");
}

}  // namespace
}  // namespace blindai::directory
