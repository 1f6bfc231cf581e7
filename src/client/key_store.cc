#include "client/key_store.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>
#include <vector>

#include "encoding/toml.h"

extern char** environ;

namespace blindai::client {
namespace {

using base::MakeError;
using base::Result;
using base::Status;
using std::chrono::steady_clock;

// Time for a person to type the keyring's password.
constexpr std::chrono::seconds kToolTimeout{60};
constexpr std::size_t kMaxKeyBytes = 4096;

struct Pipe {
  int read = -1;
  int write = -1;
  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) == 0) {
      read = ends[0];
      write = ends[1];
    }
  }
  ~Pipe() {
    CloseRead();
    CloseWrite();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  bool ok() const { return read >= 0; }
  void CloseRead() { Close(read); }
  void CloseWrite() { Close(write); }

 private:
  static void Close(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

// All that the program says, until it closes its output; at most kMaxKeyBytes. False when time is up.
bool ReadAll(int from, steady_clock::time_point deadline, std::string& said) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd wait{from, POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(left.count())) <= 0) continue;
    std::array<char, 512> piece{};
    const ssize_t got = read(from, piece.data(), piece.size());
    if (got == 0) return true;
    if (got < 0 && errno != EINTR) return false;
    if (got > 0) said.append(piece.data(), static_cast<std::size_t>(got));
    base::Wipe(std::span(reinterpret_cast<std::uint8_t*>(piece.data()), piece.size()));
    if (said.size() > kMaxKeyBytes) return false;
  }
}

// What the program said when it ended well. `input` is its standard input; its complaints are not shown.
std::optional<std::string> RunTool(std::vector<std::string> words, base::ByteView input) {
  // Without a session bus there is no Secret Service, and nothing should be started to look for one.
  if (std::getenv("DBUS_SESSION_BUS_ADDRESS") == nullptr) return std::nullopt;
  Pipe in;
  Pipe out;
  if (!in.ok() || !out.ok()) return std::nullopt;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = -1;
  const int failed = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return std::nullopt;
  out.CloseWrite();
  // An input of this size fits into the pipe, whose reading end stays open here until then: a program that has ended
  // already raises no signal and is noticed below.
  if (!input.empty()) {
    const ssize_t written = write(in.write, input.data(), input.size());
    (void)written;
  }
  in.CloseWrite();
  in.CloseRead();
  std::string said;
  const bool ended = ReadAll(out.read, steady_clock::now() + kToolTimeout, said);
  if (!ended) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return said;
}

Status CannotWrite() {
  return MakeError(base::ErrorKind::kUnavailable, "settings-file",
                   "the configuration file cannot be written; check the permissions of its folder");
}

}  // namespace

bool Keyring::Store(const std::string& place, const base::SecretBytes& key) const {
  const auto stored = RunTool(
      {tool_, "store", "--label=blindai API key", "service", "blindai", "place", place}, key.ExposeSecret());
  if (!stored) return false;
  return Find(place) == std::string(base::AsText(key.ExposeSecret()));
}

std::optional<std::string> Keyring::Find(const std::string& place) const {
  std::optional<std::string> said = RunTool({tool_, "lookup", "service", "blindai", "place", place}, {});
  if (!said) return std::nullopt;
  while (!said->empty() && said->back() == '\n') said->pop_back();
  return said->empty() ? std::nullopt : said;
}

void Keyring::Forget(const std::string& place) const {
  RunTool({tool_, "clear", "service", "blindai", "place", place}, {});
}

Result<std::optional<StoredSettings>> ReadStoredSettings(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::optional<StoredSettings>();
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto [table, trouble] = encoding::ParseToml(text);
  if (trouble) {
    return MakeError(base::ErrorKind::kInvalid, "settings-file",
                     "the configuration file is not valid TOML; correct or remove it");
  }
  StoredSettings settings;
  settings.addr = table["addr"].value<std::string>();
  settings.directory = table["directory"].value<std::string>();
  settings.directory_ca = table["directory_ca"].value<std::string>();
  settings.policy = table["policy"].value<std::string>();
  settings.api_key = table["api_key"].value<std::string>();
  settings.key_in_keyring = table["api_key_in"].value<std::string>() == "keyring";
  return std::optional<StoredSettings>(std::move(settings));
}

Status WriteStoredSettings(const std::string& path, const StoredSettings& settings) {
  toml::table table;
  const auto put = [&table](const char* key, const std::optional<std::string>& value) {
    if (value) table.insert(key, *value);
  };
  put("addr", settings.addr);
  put("directory", settings.directory);
  put("directory_ca", settings.directory_ca);
  put("policy", settings.policy);
  put("api_key", settings.api_key);
  if (settings.key_in_keyring) table.insert("api_key_in", "keyring");
  std::ostringstream text;
  text << table << "\n";

  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!std::filesystem::exists(folder, error)) {
    std::filesystem::create_directories(folder, error);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  std::string written = path + ".XXXXXX";
  const int file = mkstemp(written.data());  // mode 0600
  if (file < 0) return CannotWrite();
  const std::string bytes = text.str();
  const bool whole = write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  const bool closed = close(file) == 0;
  if (!whole || !closed || rename(written.c_str(), path.c_str()) != 0) {
    unlink(written.c_str());
    return CannotWrite();
  }
  return base::Ok();
}

}  // namespace blindai::client
