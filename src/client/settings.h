// Where a client learns which server to use and what to accept. Each setting is taken from the first place
// that has it: the caller's arguments, the environment (BLINDAI_ADDR, BLINDAI_API_KEY, BLINDAI_POLICY,
// BLINDAI_SIMULATION=1), the configuration file that `blindai login` writes:
//
//   addr = "blindai.example:8443"      or   directory = "https://cloud.example"
//   api_key = "…"                      or   api_key_in = "keyring"
//   policy = "policy.toml"                  directory_ca = "ca.pem"
//
// A server that is named wins over a directory (BLINDAI_DIRECTORY, BLINDAI_DIRECTORY_CA). Settings of the file belong
// to the server or directory that the file names: they are not used for one that is named elsewhere, so an API key
// never goes to somebody else. Simulation cannot be set in the file: it is a
// permission for one session.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/fetch/https_get.h"
#include "attestation/policy/policy.h"
#include "attestation/verifier/appraise.h"
#include "attestation/verifier/trust_anchors.h"
#include "base/result.h"
#include "base/secret.h"

namespace blindai::client {

inline constexpr std::uint16_t kDefaultPort = 8443;

struct ServerAddress {
  std::string host;  // without brackets
  std::uint16_t port = kDefaultPort;

  std::string ToText() const;  // "host:8443", "[::1]:8443"
};

// "host", "host:port", "1.2.3.4:port", "[::1]:port", "::1". Code: argument.
base::Result<ServerAddress> ParseServerAddress(std::string_view text);

struct DirectoryOptions {
  fetch::Url url;      // https://, or http:// on this machine
  std::string ca_pem;  // the only CA that may sign its certificate; empty: the system's
};

struct ConnectOptions {
  // Where there is no directory.
  ServerAddress server;
  // Gives the servers, and a token for them in exchange for the API key.
  std::optional<DirectoryOptions> directory;
  // What is accepted. Nothing: only simulation can be, and hardware is undecided (no-policy).
  std::shared_ptr<const policy::Policy> policy;
  verifier::AllowSimulation allow_simulation = verifier::AllowSimulation::kNo;
  // Sent as a bearer token: to the server, only after the verdict; with a directory to the directory alone.
  std::shared_ptr<const base::SecretBytes> api_key;
  verifier::TrustAnchors anchors = verifier::TrustAnchors::Production();
  std::chrono::milliseconds connect_timeout{10'000};
  // One request with its answer, the computing included.
  std::chrono::milliseconds request_timeout{600'000};
  // Connections that calls of several threads may use at the same time; each is verified by itself.
  std::size_t max_connections = 8;
  // Asked about ten times a second while a call waits, on the thread of the call; false ends it with
  // "cancelled".
  std::function<bool()> keep_waiting;
};

// What a caller said; nothing where it said nothing.
struct ConnectArguments {
  std::optional<std::string> addr;
  // Instead of a server: the directory's URL, and the file with its CA.
  std::optional<std::string> directory;
  std::optional<std::string> directory_ca;
  std::optional<std::string> api_key;
  std::optional<std::string> policy_file;
  std::optional<bool> simulation;
  // Certificates (PEM or DER) that may vouch beside the makers' own: a TPM's CA, a test PKI. Never from the
  // environment.
  std::vector<std::string> root_files;
};

// The process' surroundings as values, so that a test can make its own.
struct Surroundings {
  std::function<std::optional<std::string>(const std::string& name)> variable;
  std::function<std::optional<std::string>(const std::string& path)> read_file;
  std::string settings_file;  // empty: there is none
  // The API key of a directory from the system's keyring (key_store.h).
  std::function<std::optional<std::string>(const std::string& directory)> key_of_keyring;

  // The environment, the file system, and ~/.config/blindai/config.toml (or
  // $XDG_CONFIG_HOME/blindai/config.toml).
  static Surroundings OfProcess();
};

// Codes: no-server (names all three places), argument, settings-file (with the line; unknown keys are
// refused), policy-file (with the line), root-file.
base::Result<ConnectOptions> ResolveOptions(const ConnectArguments& arguments,
                                            const Surroundings& surroundings);

}  // namespace blindai::client
