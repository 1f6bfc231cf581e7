#include "support/postgres.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include "base/check.h"

namespace blindai::tests {
namespace {

namespace fs = std::filesystem;

// The folder of initdb and postgres, of the newest version that is there.
std::optional<fs::path> ProgramsFolder() {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    if (fs::exists(version.path() / "bin" / "initdb")) found.push_back(version.path() / "bin");
  }
  if (found.empty()) return std::nullopt;
  return *std::max_element(found.begin(), found.end());
}

// PostgreSQL refuses to run as root.
const passwd* Unprivileged() {
  if (geteuid() != 0) return nullptr;
  const passwd* const user = getpwnam("postgres");
  return user != nullptr ? user : getpwnam("nobody");
}

// Starts a program as the unprivileged user, what it writes going to `output`.
pid_t Spawn(const fs::path& program, std::vector<std::string> words, const passwd* user, int output) {
  words.insert(words.begin(), program.filename().string());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  if (user != nullptr &&
      (setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)) {
    _exit(126);
  }
  // SIGQUIT ends the server at once when the test dies before it.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (getppid() != parent) _exit(126);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (chdir("/") == 0) execv(program.c_str(), arguments.data());
  _exit(127);
}

bool Succeeds(pid_t pid) {
  int status = 0;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Reads what the server says until it is ready; false when it ended before.
bool WaitUntilReady(int log) {
  std::string said;
  char byte = 0;
  while (said.find("ready to accept connections") == std::string::npos) {
    if (read(log, &byte, 1) != 1) return false;
    said += byte;
  }
  return true;
}

}  // namespace

std::unique_ptr<Postgres> Postgres::Start() {
  const auto programs = ProgramsFolder();
  if (!programs) return nullptr;
  const passwd* const user = Unprivileged();
  // Socket paths are short, so the folder is not in the build tree.
  std::string name = (fs::temp_directory_path() / "blindai-pg-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) return nullptr;
  std::unique_ptr<Postgres> server(new Postgres);
  server->folder_ = name;
  if (user != nullptr && chown(name.c_str(), user->pw_uid, user->pw_gid) != 0) return nullptr;
  const std::string data = name + "/data";
  const int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const bool made = Succeeds(Spawn(
      *programs / "initdb",
      {"-D", data, "-U", "blindai", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"}, user, quiet));
  close(quiet);
  int ends[2];
  if (!made || pipe2(ends, O_CLOEXEC) != 0) return nullptr;
  server->log_ = ends[0];
  server->pid_ = Spawn(*programs / "postgres",
                       {"-D", data, "-k", name, "-c", "listen_addresses=", "-c", "fsync=off", "-c",
                        "shared_buffers=8MB", "-c", "log_min_messages=log", "-c", "log_checkpoints=off"},
                       user, ends[1]);
  close(ends[1]);
  if (!WaitUntilReady(server->log_)) return nullptr;
  return server;
}

Postgres::~Postgres() {
  if (pid_ > 0) {
    kill(pid_, SIGQUIT);
    int status = 0;
    waitpid(pid_, &status, 0);
  }
  if (log_ >= 0) close(log_);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string Postgres::NewDatabase() {
  const std::string name = "test" + std::to_string(databases_++);
  const int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const auto programs = ProgramsFolder();
  BLINDAI_CHECK(Succeeds(
      Spawn(*programs / "createdb", {"-h", folder_.string(), "-U", "blindai", name}, nullptr, quiet)));
  close(quiet);
  return "postgresql://blindai@/" + name + "?host=" + folder_.string();
}

}  // namespace blindai::tests
