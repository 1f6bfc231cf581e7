// What a run of a model is expected to cost, learned from its earlier runs by the size of their inputs. One table for
// each model; the scheduler (scheduler.h) plans with what it says.
//
// The times are measured by the server, of the kernel's clock of the worker: a worker cannot lie about them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

namespace blindai::model {

struct RunCost {
  double cpu_ms = 0;   // of all threads together
  double wall_ms = 0;  // from the worker's start on it to its answer

  // Cores that it keeps busy; a run that waits for its worker takes one all the same.
  double cores() const { return wall_ms > 0 ? std::max(1.0, cpu_ms / wall_ms) : 1.0; }
};

class CostTable {
 public:
  // Nothing: no run was seen yet. A size between those that were seen costs as the nearest, in proportion.
  std::optional<RunCost> Predict(std::uint64_t input_bytes) const;

  // A run that came to its end. Later ones count more: an exponential average.
  void Learn(std::uint64_t input_bytes, RunCost cost);
  // A run that was stopped after this: the next one of its size costs no less.
  void LearnAtLeast(std::uint64_t input_bytes, RunCost cost);

  // At most four for each doubling of the size, so the table is bounded by the largest input.
  std::size_t size() const { return costs_.size(); }

 private:
  std::map<int, RunCost> costs_;  // by bucket
};

}  // namespace blindai::model
