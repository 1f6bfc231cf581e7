// The names of models as the users of BlindAI 0.5 write them: a bare id, or "user/id" for the model of that user. A
// model has one id, as it was uploaded; whichever form a request uses, it finds that model. "user/id" never finds
// another owner's model, whoever took that id first.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "service/caller.h"
#include "service/model_catalogue.h"
#include "vocabulary/model_id.h"

namespace blindai::service {

// The id under which the caller may upload. Codes: model-id, model-namespace (kDenied; it begins with another user).
base::Result<vocabulary::ModelId> IdForUpload(const Caller& caller, std::string_view name);

// For running. A bare name finds the caller's own "user/id" first, then the id itself. Codes: model-id, and those of
// ModelCatalogue::Find.
base::Result<std::shared_ptr<const ServedModel>> FindByName(const ModelCatalogue& catalogue,
                                                            const Caller& caller, std::string_view name);

// For deleting: the id of the caller's own model that this name means, one's "user/id" before the bare id. Codes:
// model-id, model-not-found (with the name as it was asked for, whatever is there).
base::Result<vocabulary::ModelId> FindOwnIdByName(const ModelCatalogue& catalogue, const Caller& caller,
                                                  std::string_view name);

}  // namespace blindai::service
