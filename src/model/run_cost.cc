#include "model/run_cost.h"

#include <cmath>
#include <cstdlib>
#include <iterator>

namespace blindai::model {
namespace {

constexpr double kBucketsPerDoubling = 4;
// Weight of the newest run.
constexpr double kNewest = 0.2;

int BucketOf(std::uint64_t bytes) {
  return static_cast<int>(std::log2(static_cast<double>(std::max<std::uint64_t>(bytes, 1))) *
                          kBucketsPerDoubling);
}

}  // namespace

std::optional<RunCost> CostTable::Predict(std::uint64_t input_bytes) const {
  if (costs_.empty()) return std::nullopt;
  const int bucket = BucketOf(input_bytes);
  auto nearest = costs_.lower_bound(bucket);
  if (nearest == costs_.end()) nearest = std::prev(nearest);
  if (nearest != costs_.begin()) {
    const auto below = std::prev(nearest);
    if (std::abs(bucket - below->first) < std::abs(nearest->first - bucket)) nearest = below;
  }
  const double scale = std::exp2((bucket - nearest->first) / kBucketsPerDoubling);
  return RunCost{nearest->second.cpu_ms * scale, nearest->second.wall_ms * scale};
}

void CostTable::Learn(std::uint64_t input_bytes, RunCost cost) {
  const auto [entry, is_new] = costs_.try_emplace(BucketOf(input_bytes), cost);
  if (is_new) return;
  RunCost& known = entry->second;
  known.cpu_ms += kNewest * (cost.cpu_ms - known.cpu_ms);
  known.wall_ms += kNewest * (cost.wall_ms - known.wall_ms);
}

void CostTable::LearnAtLeast(std::uint64_t input_bytes, RunCost cost) {
  RunCost& known = costs_[BucketOf(input_bytes)];
  known.cpu_ms = std::max(known.cpu_ms, cost.cpu_ms);
  known.wall_ms = std::max(known.wall_ms, cost.wall_ms);
}

}  // namespace blindai::model
