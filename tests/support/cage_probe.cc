// A program that locks itself in as a worker does and then tries to get out; cage_probe.h says how it is told
// what.

#include "support/cage_probe.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <future>
#include <thread>

#include "model/packet_socket.h"
#include "model/worker_cage.h"
#include "model/worker_process.h"
#include "model/worker_protocol.h"

namespace blindai::tests {
namespace {

using model::kWorkerSocket;

// A child says by its end that it existed.
long WaitFor(long child) {
  if (child == 0) _exit(0);
  if (child > 0) waitpid(static_cast<pid_t>(child), nullptr, 0);
  return child;
}

long Exec() {
  char* const arguments[] = {const_cast<char*>("true"), nullptr};
  return execve("/bin/true", arguments, nullptr);
}

long ReadOtherMemory() {
  char byte = 0;
  iovec to{&byte, 1};
  iovec from{&byte, 1};
  return process_vm_readv(getppid() > 0 ? getppid() : 1, &to, 1, &from, 1, 0);
}

// The 32-bit entry of the kernel has other numbers, which a careless filter forgets: 20 is getpid there.
long Call32() {
#if defined(__x86_64__)
  long result = 20;
  asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  return result;
#else
  errno = ENOSYS;
  return -1;
#endif
}

// Stands for the model's file.
int FileFromBefore() {
  static const int file = memfd_create("model", 0);
  return file;
}

// Negative: refused, and errno says why.
long Try(Attempt attempt) {
  switch (attempt) {
    case Attempt::kNothing:
      return 0;
    case Attempt::kOpenFile:
    case Attempt::kOpenFromOldThread:
      return open("/etc/hostname", O_RDONLY);
    case Attempt::kOpenOwnMemory:
      return open("/proc/self/mem", O_RDWR);
    case Attempt::kListFiles:
      return open(".", O_RDONLY | O_DIRECTORY);
    case Attempt::kCreateFile:
      return open("/tmp/blindai-cage-probe", O_CREAT | O_WRONLY, 0600);
    case Attempt::kSocket:
      return socket(AF_INET, SOCK_STREAM, 0);
    case Attempt::kSocketPair: {
      int pair[2];
      return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    }
    case Attempt::kExec:
      return Exec();
    case Attempt::kFork:
      return WaitFor(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    case Attempt::kVfork:
      return WaitFor(vfork());
    case Attempt::kPtrace:
      return ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    case Attempt::kReadOtherMemory:
      return ReadOtherMemory();
    case Attempt::kIoUring: {
      io_uring_params parameters{};
      return syscall(SYS_io_uring_setup, 4, &parameters);
    }
    case Attempt::kKillServer:
      return kill(getppid() > 0 ? getppid() : 1, 0);
    case Attempt::kKillAll:
      return kill(-1, 0);
    case Attempt::kMount:
      return mount("none", "/", "tmpfs", 0, nullptr);
    case Attempt::kUnshare:
      return unshare(CLONE_NEWUSER);
    case Attempt::kSetUser:
      return setuid(0);
    case Attempt::kCreateMemoryFile:
      return memfd_create("probe", 0);
    case Attempt::kBpf:
      return syscall(SYS_bpf, 0, nullptr, 0);
    case Attempt::kPerfEvents:
      return syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0);
    case Attempt::kUserfault:
      return syscall(SYS_userfaultfd, 1);
    case Attempt::kKeyring:
      return syscall(SYS_keyctl, 0, -3, 1);
    case Attempt::kModule:
      return syscall(SYS_init_module, nullptr, 0, "");
    case Attempt::kNamedPipe:
      return mkfifo("/tmp/blindai-cage-probe-pipe", 0600);
    case Attempt::kControlDevice: {
      int waiting = 0;
      return ioctl(kWorkerSocket, FIONREAD, &waiting);
    }
    case Attempt::k32BitCall:
      return Call32();
    case Attempt::kMoveOffset:
      return lseek(FileFromBefore(), 7, SEEK_SET);
    case Attempt::kSetFlags:
      return fcntl(FileFromBefore(), F_SETFL, O_APPEND);
    case Attempt::kLockFile:
      return flock(FileFromBefore(), LOCK_EX);
    case Attempt::kNameAttribute:
      return fsetxattr(FileFromBefore(), "user.x", "x", 1, 0);
  }
  return 0;
}

std::uint64_t Outcome(Attempt attempt) {
  errno = 0;
  return Try(attempt) < 0 ? static_cast<std::uint64_t>(errno) : 0;
}

int Main() {
  if (!model::PrepareWorkerProcess() || FileFromBefore() < 0) return 1;
  const auto packet = model::ReceivePacket(kWorkerSocket, 0);
  if (!packet.ok() || packet->state != model::ReceivedPacket::State::kPacket) return 2;
  const auto message = model::DecodeToWorker(packet->bytes);
  const auto& start = std::get<model::StartMessage>(*message);
  const auto attempt = static_cast<Attempt>(start.threads);

  std::promise<void> go;
  std::promise<std::uint64_t> outcome;
  std::thread old_thread([&] {
    go.get_future().wait();
    outcome.set_value(Outcome(attempt));
  });
  model::CagedMessage caged;
  if (start.memory_limit_bytes != 0) {
    auto cage = model::LockDown(start.memory_limit_bytes, start.own_mount_namespace);
    if (!cage.ok()) return 3;
    caged.cage = *cage;
  }
  model::SendPacket(kWorkerSocket, model::Encode(model::FromWorker(caged)), -1, 0);

  const bool from_old_thread = attempt == Attempt::kOpenFromOldThread;
  const std::uint64_t here = from_old_thread ? 0 : Outcome(attempt);
  if (from_old_thread) go.set_value();
  const std::uint64_t result = from_old_thread ? outcome.get_future().get() : here;
  model::SendPacket(kWorkerSocket, model::Encode(model::FromWorker(model::RanMessage{result, 0, {}})), -1, 0);
  while (model::ReceivePacket(kWorkerSocket, 0)->state == model::ReceivedPacket::State::kPacket) {
  }
  _exit(0);
}

}  // namespace
}  // namespace blindai::tests

int main() { return blindai::tests::Main(); }
