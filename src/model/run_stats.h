// What runs cost and how they ended, as numbers that only grow: of one model (HostStats), and of all models of a
// process together (RunTotals), where they stay when a model is deleted. Durations follow one run through the host:
// it waits, its inputs are copied to the worker, the engine computes, its outputs are copied back. The names are those
// of Triton's statistics extension, which the Open Inference endpoints and the metrics speak.
// https://github.com/triton-inference-server/server (docs/protocol/extension_statistics.md)
#pragma once

#include <cstdint>
#include <mutex>

namespace blindai::model {

// Why a run gave no answer.
enum class RunFailure : std::uint8_t {
  kRejected,   // the queue was full, or the deadline came before its turn
  kCancelled,  // its sender gave it up
  kBackend,    // the engine or its worker failed
  kOther,      // the inputs do not fit, the deadline came while it ran, the model was stopped
};
constexpr std::size_t kRunFailures = 4;

struct RunStats {
  std::uint64_t successes = 0;
  std::uint64_t executions =
      0;  // of the worker that gave answers; fewer than successes where several ran as one
  std::uint64_t failures[kRunFailures] = {};  // by RunFailure
  // Nanoseconds, summed. The last four are of successes, and are parts of success_ns.
  std::uint64_t success_ns = 0;
  std::uint64_t failure_ns = 0;
  std::uint64_t queue_ns = 0;
  std::uint64_t input_ns = 0;
  std::uint64_t infer_ns = 0;
  std::uint64_t output_ns = 0;
  std::int64_t last_success_ms = 0;  // since the epoch; 0 = none yet
  // Requests that were accepted and have not reached the worker: the one number here that also falls.
  std::int64_t pending = 0;

  std::uint64_t AllFailures() const { return failures[0] + failures[1] + failures[2] + failures[3]; }
};

// Any thread.
class RunTotals {
 public:
  template <typename Change>
  void Update(Change change) {
    const std::lock_guard lock(mutex_);
    change(stats_);
  }
  RunStats Read() const {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  mutable std::mutex mutex_;
  RunStats stats_;
};

}  // namespace blindai::model
