#include "support/swtpm.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

#include "support/paths.h"

extern char** environ;

namespace blindai::tests {
namespace {

namespace fs = std::filesystem;

// Runs a program to its end, quietly; true when it was there and succeeded.
bool Run(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", 1, 0);
  posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", 1, 0);
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, arguments[0], &quiet, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&quiet);
  if (failed != 0) return false;
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool Manufacture(const fs::path& folder) {
  const std::string ca = (folder / "ca").string();
  std::ofstream(folder / "localca.conf")
      << "statedir = " << ca << "\nsigningkey = " << ca << "/signkey.pem\nissuercert = " << ca
      << "/issuercert.pem\ncertserial = " << ca << "/certserial\n";
  std::ofstream(folder / "localca.options")
      << "--platform-manufacturer test\n--platform-version 1\n--platform-model test\n";
  std::ofstream(folder / "setup.conf")
      << "create_certs_tool = swtpm_localca\ncreate_certs_tool_config = "
      << (folder / "localca.conf").string()
      << "\ncreate_certs_tool_options = " << (folder / "localca.options").string() << "\n";
  fs::create_directories(folder / "ca");
  return Run({"swtpm_setup", "--tpm2", "--tpmstate", (folder / "state").string(), "--config",
              (folder / "setup.conf").string(), "--create-ek-cert", "--pcr-banks", "sha256"});
}

}  // namespace

std::optional<Swtpm> Swtpm::Start(bool manufacture) {
  // Socket paths are short, so the folder is not in the build tree.
  std::string name = (fs::temp_directory_path() / "blindai-swtpm-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) return std::nullopt;
  Swtpm tpm{fs::path(name)};
  fs::create_directories(tpm.folder_ / "state");
  if (manufacture && !Manufacture(tpm.folder_)) return std::nullopt;
  // As a daemon it returns when it listens, so that nobody has to wait and see.
  const fs::path pid_file = tpm.folder_ / "pid";
  const std::string socket = (tpm.folder_ / "s").string();
  if (!Run({"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + (tpm.folder_ / "state").string(), "--server",
            "type=unixio,path=" + socket, "--ctrl", "type=unixio,path=" + socket + ".ctrl", "--flags",
            "not-need-init,startup-clear", "--daemon", "--pid", "file=" + pid_file.string()})) {
    return std::nullopt;
  }
  std::ifstream(pid_file) >> tpm.pid_;
  return tpm;
}

Swtpm::Swtpm(Swtpm&& other) noexcept
    : folder_(std::exchange(other.folder_, {})), pid_(std::exchange(other.pid_, 0)) {}

Swtpm::~Swtpm() {
  if (pid_ > 0) kill(pid_, SIGTERM);
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

std::string Swtpm::tcti() const { return "swtpm:path=" + (folder_ / "s").string(); }

base::Bytes Swtpm::CaCertificates() const {
  base::Bytes all = ReadFile(folder_ / "ca" / "issuercert.pem");
  const base::Bytes root = ReadFile(folder_ / "ca" / "swtpm-localca-rootca-cert.pem");
  all.insert(all.end(), root.begin(), root.end());
  return all;
}

}  // namespace blindai::tests
