#include "model/scheduler.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "base/check.h"

namespace blindai::model {
namespace {

using base::ErrorKind;
using base::MakeError;
using std::chrono::milliseconds;

// A run like no other before is taken for this one.
constexpr RunCost kGuess{20, 20};
// With less than this of a core free, none is.
constexpr double kFreeCore = 0.5;
// A run stands still only for one that can use at least this part of its cores.
constexpr double kWorthPausing = 0.5;
// What stands still may be paused for one that is expected to take this many times as long as it may stand still: runs
// of one length take now a little more, now a little less.
constexpr double kPauseMargin = 1.5;
// A run is long against another when it takes this many times as long, and never when it is shorter than the time.
constexpr double kLongFactor = 1.5;
constexpr double kShortestPatienceMs = 5;
constexpr int kLongestRetryS = 60;

double Ms(Scheduler::Time::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

RunCost CostOf(const Scheduler::Request& request) { return request.cost.value_or(kGuess); }

double PatienceMs(const Scheduler::Request& request) {
  return std::max(kShortestPatienceMs, kLongFactor * CostOf(request).wall_ms);
}

std::uint32_t Order(std::uint32_t priority) { return priority == 0 ? UINT32_MAX : priority; }

base::Error QueueFull(std::string what, double wait_ms) {
  const int seconds = static_cast<int>(std::clamp(std::ceil(wait_ms / 1000), 1.0, double{kLongestRetryS}));
  base::Error error = MakeError(ErrorKind::kExhausted, "queue-full",
                                std::move(what) + "; try again in " + std::to_string(seconds) + " s");
  error.retry_after_s = seconds;
  return error;
}

}  // namespace

// ---- lanes

Scheduler::LaneId Scheduler::AddLane(LaneOptions options) {
  const LaneId id = next_id_++;
  lanes_.emplace(id, Lane{options, false, false, std::nullopt});
  return id;
}

void Scheduler::RemoveLane(LaneId lane) {
  BLINDAI_CHECK(!lanes_.at(lane).busy);
  const auto group = groups_.lower_bound({lane, 0, 0});
  BLINDAI_CHECK(group == groups_.end() || group->first.lane != lane);
  lanes_.erase(lane);
}

void Scheduler::SetOpen(LaneId id, bool open) {
  Lane& lane = lanes_.at(id);
  if (lane.open != open) lane.served.reset();
  lane.open = open;
}

// ---- requests

std::size_t Scheduler::WaitingIn(LaneId lane, TenantId tenant) const {
  std::size_t waiting = 0;
  for (auto group = groups_.lower_bound({lane, tenant, 0});
       group != groups_.end() && group->first.lane == lane && group->first.tenant == tenant; ++group) {
    waiting += group->second.waiting.size();
  }
  return waiting;
}

// A caller that has none waiting is let in always, so that nobody is kept out by others on the same account.
base::Status Scheduler::CheckRoom(const Request& request, double wait_ms) const {
  const auto tenant = tenants_.find(request.tenant);
  if (tenant == tenants_.end()) return base::Ok();
  const auto member = tenant->second.members.find(request.caller);
  if (member == tenant->second.members.end() || member->second.queued == 0) return base::Ok();
  if (WaitingIn(request.lane, request.tenant) >= lanes_.at(request.lane).options.max_queued)
    return QueueFull("too many of your requests wait for this model", wait_ms);
  if (tenant->second.queued >= limits_.queued_per_tenant)
    return QueueFull("too many of your requests wait", wait_ms);
  if (queued_ >= limits_.queued) return QueueFull("too many requests wait on this server", wait_ms);
  return base::Ok();
}

Scheduler::Tenant& Scheduler::Join(const Request& request) {
  Tenant& tenant = tenants_[request.tenant];
  if (tenant.queued == 0 && tenant.running == 0) tenant.virtual_ms = std::max(tenant.virtual_ms, virtual_ms_);
  tenant.weight = request.weight;
  Member& member = tenant.members[request.caller];
  if (member.queued == 0 && member.running == 0)
    member.virtual_ms = std::max(member.virtual_ms, tenant.turn_ms);
  return tenant;
}

base::Result<Scheduler::RunId> Scheduler::Add(const Request& request, Time now) {
  BLINDAI_CHECK(request.weight > 0);
  const LaneOptions& options = lanes_.at(request.lane).options;
  const double wait_ms = PredictedWaitMs(request, now);

  BLINDAI_RETURN_IF_ERROR(CheckRoom(request, wait_ms));
  if (wait_ms > options.max_wait_ms) {
    return QueueFull("what waits before this request takes longer than the limit",
                     wait_ms - options.max_wait_ms);
  }
  if (wait_ms > 0 && request.cost && request.deadline != Time::max() &&
      wait_ms + request.cost->wall_ms > Ms(request.deadline - now)) {
    return MakeError(
        ErrorKind::kDeadline, "deadline",
        "with what waits before it the run would not end before its deadline; it was not started");
  }

  Tenant& tenant = Join(request);
  Member& member = tenant.members.at(request.caller);
  const RunCost cost = CostOf(request);
  const RunId run = next_id_++;
  const GroupKey key{request.lane, request.tenant, request.caller};
  Group& joined = groups_[key];
  joined.waiting.emplace(std::pair(Order(request.priority), run), request);
  joined.wall_ms += cost.wall_ms;
  tenant.backlog_ms += cost.cpu_ms;
  member.backlog_ms += cost.cpu_ms;
  backlog_ms_ += cost.cpu_ms;
  ++tenant.queued;
  ++member.queued;
  ++queued_;
  places_.emplace(run, Place{key, Order(request.priority)});
  return run;
}

Scheduler::Request Scheduler::TakeOut(RunId run) {
  const Place place = places_.extract(run).mapped();
  const auto group = groups_.find(place.group);
  const Request request = group->second.waiting.extract({place.priority, run}).mapped();
  const RunCost cost = CostOf(request);
  group->second.wall_ms -= cost.wall_ms;
  if (group->second.waiting.empty()) groups_.erase(group);
  Tenant& tenant = tenants_.at(request.tenant);
  Member& member = tenant.members.at(request.caller);
  --tenant.queued;
  --member.queued;
  --queued_;
  // Sums of fractions: what is left of nothing is nothing.
  member.backlog_ms = member.queued == 0 ? 0 : member.backlog_ms - cost.cpu_ms;
  tenant.backlog_ms = tenant.queued == 0 ? 0 : tenant.backlog_ms - cost.cpu_ms;
  backlog_ms_ = queued_ == 0 ? 0 : backlog_ms_ - cost.cpu_ms;
  return request;
}

void Scheduler::Remove(RunId run) {
  TakeOut(run);
  ForgetTheIdle();
}

void Scheduler::End(RunId run, double cpu_ms) {
  const Running ended = running_.extract(run).mapped();
  lanes_.at(ended.request.lane).busy = false;
  Tenant& tenant = tenants_.at(ended.request.tenant);
  Member& member = tenant.members.at(ended.request.caller);
  --tenant.running;
  --member.running;
  if (ended.beside) --tenant.beside;
  tenant.virtual_ms += (cpu_ms - ended.charged_ms) / tenant.weight;
  member.virtual_ms += cpu_ms - ended.charged_ms;
  ForgetTheIdle();
}

void Scheduler::Charge(const Request& request, double cpu_ms) {
  Tenant& tenant = Join(request);
  tenant.virtual_ms += cpu_ms / tenant.weight;
  tenant.members.at(request.caller).virtual_ms += cpu_ms;
  ForgetTheIdle();
}

// Who neither waits nor runs and owes nothing comes back as new.
void Scheduler::ForgetTheIdle() {
  const bool all_idle = queued_ == 0 && running_.empty();
  std::erase_if(tenants_, [&](const auto& entry) {
    const Tenant& tenant = entry.second;
    return tenant.queued == 0 && tenant.running == 0 && (all_idle || tenant.virtual_ms <= virtual_ms_);
  });
  for (auto& [id, tenant] : tenants_) {
    std::erase_if(tenant.members, [turn_ms = tenant.turn_ms](const auto& entry) {
      const Member& member = entry.second;
      return member.queued == 0 && member.running == 0 && member.virtual_ms <= turn_ms;
    });
  }
}

// ---- decisions

double Scheduler::BusyCores() const {
  double busy = 0;
  for (const auto& [run, running] : running_) {
    // Of an unknown run it is safe to think that it uses all.
    busy += running.request.cost ? std::min(running.request.cost->cores(), limits_.cores) : limits_.cores;
  }
  return busy;
}

double Scheduler::PausedMs(const Running& run, Time now) {
  return run.paused_ms + (run.paused_since ? Ms(now - *run.paused_since) : 0);
}

double Scheduler::ComputedMs(const Running& run, Time now) {
  return Ms(now - run.since) - PausedMs(run, now);
}

// A run takes at most twice as long as it would have without pauses, and ends before its deadline.
double Scheduler::PauseLeftMs(const Running& run, Time now) {
  const double computed_ms = ComputedMs(run, now);
  const double whole_ms = std::max(run.request.cost ? run.request.cost->wall_ms : 0, computed_ms);
  const double fair_ms = whole_ms - PausedMs(run, now);
  if (run.request.deadline == Time::max()) return fair_ms;
  return std::min(fair_ms, Ms(run.request.deadline - now) - (whole_ms - computed_ms));
}

// As far as one can tell; of a run that takes longer than predicted, or an unknown one, nothing.
double Scheduler::LeftMs(const Running& run, Time now) {
  return run.request.cost ? std::max(0.0, run.request.cost->wall_ms - ComputedMs(run, now)) : 0;
}

bool Scheduler::IsLong(const Running& run, double patience_ms, Time now) {
  return ComputedMs(run, now) >= patience_ms || LeftMs(run, now) >= patience_ms;
}

// Whether it can be paused for the time that the other computes: one that can use the cores, of a tenant who has had no
// more than its own.
bool Scheduler::MayStandStillFor(const Request& request, const Running& running, Time now) const {
  if (!request.cost) return false;
  const RunCost& cost = *request.cost;
  const double cores = running.request.cost ? running.request.cost->cores() : limits_.cores;
  const Tenant& tenant = tenants_.at(running.request.tenant);
  const double not_charged_ms = std::max(0.0, ComputedMs(running, now) * cores - running.charged_ms);
  return cost.cores() >= kWorthPausing * cores && cost.wall_ms <= kPauseMargin * PauseLeftMs(running, now) &&
         tenants_.at(request.tenant).virtual_ms <= tenant.virtual_ms + not_charged_ms / tenant.weight;
}

// Whether more of its tenant wait, while the request is all that its own tenant has here; and it is worth a pause. Two
// who ask for one thing each wait for each other: pausing would delay the first by more than it spares the second.
bool Scheduler::IsOfAFlood(const Running& running, const Request& request, Time now) const {
  const Tenant& asking = tenants_.at(request.tenant);
  return asking.queued == 1 && asking.running == 0 && tenants_.at(running.request.tenant).queued > 0 &&
         LeftMs(running, now) >= kShortestPatienceMs && MayStandStillFor(request, running, now);
}

bool Scheduler::GivesWayTo(const Request& request, const Running& running, Time now) const {
  return IsLong(running, PatienceMs(request), now) || IsOfAFlood(running, request, now);
}

void Scheduler::PauseAndResume(Time now, std::vector<Decision>& decisions) {
  std::set<RunId> paused;
  for (auto& [id, running] : running_) {
    std::erase_if(running.pauses, [&](RunId run) {
      const auto found = running_.find(run);
      return found == running_.end() || PauseLeftMs(found->second, now) <= 0;
    });
    paused.insert(running.pauses.begin(), running.pauses.end());
  }
  for (auto& [id, running] : running_) {
    if (paused.contains(id) == running.paused_since.has_value()) continue;
    running.paused_ms = PausedMs(running, now);
    running.paused_since = running.paused_since ? std::nullopt : std::optional(now);
    decisions.push_back(
        {running.paused_since ? Decision::Kind::kPause : Decision::Kind::kResume, running.request.lane, id});
  }
}

bool Scheduler::MayEverGoBeside(const Request& request) const {
  const Tenant& tenant = tenants_.at(request.tenant);
  return tenant.running == 0 || (tenant.beside == 0 && request.cost);
}

bool Scheduler::MayStart(const Request& request, Time now) const {
  if (running_.empty() || BusyCores() + kFreeCore < limits_.cores) return true;
  if (!MayEverGoBeside(request)) return false;
  return std::ranges::all_of(running_,
                             [&](const auto& entry) { return GivesWayTo(request, entry.second, now); });
}

bool Scheduler::NeedsReplacement(const GroupKey& group) const {
  const Lane& lane = lanes_.at(group.lane);
  return !lane.options.shared && lane.served && lane.served->caller != group.caller;
}

// First each tenant's best by what its callers were charged, then the best of these by what the tenants were. A new
// worker delays the turn on the level where it is decided.
std::optional<Scheduler::GroupKey> Scheduler::Pick(Time now) const {
  struct Candidate {
    GroupKey key;
    std::pair<double, RunId> among_callers;
    std::pair<double, RunId> among_tenants;
  };
  std::map<TenantId, Candidate> best_of;
  for (const auto& [key, group] : groups_) {
    const Lane& lane = lanes_.at(key.lane);
    if (!lane.open || lane.busy) continue;
    const auto& [place, request] = *group.waiting.begin();
    if (!MayStart(request, now)) continue;
    const Tenant& tenant = tenants_.at(key.tenant);
    const double replace_ms = NeedsReplacement(key) ? lane.options.replace_ms : 0;
    const bool from_another = replace_ms > 0 && lane.served->tenant != key.tenant;
    const Candidate candidate{
        key,
        {tenant.members.at(key.caller).virtual_ms + replace_ms, place.second},
        {tenant.virtual_ms + (from_another ? replace_ms / tenant.weight : 0), place.second}};
    const auto [best, is_first] = best_of.try_emplace(key.tenant, candidate);
    if (!is_first && candidate.among_callers < best->second.among_callers) best->second = candidate;
  }
  const auto best =
      std::ranges::min_element(best_of, {}, [](const auto& entry) { return entry.second.among_tenants; });
  return best == best_of.end() ? std::nullopt : std::optional(best->second.key);
}

Scheduler::Decision Scheduler::Start(const GroupKey& key, Time now) {
  const auto& [place, waiting] = *groups_.at(key).waiting.begin();
  const RunId run = place.second;
  const bool beside = !running_.empty() && BusyCores() + kFreeCore >= limits_.cores;
  std::vector<RunId> pauses;
  for (const auto& [id, running] : running_) {
    if (beside && GivesWayTo(waiting, running, now) && MayStandStillFor(waiting, running, now))
      pauses.push_back(id);
  }
  const Request request = TakeOut(run);
  Tenant& tenant = tenants_.at(key.tenant);
  Member& member = tenant.members.at(key.caller);
  virtual_ms_ = std::max(virtual_ms_, tenant.virtual_ms);
  tenant.turn_ms = std::max(tenant.turn_ms, member.virtual_ms);
  const double cpu_ms = CostOf(request).cpu_ms;
  tenant.virtual_ms += cpu_ms / tenant.weight;
  member.virtual_ms += cpu_ms;
  ++tenant.running;
  ++member.running;
  if (beside) ++tenant.beside;
  Lane& lane = lanes_.at(key.lane);
  lane.busy = true;
  lane.served = {key.tenant, key.caller};
  running_.emplace(run, Running{request, now, cpu_ms, beside, std::move(pauses)});
  return {Decision::Kind::kStart, key.lane, run};
}

std::vector<Scheduler::Decision> Scheduler::Decide(Time now) {
  std::vector<Decision> decisions;
  while (const auto key = Pick(now)) {
    if (NeedsReplacement(*key)) {
      SetOpen(key->lane, false);
      const RunId run = groups_.at(*key).waiting.begin()->first.second;
      decisions.push_back({Decision::Kind::kReplaceWorker, key->lane, run});
    } else {
      decisions.push_back(Start(*key, now));
    }
  }
  PauseAndResume(now, decisions);
  return decisions;
}

namespace {

Scheduler::Time InMs(Scheduler::Time now, double ms) {
  return now + std::chrono::ceil<Scheduler::Time::duration>(std::chrono::duration<double, std::milli>(ms));
}

}  // namespace

std::optional<Scheduler::Time> Scheduler::NextLook(Time now) const {
  std::optional<Time> next;
  const auto look_at = [&next](Time when) { next = next ? std::min(*next, when) : when; };
  for (const auto& [run, running] : running_) {
    if (running.paused_since) look_at(InMs(now, std::max(0.0, PauseLeftMs(running, now))));
  }
  for (const auto& [key, group] : groups_) {
    const Lane& lane = lanes_.at(key.lane);
    const Request& request = group.waiting.begin()->second;
    if (!lane.open || lane.busy || !MayEverGoBeside(request)) continue;
    const double patience_ms = PatienceMs(request);
    Time when = now;
    for (const auto& [run, running] : running_) {
      if (IsLong(running, patience_ms, now)) continue;
      // What stands still gets no longer; when it goes on there is a look anyway.
      when = running.paused_since ? Time::max()
                                  : std::max(when, InMs(now, patience_ms - ComputedMs(running, now)));
    }
    if (when != Time::max()) look_at(when);
  }
  return next;
}

// ---- prediction

namespace {

// When each of several queues gets its share at once: the work that is done before `own` and `more` of one are done.
// A queue that is longer than that in proportion is not waited for to its end.
class SharedWork {
 public:
  SharedWork(double own, double more, double weight) : own_(own), per_weight_((own + more) / weight) {}
  void AddOther(double work, double weight) { others_ += std::min(work, per_weight_ * weight); }
  double before() const { return own_ + others_; }

 private:
  double own_;
  double per_weight_;
  double others_ = 0;
};

}  // namespace

double Scheduler::MachineWorkBefore(const Request& request, Time now) const {
  const double cost_ms = CostOf(request).cpu_ms;
  std::map<std::pair<TenantId, CallerId>, double> running_cpu_ms;
  for (const auto& [run, running] : running_) {
    const RunCost whole = CostOf(running.request);
    const double left_ms = std::max(0.0, whole.wall_ms - ComputedMs(running, now));
    running_cpu_ms[{running.request.tenant, running.request.caller}] +=
        whole.wall_ms > 0 ? whole.cpu_ms * left_ms / whole.wall_ms : 0;
  }
  const auto work_of = [&](TenantId tenant, CallerId caller, const Member& member) {
    const auto running = running_cpu_ms.find({tenant, caller});
    return member.backlog_ms + (running == running_cpu_ms.end() ? 0 : running->second);
  };
  double own_ms = 0;
  const auto own = tenants_.find(request.tenant);
  if (own != tenants_.end()) {
    const auto member = own->second.members.find(request.caller);
    const bool is_known = member != own->second.members.end();
    SharedWork turns(is_known ? work_of(request.tenant, request.caller, member->second) : 0, cost_ms, 1);
    for (const auto& [caller, other] : own->second.members) {
      if (caller != request.caller) turns.AddOther(work_of(request.tenant, caller, other), 1);
    }
    own_ms = turns.before();
  }
  SharedWork machine(own_ms, cost_ms, request.weight);
  for (const auto& [id, tenant] : tenants_) {
    if (id == request.tenant) continue;
    double work_ms = 0;
    for (const auto& [caller, member] : tenant.members) work_ms += work_of(id, caller, member);
    machine.AddOther(work_ms, tenant.weight);
  }
  return machine.before();
}

double Scheduler::LaneWorkBefore(const Request& request) const {
  const double cost_ms = CostOf(request).wall_ms;
  const auto own = groups_.find({request.lane, request.tenant, request.caller});
  SharedWork turns(own == groups_.end() ? 0 : own->second.wall_ms, cost_ms, 1);
  std::map<TenantId, double> of_others;
  for (auto group = groups_.lower_bound({request.lane, 0, 0});
       group != groups_.end() && group->first.lane == request.lane; ++group) {
    if (group == own) continue;
    if (group->first.tenant == request.tenant) {
      turns.AddOther(group->second.wall_ms, 1);
    } else {
      of_others[group->first.tenant] += group->second.wall_ms;
    }
  }
  SharedWork lane(turns.before(), cost_ms, request.weight);
  for (const auto& [tenant, work_ms] : of_others) lane.AddOther(work_ms, tenants_.at(tenant).weight);
  return lane.before();
}

double Scheduler::PredictedWaitMs(const Request& request, Time now) const {
  double lane_left_ms = 0;
  for (const auto& [run, running] : running_) {
    if (running.request.lane != request.lane) continue;
    lane_left_ms = std::max(0.0, CostOf(running.request).wall_ms - ComputedMs(running, now));
  }
  return std::max(MachineWorkBefore(request, now) / limits_.cores, lane_left_ms + LaneWorkBefore(request));
}

}  // namespace blindai::model
