#include "model/dispatcher.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace blindai::model {

int UsableCores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::shared_ptr<Dispatcher> Dispatcher::Make(Scheduler::Limits limits) {
  return std::shared_ptr<Dispatcher>(new Dispatcher(limits));
}

const std::shared_ptr<Dispatcher>& Dispatcher::OfThisProcess() {
  // Never destroyed, like the supervisor.
  static const std::shared_ptr<Dispatcher>& instance =
      *new std::shared_ptr<Dispatcher>(Make({.cores = static_cast<double>(UsableCores())}));
  return instance;
}

Dispatcher::Stats Dispatcher::stats() const {
  return {.waiting = waiting_,
          .running = running_,
          .predicted_wait_ms = predicted_wait_ms_,
          .refused = refused_,
          .charged_ms = charged_ms_,
          .charged_starts_ms = charged_starts_ms_};
}

Scheduler::LaneId Dispatcher::AddLane(Scheduler::LaneOptions options, OnDecision on_decision) {
  const Scheduler::LaneId lane = scheduler_.AddLane(options);
  lanes_.emplace(lane, std::move(on_decision));
  return lane;
}

void Dispatcher::RemoveLane(Scheduler::LaneId lane) {
  scheduler_.RemoveLane(lane);
  lanes_.erase(lane);
}

base::Result<Scheduler::RunId> Dispatcher::Add(const Scheduler::Request& request) {
  auto run = scheduler_.Add(request, std::chrono::steady_clock::now());
  if (!run.ok()) ++refused_;
  return run;
}

void Dispatcher::End(Scheduler::RunId run, double cpu_ms) {
  charged_ms_ = charged_ms_ + cpu_ms;
  scheduler_.End(run, cpu_ms);
}

void Dispatcher::ChargeStart(const Scheduler::Request& request, double cpu_ms) {
  charged_starts_ms_ = charged_starts_ms_ + cpu_ms;
  scheduler_.Charge(request, cpu_ms);
}

void Dispatcher::Look() {
  again_ = true;
  if (looking_) return;
  looking_ = true;
  while (std::exchange(again_, false)) {
    for (const Scheduler::Decision& decision : scheduler_.Decide(std::chrono::steady_clock::now())) {
      lanes_.at(decision.lane)(decision);
    }
  }
  looking_ = false;

  if (timer_) supervisor_.CancelTimer(*std::exchange(timer_, std::nullopt));
  if (const auto next = scheduler_.NextLook(std::chrono::steady_clock::now())) {
    timer_ = supervisor_.At(*next, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Look();
    });
  }
  waiting_ = scheduler_.waiting();
  running_ = scheduler_.running();
  predicted_wait_ms_ = scheduler_.backlog_ms() / scheduler_.cores();
}

}  // namespace blindai::model
