#include "service/delete_model.h"

#include <utility>

namespace blindai::service {

void DeleteModel(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                 std::function<void(base::Result<ModelRecord>)> done) {
  if (base::Status allowed = RequireUpload(caller); !allowed.ok()) return done(std::move(allowed).error());
  base::Result<std::shared_ptr<const ServedModel>> removed = catalogue.Remove(caller, id);
  if (!removed.ok()) return done(std::move(removed).error());
  const std::shared_ptr<const ServedModel> served = *removed;
  served->host->Stop([served, done = std::move(done)] { done(served->record); });
}

}  // namespace blindai::service
