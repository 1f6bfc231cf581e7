#include "directory/directory_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/bytes.h"
#include "support/paths.h"

namespace blindai::directory {
namespace {

using testing::HasSubstr;

std::string ErrorOf(std::string_view toml) {
  const auto config = ParseDirectoryConfig(toml, "directory.toml");
  if (!config.ok()) return config.error().code + " | " + config.error().message;
  const base::Status checked = CheckConfig(*config);
  return checked.ok() ? "accepted" : checked.error().message;
}

constexpr const char* kSimulation = "simulation = true\n[database]\nurl = \"directory.db\"\n";

TEST(DirectoryConfig, SimulationNeedsADatabaseAndNothingElse) { EXPECT_EQ(ErrorOf(kSimulation), "accepted"); }

TEST(DirectoryConfig, OutsideSimulationCertificateAndPolicyAreNeeded) {
  const std::string database = "[database]\nurl = \"directory.db\"\n";
  EXPECT_THAT(ErrorOf(""), HasSubstr("database.url"));
  EXPECT_THAT(ErrorOf(database), HasSubstr("tls.certificate_file"));
  EXPECT_THAT(ErrorOf(database + "[tls]\ncertificate_file = \"a\"\n"), HasSubstr("belong together"));
  const std::string tls = database + "[tls]\ncertificate_file = \"a\"\nkey_file = \"b\"\n";
  EXPECT_THAT(ErrorOf(tls), HasSubstr("servers.policy"));
  EXPECT_EQ(ErrorOf(tls + "[servers]\npolicy = \"policy.toml\"\n"), "accepted");
}

TEST(DirectoryConfig, ASharedDatabaseNeedsASharedSecret) {
  const std::string shared = "simulation = true\n[database]\nurl = \"postgresql://db/blindai\"\n";
  EXPECT_THAT(ErrorOf(shared), HasSubstr("sessions.secret_file"));
  EXPECT_EQ(ErrorOf(shared + "[sessions]\nsecret_file = \"secret\"\n"), "accepted");
}

TEST(DirectoryConfig, ValuesAreTakenAndBecomeOptions) {
  const auto config = ParseDirectoryConfig(R"(
[listen]
https = "0.0.0.0:443"
v05 = "0.0.0.0:8443"
[tls]
names = ["cloud.example.org"]
[sessions]
issuer = "cloud.example.org"
token_s = 900
[servers]
verify_every_s = 5
silent_after_s = 7
roots = ["ca.pem"]
[limits]
key_per_minute = 30
key_burst = 4
address_per_minute = 0
)",
                                           "directory.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->https, (program::ListenAddress{"0.0.0.0", 443}));
  EXPECT_EQ(config->v05, (program::ListenAddress{"0.0.0.0", 8443}));
  EXPECT_THAT(config->names, testing::ElementsAre("cloud.example.org"));
  EXPECT_THAT(config->roots, testing::ElementsAre("ca.pem"));
  const accounts::DirectoryOptions options = OptionsOf(*config);
  EXPECT_EQ(options.issuer, "cloud.example.org");
  EXPECT_EQ(options.session_life, std::chrono::seconds(900));
  EXPECT_EQ(options.servers.verify_every, std::chrono::seconds(5));
  EXPECT_EQ(options.servers.silent_after, std::chrono::seconds(7));
  EXPECT_EQ(options.per_key.per_second, 0.5);
  EXPECT_EQ(options.per_key.burst, 4);
  EXPECT_EQ(options.per_address.per_second, 0);
}

TEST(DirectoryConfig, UnknownKeysAndBadValuesAreRefusedWithLineAndHint) {
  EXPECT_EQ(ErrorOf("[servers]\n\nverify_evry_s = 5\n"),
            "config-key | directory.toml line 3: unknown key 'servers.verify_evry_s'; did you mean "
            "'servers.verify_every_s'?");
  EXPECT_THAT(ErrorOf("[nothing]\nlike = 1\n"), HasSubstr("docs/directory.md"));
  EXPECT_THAT(ErrorOf("[sessions]\ntoken_s = 901\n"), HasSubstr("from 60 to 900"));
  EXPECT_THAT(ErrorOf("simulation = 1\n"), HasSubstr("true or false"));
  EXPECT_THAT(ErrorOf("[listen]\nhttps = \"443\"\n"), HasSubstr("config-address"));
  EXPECT_THAT(ErrorOf("[servers]\nroots = \"ca.pem\"\n"), HasSubstr("a list of certificate files"));
  EXPECT_THAT(ErrorOf("= 1"), HasSubstr("config-syntax"));
  EXPECT_THAT(ErrorOf("a = 5 \xc5\xbe"), HasSubstr("config-syntax"));
}

TEST(DirectoryConfig, EveryKeyIsDocumented) {
  const base::Bytes file = tests::ReadFile(tests::SourceDir() / "docs" / "directory.md");
  const std::string page(base::AsText(file));
  for (const std::string& key : KnownDirectoryKeys()) EXPECT_THAT(page, HasSubstr("`" + key + "`"));
}

class DirectoryCommandLineTest : public ::testing::Test {
 protected:
  ~DirectoryCommandLineTest() override { std::filesystem::remove(path_); }
  base::Result<DirectoryCommandLine> Read(std::vector<const char*> words) {
    std::ofstream(path_) << kSimulation;
    words.insert(words.begin(), "blindai-directory");
    return ReadDirectoryCommandLine(static_cast<int>(words.size()), words.data());
  }
  const std::string path_ =
      std::filesystem::temp_directory_path() / ("directory-" + std::to_string(::getpid()) + ".toml");
};

TEST_F(DirectoryCommandLineTest, WinsOverTheFile) {
  const auto line = Read({"--config", path_.c_str(), "--listen", "127.0.0.1:0", "--admin", "[::1]:7"});
  ASSERT_TRUE(line.ok()) << line.error().message;
  EXPECT_TRUE(line->config.simulation);
  EXPECT_EQ(line->config.https.port, 0);
  EXPECT_EQ(line->config.admin, (program::ListenAddress{"::1", 7}));
}

TEST_F(DirectoryCommandLineTest, TheAdminPortIsForThisMachine) {
  EXPECT_EQ(Read({"--config", path_.c_str(), "--admin", "0.0.0.0:9091"}).error().code, "config-address");
}

TEST_F(DirectoryCommandLineTest, HelpIsPrintedAndMistakesAreUsage) {
  EXPECT_THAT(*Read({"--help"})->print_and_exit, HasSubstr("--config"));
  EXPECT_EQ(Read({}).error().code, "usage");
  EXPECT_EQ(Read({"--confi"}).error().code, "usage");
  EXPECT_EQ(Read({"--config", "/nowhere/directory.toml"}).error().code, "config-file");
}

}  // namespace
}  // namespace blindai::directory
