#include "service/delete_model.h"

#include <utility>

#include "base/log_event.h"
#include "service/model_storage.h"

namespace blindai::service {
namespace {

using Done = std::function<void(base::Result<ModelRecord>)>;

void RemoveAndStop(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                   const Done& done) {
  base::Result<std::shared_ptr<const ServedModel>> removed = catalogue.Remove(caller, id);
  if (!removed.ok()) return done(std::move(removed).error());
  const std::shared_ptr<const ServedModel> served = *removed;
  served->host->Stop([served, done] { done(served->record); });
}

}  // namespace

void DeleteModel(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id, Done done) {
  if (base::Status allowed = RequireUpload(caller); !allowed.ok()) return done(std::move(allowed).error());
  const base::Result<std::shared_ptr<const ServedModel>> served = catalogue.FindOwn(caller, id);
  if (!served.ok()) return done(served.error());
  if (!(*served)->record.is_saved) return RemoveAndStop(catalogue, caller, id, done);

  // Nobody saves another model under this id meanwhile.
  auto held = catalogue.Reserve(caller, id);
  if (!held.ok()) return done(std::move(held).error());
  std::shared_ptr<ModelCatalogue::Reservation> place = std::move(*held);
  catalogue.storage()->Delete(id, [&catalogue, caller, id, place = std::move(place),
                                   done = std::move(done)](base::Status deleted) mutable {
    place.reset();
    if (!deleted.ok()) return done(std::move(deleted).error());
    RemoveAndStop(catalogue, caller, id, done);
  });
}

void UnloadModel(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id, Done done) {
  if (base::Status allowed = RequireUpload(caller); !allowed.ok()) return done(std::move(allowed).error());
  const base::Result<std::shared_ptr<const ServedModel>> found = catalogue.FindOwn(caller, id);
  if (!found.ok()) return done(found.error());
  const std::shared_ptr<const ServedModel>& served = *found;
  if (!served->record.is_saved) return DeleteModel(catalogue, caller, id, std::move(done));
  if (served->host->stats().is_suspended) return done(served->record);
  if (served->host->Suspend([served, done] { done(served->record); })) return;
  done(base::MakeError(
      base::ErrorKind::kConflict, "model-in-use",
      "requests are waiting for this model or running on it; try again when they have ended"));
}

void DeleteExpired(ModelCatalogue& catalogue) {
  for (ModelCatalogue::Expired& expired : catalogue.RemoveExpired()) {
    const std::shared_ptr<const ServedModel> served = std::move(expired.served);
    if (served->record.is_saved) {
      std::shared_ptr<ModelCatalogue::Reservation> place = std::move(expired.place);
      // A failure is met again after the next start, which finds the model and its time over.
      catalogue.storage()->Delete(served->record.id, [place = std::move(place)](base::Status deleted) {
        if (!deleted.ok()) base::LogEvent("expired-model-not-deleted").Emit();
      });
    }
    served->host->Stop([served] {});
  }
}

}  // namespace blindai::service
