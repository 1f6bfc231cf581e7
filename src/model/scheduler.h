// Which run computes next: the order in which requests of many callers and many models get the machine's cores. Pure:
// no thread, no clock, no worker; time comes as an argument and decisions go out as values. dispatcher.h carries them
// out.
//
// Fair: start-time fair queuing (Goyal, Vin, Cheng 1996) over tenants, in milliseconds of processor time. A tenant is
// charged the prediction when its run starts and the truth when it ends, divided by its weight; whoever was charged
// least goes next. A tenant that was away saves nothing up and owes nothing more.
//
// A tenant is who is charged, mostly the caller itself. Where others run on its account (a model that it shares by
// link), the same rule orders the callers inside of its turns: a flood of one of them delays no other tenant, and the
// tenant's own requests no longer than its fair part.
//
// A model's worker computes one run at a time (its lane), with a number of threads that is fixed when the model is
// compiled. A run starts while a core is free. Beyond that one is started beside the others when these are long
// against it, so that nobody waits for a stranger's long run. The long ones are paused meanwhile, since threads that
// wait for each other lose far more than half of their speed on shared cores; but only for a tenant who was charged no
// more, and none for longer, altogether, than it computes: beyond that the kernel divides the cores. Of each tenant at
// most one such run more goes on than the cores hold. A tenant's only request does not even wait for a run of its own
// length when more of that one's tenant wait: a flood is paused for whoever asks for one thing.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/run_cost.h"

namespace blindai::model {

class Scheduler {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using LaneId = std::uint64_t;
  using RunId = std::uint64_t;
  using TenantId = std::uint64_t;
  using CallerId = std::uint64_t;

  struct Limits {
    double cores = 1;
    // Requests that wait: on one tenant's account over all models, and in all. A caller that has none waiting is let in
    // beyond them.
    std::size_t queued_per_tenant = 256;
    std::size_t queued = 4096;
  };
  struct LaneOptions {
    // On one tenant's account for this model: requests that wait, and their predicted wait. A caller that has none
    // waiting is let in beyond the first.
    std::size_t max_queued = 256;
    double max_wait_ms = 30'000;
    // Whether callers may follow each other in one worker. Else the worker is replaced between two callers, which costs
    // about so much; the caller at work goes on for as long before another one's turn costs it.
    bool shared = false;
    double replace_ms = 0;
  };
  struct Request {
    LaneId lane = 0;
    TenantId tenant = 0;  // who is charged
    double weight = 1;    // of the tenant
    CallerId caller = 0;  // who asks, and shares a worker with nobody else
    // Among the requests of one caller for one model: 1 goes first; 0 = after all that have a number.
    std::uint32_t priority = 0;
    std::optional<RunCost> cost;  // nothing: no run like it was seen
    Time deadline = Time::max();
  };
  struct Decision {
    enum class Kind { kStart, kPause, kResume, kReplaceWorker } kind = Kind::kStart;
    LaneId lane = 0;
    RunId run = 0;  // that starts, is paused or goes on; or that the worker is replaced for
  };

  explicit Scheduler(Limits limits) : limits_(limits) {}

  LaneId AddLane(LaneOptions options);
  // Nothing of it may wait or run.
  void RemoveLane(LaneId lane);
  // Whether the lane's worker is there and takes runs. A lane is closed at first, and by kReplaceWorker; a worker that
  // comes anew has served nobody.
  void SetOpen(LaneId lane, bool open);
  void SetReplaceCost(LaneId lane, double replace_ms) { lanes_.at(lane).options.replace_ms = replace_ms; }

  // Takes a request in. Codes: queue-full (with the time to come back), deadline (others go before, and after them it
  // would not end in time).
  base::Result<RunId> Add(const Request& request, Time now);
  // It waits no more. Only for a run that has not started.
  void Remove(RunId run);
  // A run that started has ended, in whatever way: its lane and cores are free, and it is paused no more. `cpu_ms` is
  // what it took.
  void End(RunId run, double cpu_ms);
  // What was computed for this request beside its run: the start of a worker.
  void Charge(const Request& request, double cpu_ms);

  // What starts now. Each decision counts as carried out.
  std::vector<Decision> Decide(Time now);
  // When to ask again though nothing was added or ended.
  std::optional<Time> NextLook(Time now) const;

  // Until a request like this would start, as far as one can tell.
  double PredictedWaitMs(const Request& request, Time now) const;

  std::size_t waiting() const { return queued_; }
  std::size_t running() const { return running_.size(); }
  double backlog_ms() const { return backlog_ms_; }  // processor time of all that waits
  std::size_t tenants() const { return tenants_.size(); }
  double cores() const { return limits_.cores; }

 private:
  struct Running {
    Request request;
    Time since;
    double charged_ms;
    bool beside;                // started beyond the cores
    std::vector<RunId> pauses;  // those that stand still for it
    std::optional<Time> paused_since = std::nullopt;
    double paused_ms = 0;  // before that
  };
  // A caller inside of a tenant's turns.
  struct Member {
    double virtual_ms = 0;  // charged so far on the tenant's account
    std::size_t queued = 0;
    std::size_t running = 0;
    double backlog_ms = 0;
  };
  struct Tenant {
    double weight = 1;
    double virtual_ms = 0;  // charged so far, by weight
    std::size_t queued = 0;
    std::size_t running = 0;
    std::size_t beside = 0;
    double backlog_ms = 0;
    double turn_ms = 0;  // virtual_ms of the member that started last
    std::map<CallerId, Member> members;
  };
  struct Client {
    TenantId tenant = 0;
    CallerId caller = 0;
  };
  struct Lane {
    LaneOptions options;
    bool open = false;
    bool busy = false;
    std::optional<Client> served;
  };
  // The requests of one caller for one model, in their order.
  struct Group {
    std::map<std::pair<std::uint32_t, RunId>, Request> waiting;
    double wall_ms = 0;
  };
  struct GroupKey {
    LaneId lane = 0;
    TenantId tenant = 0;
    CallerId caller = 0;
    friend bool operator<(const GroupKey& a, const GroupKey& b) {
      return std::tie(a.lane, a.tenant, a.caller) < std::tie(b.lane, b.tenant, b.caller);
    }
  };
  struct Place {
    GroupKey group;
    std::uint32_t priority = 0;
  };

  std::size_t WaitingIn(LaneId lane, TenantId tenant) const;
  base::Status CheckRoom(const Request& request, double wait_ms) const;
  // Those of the request, whether or not they were there.
  Tenant& Join(const Request& request);
  bool MayStart(const Request& request, Time now) const;
  double BusyCores() const;
  static double PausedMs(const Running& run, Time now);
  static double ComputedMs(const Running& run, Time now);
  static double PauseLeftMs(const Running& run, Time now);
  static double LeftMs(const Running& run, Time now);
  static bool IsLong(const Running& run, double patience_ms, Time now);
  bool MayStandStillFor(const Request& request, const Running& running, Time now) const;
  bool IsOfAFlood(const Running& running, const Request& request, Time now) const;
  bool GivesWayTo(const Request& request, const Running& running, Time now) const;
  void PauseAndResume(Time now, std::vector<Decision>& decisions);
  bool MayEverGoBeside(const Request& request) const;
  bool NeedsReplacement(const GroupKey& group) const;
  double MachineWorkBefore(const Request& request, Time now) const;
  double LaneWorkBefore(const Request& request) const;
  // The best group that may start something; nothing: none may.
  std::optional<GroupKey> Pick(Time now) const;
  Decision Start(const GroupKey& key, Time now);
  Request TakeOut(RunId run);
  void ForgetTheIdle();

  const Limits limits_;
  std::uint64_t next_id_ = 1;
  std::map<LaneId, Lane> lanes_;
  std::map<TenantId, Tenant> tenants_;
  std::map<GroupKey, Group> groups_;
  std::map<RunId, Place> places_;  // of those that wait
  std::map<RunId, Running> running_;
  double virtual_ms_ = 0;  // of the last that started
  std::size_t queued_ = 0;
  double backlog_ms_ = 0;
};

}  // namespace blindai::model
