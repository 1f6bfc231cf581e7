// The server's command line. What it says wins over the configuration file.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "server/server_config.h"

namespace blindai::server {

struct CommandLine {
  ServerConfig config;
  // Set when the program has only to print something (--help, --version) and end with success.
  std::optional<std::string> print_and_exit;
};

// Reads the command line and the file that `--config` names. Codes: usage, config-file and those of
// ParseServerConfig.
base::Result<CommandLine> ReadCommandLine(int argc, const char* const* argv);

}  // namespace blindai::server
