#include "model/batching.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace blindai::model {
namespace {

using vocabulary::kAnyDimension;
using vocabulary::TensorSpec;

constexpr double kWorthwhile = 0.9;
constexpr int kRounds = 5;
// A longer run gains too little to be worth the time that loading would take.
constexpr std::chrono::milliseconds kLongestRun(20);

bool IsOfRows(const TensorSpec& spec) {
  return spec.shape.size() >= 2 && spec.shape[0] == kAnyDimension &&
         std::ranges::count(spec.shape, kAnyDimension) == 1;
}

// The fastest of some runs: what disturbs a measurement only makes it longer.
std::optional<std::chrono::nanoseconds> Fastest(const RunRows& run, std::span<const std::size_t> rows) {
  auto fastest = std::chrono::nanoseconds::max();
  for (int round = 0; round < kRounds; ++round) {
    const auto ran = run(rows);
    if (!ran) return std::nullopt;
    fastest = std::min(fastest, ran->took);
  }
  return fastest;
}

}  // namespace

bool HasRows(const ModelSignature& signature) {
  return !signature.inputs.empty() && std::ranges::all_of(signature.inputs, IsOfRows) &&
         std::ranges::all_of(signature.outputs, IsOfRows);
}

bool FitTogether(const RunPlan& one, const RunPlan& other) {
  const auto is_row = [](const PlacedTensor& input) { return input.shape[0] == 1; };
  return one.outputs == other.outputs && std::ranges::all_of(one.inputs, is_row) &&
         std::ranges::all_of(other.inputs, is_row);
}

RunPlan PlanOfRows(const RunPlan& one, std::size_t rows) {
  RunPlan plan = one;
  plan.region_bytes = 0;
  for (PlacedTensor& input : plan.inputs) {
    input.shape[0] = static_cast<std::int64_t>(rows);
    input.bytes *= rows;
    input.offset = plan.region_bytes;
    plan.region_bytes = RoundUpToPlacement(input.offset + input.bytes);
  }
  return plan;
}

PlacedTensor RowOf(const PlacedTensor& tensor, std::size_t row, std::size_t rows) {
  if (rows == 1) return tensor;  // of any rank
  BLINDAI_CHECK(row < rows && tensor.bytes % rows == 0);
  PlacedTensor one = tensor;
  one.shape[0] = tensor.shape[0] / static_cast<std::int64_t>(rows);
  one.bytes = tensor.bytes / rows;
  one.offset = tensor.offset + row * one.bytes;
  return one;
}

std::uint16_t ProveBatching(const RunRows& run) {
  std::vector<std::vector<base::Bytes>> alone;
  for (std::size_t row = 0; row < kMostRows; ++row) {
    auto ran = run(std::array{row});
    if (!ran || ran->took > kLongestRun) return 1;
    alone.push_back(std::move(ran->outputs));
  }
  const auto are_the_same = [&](std::span<const std::size_t> rows) {
    const auto ran = run(rows);
    if (!ran || ran->outputs.size() != alone[0].size() * rows.size()) return false;
    for (std::size_t i = 0; i < ran->outputs.size(); ++i) {
      if (ran->outputs[i] != alone[rows[i % rows.size()]][i / rows.size()]) return false;
    }
    return true;
  };
  constexpr std::array<std::size_t, kMostRows> kInOrder = {0, 1, 2, 3};
  constexpr std::array<std::size_t, kMostRows> kElsewhere = {3, 2, 0, 1};
  for (std::size_t rows = 2; rows <= kMostRows; ++rows) {
    if (!are_the_same(std::span(kInOrder).first(rows)) || !are_the_same(std::span(kElsewhere).first(rows)))
      return 1;
  }
  const auto one = Fastest(run, std::span(kInOrder).first(1));
  const auto all = Fastest(run, kInOrder);
  const bool pays =
      one && all &&
      static_cast<double>(all->count()) < kWorthwhile * kMostRows * static_cast<double>(one->count());
  return pays ? kMostRows : std::uint16_t{1};
}

}  // namespace blindai::model
