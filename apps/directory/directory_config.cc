#include "directory/directory_config.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "program/config_file.h"
#include "service/accounts/postgresql/postgresql_database.h"

namespace blindai::directory {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Status;
using program::TakeAddress;
using program::TakeFlag;
using program::TakeNumber;
using program::TakeText;
using Config = DirectoryConfig;
using Key = program::ConfigKey<Config>;

constexpr std::string_view kPage = "docs/directory.md";

Status TakeNames(Config& config, const toml::node& node) {
  BLINDAI_TRY(config.names, program::TextList(node, "a list of host names, as in [\"cloud.example.org\"]"));
  return base::Ok();
}

Status TakeRoots(Config& config, const toml::node& node) {
  BLINDAI_TRY(config.roots, program::TextList(node, "a list of certificate files, as in [\"tpm-ca.pem\"]"));
  return base::Ok();
}

constexpr Key kKeys[] = {
    {"", "simulation", TakeFlag<&Config::simulation>},
    {"listen", "https", TakeAddress<&Config::https>},
    {"listen", "admin", TakeAddress<&Config::admin>},
    {"listen", "v05", TakeAddress<&Config::v05>},
    {"tls", "certificate_file", TakeText<&Config::certificate_file>},
    {"tls", "key_file", TakeText<&Config::key_file>},
    {"tls", "self_signed_file", TakeText<&Config::self_signed_file>},
    {"tls", "names", TakeNames},
    {"database", "url", TakeText<&Config::database>},
    {"sessions", "issuer", TakeText<&Config::issuer>},
    {"sessions", "secret_file", TakeText<&Config::secret_file>},
    {"sessions", "token_s", TakeNumber<&Config::token_s, 60, 900>},
    {"sessions", "rotate_s", TakeNumber<&Config::rotate_s, 3600, 90 * 86'400>},
    {"sessions", "anonymous_v05", TakeFlag<&Config::anonymous_v05>},
    {"servers", "policy", TakeText<&Config::policy>},
    {"servers", "roots", TakeRoots},
    {"servers", "verify_every_s", TakeNumber<&Config::verify_every_s, 1, 3600>},
    {"servers", "silent_after_s", TakeNumber<&Config::silent_after_s, 2, 3600>},
    {"limits", "connections", TakeNumber<&Config::connections, 1, 65'536>},
    {"limits", "key_per_minute", TakeNumber<&Config::key_per_minute, 0, 1'000'000>},
    {"limits", "key_burst", TakeNumber<&Config::key_burst, 1, 1'000'000>},
    {"limits", "address_per_minute", TakeNumber<&Config::address_per_minute, 0, 1'000'000>},
    {"limits", "address_burst", TakeNumber<&Config::address_burst, 1, 1'000'000>},
};

}  // namespace

base::Result<DirectoryConfig> ParseDirectoryConfig(std::string_view text, std::string_view source) {
  return program::ParseConfig(text, source, std::span<const Key>(kKeys), kPage, Config{});
}

std::vector<std::string> KnownDirectoryKeys() { return program::FullNames(std::span<const Key>(kKeys)); }

Status CheckConfig(const DirectoryConfig& config) {
  const auto wrong = [](const char* message) {
    return MakeError(ErrorKind::kInvalid, "config-value", message);
  };
  if (config.database.empty()) return wrong("database.url is missing: an SQLite file or a postgresql:// URL");
  if (config.certificate_file.empty() != config.key_file.empty()) {
    return wrong("tls.certificate_file and tls.key_file belong together");
  }
  if (config.certificate_file.empty() && !config.simulation) {
    return wrong("outside simulation tls.certificate_file and tls.key_file are needed");
  }
  if (config.policy.empty() && !config.simulation) {
    return wrong("servers.policy is missing: without one no server could be listed");
  }
  if (config.secret_file.empty() && accounts::IsPostgresqlUrl(config.database)) {
    return wrong(
        "sessions.secret_file is missing: a file with 64 hex digits, the same in all directories of the "
        "database");
  }
  return base::Ok();
}

accounts::DirectoryOptions OptionsOf(const DirectoryConfig& config) {
  constexpr double kSecondsOfAMinute = 60;
  accounts::DirectoryOptions options;
  options.issuer = config.issuer;
  options.session_life = std::chrono::seconds(config.token_s);
  options.session_keys.rotate_every = std::chrono::seconds(config.rotate_s);
  options.servers.verify_every = std::chrono::seconds(config.verify_every_s);
  options.servers.silent_after = std::chrono::seconds(config.silent_after_s);
  options.per_key = {config.key_per_minute / kSecondsOfAMinute, static_cast<double>(config.key_burst)};
  options.per_address = {config.address_per_minute / kSecondsOfAMinute,
                         static_cast<double>(config.address_burst)};
  return options;
}

base::Result<DirectoryCommandLine> ReadDirectoryCommandLine(int argc, const char* const* argv) {
  CLI::App app{"blindai-directory: gives clients with an API key a session and a list of verified servers."};
  app.footer(
      "Examples:\n"
      "  blindai-directory --config directory.toml\n"
      "  blindai-directory keys create --database directory.db --tenant clinic\n");
  DirectoryCommandLine line;
  std::string config_path;
  std::string https;
  std::string admin;
  bool version = false;
  app.add_option("--config", config_path, "Configuration file (TOML); docs/directory.md describes every key");
  app.add_option("--listen", https, "Address and port of HTTPS (127.0.0.1:8450)");
  app.add_option("--admin", admin, "Address and port of health and metrics, loopback only (127.0.0.1:9091)");
  app.add_flag("--version", version, "Print the version and end");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.print_and_exit =
        app.help() + "\nkeys: makes, lists and revokes API keys (blindai-directory keys --help)\n";
    return line;
  } catch (const CLI::ParseError& error) {
    return MakeError(ErrorKind::kInvalid, "usage",
                     std::string(error.what()) + "; blindai-directory --help shows the options");
  }
  if (version) {
    line.print_and_exit = "blindai-directory " BLINDAI_VERSION "\n";
    return line;
  }
  if (config_path.empty()) {
    return MakeError(ErrorKind::kInvalid, "usage",
                     "--config is missing; blindai-directory --help shows the options");
  }
  BLINDAI_TRY(const std::string text, program::ReadConfigFile(config_path));
  BLINDAI_TRY(line.config, ParseDirectoryConfig(text, config_path));
  if (!https.empty()) {
    BLINDAI_TRY(line.config.https, program::ParseListenAddress(https).Within("--listen"));
  }
  if (!admin.empty()) {
    BLINDAI_TRY(line.config.admin, program::ParseListenAddress(admin).Within("--admin"));
  }
  BLINDAI_RETURN_IF_ERROR(program::RequireLoopback(line.config.admin));
  BLINDAI_RETURN_IF_ERROR(CheckConfig(line.config).Within(config_path));
  return line;
}

}  // namespace blindai::directory
