#include "model/worker_process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include "model/packet_socket.h"

#ifndef P_PIDFD  // sys/wait.h, since glibc 2.36
#define P_PIDFD 3
#endif

namespace blindai::model {
namespace {

using base::ErrorKind;
using base::MakeError;

// From most to least confined; the first that the kernel grants is used. Without a user namespace only root
// may have the others.
constexpr int kInner = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
constexpr std::array<int, 3> kNamespaces = {CLONE_NEWUSER | kInner, kInner, 0};

// Sharing memory until exec spares the copy of page tables, and never gives the child a copy of our secrets.
// The sanitizers' own bookkeeping does not survive it.
#ifdef BLINDAI_SANITIZED
constexpr int kBorrowMemory = 0;
#else
constexpr int kBorrowMemory = CLONE_VM | CLONE_VFORK;
#endif

// Everything that the child needs, prepared before: between clone and exec it may only make system calls.
struct ChildPlan {
  const char* program;
  int socket;
  int failure_pipe;
  bool map_user;
  std::array<char, 32> uid_map;
  std::array<char, 32> gid_map;
};

bool WriteText(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = write(fd, text, strlen(text)) >= 0;
  close(fd);
  return written;
}

void MoveDescriptors(const ChildPlan& plan) {
  const int null = open("/dev/null", O_RDWR);
  dup2(null, 0);
  dup2(null, 1);
  // No text of an engine leaves the worker; but reports of sanitizers must be seen.
#ifndef BLINDAI_SANITIZED
  dup2(null, 2);
#endif
  dup2(plan.socket, kWorkerSocket);
  // The failure pipe closes itself at exec; so does all else that we opened, and this catches what others did
  // not mark.
  syscall(SYS_close_range, kWorkerSocket + 1, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
}

int RunChild(void* argument) {
  const ChildPlan& plan = *static_cast<const ChildPlan*>(argument);
  // A user namespace without a mapping still confines; the worker then finds out what it cannot do.
  if (plan.map_user && WriteText("/proc/self/setgroups", "deny")) {
    WriteText("/proc/self/uid_map", plan.uid_map.data());
    WriteText("/proc/self/gid_map", plan.gid_map.data());
  }
  MoveDescriptors(plan);
  char* const arguments[] = {const_cast<char*>("blindai-worker"), nullptr};
  char* const environment[] = {
      // The engine's second store of kernels, beside CPU_RUNTIME_CACHE_CAPACITY, is bounded only from here.
      const_cast<char*>("ONEDNN_PRIMITIVE_CACHE_CAPACITY=64"),
      // Else TBB opens its parts with the C library's allocator instead of the worker's (freed_memory.h), or of a
      // sanitizer's.
      const_cast<char*>("TBB_ENABLE_SANITIZERS=1"), nullptr};
  execve(plan.program, arguments, environment);
  const int error = errno;
  [[maybe_unused]] const ssize_t told = write(plan.failure_pipe, &error, sizeof error);
  return 127;  // clone ends the process with it
}

// The child's stack until it has called exec.
class ChildStack {
 public:
  ChildStack()
      : base_(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {
  }
  ~ChildStack() {
    if (ok()) munmap(base_, kBytes);
  }
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  bool ok() const { return base_ != MAP_FAILED; }
  void* top() const { return static_cast<char*>(base_) + kBytes; }

 private:
  static constexpr std::size_t kBytes = 256 << 10;
  void* base_;
};

struct Child {
  pid_t pid = -1;
  int pidfd = -1;
  int namespaces = 0;
};

Child CloneWith(ChildPlan& plan, const ChildStack& stack) {
  Child child;
  for (const int namespaces : kNamespaces) {
    plan.map_user = (namespaces & CLONE_NEWUSER) != 0;
    child.namespaces = namespaces;
    child.pid =
        clone(RunChild, stack.top(), namespaces | kBorrowMemory | CLONE_PIDFD | SIGCHLD, &plan, &child.pidfd);
    if (child.pid > 0) return child;
  }
  return child;
}

Cage FactsOf(int namespaces) {
  Cage cage;
  cage.user_namespace = (namespaces & CLONE_NEWUSER) != 0;
  cage.mount_namespace = (namespaces & CLONE_NEWNS) != 0;
  cage.pid_namespace = (namespaces & CLONE_NEWPID) != 0;
  cage.network_namespace = (namespaces & CLONE_NEWNET) != 0;
  cage.ipc_namespace = (namespaces & CLONE_NEWIPC) != 0;
  return cage;
}

// Descriptors of Spawn that are closed however it ends.
struct Pair {
  std::array<int, 2> fds{-1, -1};
  ~Pair() {
    for (const int fd : fds) {
      if (fd >= 0) close(fd);
    }
  }
};

base::Error Unavailable(std::string message) {
  return MakeError(ErrorKind::kUnavailable, "worker-unavailable", std::move(message));
}

}  // namespace

base::Result<WorkerProcess> WorkerProcess::Spawn(const std::string& program) {
  Pair sockets;
  Pair failure;
  const ChildStack stack;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.fds.data()) != 0 ||
      pipe2(failure.fds.data(), O_CLOEXEC) != 0 || !stack.ok()) {
    return Unavailable("no worker process can be started now: out of descriptors or memory");
  }
  ChildPlan plan{program.c_str(), sockets.fds[1], failure.fds[1], false, {}, {}};
  std::snprintf(plan.uid_map.data(), plan.uid_map.size(), "0 %u 1", geteuid());
  std::snprintf(plan.gid_map.data(), plan.gid_map.size(), "0 %u 1", getegid());
  const Child child = CloneWith(plan, stack);
  if (child.pid < 0)
    return Unavailable("no worker process can be started now: the kernel refuses a new process");

  WorkerProcess worker;
  worker.pid_ = child.pid;
  worker.pidfd_ = child.pidfd;
  worker.namespaces_ = FactsOf(child.namespaces);
  worker.socket_ = std::exchange(sockets.fds[0], -1);
  close(std::exchange(failure.fds[1], -1));
  // Nothing comes through the pipe when exec succeeded.
  int error = 0;
  ssize_t got = 0;
  do {
    got = read(failure.fds[0], &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got != 0) {
    return Unavailable("the worker program cannot be started: reinstall the server, or set worker_program");
  }
  return worker;
}

WorkerProcess::WorkerProcess(WorkerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      socket_(std::exchange(other.socket_, -1)),
      namespaces_(other.namespaces_) {}

WorkerProcess::~WorkerProcess() {
  if (pidfd_ < 0) return;
  Kill();
  siginfo_t info;
  while (waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_), &info, WEXITED) != 0 &&
         errno == EINTR) {
  }
  close(pidfd_);
  close(socket_);
}

void WorkerProcess::Kill() { syscall(SYS_pidfd_send_signal, pidfd_, SIGKILL, nullptr, 0); }
void WorkerProcess::Pause() { syscall(SYS_pidfd_send_signal, pidfd_, SIGSTOP, nullptr, 0); }
void WorkerProcess::Resume() { syscall(SYS_pidfd_send_signal, pidfd_, SIGCONT, nullptr, 0); }

double WorkerProcess::CpuMs() const {
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0;
  return 1e3 * static_cast<double>(used.tv_sec) + 1e-6 * static_cast<double>(used.tv_nsec);
}

std::uint64_t WorkerProcess::ResidentBytesOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  if (!(file >> total >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

base::Status WorkerProcess::Send(const ToWorker& message, int descriptor) {
  if (SendPacket(socket_, Encode(message), descriptor, MSG_DONTWAIT)) return base::Ok();
  return MakeError(ErrorKind::kUnavailable, "worker-crashed", "the worker does not listen any more");
}

base::Result<WorkerProcess::Received> WorkerProcess::Receive() {
  BLINDAI_TRY(const ReceivedPacket packet, ReceivePacket(socket_, MSG_DONTWAIT));
  switch (packet.state) {
    case ReceivedPacket::State::kNone:
      return Received();
    case ReceivedPacket::State::kEnded:
      return Received(Ended{});
    case ReceivedPacket::State::kPacket:
      break;
  }
  BLINDAI_TRY(FromWorker message, DecodeFromWorker(packet.bytes));
  return Received(std::move(message));
}

}  // namespace blindai::model
