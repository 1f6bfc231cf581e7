#include "client/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "attestation/policy/policy_file.h"
#include "client/failure.h"
#include "client/key_store.h"
#include "encoding/toml.h"

namespace blindai::client {
namespace {

using base::MakeError;
using base::Result;
using base::Status;

base::Error WrongAddress(std::string_view why) {
  return ArgumentError(
      "the server's address " + std::string(why) + "; wanted host or host:port, such as localhost:8443",
      "addr");
}

Result<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return WrongAddress("has a port that is not a number of 1 to 65535");
  }
  return port;
}

base::Error SettingsError(std::size_t line, const std::string& what) {
  return MakeError(base::ErrorKind::kInvalid, "settings-file",
                   "the configuration file, line " + std::to_string(line) + ": " + what);
}

constexpr std::array<std::string_view, 6> kSettingsKeys = {"addr",   "api_key",   "api_key_in",
                                                           "policy", "directory", "directory_ca"};

// What the caller said and what the places say, from the first that has it.
struct Found : ConnectArguments {
  std::optional<std::string> api_key_in;
};

Result<Found> ParseSettingsFile(const std::string& text) {
  Found settings;
  const encoding::ParsedToml parsed = encoding::ParseToml(text);
  if (parsed.trouble) return SettingsError(parsed.trouble->line, "not valid TOML");
  for (const auto& [key, value] : parsed.table) {
    const std::string_view name = key.str();
    if (std::find(kSettingsKeys.begin(), kSettingsKeys.end(), name) == kSettingsKeys.end()) {
      const std::string hint = name == "simulation"
                                   ? "simulation is not a setting: say it in the call, on "
                                     "the command line or by BLINDAI_SIMULATION=1"
                                   : "unknown key; known are addr, api_key, api_key_in, policy, directory "
                                     "and directory_ca";
      return SettingsError(key.source().begin.line, hint);
    }
    const std::optional<std::string> word = value.value_exact<std::string>();
    if (!word) return SettingsError(value.source().begin.line, std::string(name) + " is not a string");
    if (name == "addr") settings.addr = word;
    if (name == "api_key") settings.api_key = word;
    if (name == "policy") settings.policy_file = word;
    if (name == "directory") settings.directory = word;
    if (name == "directory_ca") settings.directory_ca = word;
    if (name == "api_key_in") settings.api_key_in = word;
  }
  if (settings.addr && settings.directory) {
    return SettingsError(1, "addr and directory exclude each other; keep the one that you use");
  }
  if (settings.api_key_in && *settings.api_key_in != "keyring") {
    return SettingsError(1, "api_key_in: wanted \"keyring\"");
  }
  return settings;
}

template <typename T>
void TakeMissing(std::optional<T>& into, const std::optional<T>& from) {
  if (!into) into = from;
}

Result<DirectoryOptions> ReadDirectory(const Found& found, const Surroundings& surroundings) {
  DirectoryOptions options;
  auto url = fetch::ParseUrl(*found.directory);
  if (!url.ok()) {
    return ArgumentError("the directory's address is not one; wanted https://host or https://host:port",
                         "directory");
  }
  options.url = *std::move(url);
  if (!found.directory_ca) return options;
  const std::optional<std::string> pem = surroundings.read_file(*found.directory_ca);
  if (!pem || pem->empty()) {
    return ArgumentError("the file with the directory's CA cannot be read", "directory_ca");
  }
  options.ca_pem = *pem;
  return options;
}

// The file's settings, as far as they belong to the server or directory that is used.
Status TakeFromFile(Found& found, const Surroundings& surroundings) {
  if (found.addr || surroundings.settings_file.empty()) return base::Ok();
  const std::optional<std::string> text = surroundings.read_file(surroundings.settings_file);
  if (!text) return base::Ok();
  BLINDAI_TRY(const Found settings, ParseSettingsFile(*text));
  if (found.directory && found.directory != settings.directory) return base::Ok();
  found.addr = settings.addr;
  TakeMissing(found.directory, settings.directory);
  TakeMissing(found.directory_ca, settings.directory_ca);
  TakeMissing(found.policy_file, settings.policy_file);
  TakeMissing(found.api_key, settings.api_key);
  if (found.api_key || !settings.api_key_in) return base::Ok();
  const std::string& place = found.directory ? *found.directory : found.addr.value_or("");
  found.api_key = surroundings.key_of_keyring ? surroundings.key_of_keyring(place) : std::nullopt;
  if (found.api_key) return base::Ok();
  return ArgumentError(
      "the configuration file says that the API key is in the keyring, and it is not there now; unlock "
      "the keyring, or run `blindai login` again",
      "api_key");
}

Result<std::optional<bool>> SimulationOf(const Surroundings& surroundings) {
  const std::optional<std::string> word = surroundings.variable("BLINDAI_SIMULATION");
  if (!word || word->empty() || *word == "0") return std::optional<bool>();
  if (*word == "1") return std::optional<bool>(true);
  return ArgumentError("BLINDAI_SIMULATION is neither 1 nor 0", "BLINDAI_SIMULATION");
}

Result<std::shared_ptr<const policy::Policy>> ReadPolicy(const std::string& path,
                                                         const Surroundings& surroundings) {
  const std::optional<std::string> text = surroundings.read_file(path);
  if (!text) {
    return MakeError(base::ErrorKind::kInvalid, "policy-file",
                     "the policy file cannot be read; check its name and its permissions", "policy");
  }
  auto policy = policy::ParsePolicy(*text);
  if (!policy.ok()) {
    base::Error error = std::move(policy).error().Within("policy file");
    error.code = "policy-file";
    return error;
  }
  return std::make_shared<const policy::Policy>(*std::move(policy));
}

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return file.bad() ? std::nullopt : std::optional<std::string>(std::move(text));
}

Result<verifier::TrustAnchors> ReadRoots(const std::vector<std::string>& files,
                                         const Surroundings& surroundings) {
  const auto wrong = [](const std::string& file) {
    return MakeError(base::ErrorKind::kInvalid, "root-file",
                     "cannot be read, or is no certificate in PEM or DER: " + file, "root");
  };
  std::vector<base::Bytes> roots;
  for (const std::string& file : files) {
    const std::optional<std::string> text = surroundings.read_file(file);
    if (!text) return wrong(file);
    roots.push_back(base::CopyBytes(base::AsBytes(*text)));
    // One by one, so that the error names the file.
    if (!verifier::TrustAnchors::ProductionAnd({roots.back()}).ok()) return wrong(file);
  }
  return verifier::TrustAnchors::ProductionAnd(roots);
}

}  // namespace

std::string ServerAddress::ToText() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<ServerAddress> ParseServerAddress(std::string_view text) {
  ServerAddress address;
  if (text.find("://") != std::string_view::npos) return WrongAddress("is a URL");
  if (text.find_first_of("/ \t\r\n@?#") != std::string_view::npos)
    return WrongAddress("has a character that no host name has");
  std::string_view host = text;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return WrongAddress("lacks a ']'");
    host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) return WrongAddress("has text behind the ']'");
    if (!rest.empty()) {
      BLINDAI_TRY(address.port, ParsePort(rest.substr(1)));
    }
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    host = text.substr(0, colon);
    BLINDAI_TRY(address.port, ParsePort(text.substr(colon + 1)));
  }
  if (host.empty()) return WrongAddress("has no host");
  address.host = host;
  return address;
}

Surroundings Surroundings::OfProcess() {
  Surroundings surroundings;
  surroundings.variable = Variable;
  surroundings.read_file = ReadFile;
  surroundings.key_of_keyring = [](const std::string& place) { return Keyring().Find(place); };
  if (const auto folder = Variable("XDG_CONFIG_HOME")) {
    surroundings.settings_file = *folder + "/blindai/config.toml";
  } else if (const auto home = Variable("HOME")) {
    surroundings.settings_file = *home + "/.config/blindai/config.toml";
  }
  return surroundings;
}

Result<ConnectOptions> ResolveOptions(const ConnectArguments& arguments, const Surroundings& surroundings) {
  if (arguments.addr && arguments.directory)
    return ArgumentError("a server and a directory exclude each other; give the one that you use",
                         "directory");
  Found found{arguments, std::nullopt};
  if (!found.directory) TakeMissing(found.addr, surroundings.variable("BLINDAI_ADDR"));
  TakeMissing(found.api_key, surroundings.variable("BLINDAI_API_KEY"));
  TakeMissing(found.policy_file, surroundings.variable("BLINDAI_POLICY"));
  if (!found.simulation) {
    BLINDAI_TRY(found.simulation, SimulationOf(surroundings));
  }
  if (!found.addr && !found.directory) {
    found.directory = surroundings.variable("BLINDAI_DIRECTORY");
    TakeMissing(found.directory_ca, surroundings.variable("BLINDAI_DIRECTORY_CA"));
  }
  BLINDAI_RETURN_IF_ERROR(TakeFromFile(found, surroundings));
  if (found.addr) found.directory.reset();
  if (!found.addr && !found.directory) {
    return MakeError(
        base::ErrorKind::kInvalid, std::string(kNoServer),
        "no server is named: give its address (addr=\"host:8443\", or ADDR on the command line), or set the "
        "environment variable BLINDAI_ADDR (with BLINDAI_API_KEY or BLINDAI_POLICY), or BLINDAI_DIRECTORY "
        "for a "
        "managed cloud, or run `blindai login`, which writes the configuration file",
        "addr");
  }
  ConnectOptions options;
  if (found.addr) {
    BLINDAI_TRY(options.server, ParseServerAddress(*found.addr));
  } else {
    BLINDAI_TRY(options.directory, ReadDirectory(found, surroundings));
  }
  if (found.policy_file) {
    BLINDAI_TRY(options.policy, ReadPolicy(*found.policy_file, surroundings));
  }
  if (!found.root_files.empty()) {
    BLINDAI_TRY(options.anchors, ReadRoots(found.root_files, surroundings));
  }
  if (found.simulation.value_or(false)) options.allow_simulation = verifier::AllowSimulation::kYes;
  if (found.api_key) {
    const auto printable = [](char c) { return c > ' ' && c <= '~'; };
    if (!std::all_of(found.api_key->begin(), found.api_key->end(), printable)) {
      return ArgumentError("the API key has a character that no key has (a space or a line end, perhaps)",
                           "api_key");
    }
    options.api_key =
        std::make_shared<const base::SecretBytes>(base::SecretBytes::CopyOf(base::AsBytes(*found.api_key)));
  }
  return options;
}

}  // namespace blindai::client
