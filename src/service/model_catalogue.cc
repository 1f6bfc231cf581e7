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

model::ModelHost::Ticket ServedModel::Run(const Caller& caller, model::RunRequest request,
                                          model::ModelHost::RunDone done) const {
  charges->Address(request, caller, record);
  return host->Run(std::move(request), std::move(done));
}

base::Error ModelCatalogue::NotFound(const ModelId& id) {
  return MakeError(
      ErrorKind::kNotFound, "model-not-found",
      fmt::format("no model '{}' is served here (or it is not yours); GET /v1/models lists yours", id.text()),
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

base::Result<std::shared_ptr<const ServedModel>> ModelCatalogue::FindIf(const Caller& caller,
                                                                        const ModelId& id,
                                                                        Right right) const {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(id);
  const bool exists = found != models_.end();
  const ModelRecord& record = exists ? found->second->record : Nobodys();
  const bool visible = IsVisible(record);
  const bool allowed = right(caller, record);
  if (!exists || !visible || !allowed) return NotFound(id);
  return found->second;
}

std::uint64_t ModelCatalogue::UsedBytes(const std::string* tenant) const {
  std::uint64_t used = 0;
  for (const auto& [id, served] : models_) {
    if (tenant != nullptr && served->record.owner != *tenant) continue;
    used += BytesOf(*served, StatsOf(*served), ExpectedResidentBytes(served->record.bytes));
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
  for (const auto& [id, served] : models_) {
    const bool counts = tenant == nullptr || served->record.owner == *tenant;
    if (!counts || !served->record.is_saved || served->host == nullptr) continue;
    const HostStats stats = served->host->stats();
    if (stats.is_suspended || stats.queued != 0) continue;
    const std::uint64_t bytes = BytesOf(*served, stats, ExpectedResidentBytes(served->record.bytes));
    idle.push_back({stats.last_run, bytes, served.get()});
    reclaimable += bytes;
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
    // It counts already, because it is not suspended any more.
    if (found != models_.end()) room = MakeRoom(found->second->record.owner, 0, &gone);
  }
  gone.Close(std::move(room));
}

std::unique_ptr<ModelCatalogue::Reservation> ModelCatalogue::Hold(std::string tenant, const ModelId& id) {
  auto reservation = std::unique_ptr<Reservation>(new Reservation(*this, std::move(tenant), id));
  reserved_.emplace(id, reservation.get());
  return reservation;
}

base::Result<std::unique_ptr<ModelCatalogue::Reservation>> ModelCatalogue::ReserveForOperator(
    const ModelId& id) {
  const std::lock_guard lock(mutex_);
  if (models_.contains(id) || reserved_.contains(id)) {
    return MakeError(ErrorKind::kConflict, "model-id-taken",
                     fmt::format("the id '{}' is there twice; give each model its own", id.text()), "id");
  }
  return Hold(std::string(kOperator), id);
}

std::optional<ModelRecord> ModelCatalogue::Replaces(const Reservation& place) const {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(place.id_);
  return found == models_.end() ? std::nullopt : std::optional(found->second->record);
}

bool ModelCatalogue::Restore(ModelRecord record, std::shared_ptr<model::ModelHost> host) {
  const std::lock_guard lock(mutex_);
  if (models_.contains(record.id)) return false;
  const ModelId id = record.id;
  models_.emplace(
      id, std::make_shared<const ServedModel>(ServedModel{std::move(record), std::move(host), charges_}));
  return true;
}

base::Result<std::unique_ptr<ModelCatalogue::Reservation>> ModelCatalogue::Reserve(const Caller& caller,
                                                                                   const ModelId& id) {
  const std::lock_guard lock(mutex_);
  const auto served = models_.find(id);
  const bool replaces = served != models_.end();
  if (replaces && !Owns(caller, served->second->record)) {
    return MakeError(ErrorKind::kConflict, "model-id-taken",
                     fmt::format("the id '{}' is taken; choose another one", id.text()), "id");
  }
  if (reserved_.contains(id)) {
    return MakeError(
        ErrorKind::kConflict, "upload-in-progress",
        fmt::format("another upload of '{}' is under way; wait for it, or choose another id", id.text()),
        "id");
  }
  std::size_t count = 0;
  for (const auto& [other, entry] : models_) count += Owns(caller, entry->record) && other != id ? 1 : 0;
  for (const auto& [other, entry] : reserved_)
    count += entry->tenant_ == caller.tenant && !models_.contains(other) ? 1 : 0;
  if (count >= limits_.models_per_tenant) {
    return MakeError(
        ErrorKind::kExhausted, "model-quota",
        fmt::format("{} models are served or being uploaded for you, the limit is {}; delete one first",
                    count, limits_.models_per_tenant));
  }
  return Hold(caller.tenant, id);
}

// A stored record goes on to say it: after a restart the newest one counts.
void ModelCatalogue::NoLongerDefault(const std::string& owner) {
  for (auto& [id, served] : models_) {
    if (!served->record.is_default || served->record.owner != owner) continue;
    ServedModel changed = *served;
    changed.record.is_default = false;
    served = std::make_shared<const ServedModel>(std::move(changed));
  }
}

ModelRecord ModelCatalogue::Publish(const Reservation& place, ModelRecord record,
                                    std::shared_ptr<model::ModelHost> host) {
  std::shared_ptr<const ServedModel> replaced;
  {
    const std::lock_guard lock(mutex_);
    BLINDAI_CHECK(place.id_ == record.id && place.tenant_ == record.owner);
    if (record.is_default) NoLongerDefault(record.owner);
    std::shared_ptr<const ServedModel>& entry = models_.emplace(record.id, nullptr).first->second;
    replaced = std::move(entry);
    record.version = replaced ? replaced->record.version + 1 : 1;
    entry = std::make_shared<const ServedModel>(ServedModel{record, std::move(host), charges_});
  }
  // Whoever has found the older model still runs it; its worker ends with the last of them.
  return record;
}

base::Result<std::shared_ptr<const ServedModel>> ModelCatalogue::Find(const Caller& caller,
                                                                      const ModelId& id) const {
  return FindIf(caller, id, MayRun);
}

base::Result<std::shared_ptr<const ServedModel>> ModelCatalogue::FindBySha256(const Caller& caller,
                                                                              std::string_view sha256) const {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const ServedModel> newest;
  for (const auto& [id, served] : models_) {
    const ModelRecord& record = served->record;
    // Each model costs the same, whoever's it is and however much of the digest is right.
    const bool same = base::ConstantTimeEqual(base::AsBytes(record.sha256), base::AsBytes(sha256));
    const bool visible = IsVisible(record);
    const bool listed_to = IsListedTo(caller, record);
    if (!same || !visible || !listed_to) continue;
    if (!newest || served->record.created > newest->record.created) newest = served;
  }
  if (newest) return newest;
  return MakeError(ErrorKind::kNotFound, "model-not-found",
                   "no model with this SHA-256 is served here for you; upload it, or run it by its id",
                   "model");
}

std::shared_ptr<const ServedModel> ModelCatalogue::DefaultOf(const Caller& caller) const {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const ServedModel> newest;
  for (const auto& [id, served] : models_) {
    const ModelRecord& record = served->record;
    if (!record.is_default || !Owns(caller, record) || !IsVisible(record)) continue;
    if (!newest || record.created > newest->record.created) newest = served;
  }
  return newest;
}

std::vector<std::shared_ptr<const ServedModel>> ModelCatalogue::List(const Caller& caller) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const ServedModel>> listed;
  for (const auto& [id, served] : models_) {
    if (IsVisible(served->record) && IsListedTo(caller, served->record)) listed.push_back(served);
  }
  return listed;
}

std::vector<std::shared_ptr<const ServedModel>> ModelCatalogue::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const ServedModel>> all;
  all.reserve(models_.size());
  for (const auto& [id, served] : models_) all.push_back(served);
  return all;
}

base::Result<std::shared_ptr<const ServedModel>> ModelCatalogue::FindOwn(const Caller& caller,
                                                                         const ModelId& id) const {
  return FindIf(caller, id, Owns);
}

std::vector<ModelCatalogue::Expired> ModelCatalogue::RemoveExpired() {
  const std::lock_guard lock(mutex_);
  std::vector<Expired> expired;
  for (auto entry = models_.begin(); entry != models_.end();) {
    // One that is being replaced goes with its replacement.
    if (IsVisible(entry->second->record) || reserved_.contains(entry->first)) {
      ++entry;
      continue;
    }
    expired.push_back({entry->second, Hold(entry->second->record.owner, entry->first)});
    entry = models_.erase(entry);
  }
  return expired;
}

base::Result<std::shared_ptr<const ServedModel>> ModelCatalogue::Remove(const Caller& caller,
                                                                        const ModelId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(id);
  if (found == models_.end() || !Owns(caller, found->second->record)) return NotFound(id);
  const std::shared_ptr<const ServedModel> removed = found->second;
  models_.erase(found);
  return removed;
}

std::vector<std::shared_ptr<const ServedModel>> ModelCatalogue::RemoveAll() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const ServedModel>> all;
  for (auto& [id, served] : models_) all.push_back(std::move(served));
  models_.clear();
  return all;
}

std::size_t ModelCatalogue::size() const {
  const std::lock_guard lock(mutex_);
  return models_.size();
}

std::size_t ModelCatalogue::uploads() const {
  const std::lock_guard lock(mutex_);
  return reserved_.size();
}

}  // namespace blindai::service
