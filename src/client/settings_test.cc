#include "client/settings.h"

#include <map>

#include <gtest/gtest.h>

#include "client/failure.h"

namespace blindai::client {
namespace {

using Texts = std::map<std::string, std::string>;

std::optional<std::string> Look(const Texts& texts, const std::string& name) {
  const auto found = texts.find(name);
  return found == texts.end() ? std::nullopt : std::optional<std::string>(found->second);
}

Surroundings Around(Texts variables, Texts files = {}) {
  Surroundings surroundings;
  surroundings.variable = [variables = std::move(variables)](const std::string& name) {
    return Look(variables, name);
  };
  surroundings.read_file = [files = std::move(files)](const std::string& path) { return Look(files, path); };
  surroundings.settings_file = "config.toml";
  return surroundings;
}

std::string Key(const ConnectOptions& options) {
  return options.api_key == nullptr ? "" : std::string(base::AsText(options.api_key->ExposeSecret()));
}

TEST(ServerAddress, ThePortMayBeLeftOut) {
  for (const auto& [text, wanted] : Texts{{"localhost", "localhost:8443"},
                                          {"localhost:1", "localhost:1"},
                                          {"10.0.0.7:65535", "10.0.0.7:65535"},
                                          {"::1", "[::1]:8443"},
                                          {"[::1]", "[::1]:8443"},
                                          {"[2001:db8::7]:9000", "[2001:db8::7]:9000"}}) {
    const auto address = ParseServerAddress(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->ToText(), wanted);
  }
}

TEST(ServerAddress, WhatIsNoAddressIsRefused) {
  for (const char* text :
       {"", ":8443", "host:", "host:0", "host:65536", "host:http", "host:-1", "https://host", "host/path",
        "a b", "user@host", "[::1", "[::1]x", "[]", "host:1\r\nX: y"}) {
    const auto address = ParseServerAddress(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(FailureOf(address.error()), FailureKind::kArgument);
  }
  EXPECT_EQ(ParseServerAddress("https://host").error().message,
            "the server's address is a URL; wanted host or host:port, such as localhost:8443");
}

TEST(Settings, ArgumentsComeBeforeTheEnvironmentBeforeTheFile) {
  const Texts variables = {{"BLINDAI_ADDR", "from-environment"}, {"BLINDAI_API_KEY", "key-2"}};
  const Texts files = {{"config.toml", "addr = \"from-file\"\napi_key = \"key-3\"\n"}};
  ConnectArguments arguments;
  arguments.addr = "from-argument";
  arguments.api_key = "key-1";
  auto options = ResolveOptions(arguments, Around(variables, files));
  EXPECT_EQ(options->server.host, "from-argument");
  EXPECT_EQ(Key(*options), "key-1");
  options = ResolveOptions({}, Around(variables, files));
  EXPECT_EQ(options->server.host, "from-environment");
  EXPECT_EQ(Key(*options), "key-2");
  options = ResolveOptions({}, Around({}, files));
  EXPECT_EQ(options->server.host, "from-file");
  EXPECT_EQ(Key(*options), "key-3");
}

TEST(Settings, WithNothingTheErrorNamesAllThreePlaces) {
  const auto options = ResolveOptions({}, Around({}));
  ASSERT_FALSE(options.ok());
  EXPECT_EQ(options.error().code, kNoServer);
  for (const char* word : {"addr=", "BLINDAI_ADDR", "BLINDAI_API_KEY", "BLINDAI_POLICY", "blindai login"}) {
    EXPECT_NE(options.error().message.find(word), std::string::npos) << word;
  }
}

TEST(Settings, AKeyOfTheFileDoesNotGoToAnotherServer) {
  ConnectArguments arguments;
  arguments.addr = "elsewhere";
  const auto options =
      ResolveOptions(arguments, Around({}, {{"config.toml", "addr = \"from-file\"\napi_key = \"key-3\"\n"}}));
  EXPECT_EQ(Key(*options), "");
}

TEST(Settings, ADirectoryComesFromTheEnvironmentOrTheFileAndAServerThatIsNamedWins) {
  const Texts files = {
      {"config.toml",
       "directory = \"https://cloud.example:444\"\napi_key = \"key-3\"\ndirectory_ca = \"ca\"\n"},
      {"ca", "PEM"}};
  auto options = ResolveOptions({}, Around({}, files));
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->directory->url.host, "cloud.example");
  EXPECT_EQ(options->directory->url.port, 444);
  EXPECT_EQ(options->directory->ca_pem, "PEM");
  EXPECT_EQ(Key(*options), "key-3");
  options = ResolveOptions({}, Around({{"BLINDAI_DIRECTORY", "https://other.example"}}, files));
  EXPECT_EQ(options->directory->url.host, "other.example");
  EXPECT_EQ(Key(*options), "");  // the file's key is for the file's directory
  EXPECT_EQ(options->directory->ca_pem, "");
  options = ResolveOptions({}, Around({{"BLINDAI_DIRECTORY", "https://cloud.example:444"}}, files));
  EXPECT_EQ(Key(*options), "key-3");
  ConnectArguments arguments;
  arguments.addr = "one.example";
  arguments.api_key = "key-1";
  options = ResolveOptions(arguments, Around({{"BLINDAI_DIRECTORY", "https://other.example"}}, files));
  EXPECT_FALSE(options->directory.has_value());
  EXPECT_EQ(options->server.host, "one.example");
  EXPECT_EQ(Key(*options), "key-1");
}

TEST(Settings, ADirectoryThatIsNamedWinsOverAServerOfTheEnvironment) {
  ConnectArguments arguments;
  arguments.directory = "https://cloud.example";
  arguments.directory_ca = "ca";
  const auto options = ResolveOptions(
      arguments,
      Around({{"BLINDAI_ADDR", "one.example"}, {"BLINDAI_DIRECTORY_CA", "other"}}, {{"ca", "PEM"}}));
  ASSERT_TRUE(options.ok()) << options.error().message;
  EXPECT_EQ(options->directory->url.host, "cloud.example");
  EXPECT_EQ(options->directory->ca_pem, "PEM");
  arguments.addr = "one.example";
  EXPECT_EQ(ResolveOptions(arguments, Around({})).error().param, "directory");
}

TEST(Settings, ADirectoryIsReachedByTlsOnlyAndMistakesAreNamed) {
  for (const char* url : {"http://cloud.example", "cloud.example", "ftp://x", ""}) {
    EXPECT_EQ(ResolveOptions({}, Around({{"BLINDAI_DIRECTORY", url}})).error().param, "directory") << url;
  }
  const Texts variables = {{"BLINDAI_DIRECTORY", "https://a.example"},
                           {"BLINDAI_DIRECTORY_CA", "missing.pem"}};
  EXPECT_EQ(ResolveOptions({}, Around(variables)).error().param, "directory_ca");
  for (const char* text : {"addr = \"a\"\ndirectory = \"https://b\"\n", "api_key_in = \"pocket\"\n"}) {
    EXPECT_EQ(ResolveOptions({}, Around({}, {{"config.toml", text}})).error().code, "settings-file") << text;
  }
}

TEST(Settings, AKeyInTheKeyringIsAskedForByTheNameOfItsPlace) {
  Surroundings surroundings =
      Around({}, {{"config.toml", "directory = \"https://cloud.example\"\napi_key_in = \"keyring\"\n"}});
  surroundings.key_of_keyring = [](const std::string& place) { return "key of " + place.substr(8); };
  EXPECT_EQ(ResolveOptions({}, surroundings).error().param, "api_key");  // it has spaces
  surroundings.key_of_keyring = [](const std::string& place) { return place; };
  EXPECT_EQ(Key(*ResolveOptions({}, surroundings)), "https://cloud.example");
  surroundings.key_of_keyring = [](const std::string&) { return std::nullopt; };
  EXPECT_EQ(ResolveOptions({}, surroundings).error().param, "api_key");
}

TEST(Settings, SimulationIsOffUnlessSomebodySaysSo) {
  ConnectArguments arguments;
  arguments.addr = "localhost";
  EXPECT_EQ(ResolveOptions(arguments, Around({}))->allow_simulation, verifier::AllowSimulation::kNo);
  EXPECT_EQ(ResolveOptions(arguments, Around({{"BLINDAI_SIMULATION", "0"}}))->allow_simulation,
            verifier::AllowSimulation::kNo);
  EXPECT_EQ(ResolveOptions(arguments, Around({{"BLINDAI_SIMULATION", "1"}}))->allow_simulation,
            verifier::AllowSimulation::kYes);
  EXPECT_EQ(ResolveOptions(arguments, Around({{"BLINDAI_SIMULATION", "true"}})).error().param,
            "BLINDAI_SIMULATION");
  arguments.simulation = false;
  EXPECT_EQ(ResolveOptions(arguments, Around({{"BLINDAI_SIMULATION", "1"}}))->allow_simulation,
            verifier::AllowSimulation::kNo);
  arguments.simulation = true;
  EXPECT_EQ(ResolveOptions(arguments, Around({}))->allow_simulation, verifier::AllowSimulation::kYes);
}

TEST(Settings, AMistakeInTheFileIsNamedWithItsLine) {
  const auto message = [](const char* text) {
    const auto options = ResolveOptions({}, Around({}, {{"config.toml", text}}));
    return options.ok() ? "accepted" : options.error().code + " " + options.error().message;
  };
  EXPECT_EQ(message("addr = \"x\"\naddress = \"y\"\n"),
            "settings-file the configuration file, line 2: unknown key; known are addr, api_key, api_key_in, "
            "policy, "
            "directory and directory_ca");
  EXPECT_EQ(message("addr = 7"), "settings-file the configuration file, line 1: addr is not a string");
  EXPECT_EQ(message("\naddr ="), "settings-file the configuration file, line 2: not valid TOML");
  EXPECT_EQ(message("simulation = true"),
            "settings-file the configuration file, line 1: simulation is not a setting: say it in the call, "
            "on the command "
            "line or by BLINDAI_SIMULATION=1");
}

TEST(Settings, APolicyIsReadFromItsFile) {
  ConnectArguments arguments;
  arguments.addr = "localhost";
  EXPECT_EQ(ResolveOptions(arguments, Around({}))->policy, nullptr);
  arguments.policy_file = "gone.toml";
  EXPECT_EQ(ResolveOptions(arguments, Around({})).error().code, "policy-file");
  EXPECT_EQ(ResolveOptions(arguments, Around({}, {{"gone.toml", "[[accept"}})).error().code, "policy-file");
}

TEST(Settings, ARootIsACertificateFromItsFile) {
  ConnectArguments arguments;
  arguments.addr = "localhost";
  EXPECT_EQ(ResolveOptions(arguments, Around({}))->anchors.anchors().size(),
            verifier::TrustAnchors::Production().anchors().size());
  arguments.root_files = {"root.pem"};
  EXPECT_EQ(ResolveOptions(arguments, Around({})).error().code, "root-file");
  EXPECT_EQ(ResolveOptions(arguments, Around({}, {{"root.pem", "no certificate"}})).error().code,
            "root-file");
}

TEST(Settings, AKeyThatWouldBreakAHeaderIsRefused) {
  ConnectArguments arguments;
  arguments.addr = "localhost";
  arguments.api_key = "key\r\nX-Other: 1";
  EXPECT_EQ(ResolveOptions(arguments, Around({})).error().param, "api_key");
}

}  // namespace
}  // namespace blindai::client
