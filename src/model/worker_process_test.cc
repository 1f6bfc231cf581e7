#include "model/worker_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "model/packet_socket.h"
#include "model/shared_region.h"
#include "support/onnx_builder.h"
#include "support/worker_fixture.h"

namespace blindai::model {
namespace {

std::size_t OpenDescriptors() {
  return static_cast<std::size_t>(
      std::ranges::distance(std::filesystem::directory_iterator("/proc/self/fd")));
}

TEST(WorkerProcess, AMissingProgramIsATypedErrorWithoutItsPath) {
  const auto worker = WorkerProcess::Spawn("/nowhere/blindai-worker");
  ASSERT_FALSE(worker.ok());
  EXPECT_EQ(worker.error().code, "worker-unavailable");
  EXPECT_EQ(worker.error().message.find("nowhere"), std::string::npos);
}

TEST(WorkerProcess, LeavesNoDescriptorBehind) {
  const std::size_t before = OpenDescriptors();
  for (int i = 0; i < 10; ++i) {
    auto worker = WorkerProcess::Spawn(tests::WorkerProgram());
    ASSERT_TRUE(worker.ok());
    EXPECT_FALSE(WorkerProcess::Spawn("/nowhere/blindai-worker").ok());
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(WorkerProcess, InheritsNothingOfOurs) {
  // A secret file that somebody forgot to mark, and an environment variable.
  const int forgotten = open("/etc/hostname", O_RDONLY);
  ASSERT_EQ(setenv("INTEL_LIBITTNOTIFY64", "/tmp/not-there.so", 1), 0);
  auto worker = *WorkerProcess::Spawn(tests::WorkerProgram());
  close(forgotten);
  unsetenv("INTEL_LIBITTNOTIFY64");
  const auto process = std::filesystem::path("/proc") / std::to_string(worker.pid());
  std::ifstream file(process / "environ");
  const std::string environment{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(environment.find("ITTNOTIFY"), std::string::npos);
  EXPECT_EQ(environment.find("PATH"), std::string::npos);
  for (const auto& entry : std::filesystem::directory_iterator(process / "fd")) {
    EXPECT_NE(std::filesystem::read_symlink(entry.path()), "/etc/hostname");
  }
}

TEST(WorkerProcess, EndsWhenItsSocketIsClosedAndCanBeKilled) {
  auto worker = *WorkerProcess::Spawn(tests::WorkerProgram());
  worker.Kill();
  pollfd ended{worker.pidfd(), POLLIN, 0};
  EXPECT_EQ(poll(&ended, 1, -1), 1);
  EXPECT_FALSE(worker.Send(CancelMessage{1}).ok());
}

FromWorker NextMessage(WorkerProcess& worker) {
  while (true) {
    pollfd readable{worker.socket(), POLLIN, 0};
    EXPECT_EQ(poll(&readable, 1, -1), 1);
    auto received = *worker.Receive();
    if (auto* message = std::get_if<FromWorker>(&received)) return std::move(*message);
    if (std::holds_alternative<WorkerProcess::Ended>(received)) return FailedMessage{};
  }
}

// Two requests that arrive at once may reach the worker in another order than their numbers say.
TEST(WorkerProcess, ACancelIsForOneRunAndNotForThoseWithLowerNumbers) {
  const auto file = tests::FileOf(tests::MatMulModel(4, 2));
  auto inputs = *SharedRegion::Create(1 << 20, /*worker_writes=*/false);
  auto outputs = *SharedRegion::Create(1 << 20, /*worker_writes=*/true);
  auto worker = *WorkerProcess::Spawn(tests::WorkerProgram());
  StartMessage start;
  start.memory_limit_bytes = std::uint64_t{1} << 30;
  start.own_mount_namespace = worker.namespaces().mount_namespace;
  ASSERT_TRUE(worker.Send(start).ok());
  ASSERT_TRUE(std::holds_alternative<CagedMessage>(NextMessage(worker)));
  ASSERT_TRUE(worker.Send(LoadMessage{file->size()}, file->fd()).ok());
  ASSERT_TRUE(std::holds_alternative<LoadedMessage>(NextMessage(worker)));
  ASSERT_TRUE(worker.Send(RegionMessage{RegionUse::kInputs, inputs.size()}, inputs.fd()).ok());
  ASSERT_TRUE(worker.Send(RegionMessage{RegionUse::kOutputs, outputs.size()}, outputs.fd()).ok());

  const auto run = [](std::uint64_t number) { return RunMessage{number, {{0, {1, 4}, 0, 16}}, {0}}; };
  ASSERT_TRUE(worker.Send(CancelMessage{7}).ok());
  ASSERT_TRUE(worker.Send(run(7)).ok());
  const FromWorker cancelled = NextMessage(worker);
  ASSERT_TRUE(std::holds_alternative<FailedMessage>(cancelled));
  EXPECT_EQ(std::get<FailedMessage>(cancelled).failure, Failure::kCancelled);
  ASSERT_TRUE(worker.Send(run(6)).ok());
  EXPECT_TRUE(std::holds_alternative<RanMessage>(NextMessage(worker)));
}

// Two ends of a socket, as server and worker have them.
class PacketSocketTest : public testing::Test {
 protected:
  PacketSocketTest() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_), 0); }
  ~PacketSocketTest() override {
    close(ends_[0]);
    if (ends_[1] >= 0) close(ends_[1]);
  }
  int ends_[2];
};

TEST_F(PacketSocketTest, PacketsArriveWholeAndOneByOne) {
  ASSERT_TRUE(SendPacket(ends_[0], base::AsBytes("first"), -1, 0));
  ASSERT_TRUE(SendPacket(ends_[0], base::Bytes(kMaxMessageBytes, 7), -1, 0));
  EXPECT_EQ(base::AsText(ReceivePacket(ends_[1], 0)->bytes), "first");
  EXPECT_EQ(ReceivePacket(ends_[1], 0)->bytes.size(), kMaxMessageBytes);
  EXPECT_EQ(ReceivePacket(ends_[1], MSG_DONTWAIT)->state, ReceivedPacket::State::kNone);
}

TEST_F(PacketSocketTest, ADescriptorTravelsAndIsOwned) {
  const std::size_t before = OpenDescriptors();
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_TRUE(SendPacket(ends_[0], base::AsBytes("x"), fd, 0));
  close(fd);
  {
    const auto packet = *ReceivePacket(ends_[1], 0);
    EXPECT_TRUE(packet.descriptor.valid());
    EXPECT_EQ(OpenDescriptors(), before + 1);
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(PacketSocketTest, APacketOverTheLimitIsAnErrorAndLeaksNothing) {
  const std::size_t before = OpenDescriptors();
  const int size = 1 << 20;
  setsockopt(ends_[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
  ASSERT_TRUE(SendPacket(ends_[0], base::Bytes(kMaxMessageBytes + 1), 0, 0));
  EXPECT_EQ(ReceivePacket(ends_[1], 0).error().code, "worker-protocol");
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(PacketSocketTest, TheEndOfTheOtherSideIsSeen) {
  close(std::exchange(ends_[1], -1));
  EXPECT_EQ(ReceivePacket(ends_[0], 0)->state, ReceivedPacket::State::kEnded);
  EXPECT_FALSE(SendPacket(ends_[0], base::AsBytes("x"), -1, 0));
}

}  // namespace
}  // namespace blindai::model
