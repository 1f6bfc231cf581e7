#include "server/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace blindai::server {
namespace {

using ::testing::HasSubstr;

base::Result<CommandLine> Read(std::vector<const char*> words) {
  words.insert(words.begin(), "blindai-server");
  return ReadCommandLine(static_cast<int>(words.size()), words.data());
}

TEST(CommandLine, SimulationRunsOnLoopbackWithDefaults) {
  const auto line = Read({"--simulation"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->config.platform, "simulation");
  EXPECT_EQ(AddressText(line->config.https), "127.0.0.1:8443");
  EXPECT_EQ(AddressText(line->config.admin), "127.0.0.1:9090");
}

TEST(CommandLine, AddressesOfTheCommandLineWin) {
  const auto line = Read({"--simulation", "--listen", "[::1]:0", "--admin", "127.0.0.1:0"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(AddressText(line->config.https), "[::1]:0");
  EXPECT_EQ(line->config.admin.port, 0);
}

TEST(CommandLine, GrpcIsOnAndCanBeMovedOrSwitchedOff) {
  EXPECT_TRUE(Read({})->config.is_grpc_on);
  EXPECT_EQ(AddressText(Read({})->config.grpc), "127.0.0.1:8444");
  EXPECT_EQ(Read({"--grpc", "127.0.0.1:0"})->config.grpc.port, 0);
  EXPECT_FALSE(Read({"--grpc", "off"})->config.is_grpc_on);
  EXPECT_THAT(Read({"--grpc", "nowhere"}).error().message, HasSubstr("--grpc"));
}

TEST(CommandLine, TheAdminPortIsForThisMachineOnly) {
  EXPECT_THAT(Read({"--admin", "0.0.0.0:9090"}).error().message, HasSubstr("for this machine only"));
}

TEST(CommandLine, AnUnknownOptionIsRefused) { EXPECT_EQ(Read({"--simulate"}).error().code, "usage"); }

TEST(CommandLine, AMissingFileIsNamed) {
  const auto line = Read({"--config", "no-such-file.toml"});
  EXPECT_EQ(line.error().code, "config-file");
  EXPECT_THAT(line.error().message, HasSubstr("no-such-file.toml"));
}

TEST(CommandLine, HelpShowsExamples) {
  EXPECT_THAT(*Read({"--help"})->print_and_exit, HasSubstr("Examples:"));
}

}  // namespace
}  // namespace blindai::server
