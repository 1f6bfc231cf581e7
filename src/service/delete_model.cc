#include "service/delete_model.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "base/log_event.h"
#include "service/model_storage.h"

namespace blindai::service {
namespace {

using base::Result;
using base::Status;
using Place = std::unique_ptr<ModelCatalogue::Reservation>;
using Versions = std::vector<std::shared_ptr<const ServedModel>>;

// Calls back when the workers of all of them are gone.
void StopAll(const Versions& versions, std::function<void()> done) {
  const auto left = std::make_shared<std::atomic<std::size_t>>(versions.size());
  for (const auto& served : versions) {
    served->host->Stop([served, left, done] {
      if (left->fetch_sub(1) == 1) done();
    });
  }
}

// The store first: when that fails, nothing has changed. The place is free when this calls back.
void CarryOut(ModelCatalogue& catalogue, Place place, std::function<void(Result<Versions>)> done) {
  // Shared, because a std::function must be copyable; there is one owner.
  const auto held = std::make_shared<Place>(std::move(place));
  const auto apply = [&catalogue, held, done = std::move(done)](Status stored) {
    if (!stored.ok()) {
      held->reset();
      return done(std::move(stored).error());
    }
    Versions gone = catalogue.Apply(**held);
    held->reset();
    done(std::move(gone));
  };
  ModelCatalogue::StoredChange change = catalogue.StoredChangeOf(**held);
  if (catalogue.storage() == nullptr) return apply(base::Ok());
  const vocabulary::ModelId id = (*held)->id();
  catalogue.storage()->Apply(id, std::move(change), apply);
}

// One after the other, the last first.
void UnloadAll(ModelCatalogue& catalogue, const Caller& caller, Versions versions,
               std::function<void(Status)> done) {
  if (versions.empty()) return done(base::Ok());
  const auto served = std::move(versions.back());
  versions.pop_back();
  const auto go_on = [&catalogue, caller, versions = std::move(versions), done](Status unloaded) {
    if (!unloaded.ok()) return done(std::move(unloaded));
    UnloadAll(catalogue, caller, versions, done);
  };
  const ModelRecord& record = served->record;
  if (!record.is_saved) {
    return DeleteModel(catalogue, caller, record.id, std::to_string(record.version),
                       [go_on](const Result<DeletedModel>& deleted) {
                         go_on(deleted.ok() ? base::Ok() : Status(deleted.error()));
                       });
  }
  if (served->host->stats().is_suspended) return go_on(base::Ok());
  if (served->host->Suspend([served, go_on] { go_on(base::Ok()); })) return;
  done(base::MakeError(
      base::ErrorKind::kConflict, "model-in-use",
      "requests are waiting for this model or running on it; try again when they have ended"));
}

}  // namespace

void DeleteModel(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                 std::string_view version, std::function<void(Result<DeletedModel>)> done) {
  if (Status allowed = RequireUpload(caller); !allowed.ok()) return done(std::move(allowed).error());
  Result<Place> place = catalogue.ReserveToDelete(caller, id, version);
  if (!place.ok()) return done(std::move(place).error());
  CarryOut(catalogue, std::move(place).value(), [done = std::move(done)](Result<Versions> gone) {
    if (!gone.ok()) return done(std::move(gone).error());
    DeletedModel deleted{.record = gone->back()->record, .versions = {}};
    for (const auto& served : *gone) {
      deleted.versions.push_back(served->record.version);
      deleted.was_saved = deleted.was_saved || served->record.is_saved;
    }
    StopAll(*gone, [deleted = std::move(deleted), done] { done(deleted); });
  });
}

void ChangeVersions(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                    const VersionChange& change, std::function<void(Result<ModelRecord>)> done) {
  if (Status allowed = RequireUpload(caller); !allowed.ok()) return done(std::move(allowed).error());
  Result<Place> place = catalogue.ReserveToChange(caller, id, change);
  if (!place.ok()) return done(std::move(place).error());
  CarryOut(catalogue, std::move(place).value(),
           [&catalogue, caller, id, done = std::move(done)](const Result<Versions>& gone) {
             if (!gone.ok()) return done(gone.error());
             const auto highest = catalogue.FindOwn(caller, id);
             highest.ok() ? done((*highest)->record) : done(highest.error());
           });
}

void UnloadModel(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                 std::function<void(Result<ModelRecord>)> done) {
  if (Status allowed = RequireUpload(caller); !allowed.ok()) return done(std::move(allowed).error());
  const auto highest = catalogue.FindOwn(caller, id);
  if (!highest.ok()) return done(highest.error());
  UnloadAll(catalogue, caller, catalogue.VersionsOf(caller, id),
            [served = *highest, done = std::move(done)](Status unloaded) {
              unloaded.ok() ? done(served->record) : done(std::move(unloaded).error());
            });
}

void DeleteExpired(ModelCatalogue& catalogue) {
  for (Place& reserved : catalogue.ReserveExpired()) {
    const std::shared_ptr<ModelCatalogue::Reservation> place = std::move(reserved);
    ModelCatalogue::StoredChange change = catalogue.StoredChangeOf(*place);
    for (const auto& served : catalogue.Apply(*place)) served->host->Stop([served] {});
    if (catalogue.storage() == nullptr) continue;
    // A failure is met again after the next start, which finds the model and its time over.
    catalogue.storage()->Apply(place->id(), std::move(change), [place](const Status& deleted) {
      if (!deleted.ok()) base::LogEvent("expired-model-not-deleted").Emit();
    });
  }
}

}  // namespace blindai::service
