#include "server/server_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/paths.h"

namespace blindai::server {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(std::string_view toml) {
  const auto config = ParseServerConfig(toml, "server.toml");
  return config.ok() ? "accepted" : config.error().code + " | " + config.error().message;
}

TEST(ServerConfig, AnEmptyFileGivesTheDefaults) {
  const auto config = ParseServerConfig("", "server.toml");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(AddressText(config->https), "127.0.0.1:8443");
  EXPECT_EQ(config->models_per_tenant, 16u);
}

TEST(ServerConfig, ValuesAreTaken) {
  const auto config = ParseServerConfig(R"(
platform = "snp"
[listen]
https = "0.0.0.0:443"
admin = "[::1]:9090"
names = ["models.example.org"]
[limits]
model_bytes = 1000
)",
                                        "server.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->platform, "snp");
  EXPECT_EQ(config->https, (ListenAddress{"0.0.0.0", 443}));
  EXPECT_EQ(config->admin, (ListenAddress{"::1", 9090}));
  EXPECT_THAT(config->names, testing::ElementsAre("models.example.org"));
  EXPECT_EQ(config->model_bytes, 1000u);
}

TEST(ServerConfig, LiveSoundHasLimits) {
  EXPECT_EQ(ParseServerConfig("", "server.toml")->live_streams, 64u);
  EXPECT_EQ(ParseServerConfig("", "server.toml")->live_idle_s, 60u);
  const auto config = ParseServerConfig("[limits]\nlive_streams = 3\nlive_idle_s = 7\n", "server.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->live_streams, 3u);
  EXPECT_EQ(config->live_idle_s, 7u);
  EXPECT_THAT(ErrorOf("[limits]\nlive_idle_s = 0\n"), HasSubstr("wanted a whole number from 1 to 86400"));
  EXPECT_THAT(ErrorOf("[limits]\nlive_streams = 0\n"), HasSubstr("wanted a whole number from 1 to 10000"));
  EXPECT_THAT(ErrorOf("[limits]\nlive_idle_ms = 5\n"), HasSubstr("did you mean 'limits.live_idle_s'?"));
}

TEST(ServerConfig, TheOperatorsModelsAreTables) {
  const std::string digest(64, 'a');
  const auto config =
      ParseServerConfig("[[model]]\nid = \"hello\"\nfile = \"hello.onnx\"\nsha256 = \"" + digest +
                            "\"\n[[model]]\nid = \"speech\"\nfile = \"s.onnx\"\nsha256 = \"" + digest +
                            "\"\nvisibility = \"tenants\"\nvocab = \"v.json\"\n"
                            "preprocessor = \"p.json\"\n",
                        "server.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  ASSERT_EQ(config->models.size(), 2u);
  EXPECT_EQ(config->models[0].id, "hello");
  EXPECT_EQ(config->models[0].sha256, digest);
  EXPECT_EQ(config->models[0].visibility, "public");
  EXPECT_EQ(config->models[1].visibility, "tenants");
  EXPECT_EQ(config->models[1].vocab_file, "v.json");
}

TEST(ServerConfig, AWhisperModelIsNamedByItsFolder) {
  const std::string whisper = "[[model]]\nid = \"w\"\nsha256 = \"" + std::string(64, 'a') + "\"\n";
  const auto config = ParseServerConfig(whisper + "folder = \"models/whisper\"\n", "server.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->models[0].whisper_folder, "models/whisper");
  EXPECT_EQ(config->models[0].file, "");
  EXPECT_THAT(ErrorOf(whisper + "folder = \"f\"\nfile = \"m.onnx\"\n"), HasSubstr("'folder'"));
  EXPECT_THAT(ErrorOf(whisper + "folder = \"f\"\nvocab = \"v\"\npreprocessor = \"p\"\n"),
              HasSubstr("'vocab'"));
}

TEST(ServerConfig, AModelThatIsNotWhollyNamedIsRefused) {
  const std::string digest = "sha256 = \"" + std::string(64, 'a') + "\"\n";
  struct Wrong {
    std::string table, wanted;
  };
  const std::string good = "id = \"m\"\nfile = \"m.onnx\"\n" + digest;
  for (const Wrong& wrong :
       {Wrong{"file = \"m.onnx\"\n" + digest, "'id'"}, Wrong{"id = \"..\"\nfile = \"m\"\n" + digest, "'id'"},
        Wrong{"id = \"m\"\n" + digest, "'file'"}, Wrong{"id = \"m\"\nfile = \"m.onnx\"\n", "'sha256'"},
        Wrong{good + "visibility = \"private\"\n", "'visibility'"},
        Wrong{good + "vocab = \"v\"\n", "'preprocessor'"}, Wrong{good + "colour = \"blue\"\n", "'colour'"},
        Wrong{good + "[[model]]\n" + good, "one [[model]] only"}}) {
    EXPECT_THAT(ErrorOf("[[model]]\n" + wrong.table), HasSubstr(wrong.wanted)) << wrong.table;
  }
  EXPECT_THAT(ErrorOf("model = 5\n"), HasSubstr("[[model]]"));
}

TEST(ServerConfig, TheVoiceActivityNetworkIsNamedWithItsDigestOrNotAtAll) {
  EXPECT_EQ(ParseServerConfig("", "server.toml")->voice_activity_file, "");
  const std::string file = "[voice_activity]\nfile = \"silero.onnx\"\n";
  const std::string digest(64, 'a');
  const auto config = ParseServerConfig(file + "sha256 = \"" + digest + "\"\n", "server.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->voice_activity_file, "silero.onnx");
  EXPECT_EQ(config->voice_activity_sha256, digest);
  EXPECT_THAT(ErrorOf(file), HasSubstr("'sha256' in [voice_activity]"));
  EXPECT_THAT(ErrorOf("[voice_activity]\nsha256 = \"" + digest + "\"\n"), HasSubstr("'file'"));
  EXPECT_THAT(ErrorOf(file + "sha256 = \"A\"\n"), HasSubstr("64 lower-case hex digits"));
}

TEST(ServerConfig, AStoreIsSealedToTheMeasurementUnlessTheOperatorSaysOtherwise) {
  EXPECT_EQ(ParseServerConfig("", "server.toml")->storage_seal_to, "measurement");
  EXPECT_EQ(ParseServerConfig("", "server.toml")->storage_directory, "");
  EXPECT_EQ(ParseServerConfig("[storage]\nseal_to = \"signer\"\n", "server.toml")->storage_seal_to, "signer");
  EXPECT_THAT(ErrorOf("[storage]\nseal_to = \"anybody\"\n"), HasSubstr("\"signer\""));
}

TEST(ServerConfig, TenantsHaveWeights) {
  const auto config = ParseServerConfig(
      "[[tenant]]\nname = \"clinic\"\nweight = 4\n[[tenant]]\nname = \"research\"\nweight = 1\n",
      "server.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->tenant_weights, (std::map<std::string, std::uint32_t>{{"clinic", 4}, {"research", 1}}));
}

TEST(ServerConfig, TenantsHaveDefaultModels) {
  const auto config = ParseServerConfig(
      "[[tenant]]\nname = \"clinic\"\ndefault_model = \"whisper\"\n"
      "[[tenant]]\nname = \"research\"\nweight = 2\ndefault_model = \"anna/hello\"\n"
      "[models]\ndefault_model = \"hello\"\n",
      "server.toml");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->tenant_default_models,
            (std::map<std::string, std::string>{{"clinic", "whisper"}, {"research", "anna/hello"}}));
  EXPECT_EQ(config->tenant_weights, (std::map<std::string, std::uint32_t>{{"research", 2}}));
  EXPECT_EQ(config->models_default_model, "hello");
  EXPECT_THAT(ErrorOf("[models]\ndefault_model = \"no id\"\n"), HasSubstr("a model id"));
}

TEST(ServerConfig, ATenantWithoutNameOrWithAWrongWeightIsRefused) {
  for (const std::string_view tenants :
       {"[[tenant]]\nweight = 4\n", "[[tenant]]\nname = \"\"\nweight = 4\n", "[[tenant]]\nname = \"a\"\n",
        "[[tenant]]\nname = \"a\"\nweight = 0\n", "[[tenant]]\nname = \"a\"\nweight = 1001\n",
        "[[tenant]]\nname = \"a\"\nweight = 1.5\n", "[[tenant]]\nname = \"a\"\nweight = 1\nwieght = 2\n",
        "[[tenant]]\nname = \"a\"\ndefault_model = \"no id\"\n",
        "[[tenant]]\nname = \"a\"\nweight = \"4\"\ndefault_model = \"whisper\"\n",
        "[[tenant]]\nname = \"a\"\ndefault_model = \"b\"\n[[tenant]]\nname = \"a\"\nweight = 2\n",
        "[tenant]\nname = \"a\"\nweight = 1\n", "tenant = 4\n",
        "[[tenant]]\nname = \"a\"\nweight = 1\n[[tenant]]\nname = \"a\"\nweight = 2\n"}) {
    EXPECT_THAT(ErrorOf(tenants), HasSubstr("wanted tables [[tenant]]")) << tenants;
  }
}

TEST(ServerConfig, ADefaultVisibilityIsOneOfFourWords) {
  EXPECT_EQ(ParseServerConfig("", "server.toml")->models_default_visibility, "link");
  EXPECT_EQ(ParseServerConfig("[models]\ndefault_visibility = \"private\"\n", "server.toml")
                ->models_default_visibility,
            "private");
  EXPECT_THAT(ErrorOf("[models]\ndefault_visibility = \"everybody\"\n"), HasSubstr("\"tenants\""));
}

TEST(ServerConfig, AMisspeltKeyIsRefusedWithLineAndHint) {
  EXPECT_EQ(
      ErrorOf("[limits]\n\nmodel_byte = 5\n"),
      "config-key | server.toml line 3: unknown key 'limits.model_byte'; did you mean 'limits.model_bytes'?");
}

TEST(ServerConfig, AKeyInTheWrongTableIsHintedToItsTable) {
  EXPECT_THAT(ErrorOf("[listen]\nconnections = 5\n"), HasSubstr("did you mean 'limits.connections'?"));
}

TEST(ServerConfig, AnUnknownTableIsRefused) {
  EXPECT_THAT(ErrorOf("[telemetry]\nendpoint = 'x'\n"), HasSubstr("unknown key 'telemetry'"));
}

TEST(ServerConfig, ValuesOfTheWrongKindOrRangeNameWhatIsWanted) {
  EXPECT_EQ(ErrorOf("[limits]\nconnections = \"many\"\n"),
            "config-value | server.toml line 2: limits.connections: wanted a whole number from 1 to 65536");
  EXPECT_THAT(ErrorOf("[limits]\nconnections = 0\n"), HasSubstr("config-value"));
  EXPECT_THAT(ErrorOf("[limits]\nconnections = -1\n"), HasSubstr("config-value"));
  EXPECT_THAT(ErrorOf("[limits]\nconnections = 1.5\n"), HasSubstr("config-value"));
  EXPECT_THAT(ErrorOf("platform = \"sev\"\n"), HasSubstr("\"snp\""));
  EXPECT_THAT(ErrorOf("listen = 5\n"), HasSubstr("unknown key 'listen'"));
}

TEST(ServerConfig, NoOldProtocolIsServedUnlessItIsNamed) {
  EXPECT_TRUE(ParseServerConfig("", "server.toml")->compat.empty());
  const auto config = ParseServerConfig("compat = [\"0.6\", \"0.5\"]\n", "server.toml");
  ASSERT_TRUE(config.ok());
  EXPECT_THAT(config->compat, testing::ElementsAre("0.5", "0.6"));
  EXPECT_TRUE(IsCompatible(*config, "0.6"));
  EXPECT_FALSE(IsCompatible(*config, "0.7"));
  for (const char* bad :
       {"compat = true", "compat = [\"0.7\"]", "compat = [0.6]", "compat = [\"0.6\", \"0.6\"]"}) {
    EXPECT_THAT(ErrorOf(bad), HasSubstr("config-value")) << bad;
  }
}

TEST(ServerConfig, TheOldProtocolsHaveTheirPublishedPortsOnLoopback) {
  const auto config = ParseServerConfig("", "server.toml");
  EXPECT_EQ(AddressText(config->v05_untrusted), "127.0.0.1:50052");
  EXPECT_EQ(AddressText(config->v05_attested), "127.0.0.1:50051");
  EXPECT_EQ(AddressText(config->v06_unattested), "127.0.0.1:9923");
  EXPECT_EQ(AddressText(config->v06_attested), "127.0.0.1:9924");
  EXPECT_EQ(AddressText(config->v06_management), "127.0.0.1:9925");
}

TEST(ServerConfig, BrokenTomlSaysTheLine) {
  EXPECT_THAT(ErrorOf("platform = \n"), HasSubstr("config-syntax | server.toml line 1"));
}

TEST(ServerConfig, AddressesAreReadBack) {
  for (const char* text : {"127.0.0.1:8443", "[::1]:0", "localhost:65535"}) {
    EXPECT_EQ(AddressText(*ParseListenAddress(text)), text);
  }
  for (const char* text :
       {"", "8443", ":8443", "::1:8443", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8443x", "a:-1"}) {
    EXPECT_EQ(ParseListenAddress(text).error().code, "config-address") << text;
  }
}

TEST(ServerConfig, EveryKeyIsDescribedInTheDocumentation) {
  const auto page = tests::ReadFile(tests::SourceDir() / "docs" / "configuration.md");
  const std::string text(page.begin(), page.end());
  for (const std::string& key : KnownConfigKeys()) EXPECT_THAT(text, HasSubstr("| `" + key + "` |"));
}

TEST(ServerConfig, GrpcIsAnAddressOrOff) {
  EXPECT_EQ(ParseServerConfig("[listen]\ngrpc = \"[::1]:0\"", "f")->grpc, (ListenAddress{"::1", 0}));
  EXPECT_FALSE(ParseServerConfig("[listen]\ngrpc = \"off\"", "f")->is_grpc_on);
  EXPECT_EQ(ParseServerConfig("[listen]\ngrpc = false", "f").error().code, "config-value");
  EXPECT_EQ(ParseServerConfig("[listen]\ngrpc = \"on\"", "f").error().code, "config-address");
}

}  // namespace
}  // namespace blindai::server
