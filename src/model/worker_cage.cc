#include "model/worker_cage.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

namespace blindai::model {
namespace {

#ifdef BLINDAI_SANITIZED
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr uid_t kNobody = 65534;

bool Limit(int resource, rlim_t value) {
  const rlimit limit{value, value};
  return setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0;
}

// ---- memory

std::uint64_t AddressSpaceInUse() {
  std::array<char, 64> text{};
  const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t got = read(fd, text.data(), text.size() - 1);
  close(fd);
  if (got <= 0) return 0;
  return std::strtoull(text.data(), nullptr, 10) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

bool LimitMemory(std::uint64_t beyond) {
  if (kSanitized) return false;  // shadow memory alone is terabytes
  const std::uint64_t used = AddressSpaceInUse();
  return used > 0 && Limit(RLIMIT_AS, used + beyond);
}

// ---- root directory

// Enters an empty file system of its own; the old tree leaves this namespace. Needs a mount namespace.
bool PivotIntoEmptyRoot() {
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  const char* target = "/proc";  // any directory that is always there
  return mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("none", target, "tmpfs", kFlags, "size=4k,nr_inodes=2,mode=0555") == 0 && chdir(target) == 0 &&
         syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 && chdir("/") == 0 &&
         mount(nullptr, "/", nullptr, MS_REMOUNT | MS_RDONLY | kFlags, nullptr) == 0;
}

// Without a mount namespace: a directory that no name leads to. As root it becomes the root directory too.
bool EnterNamelessDirectory() {
  std::array<char, 32> path{"/tmp/blindai-worker-XXXXXX"};
  if (mkdtemp(path.data()) == nullptr) return false;
  const bool inside = chdir(path.data()) == 0;
  rmdir(path.data());
  return inside && chroot(".") == 0;
}

bool EmptyRoot(bool own_mount_namespace) {
  return (own_mount_namespace && PivotIntoEmptyRoot()) || EnterNamelessDirectory();
}

// ---- Landlock, by number: the kernel's header on Debian 12 knows version 2 only

struct LandlockRuleset {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};
constexpr long kLandlockCreateRuleset = 444;
constexpr long kLandlockRestrictSelf = 446;
constexpr unsigned kLandlockVersionFlag = 1;

std::uint32_t LandlockVersion() {
  const long version = syscall(kLandlockCreateRuleset, nullptr, 0, kLandlockVersionFlag);
  return version > 0 ? static_cast<std::uint32_t>(version) : 0;
}

// A ruleset that handles everything this kernel can and allows nothing. −1: none.
int DenyAllRuleset(std::uint32_t version) {
  if (version == 0) return -1;
  LandlockRuleset ruleset{};
  std::size_t size = 8;
  ruleset.handled_access_fs = (1U << 13) - 1;               // execute … make symbolic link
  if (version >= 2) ruleset.handled_access_fs |= 1U << 13;  // link and rename across directories
  if (version >= 3) ruleset.handled_access_fs |= 1U << 14;  // truncate
  if (version >= 5) ruleset.handled_access_fs |= 1U << 15;  // device control
  if (version >= 4) {
    ruleset.handled_access_net = 3;  // TCP bind and connect
    size = 16;
  }
  if (version >= 6) {
    ruleset.scoped = 3;  // abstract sockets and signals
    size = 24;
  }
  return static_cast<int>(syscall(kLandlockCreateRuleset, &ruleset, size, 0));
}

// ---- what every thread must do for itself

// Set before the signal is sent, read by each thread's handler.
std::atomic<int> g_ruleset = -1;
std::atomic<int> g_threads_done = 0;
std::atomic<int> g_threads_failed = 0;

bool RestrictThisThread() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  const int ruleset = g_ruleset.load();
  if (ruleset >= 0 && syscall(kLandlockRestrictSelf, ruleset, 0) != 0) return false;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  return syscall(SYS_capset, &header, none) == 0;
}

void OnRestrict(int) {
  const int saved = errno;
  if (!RestrictThisThread()) ++g_threads_failed;
  ++g_threads_done;
  errno = saved;
}

// The number of a thread in our own process namespace, where the procfs that we see may be an outer one's:
// the last number of the line "NSpid: 4711 3" (proc(5)). 0: the thread has ended.
pid_t OwnNumber(DIR* tasks, const char* outer_number) {
  std::array<char, 4096> text{};
  const std::string path = std::string(outer_number) + "/status";
  const int fd = openat(dirfd(tasks), path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t got = read(fd, text.data(), text.size() - 1);
  close(fd);
  const std::string_view status(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  const std::size_t begin = status.find("\nNSpid:");
  if (begin == std::string_view::npos) return 0;
  const std::string_view line = status.substr(begin + 1, status.find('\n', begin + 1) - begin - 1);
  const std::string_view number = line.substr(line.rfind('\t') + 1);
  pid_t thread = 0;
  std::from_chars(number.data(), number.data() + number.size(), thread);
  return thread;
}

std::set<pid_t> Threads(DIR* tasks) {
  std::set<pid_t> threads;
  rewinddir(tasks);
  while (const dirent* entry = readdir(tasks)) {
    if (entry->d_name[0] == '.') continue;
    if (const pid_t thread = OwnNumber(tasks, entry->d_name); thread > 0) threads.insert(thread);
  }
  return threads;
}

bool WaitForThreads(std::size_t count) {
  constexpr int kTries = 50'000;  // 5 s in all
  for (int i = 0; i < kTries; ++i) {
    if (static_cast<std::size_t>(g_threads_done.load()) >= count) return true;
    const timespec short_while{0, 100'000};
    nanosleep(&short_while, nullptr);
  }
  return false;
}

// Capabilities, no_new_privs and Landlock belong to threads, and the engine's threads exist already: each
// gets a signal whose handler restricts it, the way the C library changes user ids (nptl(7)). A thread that
// appears meanwhile was made by one that may not have been restricted yet, so look again until nothing is
// new.
bool RestrictAllThreads(DIR* tasks) {
  struct sigaction action {};
  action.sa_handler = OnRestrict;
  action.sa_flags = SA_RESTART;
  if (sigaction(SIGUSR1, &action, nullptr) != 0) return false;
  std::set<pid_t> told{gettid()};
  if (!Threads(tasks).contains(gettid())) return false;
  for (bool changed = true; changed;) {
    changed = false;
    for (const pid_t thread : Threads(tasks)) {
      if (!told.insert(thread).second) continue;
      if (syscall(SYS_tgkill, getpid(), thread, SIGUSR1) != 0) return false;
      changed = true;
    }
    if (!WaitForThreads(told.size() - 1)) return false;
  }
  signal(SIGUSR1, SIG_DFL);
  return RestrictThisThread() && g_threads_failed.load() == 0;
}

// ---- system calls

// Measured: 13 that the engine uses, the rest for our own loop, for the allocator and for the clock.
constexpr std::array kAllowed = {
    SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(madvise),
    SCMP_SYS(brk), SCMP_SYS(mremap), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(restart_syscall),
    SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(close), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep), SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(sched_getaffinity), SCMP_SYS(getrandom),
    // With conditions on their arguments, below.
    SCMP_SYS(mmap), SCMP_SYS(clone)};

// Tried by libraries, who go on without.
constexpr std::array kRefused = {
    SCMP_SYS(openat),     SCMP_SYS(open),      SCMP_SYS(newfstatat), SCMP_SYS(stat),
    SCMP_SYS(faccessat2), SCMP_SYS(access),    SCMP_SYS(mbind),      SCMP_SYS(sched_setaffinity),
    SCMP_SYS(prlimit64),  SCMP_SYS(getrusage), SCMP_SYS(uname),      SCMP_SYS(sigaltstack),
    SCMP_SYS(getcwd),     SCMP_SYS(readlink)};

bool AllowWithConditions(scmp_filter_ctx filter) {
  // Anonymous memory, also executable: the engine compiles code. Shared memory: only of the descriptors that
  // the server sent, and never executable.
  const scmp_arg_cmp anonymous = SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS);
  const scmp_arg_cmp shared = SCMP_A3(SCMP_CMP_EQ, MAP_SHARED);
  const scmp_arg_cmp not_executable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  // Threads, not processes.
  constexpr scmp_datum_t kThread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
  const scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, kThread, kThread);
  return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, anonymous) == 0 &&
         seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, not_executable, shared) == 0 &&
         seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread) == 0;
}

bool HasConditions(int call) { return call == SCMP_SYS(mmap) || call == SCMP_SYS(clone); }

bool FillFilter(scmp_filter_ctx filter) {
  // A call through the 32-bit entry ends the process too; the library's default ends one thread.
  bool good = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
              seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0;
  // Kernels and libraries that know the binary tree decide in fewer steps; without it the filter is the same.
  seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  for (const int call : kAllowed) {
    if (!HasConditions(call)) good = good && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
  }
  good = good && AllowWithConditions(filter);
  // Its flags lie in memory, where a filter cannot look; the C library then uses clone.
  good = good && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
  if (!kSanitized) {
    for (const int call : kRefused) {
      good = good && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), call, 0) == 0;
    }
  } else {
    // The sanitizers' own bookkeeping and reports; they look at memory by writing it into a pipe.
    for (const int call : {SCMP_SYS(sigaltstack), SCMP_SYS(write), SCMP_SYS(read), SCMP_SYS(pipe),
                           SCMP_SYS(pipe2), SCMP_SYS(prctl), SCMP_SYS(tgkill)}) {
      good = good && seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
    }
  }
  return good;
}

bool FilterSystemCalls() {
  // A sanitizer's report must not turn into a silent end, so there the rest is refused instead of deadly.
  const scmp_filter_ctx filter = seccomp_init(kSanitized ? SCMP_ACT_ERRNO(EACCES) : SCMP_ACT_KILL_PROCESS);
  if (filter == nullptr) return false;
  const bool loaded = FillFilter(filter) && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return loaded;
}

base::Error Failed(const char* message) {
  return base::MakeError(base::ErrorKind::kInternal, "internal", message);
}

}  // namespace

bool PrepareWorkerProcess() {
  // Freed memory is overwritten: what a run leaves behind does not wait in free lists (engine: no measurable
  // cost).
  mallopt(M_PERTURB, 0x55);
  // Each further arena reserves 64 MiB of the address space that is limited later.
  mallopt(M_ARENA_MAX, 4);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_IGN);
  constexpr rlim_t kDescriptors = 64;
  return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && Limit(RLIMIT_CORE, 0) && Limit(RLIMIT_FSIZE, 0) &&
         Limit(RLIMIT_NOFILE, kDescriptors);
}

base::Result<Cage> LockDown(std::uint64_t memory_limit_bytes, bool own_mount_namespace) {
  Cage cage;
  DIR* const tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return Failed("the worker cannot see its own threads");
  cage.memory_limit = LimitMemory(memory_limit_bytes);
  const std::uint32_t landlock = LandlockVersion();
  const int ruleset = DenyAllRuleset(landlock);
  g_ruleset = ruleset;

  cage.empty_root = EmptyRoot(own_mount_namespace);
  // Real root becomes nobody. In a user namespace there is nobody else to become, and the capabilities go
  // below.
  if (setgroups(0, nullptr) == 0 && setresgid(kNobody, kNobody, kNobody) == 0 &&
      setresuid(kNobody, kNobody, kNobody) == 0) {
    // The kernel forgets this when ids change.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return Failed("the worker could outlive the server");
  }
  const bool restricted = RestrictAllThreads(tasks);
  closedir(tasks);
  if (ruleset >= 0) close(ruleset);
  if (!restricted) return Failed("the worker cannot restrict its threads");
  cage.no_new_privileges = true;
  cage.no_capabilities = true;
  cage.landlock_abi = ruleset >= 0 ? landlock : 0;
  cage.not_dumpable = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
  if (!FilterSystemCalls()) return Failed("the worker cannot filter its system calls");
  cage.allowed_system_calls = static_cast<std::uint32_t>(AllowedSystemCalls().size());
  return cage;
}

std::span<const int> AllowedSystemCalls() { return kAllowed; }

}  // namespace blindai::model
