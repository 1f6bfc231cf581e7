#include "service/accounts/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

namespace blindai::accounts {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const base::Time kNow{std::chrono::seconds(1'800'000'000)};
constexpr std::chrono::seconds kSilence{30};

ServerInfo Listed(std::string address, std::uint64_t backlog_ms, std::vector<std::string> models = {}) {
  ServerInfo server;
  server.address = std::move(address);
  server.state = ServerState::kListed;
  server.reported = kNow;
  server.backlog_ms = backlog_ms;
  for (const std::string& name : models) server.models.push_back(crypto::Sha256(base::AsBytes(name)));
  std::sort(server.models.begin(), server.models.end(),
            [](const auto& left, const auto& right) { return left.bytes < right.bytes; });
  return server;
}

std::vector<std::string> Addresses(const std::vector<ServerInfo>& servers,
                                   const PlacementRequest& request = {}, std::uint64_t chance = 1) {
  std::vector<std::string> addresses;
  for (const ServerInfo* server : Place(servers, request, kNow, kSilence, chance)) {
    addresses.push_back(server->address);
  }
  return addresses;
}

TEST(Placement, TheShortestWaitComesFirst) {
  EXPECT_THAT(Addresses({Listed("slow", 900), Listed("fast", 3), Listed("middle", 40)}),
              ElementsAre("fast", "middle", "slow"));
}

TEST(Placement, OnlyServersThatAreListedAndHeardOfAreGiven) {
  ServerInfo pending = Listed("pending", 0);
  pending.state = ServerState::kPending;
  ServerInfo dropped = Listed("dropped", 0);
  dropped.state = ServerState::kDropped;
  ServerInfo silent = Listed("silent", 0);
  silent.reported = kNow - kSilence;
  ServerInfo late = Listed("late", 0);
  late.reported = kNow - kSilence + std::chrono::seconds(1);
  EXPECT_THAT(Addresses({pending, dropped, silent, late}), ElementsAre("late"));
  EXPECT_THAT(Addresses({}), IsEmpty());
}

TEST(Placement, AModelIsFoundByItsOwnersNameAndByItsBareOne) {
  const std::vector<ServerInfo> servers = {Listed("owned", 50, {"clinic/demo"}),
                                           Listed("shared", 60, {"x", "demo", "y"}),
                                           Listed("other", 0, {"hospital/demo", "else"})};
  EXPECT_THAT(Addresses(servers, {.models = ModelDigests("clinic", "demo")}), ElementsAre("owned", "shared"));
  EXPECT_THAT(Addresses(servers, {.models = ModelDigests("hospital", "demo")}),
              ElementsAre("other", "shared"));
  EXPECT_THAT(Addresses(servers, {.models = ModelDigests("nobody", "hospital/demo")}), ElementsAre("other"));
}

TEST(Placement, AModelThatNobodyHasMayBeUploadedAnywhere) {
  const std::vector<ServerInfo> servers = {Listed("a", 2, {"x"}), Listed("b", 1)};
  EXPECT_THAT(Addresses(servers, {.models = ModelDigests("clinic", "new")}), ElementsAre("b", "a"));
}

TEST(Placement, ClientsOfBlindai05GoWhereItIsServed) {
  ServerInfo old = Listed("old", 70);
  old.v05_attested = 50051;
  EXPECT_THAT(Addresses({Listed("new", 0), old}, {.needs_v05 = true}), ElementsAre("old"));
}

TEST(Placement, AtMostSoManyAreGivenAndTheyAreTheBest) {
  std::vector<ServerInfo> servers;
  for (int i = 0; i < 20; ++i)
    servers.push_back(Listed("s" + std::to_string(i), static_cast<std::uint64_t>(100 - i)));
  EXPECT_THAT(Addresses(servers, {.max_servers = 3}), ElementsAre("s19", "s18", "s17"));
}

TEST(Placement, EqualWaitsAreSpreadAndTheSameChanceGivesTheSameOrder) {
  const std::vector<ServerInfo> servers = {Listed("a", 5), Listed("b", 5), Listed("c", 5), Listed("last", 6)};
  std::map<std::string, int> first;
  for (std::uint64_t chance = 0; chance < 300; ++chance) {
    const auto order = Addresses(servers, {}, chance);
    EXPECT_EQ(order, Addresses(servers, {}, chance));
    EXPECT_EQ(order.back(), "last");
    ++first[order.front()];
  }
  for (const char* address : {"a", "b", "c"}) EXPECT_GT(first[address], 50) << address;
}

}  // namespace
}  // namespace blindai::accounts
