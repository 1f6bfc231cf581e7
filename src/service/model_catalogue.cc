#include "service/model_catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>

namespace blindai::service {
namespace {

using base::ErrorKind;
using base::MakeError;
using vocabulary::ModelId;
using Served = std::shared_ptr<const ServedModel>;

bool Owns(const Caller& caller, const ModelRecord& record) {
  return !record.is_operators && record.owner == caller.tenant;
}

bool MayRun(const Caller& caller, const ModelRecord& record) {
  if (Owns(caller, record)) return true;
  switch (record.visibility) {
    case Visibility::kPrivate:
      return false;
    case Visibility::kTenants:
      return !caller.is_anonymous() &&
             (record.tenants.empty() ||
              std::ranges::find(record.tenants, caller.tenant) != record.tenants.end());
    case Visibility::kLink:
    case Visibility::kPublic:
      return true;
  }
  return false;
}

bool IsListedTo(const Caller& caller, const ModelRecord& record) {
  // A model shared by link is known to those who were told its id, and to nobody else.
  return Owns(caller, record) || (record.visibility != Visibility::kLink && MayRun(caller, record));
}

// What a worker holds, or is expected to.
std::uint64_t BytesOf(const ServedModel& served, const HostStats& stats, std::uint64_t expected) {
  if (served.host == nullptr) return expected;
  return stats.is_suspended ? 0 : std::max(expected, stats.resident_bytes);
}

// What is not there is judged like a model of somebody else's: how long the answer takes says no more than its text.
const ModelRecord& Nobodys() {
  static const ModelRecord record{.id = *ModelId::Parse("nobody"),
                                  .owner = std::string(kOperator),
                                  .visibility = Visibility::kPrivate,
                                  .created = {},
                                  .signature = {}};
  return record;
}

bool IsNamed(const ModelRecord& record, std::string_view label) {
  return std::ranges::find(record.labels, label) != record.labels.end();
}

std::vector<std::uint64_t> NumbersOf(const std::map<std::uint64_t, Served>& versions) {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(versions.size());
  for (const auto& [number, served] : versions) numbers.push_back(number);
  return numbers;
}

// The plan of an id none of whose versions is there, or of those that are, before anything changes.
VersionPlan PlanOf(const std::map<std::uint64_t, Served>* versions) {
  VersionPlan plan;
  if (versions == nullptr) return plan;
  const ModelRecord& newest = versions->rbegin()->second->record;
  plan.numbered_to = newest.numbered_to;
  plan.policy = newest.policy;
  for (const auto& [number, served] : *versions) {
    for (const std::string& label : served->record.labels) plan.labels[label] = number;
  }
  return plan;
}

// Puts a change into the plan. Codes: version-policy, version-label.
base::Status Change(VersionPlan& plan, const std::map<std::uint64_t, Served>* versions,
                    const VersionChange& change) {
  std::vector<std::uint64_t> numbers;
  if (versions != nullptr) numbers = NumbersOf(*versions);
  if (plan.added != 0) numbers.push_back(plan.added);
  if (change.policy) plan.policy = *change.policy;
  for (const auto& [label, number] : change.labels) {
    if (number) {
      plan.labels[label] = *number;
    } else {
      plan.labels.erase(label);
    }
  }
  if (!change.label.empty()) plan.labels[change.label] = plan.added;
  if (plan.labels.size() > vocabulary::kMaxVersionLabels) {
    return MakeError(ErrorKind::kInvalid, "version-label",
                     fmt::format("a model has {} labels at most, these would be {}",
                                 vocabulary::kMaxVersionLabels, plan.labels.size()),
                     "label");
  }
  plan.going = vocabulary::VersionsThatGo(plan.policy, plan.labels, numbers);
  if (plan.added != 0 && std::ranges::binary_search(plan.going, plan.added)) {
    return MakeError(
        ErrorKind::kInvalid, "version-policy",
        fmt::format("the upload would be version {}, which versions={} does not serve; name it there, "
                    "or give it a label",
                    plan.added, plan.policy.ToText()),
        "versions");
  }
  if (plan.going.size() == numbers.size()) {
    return MakeError(
        ErrorKind::kInvalid, "version-policy",
        fmt::format("versions={} serves none of the versions that are there; delete the model to take "
                    "all away",
                    plan.policy.ToText()),
        "versions");
  }
  return base::Ok();
}

// A version that stays, with what the plan says of it.
ModelRecord Planned(ModelRecord record, const VersionPlan& plan) {
  record.policy = plan.policy;
  record.numbered_to = plan.numbered_to;
  record.labels.clear();
  for (const auto& [label, number] : plan.labels) {
    if (number == record.version) record.labels.push_back(label);
  }
  // The newest version says whether the model is the default.
  if (plan.added != 0 && plan.added != record.version) record.is_default = false;
  return record;
}

HostStats StatsOf(const ServedModel& served) {
  return served.host != nullptr ? served.host->stats() : HostStats{};
}

}  // namespace

// Calls back when all workers that were told to end have ended.
class ModelCatalogue::WorkersGone {
 public:
  explicit WorkersGone(std::function<void(base::Status)> done) : state_(std::make_shared<State>()) {
    state_->done = std::move(done);
  }
  // To be called once for each of them.
  std::function<void()> Expect() {
    ++state_->left;
    return [state = state_] { state->Count(); };
  }
  // No more will come.
  void Close(base::Status status) {
    state_->status = std::move(status);
    state_->Count();
  }

 private:
  struct State {
    void Count() {
      if (--left == 0) done(std::move(status));
    }
    std::atomic<std::size_t> left = 1;
    base::Status status = base::Ok();
    std::function<void(base::Status)> done;
  };
  const std::shared_ptr<State> state_;
};

std::string_view VisibilityName(Visibility visibility) {
  constexpr std::string_view kNames[] = {"private", "link", "tenants", "public"};
  return kNames[static_cast<std::size_t>(visibility)];
}

Visibility VisibilityNamed(std::string_view name) {
  using enum Visibility;
  for (const Visibility visibility : {kPrivate, kLink, kTenants, kPublic}) {
    if (name == VisibilityName(visibility)) return visibility;
  }
  BLINDAI_CHECK(false);
}

model::ModelHost::Ticket ServedModel::Run(const Caller& caller, model::RunRequest request,
                                          model::ModelHost::RunDone done) const {
  charges->Address(request, caller, record);
  return host->Run(std::move(request), std::move(done));
}

base::Error ModelCatalogue::NotFound(const ModelId& id) {
  return MakeError(
      ErrorKind::kNotFound, "model-not-found",
      fmt::format("no model '{}' is served here, or not in this version (or it is not yours); GET /v1/models "
                  "lists yours",
                  id.text()),
      "model");
}

ModelCatalogue::~ModelCatalogue() { BLINDAI_CHECK(reserved_.empty()); }

ModelCatalogue::Reservation::~Reservation() {
  const std::lock_guard lock(catalogue_.mutex_);
  catalogue_.reserved_.erase(id_);
}

base::Status ModelCatalogue::Reservation::ExpectBytes(std::uint64_t model_bytes) {
  const std::lock_guard lock(catalogue_.mutex_);
  const std::uint64_t wanted = ExpectedResidentBytes(model_bytes);
  if (wanted <= expected_bytes_) return base::Ok();
  BLINDAI_RETURN_IF_ERROR(catalogue_.MakeRoom(tenant_, wanted - expected_bytes_, nullptr));
  expected_bytes_ = wanted;
  return base::Ok();
}

bool ModelCatalogue::IsVisible(const ModelRecord& record) const {
  const base::Time now = limits_.now();
  return !record.expires || now < *record.expires;
}

// The version that is asked for, and of the highest the highest whose time is not over.
Served ModelCatalogue::Pick(const Caller& caller, const ModelId& id, std::string_view version,
                            Right right) const {
  const base::Time now = limits_.now();
  const auto is_over = [now](const ModelRecord& record) { return record.expires && *record.expires <= now; };
  const std::uint64_t number = vocabulary::VersionNumber(version);
  const auto found = models_.find(id);
  Served picked;
  if (found != models_.end()) {
    for (const auto& [own_number, served] : found->second) {
      const bool is_asked_for =
          version.empty() || own_number == number || (number == 0 && IsNamed(served->record, version));
      if (is_asked_for && !is_over(served->record)) picked = served;
    }
  }
  const bool allowed = right(caller, picked ? picked->record : Nobodys());
  return picked && allowed ? picked : nullptr;
}

base::Result<Served> ModelCatalogue::FindIf(const Caller& caller, const ModelId& id, std::string_view version,
                                            Right right) const {
  const std::lock_guard lock(mutex_);
  Served found = Pick(caller, id, version, right);
  if (!found) return NotFound(id);
  return found;
}

std::uint64_t ModelCatalogue::UsedBytes(const std::string* tenant) const {
  std::uint64_t used = 0;
  for (const auto& [id, versions] : models_) {
    for (const auto& [number, served] : versions) {
      if (tenant != nullptr && served->record.owner != *tenant) continue;
      used += BytesOf(*served, StatsOf(*served), ExpectedResidentBytes(served->record.bytes));
    }
  }
  for (const auto& [id, reservation] : reserved_) {
    if (tenant == nullptr || reservation->tenant_ == *tenant) used += reservation->expected_bytes_;
  }
  return used;
}

base::Status ModelCatalogue::MakeRoom(const std::string& tenant, std::uint64_t more_bytes,
                                      WorkersGone* gone) const {
  if (limits_.resident_bytes_per_tenant != 0 && tenant != kOperator) {
    BLINDAI_RETURN_IF_ERROR(MakeRoomUnder(limits_.resident_bytes_per_tenant, &tenant, more_bytes, gone));
  }
  return MakeRoomUnder(limits_.resident_bytes, nullptr, more_bytes, gone);
}

base::Status ModelCatalogue::MakeRoomUnder(std::uint64_t limit, const std::string* tenant,
                                           std::uint64_t more_bytes, WorkersGone* gone) const {
  std::uint64_t used = UsedBytes(tenant);
  if (used + more_bytes <= limit) return base::Ok();
  struct Idle {
    std::chrono::steady_clock::time_point last_run;
    std::uint64_t bytes;
    const ServedModel* served;
  };
  std::vector<Idle> idle;
  std::uint64_t reclaimable = 0;
  for (const auto& [id, versions] : models_) {
    for (const auto& [number, served] : versions) {
      const bool counts = tenant == nullptr || served->record.owner == *tenant;
      if (!counts || !served->record.is_saved || served->host == nullptr) continue;
      const HostStats stats = served->host->stats();
      if (stats.is_suspended || stats.queued != 0) continue;
      const std::uint64_t bytes = BytesOf(*served, stats, ExpectedResidentBytes(served->record.bytes));
      idle.push_back({stats.last_run, bytes, served.get()});
      reclaimable += bytes;
    }
  }
  // Nobody is sent away for nothing.
  if (used - std::min(used, reclaimable) + more_bytes <= limit) {
    std::ranges::sort(idle, {}, &Idle::last_run);
    for (const Idle& candidate : idle) {
      if (used + more_bytes <= limit) break;
      // A run may have come in between: then it stays.
      std::function<void()> when_gone = gone != nullptr ? gone->Expect() : nullptr;
      if (candidate.served->host->Suspend(when_gone)) {
        used -= std::min(used, candidate.bytes);
      } else if (when_gone) {
        when_gone();
      }
    }
    if (used + more_bytes <= limit) return base::Ok();
  }
  return MakeError(
      ErrorKind::kExhausted, "memory-full",
      fmt::format(
          "this model is expected to need {} MiB more; the models in use now hold {} of {} MiB{}; delete "
          "one, try again when fewer are in use, or ask the operator for a larger limits.resident_bytes",
          more_bytes >> 20, used >> 20, limit >> 20, tenant != nullptr ? " of yours" : ""));
}

void ModelCatalogue::MakeRoomFor(const ModelId& id, std::function<void(base::Status)> done) const {
  WorkersGone gone(std::move(done));
  base::Status room = base::Ok();
  {
    const std::lock_guard lock(mutex_);
    const auto found = models_.find(id);
    // It counts already, because it is not suspended any more. All versions have one owner.
    if (found != models_.end()) room = MakeRoom(found->second.begin()->second->record.owner, 0, &gone);
  }
  gone.Close(std::move(room));
}

std::unique_ptr<ModelCatalogue::Reservation> ModelCatalogue::Hold(std::string tenant, const ModelId& id,
                                                                  VersionPlan plan) {
  auto reservation =
      std::unique_ptr<Reservation>(new Reservation(*this, std::move(tenant), id, std::move(plan)));
  reserved_.emplace(id, reservation.get());
  return reservation;
}

base::Status ModelCatalogue::CheckFree(const ModelId& id) const {
  if (!reserved_.contains(id)) return base::Ok();
  return MakeError(
      ErrorKind::kConflict, "upload-in-progress",
      fmt::format("another upload or change of '{}' is under way; wait for it, or choose another id",
                  id.text()),
      "id");
}

base::Status ModelCatalogue::CheckQuota(const Caller& caller, const VersionPlan& plan) const {
  if (!plan.going.empty()) return base::Ok();  // as many go as come, or more
  std::size_t count = 0;
  for (const auto& [id, versions] : models_) {
    count += Owns(caller, versions.begin()->second->record) ? versions.size() : 0;
  }
  for (const auto& [id, place] : reserved_) {
    count += place->tenant_ == caller.tenant && place->plan_.added != 0 && place->plan_.going.empty() ? 1 : 0;
  }
  if (count < limits_.models_per_tenant) return base::Ok();
  return MakeError(
      ErrorKind::kExhausted, "model-quota",
      fmt::format(
          "{} models are served or being uploaded for you, each version counted, the limit is {}; delete "
          "one first",
          count, limits_.models_per_tenant));
}

base::Result<std::unique_ptr<ModelCatalogue::Reservation>> ModelCatalogue::ReserveForOperator(
    const ModelId& id) {
  const std::lock_guard lock(mutex_);
  if (models_.contains(id) || reserved_.contains(id)) {
    return MakeError(ErrorKind::kConflict, "model-id-taken",
                     fmt::format("the id '{}' is there twice; give each model its own", id.text()), "id");
  }
  return Hold(std::string(kOperator), id, {.added = 1, .numbered_to = 1});
}

base::Result<std::unique_ptr<ModelCatalogue::Reservation>> ModelCatalogue::Reserve(
    const Caller& caller, const ModelId& id, const VersionChange& change) {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(id);
  const Versions* const versions = found == models_.end() ? nullptr : &found->second;
  if (versions != nullptr && !Owns(caller, versions->begin()->second->record)) {
    return MakeError(ErrorKind::kConflict, "model-id-taken",
                     fmt::format("the id '{}' is taken; choose another one", id.text()), "id");
  }
  BLINDAI_RETURN_IF_ERROR(CheckFree(id));
  VersionPlan plan = PlanOf(versions);
  plan.added = ++plan.numbered_to;
  BLINDAI_RETURN_IF_ERROR(Change(plan, versions, change));
  BLINDAI_RETURN_IF_ERROR(CheckQuota(caller, plan));
  return Hold(caller.tenant, id, std::move(plan));
}

base::Result<std::unique_ptr<ModelCatalogue::Reservation>> ModelCatalogue::ReserveToChange(
    const Caller& caller, const ModelId& id, const VersionChange& change) {
  const std::lock_guard lock(mutex_);
  if (!Pick(caller, id, "", Owns)) return NotFound(id);
  const Versions& versions = models_.at(id);
  for (const auto& [label, number] : change.labels) {
    if (number && !versions.contains(*number)) return NotFound(id);
  }
  BLINDAI_RETURN_IF_ERROR(CheckFree(id));
  VersionPlan plan = PlanOf(&versions);
  BLINDAI_RETURN_IF_ERROR(Change(plan, &versions, change));
  return Hold(caller.tenant, id, std::move(plan));
}

base::Result<std::unique_ptr<ModelCatalogue::Reservation>> ModelCatalogue::ReserveToDelete(
    const Caller& caller, const ModelId& id, std::string_view version) {
  const std::lock_guard lock(mutex_);
  const Served found = Pick(caller, id, version, Owns);
  if (!found) return NotFound(id);
  BLINDAI_RETURN_IF_ERROR(CheckFree(id));
  const Versions& versions = models_.at(id);
  VersionPlan plan = PlanOf(&versions);
  if (!version.empty()) {
    plan.going = {found->record.version};
  } else {
    plan.going = NumbersOf(versions);
  }
  return Hold(caller.tenant, id, std::move(plan));
}

std::vector<std::unique_ptr<ModelCatalogue::Reservation>> ModelCatalogue::ReserveExpired() {
  const std::lock_guard lock(mutex_);
  std::vector<std::unique_ptr<Reservation>> places;
  for (const auto& [id, versions] : models_) {
    if (reserved_.contains(id)) continue;  // the next look finds them
    VersionPlan plan = PlanOf(&versions);
    for (const auto& [number, served] : versions) {
      if (!IsVisible(served->record)) plan.going.push_back(number);
    }
    if (!plan.going.empty())
      places.push_back(Hold(versions.begin()->second->record.owner, id, std::move(plan)));
  }
  return places;
}

ModelCatalogue::StoredChange ModelCatalogue::StoredChangeOf(const Reservation& place) const {
  const std::lock_guard lock(mutex_);
  StoredChange change;
  const auto found = models_.find(place.id_);
  if (found == models_.end()) return change;
  for (const auto& [number, served] : found->second) {
    if (!served->record.is_saved) continue;
    if (std::ranges::binary_search(place.plan_.going, number)) {
      change.going.push_back(number);
    } else {
      change.staying.push_back(Planned(served->record, place.plan_));
    }
  }
  return change;
}

ModelCatalogue::StoredChange ModelCatalogue::Settle(const std::vector<ModelRecord>& versions) {
  BLINDAI_CHECK(!versions.empty());
  VersionPlan plan;
  std::vector<std::uint64_t> numbers;
  for (const ModelRecord& record : versions) {
    plan.policy = record.policy;
    plan.numbered_to = std::max({plan.numbered_to, record.numbered_to, record.version});
    for (const std::string& label : record.labels) plan.labels[label] = record.version;
    numbers.push_back(record.version);
  }
  plan.added = numbers.back();
  plan.going = vocabulary::VersionsThatGo(plan.policy, plan.labels, numbers);
  StoredChange settled{.going = plan.going, .staying = {}};
  for (const ModelRecord& record : versions) {
    const bool goes = std::ranges::binary_search(plan.going, record.version);
    if (!goes) settled.staying.push_back(Planned(record, plan));
  }
  return settled;
}

bool ModelCatalogue::Restore(ModelRecord record, std::shared_ptr<model::ModelHost> host) {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(record.id);
  if (found != models_.end() && found->second.begin()->second->record.owner != record.owner) return false;
  const auto [id, number] = std::pair(record.id, record.version);
  const auto added =
      std::make_shared<const ServedModel>(ServedModel{std::move(record), std::move(host), charges_});
  return models_[id].emplace(number, added).second;
}

// A stored record goes on to say it: after a restart the newest one counts.
void ModelCatalogue::NoLongerDefault(const std::string& owner) {
  for (auto& [id, versions] : models_) {
    for (auto& [number, served] : versions) {
      if (!served->record.is_default || served->record.owner != owner) continue;
      ServedModel changed = *served;
      changed.record.is_default = false;
      served = std::make_shared<const ServedModel>(std::move(changed));
    }
  }
}

void ModelCatalogue::CarryOut(const Reservation& place, Served added, std::vector<Served>& gone) {
  const VersionPlan& plan = place.plan_;
  Versions& versions = models_[place.id_];
  for (const std::uint64_t number : plan.going) {
    if (auto node = versions.extract(number)) gone.push_back(std::move(node.mapped()));
  }
  if (added) versions.emplace(plan.added, std::move(added));
  for (auto& [number, served] : versions) {
    ServedModel changed = *served;
    changed.record = Planned(std::move(changed.record), plan);
    served = std::make_shared<const ServedModel>(std::move(changed));
  }
  if (versions.empty()) models_.erase(place.id_);
}

ModelRecord ModelCatalogue::Publish(const Reservation& place, ModelRecord record,
                                    std::shared_ptr<model::ModelHost> host) {
  // Whoever has found what goes still runs it; its worker ends with the last of them.
  std::vector<Served> gone;
  const std::lock_guard lock(mutex_);
  BLINDAI_CHECK(place.id_ == record.id && place.tenant_ == record.owner && place.plan_.added != 0);
  if (record.is_default) NoLongerDefault(record.owner);
  record.version = place.plan_.added;
  record = Planned(std::move(record), place.plan_);
  CarryOut(place, std::make_shared<const ServedModel>(ServedModel{record, std::move(host), charges_}), gone);
  return record;
}

std::vector<Served> ModelCatalogue::Apply(const Reservation& place) {
  std::vector<Served> gone;
  const std::lock_guard lock(mutex_);
  if (models_.contains(place.id_)) CarryOut(place, nullptr, gone);
  return gone;
}

base::Result<Served> ModelCatalogue::Find(const Caller& caller, const ModelId& id,
                                          std::string_view version) const {
  return FindIf(caller, id, version, MayRun);
}

base::Result<Served> ModelCatalogue::FindOwn(const Caller& caller, const ModelId& id,
                                             std::string_view version) const {
  return FindIf(caller, id, version, Owns);
}

base::Result<Served> ModelCatalogue::FindBySha256(const Caller& caller, std::string_view sha256) const {
  const std::lock_guard lock(mutex_);
  Served newest;
  for (const auto& [id, versions] : models_) {
    for (const auto& [number, served] : versions) {
      const ModelRecord& record = served->record;
      // Each version costs the same, whoever's it is and however much of the digest is right.
      const bool same = base::ConstantTimeEqual(base::AsBytes(record.sha256), base::AsBytes(sha256));
      const bool visible = IsVisible(record);
      const bool listed_to = IsListedTo(caller, record);
      if (!same || !visible || !listed_to) continue;
      if (!newest || served->record.created > newest->record.created) newest = served;
    }
  }
  if (newest) return newest;
  return MakeError(ErrorKind::kNotFound, "model-not-found",
                   "no model with this SHA-256 is served here for you; upload it, or run it by its id",
                   "model");
}

Served ModelCatalogue::DefaultOf(const Caller& caller) const {
  const std::lock_guard lock(mutex_);
  Served newest;
  for (const auto& [id, versions] : models_) {
    for (const auto& [number, served] : versions) {
      const ModelRecord& record = served->record;
      if (!record.is_default || !Owns(caller, record) || !IsVisible(record)) continue;
      if (!newest || record.created > newest->record.created) newest = served;
    }
  }
  return newest;
}

std::vector<Served> ModelCatalogue::ListVersions(const Caller& caller) const {
  const std::lock_guard lock(mutex_);
  std::vector<Served> listed;
  for (const auto& [id, versions] : models_) {
    for (const auto& [number, served] : versions) {
      if (IsVisible(served->record) && IsListedTo(caller, served->record)) listed.push_back(served);
    }
  }
  return listed;
}

std::vector<Served> ModelCatalogue::List(const Caller& caller) const {
  std::vector<Served> highest;
  for (Served& served : ListVersions(caller)) {
    const bool is_higher = !highest.empty() && highest.back()->record.id == served->record.id;
    if (is_higher) highest.pop_back();
    highest.push_back(std::move(served));
  }
  return highest;
}

std::vector<Served> ModelCatalogue::VersionsOf(const Caller& caller, const ModelId& id) const {
  const std::lock_guard lock(mutex_);
  std::vector<Served> versions;
  const auto found = models_.find(id);
  if (found == models_.end()) return versions;
  for (const auto& [number, served] : found->second) {
    if (IsVisible(served->record) && MayRun(caller, served->record)) versions.push_back(served);
  }
  return versions;
}

std::vector<Served> ModelCatalogue::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<Served> all;
  for (const auto& [id, versions] : models_) {
    for (const auto& [number, served] : versions) all.push_back(served);
  }
  return all;
}

base::Status ModelCatalogue::UseVoiceNetwork(const ModelId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(id);
  if (found == models_.end()) return NotFound(id);
  voice_network_ = found->second.rbegin()->second;
  return base::Ok();
}

std::vector<Served> ModelCatalogue::RemoveAll() {
  std::map<ModelId, Versions> models;
  {
    const std::lock_guard lock(mutex_);
    models.swap(models_);
  }
  std::vector<Served> all;
  for (auto& [id, versions] : models) {
    for (auto& [number, served] : versions) all.push_back(std::move(served));
  }
  return all;
}

std::size_t ModelCatalogue::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [id, versions] : models_) count += versions.size();
  return count;
}

std::size_t ModelCatalogue::uploads() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(reserved_, [](const auto& held) { return held.second->plan_.added != 0; }));
}

}  // namespace blindai::service
