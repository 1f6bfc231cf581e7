#include "model/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace blindai::model {
namespace {

using Time = Scheduler::Time;
using Kind = Scheduler::Decision::Kind;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr Time kStart{std::chrono::hours(1)};
Time At(double ms) {
  return kStart + duration_cast<Time::duration>(std::chrono::duration<double, std::milli>(ms));
}

Scheduler::Request RunOf(Scheduler::LaneId lane, Scheduler::TenantId tenant, std::optional<RunCost> cost) {
  Scheduler::Request request;
  request.lane = lane;
  request.tenant = tenant;
  request.caller = tenant;
  request.cost = cost;
  return request;
}

// On the tenant's account, but somebody else's request.
Scheduler::Request RunFor(Scheduler::LaneId lane, Scheduler::CallerId caller, Scheduler::TenantId tenant,
                          std::optional<RunCost> cost) {
  Scheduler::Request request = RunOf(lane, tenant, cost);
  request.caller = caller;
  return request;
}

// Keeps `cores` cores busy for `wall_ms`.
RunCost Cost(double wall_ms, double cores = 2) { return {wall_ms * cores, wall_ms}; }

// A scheduler of two cores, and words for what the tests say.
class SchedulerTest : public testing::Test {
 protected:
  Scheduler::LaneId OpenLane(bool shared = true, double replace_ms = 0) {
    Scheduler::LaneOptions options;
    options.shared = shared;
    options.replace_ms = replace_ms;
    const auto lane = scheduler_.AddLane(options);
    scheduler_.SetOpen(lane, true);
    return lane;
  }
  Scheduler::RunId Add(const Scheduler::Request& request, double ms = 0) {
    return scheduler_.Add(request, At(ms)).value();
  }
  using Runs = std::vector<Scheduler::RunId>;
  Runs StartedAt(double ms) {
    Runs started;
    paused_.clear();
    resumed_.clear();
    for (const auto& decision : scheduler_.Decide(At(ms))) {
      EXPECT_NE(decision.kind, Kind::kReplaceWorker);
      Runs& runs = decision.kind == Kind::kStart   ? started
                   : decision.kind == Kind::kPause ? paused_
                                                   : resumed_;
      runs.push_back(decision.run);
    }
    return started;
  }
  // By the StartedAt before.
  Runs paused_;
  Runs resumed_;

  Scheduler scheduler_{{.cores = 2}};
};

// ---- one run after the other

TEST_F(SchedulerTest, ALoneRequestStartsAtOnce) {
  const auto run = Add(RunOf(OpenLane(), 1, std::nullopt));
  EXPECT_EQ(StartedAt(0), Runs{run});
  EXPECT_EQ(scheduler_.running(), 1u);
  EXPECT_EQ(scheduler_.waiting(), 0u);
}

TEST_F(SchedulerTest, AModelRunsOneAtATime) {
  const auto lane = OpenLane();
  const auto first = Add(RunOf(lane, 1, Cost(10, 1)));
  const auto second = Add(RunOf(lane, 2, Cost(10, 1)));
  EXPECT_EQ(StartedAt(0), Runs{first});
  EXPECT_EQ(StartedAt(9), Runs{});
  scheduler_.End(first, 10);
  EXPECT_EQ(StartedAt(10), Runs{second});
}

TEST_F(SchedulerTest, NothingStartsOnAClosedLane) {
  const auto lane = OpenLane();
  scheduler_.SetOpen(lane, false);
  const auto run = Add(RunOf(lane, 1, Cost(10)));
  EXPECT_EQ(StartedAt(0), Runs{});
  scheduler_.SetOpen(lane, true);
  EXPECT_EQ(StartedAt(0), Runs{run});
}

TEST_F(SchedulerTest, ARunThatUsesAllCoresHasThemAlone) {
  const auto a = Add(RunOf(OpenLane(), 1, Cost(10)));
  const auto b = Add(RunOf(OpenLane(), 2, Cost(10)));
  EXPECT_EQ(StartedAt(0), Runs{a});
  EXPECT_EQ(StartedAt(5), Runs{});
  scheduler_.End(a, 20);
  EXPECT_EQ(StartedAt(10), Runs{b});
}

TEST_F(SchedulerTest, RunsOfOneThreadGoSideBySide) {
  const auto a = Add(RunOf(OpenLane(), 1, Cost(10, 1)));
  const auto b = Add(RunOf(OpenLane(), 2, Cost(10, 1)));
  const auto c = Add(RunOf(OpenLane(), 3, Cost(10, 1)));
  EXPECT_EQ(StartedAt(0), (Runs{a, b}));
  scheduler_.End(b, 10);
  EXPECT_EQ(StartedAt(1), Runs{c});
}

// ---- beside a long run

TEST_F(SchedulerTest, AShortRunStartsBesideALongOneAtOnce) {
  const auto longer = Add(RunOf(OpenLane(), 1, Cost(5'000)));
  EXPECT_EQ(StartedAt(0), Runs{longer});
  const auto shorter = Add(RunOf(OpenLane(), 2, Cost(10)), 1);
  EXPECT_EQ(StartedAt(1), Runs{shorter});
}

TEST_F(SchedulerTest, ARunThatTakesLongerThanPredictedBlocksNoOtherCaller) {
  const auto endless = Add(RunOf(OpenLane(), 1, Cost(1)));
  EXPECT_EQ(StartedAt(0), Runs{endless});
  const auto victim = Add(RunOf(OpenLane(), 2, Cost(10)), 0);
  EXPECT_EQ(StartedAt(0), Runs{});
  const auto look = scheduler_.NextLook(At(0));
  ASSERT_TRUE(look);
  EXPECT_EQ(*look, At(15));
  EXPECT_EQ(StartedAt(15), Runs{victim});
  EXPECT_EQ(paused_, Runs{endless});
  EXPECT_EQ(scheduler_.NextLook(At(15)), At(30)) << "it has computed for 15 ms, and stands still for as long";
}

TEST_F(SchedulerTest, AnUnknownRunBesideAnEndlessOneStartsTooInTheEnd) {
  const auto endless = Add(RunOf(OpenLane(), 1, std::nullopt));
  EXPECT_EQ(StartedAt(0), Runs{endless});
  const auto victim = Add(RunOf(OpenLane(), 2, std::nullopt), 0);
  const auto look = scheduler_.NextLook(At(0));
  ASSERT_TRUE(look);
  EXPECT_EQ(scheduler_.Decide(*look).size(), 1u) << "nobody stands still for what may be endless itself";
  EXPECT_EQ(scheduler_.running(), 2u);
  scheduler_.End(victim, 1);
}

TEST_F(SchedulerTest, ACallerTakesNoMoreThanOneRunBeyondTheCores) {
  const auto longer = Add(RunOf(OpenLane(), 1, Cost(5'000)));
  EXPECT_EQ(StartedAt(0), Runs{longer});
  const auto second = Add(RunOf(OpenLane(), 1, Cost(1'000)));
  EXPECT_EQ(StartedAt(1), Runs{second});
  Add(RunOf(OpenLane(), 1, Cost(10)));
  Add(RunOf(OpenLane(), 1, std::nullopt));
  EXPECT_EQ(StartedAt(2), Runs{});
  const auto other = Add(RunOf(OpenLane(), 2, Cost(10)));
  EXPECT_EQ(StartedAt(3), Runs{other});
}

TEST_F(SchedulerTest, ACallersOwnUnknownRunWaitsForItsLongOne) {
  const auto longer = Add(RunOf(OpenLane(), 1, Cost(5'000)));
  EXPECT_EQ(StartedAt(0), Runs{longer});
  Add(RunOf(OpenLane(), 1, std::nullopt));
  EXPECT_EQ(StartedAt(4'000), Runs{});
  EXPECT_FALSE(scheduler_.NextLook(At(4'000)));
}

TEST_F(SchedulerTest, ALongRunStandsStillForAShortOneAndThenGoesOn) {
  const auto longer = Add(RunOf(OpenLane(), 1, Cost(5'000)));
  EXPECT_EQ(StartedAt(0), Runs{longer});
  const auto lane = OpenLane();
  const auto shorter = Add(RunOf(lane, 2, Cost(10)), 100);
  EXPECT_EQ(StartedAt(100), Runs{shorter});
  EXPECT_EQ(paused_, Runs{longer});
  const auto next = Add(RunOf(lane, 2, Cost(10)), 105);
  EXPECT_EQ(StartedAt(105), Runs{});
  EXPECT_EQ(paused_, Runs{});
  scheduler_.End(shorter, 20);
  EXPECT_EQ(StartedAt(110), Runs{next});
  EXPECT_EQ(resumed_, Runs{}) << "it stays where it is for the next one";
  scheduler_.End(next, 20);
  EXPECT_EQ(StartedAt(120), Runs{});
  EXPECT_EQ(resumed_, Runs{longer});
}

TEST_F(SchedulerTest, ALongRunStandsStillForNoLongerThanItComputes) {
  const auto longer = Add(RunOf(OpenLane(), 1, Cost(100)));
  EXPECT_EQ(StartedAt(0), Runs{longer});
  const auto lane = OpenLane();
  double paused_ms = 0;
  double now_ms = 0;
  for (int i = 0; i < 12; ++i, now_ms += 11) {
    const auto shorter = Add(RunOf(lane, 2, Cost(10)), now_ms);
    EXPECT_EQ(StartedAt(now_ms), Runs{shorter});
    if (!paused_.empty()) paused_ms += 10;
    scheduler_.End(shorter, 20);
    StartedAt(now_ms + 10);
    EXPECT_EQ(resumed_, paused_ms == 100 && i >= 10 ? Runs{} : Runs{longer}) << i;
  }
  EXPECT_EQ(paused_ms, 100);
}

TEST_F(SchedulerTest, AShortRunThatTakesLongerThanPredictedIsNotWaitedFor) {
  const auto longer = Add(RunOf(OpenLane(), 1, Cost(100)));
  EXPECT_EQ(StartedAt(0), Runs{longer});
  const auto endless = Add(RunOf(OpenLane(), 2, Cost(10)), 20);
  EXPECT_EQ(StartedAt(20), Runs{endless});
  EXPECT_EQ(paused_, Runs{longer});
  EXPECT_EQ(scheduler_.NextLook(At(20)), At(120));
  EXPECT_EQ(StartedAt(119), Runs{});
  EXPECT_EQ(resumed_, Runs{});
  StartedAt(120);
  EXPECT_EQ(resumed_, Runs{longer});
  StartedAt(5'000);
  EXPECT_EQ(paused_, Runs{});
}

TEST_F(SchedulerTest, ARunDoesNotStandStillPastItsDeadline) {
  auto request = RunOf(OpenLane(), 1, Cost(1'000));
  request.deadline = At(1'005);
  const auto urgent = Add(request);
  EXPECT_EQ(StartedAt(0), Runs{urgent});
  const auto shorter = Add(RunOf(OpenLane(), 2, Cost(10)), 100);
  EXPECT_EQ(StartedAt(100), Runs{shorter});
  EXPECT_EQ(paused_, Runs{});
}

TEST_F(SchedulerTest, ManyCoresDoNotStandStillForOne) {
  const auto wide = Add(RunOf(OpenLane(), 1, Cost(1'000, 2)));
  EXPECT_EQ(StartedAt(0), Runs{wide});
  const auto narrow = Add(RunOf(OpenLane(), 2, {{5, 10}}), 1);
  EXPECT_EQ(StartedAt(1), Runs{narrow});
  EXPECT_EQ(paused_, Runs{wide}) << "one of two cores is enough";
  Scheduler large({.cores = 8});
  const auto lanes = {large.AddLane({}), large.AddLane({})};
  for (const auto lane : lanes) large.SetOpen(lane, true);
  EXPECT_TRUE(large.Add(RunOf(*lanes.begin(), 1, Cost(1'000, 8)), At(0)).ok());
  EXPECT_EQ(large.Decide(At(0)).size(), 1u);
  EXPECT_TRUE(large.Add(RunOf(*(lanes.end() - 1), 2, Cost(10, 1)), At(1)).ok());
  EXPECT_EQ(large.Decide(At(1)).size(), 1u);
}

TEST_F(SchedulerTest, ARunThatEndsWhileItStandsStillLeavesNothingBehind) {
  const auto longer = Add(RunOf(OpenLane(), 1, Cost(1'000)));
  EXPECT_EQ(StartedAt(0), Runs{longer});
  const auto shorter = Add(RunOf(OpenLane(), 2, Cost(10)), 100);
  EXPECT_EQ(StartedAt(100), Runs{shorter});
  scheduler_.End(longer, 200);
  EXPECT_EQ(StartedAt(101), Runs{});
  EXPECT_EQ(resumed_, Runs{});
  EXPECT_FALSE(scheduler_.NextLook(At(101)));
  scheduler_.End(shorter, 20);
  EXPECT_EQ(scheduler_.tenants(), 0u);
}

TEST_F(SchedulerTest, AFloodStandsStillForWhoAsksForOneThing) {
  const auto flooded = OpenLane();
  const auto first = Add(RunOf(flooded, 1, Cost(20)));
  Add(RunOf(flooded, 1, Cost(20)));
  EXPECT_EQ(StartedAt(0), Runs{first});
  const auto lane = OpenLane();
  const auto only = Add(RunOf(lane, 2, Cost(20)), 5);
  EXPECT_EQ(StartedAt(5), Runs{only});
  EXPECT_EQ(paused_, Runs{first});
  scheduler_.End(only, 40);
  EXPECT_EQ(StartedAt(25), Runs{});
  EXPECT_EQ(resumed_, Runs{first});
  Add(RunOf(lane, 2, Cost(20)), 26);
  EXPECT_EQ(StartedAt(26), Runs{}) << "it has stood still for as long as it computes";
}

TEST_F(SchedulerTest, AFloodStandsStillForARunThatSeemsALittleLongerAndNoLongerThanItComputes) {
  const auto flooded = OpenLane();
  const auto first = Add(RunOf(flooded, 1, Cost(20)));
  Add(RunOf(flooded, 1, Cost(20)));
  EXPECT_EQ(StartedAt(0), Runs{first});
  const auto only = Add(RunOf(OpenLane(), 2, Cost(24)), 5);
  EXPECT_EQ(StartedAt(5), Runs{only});
  EXPECT_EQ(paused_, Runs{first});
  EXPECT_EQ(scheduler_.NextLook(At(5)), At(25));
  StartedAt(25);
  EXPECT_EQ(resumed_, Runs{first});
}

TEST_F(SchedulerTest, AFloodIsNotPausedForTheLastMoment) {
  const auto flooded = OpenLane();
  const auto first = Add(RunOf(flooded, 1, Cost(20)));
  Add(RunOf(flooded, 1, Cost(20)));
  EXPECT_EQ(StartedAt(0), Runs{first});
  Add(RunOf(OpenLane(), 2, Cost(20)), 16);
  EXPECT_EQ(StartedAt(16), Runs{});
}

TEST_F(SchedulerTest, WhoAsksForOneThingWaitsForAnothersOnlyOne) {
  const auto first = Add(RunOf(OpenLane(), 1, Cost(20)));
  EXPECT_EQ(StartedAt(0), Runs{first});
  const auto second = Add(RunOf(OpenLane(), 2, Cost(20)), 5);
  EXPECT_EQ(StartedAt(5), Runs{});
  scheduler_.End(first, 40);
  EXPECT_EQ(StartedAt(20), Runs{second});
}

TEST_F(SchedulerTest, TwoFloodsTakeTurnsWithoutPauses) {
  const auto one = OpenLane();
  const auto other = OpenLane();
  const auto first = Add(RunOf(one, 1, Cost(20)));
  Add(RunOf(one, 1, Cost(20)));
  Add(RunOf(other, 2, Cost(20)));
  Add(RunOf(other, 2, Cost(20)));
  EXPECT_EQ(StartedAt(0), Runs{first});
  EXPECT_EQ(StartedAt(5), Runs{});
  EXPECT_EQ(scheduler_.waiting(), 3u);
}

// ---- order

TEST_F(SchedulerTest, AFloodOfOneCallerIsNotWaitedFor) {
  const auto lane = OpenLane();
  const auto flooded = Add(RunOf(lane, 1, Cost(10)));
  for (int i = 0; i < 100; ++i) Add(RunOf(lane, 1, Cost(10)));
  EXPECT_EQ(StartedAt(0), Runs{flooded});
  const auto quiet = Add(RunOf(lane, 2, Cost(10)), 5);
  scheduler_.End(flooded, 20);
  EXPECT_EQ(StartedAt(10), Runs{quiet});
}

TEST_F(SchedulerTest, PriorityIsAmongTheRequestsOfOneCaller) {
  const auto lane = OpenLane();
  const auto running = Add(RunOf(lane, 1, Cost(10)));
  EXPECT_EQ(StartedAt(0), Runs{running});
  const auto other = Add(RunOf(lane, 2, Cost(10)));
  const auto plain = Add(RunOf(lane, 1, Cost(10)));
  auto hurried = RunOf(lane, 1, Cost(10));
  hurried.priority = 2;
  const auto second = Add(hurried);
  hurried.priority = 1;
  const auto first = Add(hurried);
  Runs order;
  auto last = running;
  for (double ms = 10; order.size() < 4; ms += 10) {
    scheduler_.End(last, 20);
    const auto started = StartedAt(ms);
    ASSERT_EQ(started.size(), 1u);
    last = started.front();
    order.push_back(last);
  }
  EXPECT_EQ(order, (Runs{other, first, second, plain}));
}

TEST_F(SchedulerTest, WhoWasAwayHasSavedNothingUp) {
  const auto lane_a = OpenLane();
  const auto lane_b = OpenLane();
  // Caller 1 computes alone for a second; then both keep the machine busy, and get the same from then on.
  for (int i = 0; i < 100; ++i) Add(RunOf(lane_a, 1, Cost(10)));
  for (int i = 0; i < 80; ++i) {
    const auto started = StartedAt(10 * i);
    ASSERT_EQ(started.size(), 1u);
    scheduler_.End(started[0], 20);
  }
  for (int i = 0; i < 20; ++i) Add(RunOf(lane_b, 2, Cost(10)), 1'000);
  std::map<Scheduler::LaneId, int> turns;
  for (int i = 0; i < 20; ++i) {
    const auto decisions = scheduler_.Decide(At(1'000 + 10 * i));
    ASSERT_EQ(decisions.size(), 1u);
    ++turns[decisions[0].lane];
    scheduler_.End(decisions[0].run, 20);
  }
  EXPECT_NEAR(turns[lane_a], 10, 1);
  EXPECT_NEAR(turns[lane_b], 10, 1);
}

TEST_F(SchedulerTest, WhatWasChargedTooLittleIsMadeUpFor) {
  const auto lane_a = OpenLane();
  const auto lane_b = OpenLane();
  for (int i = 0; i < 20; ++i) {
    Add(RunOf(lane_a, 1, Cost(1)));
    Add(RunOf(lane_b, 2, Cost(1)));
  }
  // Caller 1's runs take ten times what they seem to take.
  std::map<Scheduler::LaneId, double> took;
  double ms = 0;
  for (int i = 0; i < 20; ++i) {
    const auto decisions = scheduler_.Decide(At(ms));
    ASSERT_EQ(decisions.size(), 1u);
    const double cpu_ms = decisions[0].lane == lane_a ? 20 : 2;
    took[decisions[0].lane] += cpu_ms;
    scheduler_.End(decisions[0].run, cpu_ms);
    ms += cpu_ms / 2;
  }
  EXPECT_LE(took[lane_a], took[lane_b] + 2 * 20);
}

// ---- one caller at a time in a worker

TEST_F(SchedulerTest, AWorkerIsReplacedBeforeItServesAnotherCaller) {
  const auto lane = OpenLane(/*shared=*/false);
  const auto first = Add(RunOf(lane, 1, Cost(10)));
  EXPECT_EQ(StartedAt(0), Runs{first});
  const auto second = Add(RunOf(lane, 2, Cost(10)));
  scheduler_.End(first, 20);
  const auto decisions = scheduler_.Decide(At(10));
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_EQ(decisions[0].kind, Kind::kReplaceWorker);
  EXPECT_EQ(decisions[0].lane, lane);
  EXPECT_EQ(StartedAt(11), Runs{});
  scheduler_.SetOpen(lane, true);
  EXPECT_EQ(StartedAt(12), Runs{second});
}

TEST_F(SchedulerTest, AWorkerIsNotReplacedForEveryRequestInTurn) {
  const auto lane = OpenLane(/*shared=*/false, /*replace_ms=*/200);
  for (int i = 0; i < 100; ++i) {
    Add(RunOf(lane, 1, Cost(5)));
    Add(RunOf(lane, 2, Cost(5)));
  }
  int replaced = 0;
  int done = 0;
  while (done < 200) {
    const auto decisions = scheduler_.Decide(At(10 * done));
    ASSERT_EQ(decisions.size(), 1u);
    if (decisions[0].kind == Kind::kReplaceWorker) {
      ++replaced;
      scheduler_.SetOpen(lane, true);
    } else {
      ++done;
      scheduler_.End(decisions[0].run, 10);
    }
  }
  EXPECT_GE(replaced, 2);
  EXPECT_LE(replaced, 12);
}

// ---- others on a tenant's account

TEST_F(SchedulerTest, ManyCallersOnOneAccountHaveTheShareOfOne) {
  const auto lane_a = OpenLane();
  const auto lane_b = OpenLane();
  for (int i = 0; i < 60; ++i)
    Add(RunFor(lane_a, static_cast<Scheduler::CallerId>(10 + i % 20), 1, Cost(10)));
  for (int i = 0; i < 20; ++i) Add(RunOf(lane_b, 2, Cost(10)));
  std::map<Scheduler::LaneId, int> turns;
  for (int i = 0; i < 20; ++i) {
    const auto decisions = scheduler_.Decide(At(10 * i));
    ASSERT_EQ(decisions.size(), 1u);
    ++turns[decisions[0].lane];
    scheduler_.End(decisions[0].run, 20);
  }
  EXPECT_EQ(turns[lane_a], 10);
  EXPECT_EQ(turns[lane_b], 10);
}

TEST_F(SchedulerTest, WhoPaysIsNotKeptWaitingByAFloodOnItsAccount) {
  const auto lane = OpenLane();
  const auto flooded = Add(RunFor(lane, 9, 1, Cost(10)));
  for (int i = 0; i < 100; ++i) Add(RunFor(lane, 9, 1, Cost(10)));
  EXPECT_EQ(StartedAt(0), Runs{flooded});
  EXPECT_NEAR(scheduler_.PredictedWaitMs(RunFor(lane, 9, 1, Cost(10)), At(0)), 1'010, 1);
  EXPECT_NEAR(scheduler_.PredictedWaitMs(RunOf(lane, 1, Cost(10)), At(0)), 20, 1);
  const auto own = Add(RunOf(lane, 1, Cost(10)), 5);
  scheduler_.End(flooded, 20);
  EXPECT_EQ(StartedAt(10), Runs{own});
}

TEST_F(SchedulerTest, WhatSomebodyRunsOnAnothersAccountIsNotChargedToItself) {
  const auto shared = OpenLane();
  for (int i = 0; i < 100; ++i) Add(RunFor(shared, 9, 1, Cost(10)));
  const auto first = StartedAt(0);
  ASSERT_EQ(first.size(), 1u);
  const auto stranger = Add(RunOf(OpenLane(), 9, Cost(10)), 5);
  scheduler_.End(first[0], 20);
  EXPECT_EQ(StartedAt(10), Runs{stranger});
}

TEST_F(SchedulerTest, AnAccountsRequestsAreBoundedWhoeverSendsThem) {
  Scheduler scheduler({.cores = 2, .queued_per_tenant = 4});
  const auto lane = scheduler.AddLane({});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(scheduler.Add(RunFor(lane, 9, 1, std::nullopt), At(0)).ok());
  EXPECT_EQ(scheduler.Add(RunFor(lane, 9, 1, std::nullopt), At(0)).error().code, "queue-full");
  EXPECT_TRUE(scheduler.Add(RunOf(lane, 1, std::nullopt), At(0)).ok()) << "it has none waiting";
  EXPECT_EQ(scheduler.Add(RunOf(lane, 1, std::nullopt), At(0)).error().code, "queue-full");
  EXPECT_TRUE(scheduler.Add(RunOf(lane, 9, std::nullopt), At(0)).ok()) << "on its own account it has places";
}

TEST_F(SchedulerTest, AModelsRequestsAreBoundedByAccountWhoeverSendsThem) {
  Scheduler::LaneOptions options;
  options.max_queued = 3;
  const auto lane = scheduler_.AddLane(options);
  Add(RunFor(lane, 8, 1, std::nullopt));
  Add(RunFor(lane, 9, 1, std::nullopt));
  Add(RunFor(lane, 9, 1, std::nullopt));
  EXPECT_EQ(scheduler_.Add(RunFor(lane, 8, 1, std::nullopt), At(0)).error().code, "queue-full");
}

TEST_F(SchedulerTest, AWorkerIsReplacedBetweenCallersWhoeverPays) {
  const auto lane = OpenLane(/*shared=*/false);
  const auto first = Add(RunFor(lane, 8, 1, Cost(10)));
  EXPECT_EQ(StartedAt(0), Runs{first});
  const auto second = Add(RunFor(lane, 9, 1, Cost(10)));
  scheduler_.End(first, 20);
  const auto decisions = scheduler_.Decide(At(10));
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_EQ(decisions[0].kind, Kind::kReplaceWorker);
  EXPECT_EQ(decisions[0].run, second) << "for whom";
  scheduler_.SetOpen(lane, true);
  EXPECT_EQ(StartedAt(11), Runs{second});
  scheduler_.End(second, 20);
  const auto third = Add(RunFor(lane, 9, 2, Cost(10)));
  EXPECT_EQ(StartedAt(20), Runs{third}) << "one caller may use it on two accounts";
}

TEST_F(SchedulerTest, CallersOnOneAccountTakeTurnsWithoutANewWorkerForEach) {
  const auto lane = OpenLane(/*shared=*/false, /*replace_ms=*/200);
  for (int i = 0; i < 100; ++i) {
    Add(RunFor(lane, 8, 1, Cost(5)));
    Add(RunFor(lane, 9, 1, Cost(5)));
  }
  int replaced = 0;
  int done = 0;
  while (done < 100) {
    const auto decisions = scheduler_.Decide(At(10 * done));
    ASSERT_EQ(decisions.size(), 1u);
    if (decisions[0].kind == Kind::kReplaceWorker) {
      ++replaced;
      scheduler_.SetOpen(lane, true);
    } else {
      ++done;
      scheduler_.End(decisions[0].run, 10);
    }
  }
  EXPECT_GE(replaced, 2) << "nobody waits until the other has nothing more";
  EXPECT_LE(replaced, 8);
}

TEST_F(SchedulerTest, TheStartOfAWorkerIsChargedLikeARun) {
  const auto lane_a = OpenLane();
  const auto lane_b = OpenLane();
  for (int i = 0; i < 20; ++i) {
    Add(RunOf(lane_a, 1, Cost(5)));
    Add(RunOf(lane_b, 2, Cost(5)));
  }
  std::map<Scheduler::LaneId, double> took;
  for (int i = 0; i < 20; ++i) {
    const auto decisions = scheduler_.Decide(At(10 * i));
    ASSERT_EQ(decisions.size(), 1u);
    const auto lane = decisions[0].lane;
    // Each run of the first tenant needs a new worker after it.
    took[lane] += 10 + (lane == lane_a ? 30 : 0);
    scheduler_.End(decisions[0].run, 10);
    if (lane == lane_a) scheduler_.Charge(RunOf(lane_a, 1, std::nullopt), 30);
  }
  EXPECT_LE(std::abs(took[lane_a] - took[lane_b]), 40);
}

TEST_F(SchedulerTest, WhatIsChargedToNobodyWhoWaitsIsOwed) {
  const auto lane = OpenLane();
  const auto running = Add(RunOf(lane, 3, Cost(10)));
  EXPECT_EQ(StartedAt(0), Runs{running});
  scheduler_.Charge(RunOf(lane, 1, std::nullopt), 100);
  Add(RunOf(lane, 1, Cost(10)));
  const auto other = Add(RunOf(lane, 2, Cost(10)));
  scheduler_.End(running, 20);
  EXPECT_EQ(StartedAt(10), Runs{other});
}

// ---- bounds and predictions

TEST_F(SchedulerTest, TooManyRequestsForOneModelAreRefusedWithATimeToComeBack) {
  Scheduler::LaneOptions options;
  options.max_queued = 3;
  const auto lane = scheduler_.AddLane(options);
  for (int i = 0; i < 3; ++i) Add(RunOf(lane, 1, Cost(1'000)));
  const auto refused = scheduler_.Add(RunOf(lane, 1, Cost(1'000)), At(0));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "queue-full");
  EXPECT_EQ(refused.error().kind, base::ErrorKind::kExhausted);
  EXPECT_EQ(refused.error().retry_after_s, 3);
  EXPECT_TRUE(scheduler_.Add(RunOf(lane, 2, Cost(1'000)), At(0)).ok())
      << "another caller has places of its own";
}

TEST_F(SchedulerTest, ACallersRequestsAreBoundedOverAllModels) {
  Scheduler scheduler({.cores = 2, .queued_per_tenant = 4});
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(scheduler.Add(RunOf(scheduler.AddLane({}), 1, std::nullopt), At(0)).ok());
  EXPECT_EQ(scheduler.Add(RunOf(scheduler.AddLane({}), 1, std::nullopt), At(0)).error().code, "queue-full");
  EXPECT_TRUE(scheduler.Add(RunOf(scheduler.AddLane({}), 2, std::nullopt), At(0)).ok());
}

TEST_F(SchedulerTest, AFullServerStillTakesOneRequestOfWhoHasNone) {
  Scheduler scheduler({.cores = 2, .queued = 4});
  const auto lane = scheduler.AddLane({});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(scheduler.Add(RunOf(lane, 1, std::nullopt), At(0)).ok());
  EXPECT_EQ(scheduler.Add(RunOf(lane, 1, std::nullopt), At(0)).error().code, "queue-full");
  EXPECT_TRUE(scheduler.Add(RunOf(lane, 2, std::nullopt), At(0)).ok());
  EXPECT_EQ(scheduler.Add(RunOf(lane, 2, std::nullopt), At(0)).error().code, "queue-full");
}

TEST_F(SchedulerTest, TooLongAPredictedWaitIsRefused) {
  Scheduler::LaneOptions options;
  options.max_wait_ms = 2'500;
  const auto lane = scheduler_.AddLane(options);
  for (int i = 0; i < 3; ++i) Add(RunOf(lane, 1, Cost(1'000)));
  const auto refused = scheduler_.Add(RunOf(lane, 1, Cost(1'000)), At(0));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "queue-full");
  EXPECT_EQ(refused.error().retry_after_s, 1);
}

TEST_F(SchedulerTest, WhatCannotEndBeforeItsDeadlineIsRefusedAtOnce) {
  const auto lane = OpenLane();
  for (int i = 0; i < 3; ++i) Add(RunOf(lane, 1, Cost(100)));
  auto request = RunOf(lane, 1, Cost(100));
  request.deadline = At(399);
  const auto refused = scheduler_.Add(request, At(0));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "deadline");
  EXPECT_EQ(refused.error().kind, base::ErrorKind::kDeadline);
  request.deadline = At(401);
  EXPECT_TRUE(scheduler_.Add(request, At(0)).ok());
}

TEST_F(SchedulerTest, AnIdleMachineTriesWhatSeemsTooLong) {
  // A prediction may be wrong, and nobody waits for the cores.
  auto request = RunOf(OpenLane(), 1, Cost(1'000));
  request.deadline = At(10);
  EXPECT_TRUE(scheduler_.Add(request, At(0)).ok());
}

TEST_F(SchedulerTest, AQuietCallerIsNotToldToWaitForAFlood) {
  const auto lane = OpenLane();
  for (int i = 0; i < 100; ++i) Add(RunOf(lane, 1, Cost(100)));
  EXPECT_NEAR(scheduler_.PredictedWaitMs(RunOf(lane, 1, Cost(100)), At(0)), 10'000, 1);
  EXPECT_NEAR(scheduler_.PredictedWaitMs(RunOf(lane, 2, Cost(100)), At(0)), 100, 1);
  auto heavy = RunOf(lane, 2, Cost(100));
  heavy.weight = 4;
  EXPECT_NEAR(scheduler_.PredictedWaitMs(heavy, At(0)), 25, 1);
}

TEST_F(SchedulerTest, WhatIsGivenUpLeavesNothingBehind) {
  const auto lane = OpenLane();
  const auto first = Add(RunOf(lane, 1, Cost(100)));
  const auto second = Add(RunOf(lane, 1, Cost(100)));
  scheduler_.Remove(first);
  EXPECT_EQ(StartedAt(0), Runs{second});
  scheduler_.End(second, 200);
  EXPECT_EQ(scheduler_.waiting(), 0u);
  EXPECT_EQ(scheduler_.running(), 0u);
  EXPECT_EQ(scheduler_.tenants(), 0u);
  EXPECT_EQ(scheduler_.backlog_ms(), 0);
  scheduler_.RemoveLane(lane);
}

// ---- laws over random traces

// A machine that divides its cores evenly among what runs, as the kernel does. Every caller has models of its own and
// keeps `depth` requests waiting for each, or sends at random.
class Machine {
 public:
  struct Caller {
    double weight = 1;
    double mean_ms = 10;
    int models = 3;
    double send_every_ms = 0;  // 0: has always something waiting
  };

  Machine(double cores, std::vector<Caller> callers, unsigned seed)
      : cores_(cores), scheduler_({.cores = cores}), callers_(std::move(callers)), random_(seed) {
    for (std::size_t c = 0; c < callers_.size(); ++c) {
      for (int m = 0; m < callers_[c].models; ++m) {
        Scheduler::LaneOptions options;
        options.max_wait_ms = 1e12;
        const auto lane = scheduler_.AddLane(options);
        scheduler_.SetOpen(lane, true);
        lanes_.push_back({c, lane, false});
      }
      next_send_ms_.push_back(callers_[c].send_every_ms);
    }
    served_ms_.resize(callers_.size());
    longest_wait_ms_.resize(callers_.size());
  }

  void RunFor(double ms) {
    const double end = now_ms_ + ms;
    while (now_ms_ < end) Step();
  }

  double served_ms(std::size_t caller) const { return served_ms_[caller]; }
  double longest_wait_ms(std::size_t caller) const { return longest_wait_ms_[caller]; }
  double idle_ms() const { return idle_ms_; }
  double longest_run_ms() const { return longest_run_ms_; }

 private:
  struct LaneOf {
    std::size_t caller;
    Scheduler::LaneId lane;
    bool has_waiting;
  };
  struct Active {
    std::size_t caller;
    std::size_t lane_index;
    double left_cpu_ms;
    double cpu_ms;
    double cores;
    bool paused = false;
  };

  void Send(std::size_t index) {
    LaneOf& lane = lanes_[index];
    std::exponential_distribution<double> length(1 / callers_[lane.caller].mean_ms);
    std::uniform_real_distribution<double> threads(1, cores_);
    std::uniform_real_distribution<double> wrong(0.5, 1.5);
    const RunCost truth = Cost(0.5 + length(random_), threads(random_));
    auto request = RunOf(lane.lane, lane.caller + 1, truth);
    request.weight = callers_[lane.caller].weight;
    request.cost->wall_ms *= wrong(random_);
    request.cost->cpu_ms = request.cost->wall_ms * truth.cores();
    const auto run = scheduler_.Add(request, At(now_ms_));
    ASSERT_TRUE(run.ok());
    lane.has_waiting = true;
    waiting_[*run] = {index, truth, now_ms_};
  }

  void Step() {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      const Caller& caller = callers_[lanes_[i].caller];
      if (caller.send_every_ms == 0 && !lanes_[i].has_waiting) Send(i);
    }
    for (std::size_t c = 0; c < callers_.size(); ++c) {
      if (callers_[c].send_every_ms == 0 || now_ms_ < next_send_ms_[c]) continue;
      next_send_ms_[c] = now_ms_ + callers_[c].send_every_ms;
      for (std::size_t i = 0; i < lanes_.size(); ++i) {
        if (lanes_[i].caller == c) {
          Send(i);
          break;
        }
      }
    }
    for (const auto& decision : scheduler_.Decide(At(now_ms_))) {
      if (decision.kind != Kind::kStart) {
        active_.at(decision.run).paused = decision.kind == Kind::kPause;
        continue;
      }
      const auto found = waiting_.extract(decision.run).mapped();
      const std::size_t caller = lanes_[found.index].caller;
      lanes_[found.index].has_waiting = false;
      longest_wait_ms_[caller] = std::max(longest_wait_ms_[caller], now_ms_ - found.since_ms);
      longest_run_ms_ = std::max(longest_run_ms_, found.cost.cpu_ms);
      active_[decision.run] = {caller, found.index, found.cost.cpu_ms, found.cost.cpu_ms, found.cost.cores()};
    }
    if (!waiting_.empty() && active_.empty()) idle_ms_ += kStepMs;

    double wanted = 0;
    for (const auto& [run, active] : active_) wanted += active.paused ? 0 : active.cores;
    EXPECT_TRUE(active_.empty() || wanted > 0) << "everybody stands still";
    const double part = wanted > cores_ ? cores_ / wanted : 1;
    now_ms_ += kStepMs;
    for (auto it = active_.begin(); it != active_.end();) {
      Active& active = it->second;
      const double done = active.paused ? 0 : active.cores * part * kStepMs;
      served_ms_[active.caller] += done;
      active.left_cpu_ms -= done;
      if (active.left_cpu_ms > 0) {
        ++it;
        continue;
      }
      scheduler_.End(it->first, active.cpu_ms);
      it = active_.erase(it);
    }
  }

  static constexpr double kStepMs = 0.5;
  struct Sent {
    std::size_t index;
    RunCost cost;
    double since_ms;
  };

  const double cores_;
  Scheduler scheduler_;
  const std::vector<Caller> callers_;
  std::mt19937 random_;
  std::vector<LaneOf> lanes_;
  std::map<Scheduler::RunId, Sent> waiting_;
  std::map<Scheduler::RunId, Active> active_;
  std::vector<double> served_ms_;
  std::vector<double> next_send_ms_;
  std::vector<double> longest_wait_ms_;
  double now_ms_ = 0;
  double idle_ms_ = 0;
  double longest_run_ms_ = 0;
};

class RandomTrace : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, RandomTrace, testing::Range(1u, 9u));

TEST_P(RandomTrace, SharesFollowWeights) {
  Machine machine(2, {{.weight = 1}, {.weight = 2}, {.weight = 4}}, GetParam());
  machine.RunFor(20'000);
  const double unit = (machine.served_ms(0) + machine.served_ms(1) + machine.served_ms(2)) / 7;
  EXPECT_NEAR(machine.served_ms(0) / unit, 1, 0.15);
  EXPECT_NEAR(machine.served_ms(1) / unit, 2, 0.2);
  EXPECT_NEAR(machine.served_ms(2) / unit, 4, 0.3);
}

TEST_P(RandomTrace, LongAndShortRunsGetTheSameTime) {
  Machine machine(2, {{.mean_ms = 3}, {.mean_ms = 30}}, GetParam());
  machine.RunFor(20'000);
  EXPECT_NEAR(machine.served_ms(0) / machine.served_ms(1), 1, 0.2);
}

TEST_P(RandomTrace, NobodyWaitsForAFloodOfOthers) {
  Machine machine(2,
                  {{.mean_ms = 20, .models = 12},
                   {.mean_ms = 20, .models = 12},
                   {.mean_ms = 5, .models = 1, .send_every_ms = 200}},
                  GetParam());
  machine.RunFor(20'000);
  EXPECT_GT(machine.served_ms(2), 0);
  // Each of the two others may be served what it is owed and a run more before it is the quiet one's turn.
  EXPECT_LE(machine.longest_wait_ms(2), 2 * machine.longest_run_ms());
}

TEST_P(RandomTrace, NobodyStarvesAmongManyCallers) {
  std::vector<Machine::Caller> callers(12, {.mean_ms = 10, .models = 2});
  callers[3].mean_ms = 100;
  callers[5].weight = 0.1;
  Machine machine(4, callers, GetParam());
  machine.RunFor(20'000);
  for (std::size_t c = 0; c < callers.size(); ++c) EXPECT_GT(machine.served_ms(c), 100) << c;
}

TEST_P(RandomTrace, CoresAreNotIdleWhileSomebodyWaits) {
  Machine machine(2, {{.mean_ms = 5}, {.mean_ms = 50, .send_every_ms = 30}}, GetParam());
  machine.RunFor(10'000);
  EXPECT_EQ(machine.idle_ms(), 0);
  EXPECT_GE(machine.served_ms(0) + machine.served_ms(1), 0.75 * 2 * 10'000);
  EXPECT_LE(machine.served_ms(0) + machine.served_ms(1), 2 * 10'000 + machine.longest_run_ms());
}

}  // namespace
}  // namespace blindai::model
