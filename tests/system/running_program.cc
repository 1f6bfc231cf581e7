#include "running_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace blindai::tests {
namespace {

struct Child {
  pid_t pid = 0;
  int output = -1;
};

Child Spawn(const std::filesystem::path& program, std::vector<std::string> words, int inherited) {
  words.insert(words.begin(), program.filename().string());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  // Results and complaints come through one pipe; it ends when the program does.
  int ends[2];
  BLINDAI_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    if (inherited >= 0) fcntl(inherited, F_SETFD, 0);
    execv(program.c_str(), arguments.data());
    _exit(127);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

int WaitFor(pid_t pid) {
  int status = 0;
  BLINDAI_CHECK(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Appends one byte; false at the end.
bool ReadByte(int file, std::string& text) {
  char byte = 0;
  if (read(file, &byte, 1) != 1) return false;
  text += byte;
  return true;
}

}  // namespace

base::Result<std::unique_ptr<RunningProgram>> RunningProgram::Start(const Options& options) {
  std::unique_ptr<RunningProgram> program(new RunningProgram);
  const Child child = Spawn(options.program, options.arguments, options.inherited);
  program->pid_ = child.pid;
  program->output_ = child.output;
  std::string& said = program->said_;
  while (said.find(options.ready) == std::string::npos || (!options.ready.empty() && said.back() != '\n')) {
    if (!ReadByte(child.output, said)) return base::Malformed(said, "program-start");
  }
  return program;
}

RunningProgram::~RunningProgram() {
  End(SIGTERM);
  // Open until now, so that log lines have somewhere to go.
  close(output_);
}

int RunningProgram::End(int signal_number) {
  if (pid_ == 0) return 0;
  kill(pid_, signal_number);
  return WaitFor(std::exchange(pid_, 0));
}

int RunningProgram::Stop() { return End(SIGTERM); }
void RunningProgram::Kill() { End(SIGKILL); }

std::uint16_t RunningProgram::Port(std::string_view key) const {
  const std::size_t at = said_.find(" " + std::string(key) + "=");
  if (at == std::string::npos) return 0;
  const std::size_t colon = said_.find(':', at);
  return static_cast<std::uint16_t>(std::strtoul(said_.c_str() + colon + 1, nullptr, 10));
}

EndedProgram RunToEnd(const std::filesystem::path& program, const std::vector<std::string>& arguments) {
  const Child child = Spawn(program, arguments, -1);
  EndedProgram ended;
  while (ReadByte(child.output, ended.output)) continue;
  close(child.output);
  ended.status = WaitFor(child.pid);
  return ended;
}

}  // namespace blindai::tests
