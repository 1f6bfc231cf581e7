#include "sound_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "client/failure.h"

namespace blindai::cli {
namespace {

// `sh -c command` with its output in `output` and signals as a program expects them; 0 where there is no shell.
pid_t Spawn(const std::string& command, int output) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none;
  sigemptyset(&none);
  sigset_t usual;
  sigemptyset(&usual);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&usual, signal);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &usual);
  posix_spawnattr_setpgroup(&how, 0);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::string shell = "sh";
  std::string flag = "-c";
  std::string text = command;
  const std::array<char*, 4> words = {shell.data(), flag.data(), text.data(), nullptr};
  pid_t child = 0;
  if (posix_spawn(&child, "/bin/sh", &files, &how, words.data(), environ) != 0) child = 0;
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&how);
  return child;
}

int WaitFor(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

base::Result<std::unique_ptr<SoundSource>> SoundSource::OfStdin() {
  if (::isatty(STDIN_FILENO) == 1) {
    return client::ArgumentError(
        "sound is wanted on standard input, which is a terminal; pipe it in, or name a --command", "command");
  }
  return std::unique_ptr<SoundSource>(
      new SoundSource(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0), ::eventfd(0, EFD_CLOEXEC), 0));
}

base::Result<std::unique_ptr<SoundSource>> SoundSource::OfCommand(const std::string& command) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return client::ArgumentError("there is no pipe left for the command", "command");
  const pid_t child = Spawn(command, ends[1]);
  ::close(ends[1]);
  std::unique_ptr<SoundSource> source(new SoundSource(ends[0], ::eventfd(0, EFD_CLOEXEC), child));
  if (child == 0) return client::ArgumentError("there is no /bin/sh to run the command", "command");
  return source;
}

SoundSource::~SoundSource() {
  Stop();
  const base::Status closed = Close();
  (void)closed;  // who wanted to know has asked
  ::close(sound_);
  ::close(stop_);
}

base::Result<std::size_t> SoundSource::Read(std::span<std::uint8_t> into) {
  while (true) {
    std::array<pollfd, 2> ready = {pollfd{sound_, POLLIN, 0}, pollfd{stop_, POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), -1) < 0 && errno == EINTR) continue;
    if (ready[1].revents != 0) return std::size_t{0};
    const ssize_t count = ::read(sound_, into.data(), into.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR && errno != EAGAIN)
      return client::ArgumentError("standard input cannot be read; pipe raw sound into it", "command");
  }
}

void SoundSource::Stop() { (void)::eventfd_write(stop_, 1); }

base::Status SoundSource::Close() {
  if (command_ == 0) return base::Ok();
  pollfd stopped{stop_, POLLIN, 0};
  const bool by_us = ::poll(&stopped, 1, 0) == 1;
  if (by_us) ::kill(-command_, SIGTERM);
  const int status = WaitFor(std::exchange(command_, 0));
  if (by_us || status == 0) return base::Ok();
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return client::ArgumentError(
      fmt::format("the command failed with exit code {}; run it by itself to see why", code), "command");
}

}  // namespace blindai::cli
