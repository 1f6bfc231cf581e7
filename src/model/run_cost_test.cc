#include "model/run_cost.h"

#include <gtest/gtest.h>

namespace blindai::model {
namespace {

TEST(CostTable, KnowsNothingBeforeTheFirstRun) { EXPECT_FALSE(CostTable().Predict(100)); }

TEST(CostTable, PredictsWhatItSaw) {
  CostTable table;
  table.Learn(1'000, {20, 10});
  EXPECT_DOUBLE_EQ(table.Predict(1'000)->cpu_ms, 20);
  EXPECT_DOUBLE_EQ(table.Predict(1'000)->wall_ms, 10);
  EXPECT_DOUBLE_EQ(table.Predict(1'000)->cores(), 2);
}

TEST(CostTable, FollowsWhatChanges) {
  CostTable table;
  table.Learn(1'000, {10, 10});
  for (int i = 0; i < 50; ++i) table.Learn(1'000, {40, 20});
  EXPECT_NEAR(table.Predict(1'000)->cpu_ms, 40, 0.1);
  EXPECT_NEAR(table.Predict(1'000)->wall_ms, 20, 0.1);
}

TEST(CostTable, AnUnseenSizeCostsInProportionToTheNearest) {
  CostTable table;
  table.Learn(1'024, {10, 5});
  table.Learn(1'048'576, {4'000, 2'000});
  EXPECT_DOUBLE_EQ(table.Predict(2'048)->cpu_ms, 20);
  EXPECT_DOUBLE_EQ(table.Predict(512)->cpu_ms, 5);
  EXPECT_DOUBLE_EQ(table.Predict(2'097'152)->cpu_ms, 8'000);
  EXPECT_DOUBLE_EQ(table.Predict(524'288)->cpu_ms, 2'000);
}

TEST(CostTable, AStoppedRunRaisesThePredictionAndNeverLowersIt) {
  CostTable table;
  table.LearnAtLeast(1'000, {100, 50});
  EXPECT_DOUBLE_EQ(table.Predict(1'000)->cpu_ms, 100);
  table.LearnAtLeast(1'000, {1, 1});
  EXPECT_DOUBLE_EQ(table.Predict(1'000)->cpu_ms, 100);
  EXPECT_DOUBLE_EQ(table.Predict(1'000)->wall_ms, 50);
}

TEST(CostTable, ARunThatWaitsTakesACoreAllTheSame) {
  EXPECT_DOUBLE_EQ((RunCost{1, 10}).cores(), 1);
  EXPECT_DOUBLE_EQ(RunCost{}.cores(), 1);
}

TEST(CostTable, ManySizesTakeFewPlaces) {
  CostTable table;
  for (std::uint64_t bytes = 0; bytes < 100'000; ++bytes) table.Learn(bytes, {1, 1});
  EXPECT_LE(table.size(), 4u * 17 + 1);
}

}  // namespace
}  // namespace blindai::model
