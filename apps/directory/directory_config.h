// The directory's configuration: defaults, then `--config directory.toml`, then the command line. docs/directory.md
// describes every key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "program/listen_address.h"
#include "service/accounts/directory.h"

namespace blindai::directory {

struct DirectoryConfig {
  // Simulated servers are listed too, and a certificate may be made at start. For trying it out; it proves nothing.
  bool simulation = false;

  // [listen]. The admin port has health and metrics and is loopback only. v05 is BlindAI 0.5's licensing call; without
  // a host it is off.
  program::ListenAddress https{"127.0.0.1", 8450};
  program::ListenAddress admin{"127.0.0.1", 9091};
  program::ListenAddress v05;

  // [tls]. PEM files, the certificate with those of its issuers behind it. Without them, in simulation, one is made at
  // start for localhost and `names`, and written to self_signed_file so that clients can be given it.
  std::string certificate_file;
  std::string key_file;
  std::string self_signed_file;
  std::vector<std::string> names;

  // [database]. An SQLite file, or a PostgreSQL URL when several directories share it.
  std::string database;

  // [sessions]. secret_file holds 64 hex digits, the same in all directories of one database; beside an SQLite file it
  // is made when it is not there.
  std::string issuer = "blindai-directory";
  std::string secret_file;
  std::uint32_t token_s = 600;
  std::uint32_t rotate_s = 86'400;
  // BlindAI 0.5 without a key is given a server's address and no token.
  bool anonymous_v05 = true;

  // [servers]. What a server must prove to be listed.
  std::string policy;
  std::vector<std::string> roots;
  std::uint32_t verify_every_s = 60;
  std::uint32_t silent_after_s = 30;

  // [limits]. Requests; 0 = no limit. Keys of operators and servers are not limited by key.
  std::uint32_t connections = 1024;
  std::uint32_t key_per_minute = 120;
  std::uint32_t key_burst = 60;
  std::uint32_t address_per_minute = 3000;
  std::uint32_t address_burst = 500;
};

// Codes: config-syntax, config-key, config-value, config-address.
base::Result<DirectoryConfig> ParseDirectoryConfig(std::string_view toml, std::string_view source);
// What contradicts itself or is missing. Code: config-value.
base::Status CheckConfig(const DirectoryConfig& config);
std::vector<std::string> KnownDirectoryKeys();

accounts::DirectoryOptions OptionsOf(const DirectoryConfig& config);

struct DirectoryCommandLine {
  DirectoryConfig config;
  // Set when the program has only to print something (--help, --version) and end with success.
  std::optional<std::string> print_and_exit;
};
// Codes: usage, config-file and those above.
base::Result<DirectoryCommandLine> ReadDirectoryCommandLine(int argc, const char* const* argv);

}  // namespace blindai::directory
