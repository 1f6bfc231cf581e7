// `blindai login` and `blindai logout`: keeps an API key for later, and forgets it.
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "base/clock.h"
#include "client/directory.h"
#include "client/failure.h"
#include "client/key_store.h"
#include "client/settings.h"
#include "commands.h"

namespace blindai::cli {
namespace {

using base::Result;
using client::StoredSettings;

struct LoginWords {
  std::optional<std::string> directory;
  std::optional<std::string> directory_ca;
  std::optional<std::string> addr;
  std::optional<std::string> policy;
};

// Typed keys are not shown.
class NoEcho {
 public:
  NoEcho() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  ~NoEcho() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

// The first line of standard input, asked for where a person sits there.
Result<base::SecretBytes> ReadKey() {
  std::string key;
  if (isatty(STDIN_FILENO) == 1) {
    std::cerr << "API key: " << std::flush;
    const NoEcho no_echo;
    std::getline(std::cin, key);
    std::cerr << "\n";
  } else {
    std::getline(std::cin, key);
  }
  if (!key.empty() && key.back() == '\r') key.pop_back();
  if (key.empty()) {
    return client::ArgumentError(
        "standard input has no API key; type it, or pipe it in: blindai login < key.txt", "api_key");
  }
  base::SecretBytes secret = base::SecretBytes::CopyOf(base::AsBytes(key));
  base::Wipe(std::span(reinterpret_cast<std::uint8_t*>(key.data()), key.size()));
  return secret;
}

base::Error WhichPlace() {
  return base::MakeError(
      base::ErrorKind::kInvalid, std::string(client::kNoServer),
      "for which cloud or server is the key? give one of --directory https://… and --addr HOST, "
      "or set BLINDAI_DIRECTORY",
      "directory");
}

// The place that the key is for, with what the file already says about this place and no other.
Result<StoredSettings> PlaceOf(const LoginWords& words, const std::optional<StoredSettings>& before) {
  StoredSettings place{.addr = words.addr, .directory = words.directory};
  if (place.addr && place.directory) return WhichPlace();
  if (!place.addr && !place.directory) {
    const client::Surroundings surroundings = client::Surroundings::OfProcess();
    place.directory = surroundings.variable("BLINDAI_DIRECTORY");
    place.directory_ca = surroundings.variable("BLINDAI_DIRECTORY_CA");
    if (!place.directory && before) place = *before;
  }
  if (!place.addr && !place.directory) return WhichPlace();
  if (before && before->addr == place.addr && before->directory == place.directory) {
    if (!place.directory_ca) place.directory_ca = before->directory_ca;
    place.policy = before->policy;
  }
  // Whoever reads the file later may be in another folder.
  if (words.policy) place.policy = std::filesystem::absolute(*words.policy);
  if (words.directory_ca) place.directory_ca = words.directory_ca;
  if (place.directory_ca) place.directory_ca = std::filesystem::absolute(*place.directory_ca);
  return place;
}

std::string NameOf(const StoredSettings& settings) {
  return settings.directory ? *settings.directory : settings.addr.value_or("");
}

// Asks the directory whether it knows the key. Only a clear no stops the login.
base::Status CheckKey(const StoredSettings& settings, const base::SecretBytes& key) {
  client::Surroundings surroundings = client::Surroundings::OfProcess();
  surroundings.settings_file.clear();
  surroundings.variable = [&](const std::string& name) -> std::optional<std::string> {
    if (name == "BLINDAI_DIRECTORY") return settings.directory;
    if (name == "BLINDAI_DIRECTORY_CA") return settings.directory_ca;
    return std::nullopt;
  };
  client::ConnectArguments arguments;
  arguments.api_key = std::string(base::AsText(key.ExposeSecret()));
  BLINDAI_TRY(const client::ConnectOptions options, client::ResolveOptions(arguments, surroundings));
  const auto session = client::Directory(options).OpenSession("", base::Now());
  if (session.ok() || session.error().code == "no-servers") return base::Ok();
  if (client::FailureOf(session.error()) == client::FailureKind::kAccess) return session.error();
  Note("blindai: the directory could not be asked about this key [" + session.error().code +
       "]; stored anyway");
  return base::Ok();
}

Result<std::string> SettingsFile() {
  std::string path = client::Surroundings::OfProcess().settings_file;
  if (!path.empty()) return path;
  return base::MakeError(base::ErrorKind::kInvalid, "settings-file",
                         "there is no place for a configuration file: HOME and XDG_CONFIG_HOME are not set");
}

Result<std::string> Login(const LoginWords& words) {
  BLINDAI_TRY(const std::string path, SettingsFile());
  BLINDAI_TRY(const std::optional<StoredSettings> before, client::ReadStoredSettings(path));
  BLINDAI_TRY(StoredSettings settings, PlaceOf(words, before));
  BLINDAI_TRY(const base::SecretBytes key, ReadKey());
  if (settings.directory) BLINDAI_RETURN_IF_ERROR(CheckKey(settings, key));
  const std::string place = NameOf(settings);
  if (before && before->key_in_keyring && NameOf(*before) != place) client::Keyring().Forget(NameOf(*before));
  settings.key_in_keyring = client::Keyring().Store(place, key);
  settings.api_key.reset();
  if (!settings.key_in_keyring) settings.api_key = std::string(base::AsText(key.ExposeSecret()));
  BLINDAI_RETURN_IF_ERROR(client::WriteStoredSettings(path, settings));
  return fmt::format("stored for {}: {}\n", place,
                     settings.key_in_keyring
                         ? "in the system's keyring"
                         : "in the configuration file, which only you can read (no keyring is "
                           "running)");
}

Result<std::string> Logout() {
  BLINDAI_TRY(const std::string path, SettingsFile());
  BLINDAI_TRY(const std::optional<StoredSettings> before, client::ReadStoredSettings(path));
  if (!before || (!before->key_in_keyring && !before->api_key)) return std::string("no API key was stored\n");
  StoredSettings settings = *before;
  const std::string place = NameOf(settings);
  if (settings.key_in_keyring) client::Keyring().Forget(place);
  settings.key_in_keyring = false;
  settings.api_key.reset();
  BLINDAI_RETURN_IF_ERROR(client::WriteStoredSettings(path, settings));
  return fmt::format("forgotten: the API key for {}\n", place);
}

ExitCode Say(const Result<std::string>& said) {
  if (!said.ok()) return Fail(said.error());
  cli::Result(*said);
  return ExitCode::kDone;
}

}  // namespace

void AddLogin(CLI::App& app, ExitCode& code) {
  CLI::App* command = app.add_subcommand("login", "keep an API key: in the system's keyring, else in a file");
  auto words = std::make_shared<LoginWords>();
  command->add_option("--directory", words->directory,
                      "the managed cloud: https://host (else BLINDAI_DIRECTORY, or that of the last login)");
  command->add_option("--directory-ca", words->directory_ca,
                      "the only CA that may sign its certificate, a PEM file; else the system's");
  command->add_option("--addr", words->addr, "one server instead of a cloud: host or host:port");
  command->add_option("--policy", words->policy, "the policy file that is used with it from now on");
  command->footer(
      "The key is read from standard input, never from the command line.\n\n"
      "examples:\n"
      "  blindai login --directory https://cloud.example\n"
      "  blindai login --addr server.example --policy policy.toml < key.txt");
  command->callback([words, &code] { code = Say(Login(*words)); });
  CLI::App* logout = app.add_subcommand("logout", "forget the API key that login kept");
  logout->footer("example:\n  blindai logout");
  logout->callback([&code] { code = Say(Logout()); });
}

}  // namespace blindai::cli
