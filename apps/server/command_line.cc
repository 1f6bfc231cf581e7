#include "server/command_line.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "program/config_file.h"

namespace blindai::server {
namespace {

using base::ErrorKind;
using base::MakeError;

}  // namespace

base::Result<CommandLine> ReadCommandLine(int argc, const char* const* argv) {
  CLI::App app{
      "blindai-server: runs ONNX models for clients that check what it is before they send anything."};
  app.footer(
      "Examples:\n"
      "  blindai-server --simulation                     on this computer, for trying things out; proves "
      "nothing\n"
      "  blindai-server --config server.toml             on confidential hardware\n"
      "  blindai-server --simulation --listen 127.0.0.1:0 --grpc 127.0.0.1:0 --admin 127.0.0.1:0    any free "
      "ports\n");
  bool simulation = false;
  bool version = false;
  std::string config_path;
  std::string https;
  std::string grpc;
  std::string admin;
  app.add_flag("--simulation", simulation,
               "No hardware: clients must ask for simulation, and every answer says so");
  app.add_option("--config", config_path, "Configuration file (TOML); docs/configuration.md lists every key");
  app.add_option("--listen", https, "Address and port of HTTPS (127.0.0.1:8443)");
  app.add_option("--grpc", grpc, "Address and port of gRPC (127.0.0.1:8444), or off");
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
    BLINDAI_TRY(const std::string text, program::ReadConfigFile(config_path));
    BLINDAI_TRY(line.config, ParseServerConfig(text, config_path));
  }
  if (simulation) line.config.platform = "simulation";
  if (!https.empty()) {
    BLINDAI_TRY(line.config.https, ParseListenAddress(https).Within("--listen"));
  }
  if (!grpc.empty()) line.config.is_grpc_on = grpc != "off";
  if (!grpc.empty() && line.config.is_grpc_on) {
    BLINDAI_TRY(line.config.grpc, ParseListenAddress(grpc).Within("--grpc"));
  }
  if (!admin.empty()) {
    BLINDAI_TRY(line.config.admin, ParseListenAddress(admin).Within("--admin"));
  }
  BLINDAI_RETURN_IF_ERROR(program::RequireLoopback(line.config.admin));
  return line;
}

}  // namespace blindai::server
