#include "server/command_line.h"

#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>
#include <utility>

namespace blindai::server {
namespace {

using base::ErrorKind;
using base::MakeError;

// A configuration is a page of text; more is a mistake in the file's name.
constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

base::Result<std::string> ReadConfigFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxConfigBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file.eof() && file.fail())) {
    return MakeError(ErrorKind::kNotFound, "config-file",
                     "the file that --config names cannot be read: " + path);
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxConfigBytes) {
    return MakeError(ErrorKind::kTooLarge, "config-file",
                     "the file that --config names is larger than 1 MiB: " + path);
  }
  return text;
}

}  // namespace

base::Result<CommandLine> ReadCommandLine(int argc, const char* const* argv) {
  CLI::App app{
      "blindai-server: runs ONNX models for clients that check what it is before they send anything."};
  app.footer(
      "Examples:\n"
      "  blindai-server --simulation                     on this computer, for trying things out; proves "
      "nothing\n"
      "  blindai-server --config server.toml             on confidential hardware\n"
      "  blindai-server --simulation --listen 127.0.0.1:0 --admin 127.0.0.1:0    any free ports\n");
  bool simulation = false;
  bool version = false;
  std::string config_path;
  std::string https;
  std::string admin;
  app.add_flag("--simulation", simulation,
               "No hardware: clients must ask for simulation, and every answer says so");
  app.add_option("--config", config_path, "Configuration file (TOML); docs/configuration.md lists every key");
  app.add_option("--listen", https, "Address and port of HTTPS (127.0.0.1:8443)");
  app.add_option("--admin", admin, "Address and port of health and metrics, loopback only (127.0.0.1:9090)");
  app.add_flag("--version", version, "Print the version and end");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return CommandLine{.config = {}, .print_and_exit = app.help()};
  } catch (const CLI::ParseError& error) {
    return MakeError(ErrorKind::kInvalid, "usage",
                     std::string(error.what()) + "; blindai-server --help shows the options");
  }
  CommandLine line;
  if (version) {
    line.print_and_exit = "version";
    return line;
  }
  if (!config_path.empty()) {
    BLINDAI_TRY(const std::string text, ReadConfigFile(config_path));
    BLINDAI_TRY(line.config, ParseServerConfig(text, config_path));
  }
  if (simulation) line.config.platform = "simulation";
  if (!https.empty()) {
    BLINDAI_TRY(line.config.https, ParseListenAddress(https).Within("--listen"));
  }
  if (!admin.empty()) {
    BLINDAI_TRY(line.config.admin, ParseListenAddress(admin).Within("--admin"));
  }
  const std::string& host = line.config.admin.host;
  if (host != "127.0.0.1" && host != "::1") {
    return MakeError(
        ErrorKind::kInvalid, "config-address",
        "the admin port speaks plain HTTP and is for this machine only: wanted 127.0.0.1 or [::1], seen " +
            AddressText(line.config.admin));
  }
  return line;
}

}  // namespace blindai::server
