#include "model/batching.h"

#include <gtest/gtest.h>

namespace blindai::model {
namespace {

using vocabulary::Datatype;
using vocabulary::kAnyDimension;
using vocabulary::Shape;

ModelSignature Signature(Shape input, Shape output) {
  ModelSignature signature;
  signature.inputs = {{"x", Datatype::kFp32, std::move(input)}};
  signature.outputs = {{"y", Datatype::kFp32, std::move(output)}};
  return signature;
}

TEST(HasRows, IsAFirstDimensionThatVariesBeforeOthersThatDoNot) {
  EXPECT_TRUE(HasRows(Signature({kAnyDimension, 4}, {kAnyDimension, 2, 3})));
  EXPECT_FALSE(HasRows(Signature({1, 4}, {1, 2})));
  EXPECT_FALSE(HasRows(Signature({kAnyDimension, kAnyDimension}, {kAnyDimension, 2})));
  EXPECT_FALSE(HasRows(Signature({kAnyDimension, 4}, {kAnyDimension, kAnyDimension})));
  EXPECT_FALSE(HasRows(Signature({4, kAnyDimension}, {kAnyDimension, 2})));
  EXPECT_FALSE(HasRows(Signature({kAnyDimension}, {kAnyDimension})));
  EXPECT_FALSE(HasRows(Signature({}, {})));
  ModelSignature without_inputs = Signature({kAnyDimension, 4}, {kAnyDimension, 4});
  without_inputs.inputs.clear();
  EXPECT_FALSE(HasRows(without_inputs));
}

RunPlan Plan(std::int64_t rows, std::vector<std::uint16_t> outputs = {0}) {
  const auto bytes = static_cast<std::uint64_t>(rows) * 20;
  return {.inputs = {{0, {rows, 5}, 0, bytes}, {1, {rows, 5}, RoundUpToPlacement(bytes), bytes}},
          .outputs = std::move(outputs),
          .region_bytes = 2 * RoundUpToPlacement(bytes)};
}

TEST(FitTogether, AreRunsOfOneRowThatWantTheSame) {
  EXPECT_TRUE(FitTogether(Plan(1), Plan(1)));
  EXPECT_FALSE(FitTogether(Plan(1), Plan(2)));
  EXPECT_FALSE(FitTogether(Plan(2), Plan(1)));
  EXPECT_FALSE(FitTogether(Plan(1, {0, 1}), Plan(1, {1, 0})));
}

TEST(PlanOfRows, PutsRowBehindRowAndEveryInputWhereNoOtherIs) {
  const RunPlan plan = PlanOfRows(Plan(1), 4);
  ASSERT_EQ(plan.inputs.size(), 2u);
  EXPECT_EQ(plan.inputs[0].shape, (Shape{4, 5}));
  EXPECT_EQ(plan.inputs[0].bytes, 80u);
  EXPECT_EQ(plan.inputs[0].offset, 0u);
  EXPECT_EQ(plan.inputs[1].offset, 128u);
  EXPECT_EQ(plan.region_bytes, 256u);
  const PlacedTensor third = RowOf(plan.inputs[1], 2, 4);
  EXPECT_EQ(third.port, 1);
  EXPECT_EQ(third.shape, (Shape{1, 5}));
  EXPECT_EQ(third.offset, 128u + 40u);
  EXPECT_EQ(third.bytes, 20u);
}

TEST(RowOf, OfARunAloneIsTheWholeTensorOfAnyRank) {
  const PlacedTensor scalar{3, {}, 64, 4};
  EXPECT_EQ(RowOf(scalar, 0, 1).bytes, 4u);
  EXPECT_EQ(RowOf(scalar, 0, 1).offset, 64u);
  const PlacedTensor rows{3, {7, 2}, 0, 56};
  EXPECT_EQ(RowOf(rows, 0, 1).shape, (Shape{7, 2}));
}

// A model whose rows are computed by `row_of`, for a price for each run and each row.
RunRows Model(std::function<base::Bytes(std::size_t row, std::size_t rows, std::size_t at)> row_of,
              int run_us, int row_us) {
  return [=](std::span<const std::size_t> rows) -> std::optional<RowsRun> {
    RowsRun ran{.outputs = {},
                .took = std::chrono::microseconds(run_us + row_us * static_cast<int>(rows.size()))};
    for (std::size_t at = 0; at < rows.size(); ++at) ran.outputs.push_back(row_of(rows[at], rows.size(), at));
    return ran;
  };
}
base::Bytes Row(std::size_t row, std::size_t = 0, std::size_t = 0) {
  return {static_cast<std::uint8_t>(row)};
}

TEST(ProveBatching, AllowsItWhereRowsAreWhatTheyAreAloneAndItPays) {
  EXPECT_EQ(ProveBatching(Model(Row, 100, 10)), kMostRows);
}

TEST(ProveBatching, IsNotWorthItWhereRowsCostWhatRunsCost) {
  EXPECT_EQ(ProveBatching(Model(Row, 0, 100)), 1);
  EXPECT_EQ(ProveBatching(Model(Row, 13, 100)), 1);          // 413 against 452: 0.914
  EXPECT_EQ(ProveBatching(Model(Row, 16, 100)), kMostRows);  // 416 against 464: 0.897
}

TEST(ProveBatching, IsRefusedWhereARowDependsOnHowManyThereAre) {
  EXPECT_EQ(ProveBatching(Model([](auto row, auto rows, auto) { return Row(row + rows); }, 100, 10)), 1);
  EXPECT_EQ(ProveBatching(Model([](auto row, auto rows, auto) { return Row(row + rows / 4); }, 100, 10)), 1);
}

TEST(ProveBatching, IsRefusedWhereARowDependsOnItsPlace) {
  EXPECT_EQ(ProveBatching(Model([](auto row, auto, auto at) { return Row(row + at); }, 100, 10)), 1);
  // Seen only when the rows come in another order.
  EXPECT_EQ(ProveBatching(
                Model([](auto row, auto, auto at) { return Row(at == 1 && row == 2 ? 9 : row); }, 100, 10)),
            1);
}

TEST(ProveBatching, IsRefusedWhereARunFailsOrHasOtherRows) {
  const RunRows good = Model(Row, 100, 10);
  EXPECT_EQ(ProveBatching([](auto) { return std::optional<RowsRun>(); }), 1);
  EXPECT_EQ(ProveBatching([&](auto rows) { return rows.size() == 3 ? std::nullopt : good(rows); }), 1);
  EXPECT_EQ(ProveBatching([&](auto rows) {
              auto ran = good(rows);
              if (rows.size() > 1) ran->outputs.pop_back();
              return ran;
            }),
            1);
}

TEST(ProveBatching, LeavesLongRunsAlone) { EXPECT_EQ(ProveBatching(Model(Row, 30'000, 10)), 1); }

}  // namespace
}  // namespace blindai::model
