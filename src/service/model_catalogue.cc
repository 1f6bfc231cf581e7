#include "service/model_catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace blindai::service {
namespace {

using base::ErrorKind;
using base::MakeError;
using vocabulary::ModelId;

// How long a replaced model may go on with what it is running.
constexpr std::chrono::milliseconds kDrain{600'000};

bool MayRun(const Caller& caller, const ModelRecord& record) {
  if (record.owner == caller.tenant) return true;
  switch (record.visibility) {
    case Visibility::kPrivate:
      return false;
    case Visibility::kTenants:
      return !caller.is_anonymous();
    case Visibility::kLink:
    case Visibility::kPublic:
      return true;
  }
  return false;
}

bool IsListedTo(const Caller& caller, const ModelRecord& record) {
  // A model shared by link is known to those who were told its id, and to nobody else.
  return record.owner == caller.tenant || (record.visibility != Visibility::kLink && MayRun(caller, record));
}

}  // namespace

std::string_view VisibilityName(Visibility visibility) {
  constexpr std::string_view kNames[] = {"private", "link", "tenants", "public"};
  return kNames[static_cast<std::size_t>(visibility)];
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
  BLINDAI_RETURN_IF_ERROR(catalogue_.CheckMemory(wanted - expected_bytes_));
  expected_bytes_ = wanted;
  return base::Ok();
}

base::Status ModelCatalogue::CheckMemory(std::uint64_t more_bytes) const {
  std::uint64_t used = 0;
  for (const auto& [id, served] : models_) {
    used += std::max(ExpectedResidentBytes(served->record.bytes),
                     served->host ? served->host->stats().resident_bytes : 0);
  }
  for (const auto& [id, reservation] : reserved_) used += reservation->expected_bytes_;
  if (used + more_bytes <= limits_.resident_bytes) return base::Ok();
  return MakeError(
      ErrorKind::kExhausted, "memory-full",
      fmt::format(
          "this model is expected to need {} MiB; the models served now hold {} of {} MiB; delete one, or "
          "ask the operator for a larger limits.resident_bytes",
          more_bytes >> 20, used >> 20, limits_.resident_bytes >> 20));
}

base::Result<std::unique_ptr<ModelCatalogue::Reservation>> ModelCatalogue::Reserve(const Caller& caller,
                                                                                   const ModelId& id) {
  const std::lock_guard lock(mutex_);
  const auto served = models_.find(id);
  const bool replaces = served != models_.end();
  if (replaces && served->second->record.owner != caller.tenant) {
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
  for (const auto& [other, entry] : models_)
    count += entry->record.owner == caller.tenant && other != id ? 1 : 0;
  for (const auto& [other, entry] : reserved_)
    count += entry->tenant_ == caller.tenant && !models_.contains(other) ? 1 : 0;
  if (count >= limits_.models_per_tenant) {
    return MakeError(
        ErrorKind::kExhausted, "model-quota",
        fmt::format("{} models are served or being uploaded for you, the limit is {}; delete one first",
                    count, limits_.models_per_tenant));
  }
  auto reservation = std::unique_ptr<Reservation>(new Reservation(*this, caller.tenant, id));
  reserved_.emplace(id, reservation.get());
  return reservation;
}

ModelRecord ModelCatalogue::Publish(const Reservation& place, ModelRecord record,
                                    std::shared_ptr<model::ModelHost> host) {
  std::shared_ptr<const ServedModel> replaced;
  {
    const std::lock_guard lock(mutex_);
    BLINDAI_CHECK(place.id_ == record.id && place.tenant_ == record.owner);
    std::shared_ptr<const ServedModel>& entry = models_.emplace(record.id, nullptr).first->second;
    replaced = std::move(entry);
    if (replaced) record.version = replaced->record.version + 1;
    entry = std::make_shared<const ServedModel>(ServedModel{record, std::move(host)});
  }
  if (replaced && replaced->host) {
    // The entry stays alive until its last run has ended.
    replaced->host->Stop([replaced] {}, kDrain);
  }
  return record;
}

base::Result<std::shared_ptr<const ServedModel>> ModelCatalogue::Find(const Caller& caller,
                                                                      const ModelId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(id);
  if (found == models_.end() || !MayRun(caller, found->second->record)) return NotFound(id);
  return found->second;
}

base::Result<std::shared_ptr<const ServedModel>> ModelCatalogue::FindBySha256(const Caller& caller,
                                                                              std::string_view sha256) const {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const ServedModel> newest;
  for (const auto& [id, served] : models_) {
    if (served->record.sha256 != sha256 || !IsListedTo(caller, served->record)) continue;
    if (!newest || served->record.created > newest->record.created) newest = served;
  }
  if (newest) return newest;
  return MakeError(ErrorKind::kNotFound, "model-not-found",
                   "no model with this SHA-256 is served here for you; upload it, or run it by its id",
                   "model");
}

std::vector<std::shared_ptr<const ServedModel>> ModelCatalogue::List(const Caller& caller) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const ServedModel>> listed;
  for (const auto& [id, served] : models_) {
    if (IsListedTo(caller, served->record)) listed.push_back(served);
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

base::Result<std::shared_ptr<const ServedModel>> ModelCatalogue::Remove(const Caller& caller,
                                                                        const ModelId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(id);
  if (found == models_.end() || found->second->record.owner != caller.tenant) return NotFound(id);
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
