#include "model/worker_cage.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "model/worker_process.h"
#include "support/cage_probe.h"
#include "support/worker_fixture.h"

namespace blindai::model {
namespace {

using tests::Attempt;

// The program that locks itself in and tries to get out.
class Probe {
 public:
  Probe(Attempt attempt, bool locked) : worker_(*WorkerProcess::Spawn(tests::SupportProgram("cage_probe"))) {
    StartMessage start;
    start.threads = static_cast<std::uint16_t>(attempt);
    start.memory_limit_bytes = locked ? std::uint64_t{1} << 30 : 0;
    start.own_mount_namespace = worker_.namespaces().mount_namespace;
    EXPECT_TRUE(worker_.Send(start).ok());
    const auto caged = Next();
    EXPECT_TRUE(caged && std::holds_alternative<CagedMessage>(*caged)) << "the lock-down failed";
    if (caged && std::holds_alternative<CagedMessage>(*caged)) cage_ = std::get<CagedMessage>(*caged).cage;
  }

  const Cage& cage() const { return cage_; }
  const WorkerProcess& process() const { return worker_; }

  // Nothing: it was killed. 0: the attempt succeeded. Else the error number.
  std::optional<std::uint64_t> Outcome() {
    const auto answer = Next();
    if (!answer) return std::nullopt;
    return std::get<RanMessage>(*answer).run;
  }

 private:
  // Waits for the next message, or for the end.
  std::optional<FromWorker> Next() {
    while (true) {
      pollfd wait{worker_.socket(), POLLIN, 0};
      poll(&wait, 1, -1);
      auto received = worker_.Receive();
      if (!received.ok() || std::holds_alternative<WorkerProcess::Ended>(*received)) return std::nullopt;
      if (auto* message = std::get_if<FromWorker>(&*received)) return std::move(*message);
    }
  }

  WorkerProcess worker_;
  Cage cage_;
};

class EscapeTest : public testing::TestWithParam<int> {};

TEST_P(EscapeTest, IsDeniedOrDeadly) {
  Probe probe(static_cast<Attempt>(GetParam()), /*locked=*/true);
  const auto outcome = probe.Outcome();
  EXPECT_TRUE(!outcome || *outcome != 0) << "attempt " << GetParam() << " succeeded";
}

INSTANTIATE_TEST_SUITE_P(WorkerCage, EscapeTest,
                         testing::Range(static_cast<int>(Attempt::kNothing) + 1,
                                        static_cast<int>(Attempt::kLast) + 1));

TEST(WorkerCage, AWorkerThatTriesNothingLives) {
  Probe probe(Attempt::kNothing, /*locked=*/true);
  EXPECT_EQ(probe.Outcome(), 0u);
}

TEST(WorkerCage, TheProbeReallyTriesWhatTheCageForbids) {
  for (const Attempt attempt :
       {Attempt::kOpenFile, Attempt::kOpenFromOldThread, Attempt::kListFiles, Attempt::kSocket,
        Attempt::kFork, Attempt::kSocketPair, Attempt::kCreateMemoryFile, Attempt::kPtrace,
        Attempt::kControlDevice, Attempt::kMoveOffset, Attempt::kSetFlags, Attempt::kLockFile}) {
    Probe probe(attempt, /*locked=*/false);
    EXPECT_EQ(probe.Outcome(), 0u) << static_cast<int>(attempt);
  }
}

TEST(WorkerCage, AtMost45SystemCallsAreAllowed) {
  EXPECT_LE(AllowedSystemCalls().size(), 45u);
  Probe probe(Attempt::kNothing, /*locked=*/true);
  EXPECT_EQ(probe.cage().allowed_system_calls, AllowedSystemCalls().size());
}

std::string StatusField(const std::filesystem::path& status, const std::string& field) {
  std::ifstream file(status);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) return line.substr(line.find_first_not_of(" \t", field.size() + 1));
  }
  return "";
}

TEST(WorkerCage, EveryThreadIsRestrictedAlsoThoseFromBefore) {
  Probe probe(Attempt::kNothing, /*locked=*/true);
  ASSERT_EQ(probe.Outcome(), 0u);
  const auto tasks = "/proc/" + std::to_string(probe.process().pid()) + "/task";
  int threads = 0;
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    ++threads;
    EXPECT_EQ(StatusField(task.path() / "status", "Seccomp"), "2");
    EXPECT_EQ(StatusField(task.path() / "status", "NoNewPrivs"), "1");
    EXPECT_EQ(StatusField(task.path() / "status", "CapEff"), "0000000000000000");
    EXPECT_EQ(StatusField(task.path() / "status", "CapPrm"), "0000000000000000");
  }
  EXPECT_GE(threads, 2);
}

TEST(WorkerCage, TheFactsAreWhatTheKernelShows) {
  Probe probe(Attempt::kNothing, /*locked=*/true);
  ASSERT_EQ(probe.Outcome(), 0u);
  EXPECT_TRUE(probe.cage().no_new_privileges);
  EXPECT_TRUE(probe.cage().no_capabilities);
  EXPECT_TRUE(probe.cage().not_dumpable);
  const auto process = std::filesystem::path("/proc") / std::to_string(probe.process().pid());
  std::error_code denied;
  const bool empty_root = std::filesystem::is_empty(process / "root", denied);
  if (denied) GTEST_SKIP() << "SKIPPED: only root may look inside a process that is not dumpable";
  EXPECT_EQ(probe.cage().empty_root, empty_root);
  const auto own = [&](const char* kind) {
    return std::filesystem::read_symlink(process / "ns" / kind) !=
           std::filesystem::read_symlink(std::filesystem::path("/proc/self/ns") / kind);
  };
  EXPECT_EQ(probe.process().namespaces().user_namespace, own("user"));
  EXPECT_EQ(probe.process().namespaces().mount_namespace, own("mnt"));
  EXPECT_EQ(probe.process().namespaces().pid_namespace, own("pid"));
  EXPECT_EQ(probe.process().namespaces().network_namespace, own("net"));
  EXPECT_EQ(probe.process().namespaces().ipc_namespace, own("ipc"));
}

TEST(WorkerCage, OnThisMachineNothingIsMissing) {
  // Where the kernel refuses user namespaces or has no Landlock, the facts say so and this test is skipped.
  Probe probe(Attempt::kNothing, /*locked=*/true);
  const Cage& namespaces = probe.process().namespaces();
  if (!namespaces.user_namespace || probe.cage().landlock_abi == 0) {
    GTEST_SKIP() << "SKIPPED: this kernel does not give user namespaces or Landlock to this user";
  }
  EXPECT_TRUE(namespaces.mount_namespace && namespaces.pid_namespace && namespaces.network_namespace &&
              namespaces.ipc_namespace);
  EXPECT_TRUE(probe.cage().empty_root);
}

}  // namespace
}  // namespace blindai::model
