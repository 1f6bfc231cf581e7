// The one place where runs get the machine's cores: carries out what the scheduler decides, for all hosts of models
// that share it. It lives on the supervisor's thread, so it needs no lock and its order is the scheduler's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "base/result.h"
#include "model/scheduler.h"
#include "model/supervisor.h"

namespace blindai::model {

class Dispatcher : public std::enable_shared_from_this<Dispatcher> {
 public:
  // Called with what is decided for a lane. It may call everything here.
  using OnDecision = std::function<void(const Scheduler::Decision&)>;

  static std::shared_ptr<Dispatcher> Make(Scheduler::Limits limits);
  // With the cores that this process may use, for hosts that name no other.
  static const std::shared_ptr<Dispatcher>& OfThisProcess();

  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Any thread. Numbers of the whole process; nothing about one caller or model.
  struct Stats {
    std::size_t waiting = 0;
    std::size_t running = 0;
    double predicted_wait_ms = 0;  // until all that waits now has started, on all cores
    std::uint64_t refused = 0;     // queue-full, or too late for its deadline
    double charged_ms = 0;         // processor time of the runs that ended, however they ended
    double charged_starts_ms = 0;  // the same of workers that had to start for one run
  };
  Stats stats() const;

  // The rest only on the supervisor's thread; words as in scheduler.h.
  Scheduler::LaneId AddLane(Scheduler::LaneOptions options, OnDecision on_decision);
  void RemoveLane(Scheduler::LaneId lane);
  void SetOpen(Scheduler::LaneId lane, bool open) { scheduler_.SetOpen(lane, open); }
  void SetReplaceCost(Scheduler::LaneId lane, double ms) { scheduler_.SetReplaceCost(lane, ms); }
  base::Result<Scheduler::RunId> Add(const Scheduler::Request& request);
  void Remove(Scheduler::RunId run) { scheduler_.Remove(run); }
  // However the run ended: its tenant is charged for what it used, whether or not there is an answer.
  void End(Scheduler::RunId run, double cpu_ms);
  // A worker had to start because of this request.
  void ChargeStart(const Scheduler::Request& request, double cpu_ms);
  // After any of these: decides, and calls the lanes before it returns. Inside of such a call it returns at once, and
  // the outer one goes on.
  void Look();

 private:
  explicit Dispatcher(Scheduler::Limits limits) : scheduler_(limits) {}

  Supervisor& supervisor_ = Supervisor::Instance();
  Scheduler scheduler_;
  std::map<Scheduler::LaneId, OnDecision> lanes_;
  std::optional<Supervisor::TimerId> timer_;
  bool looking_ = false;
  bool again_ = false;
  std::atomic<std::size_t> waiting_ = 0;
  std::atomic<std::size_t> running_ = 0;
  std::atomic<double> predicted_wait_ms_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<double> charged_ms_ = 0;
  std::atomic<double> charged_starts_ms_ = 0;
};

// Cores that this process may use.
int UsableCores();

}  // namespace blindai::model
