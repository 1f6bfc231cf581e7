// Takes a model out of service: it can no longer be found at once, runs that are under way are ended, and the
// answer comes when the worker process is gone and the kernel has its memory back.
#pragma once

#include <functional>

#include "base/result.h"
#include "service/caller.h"
#include "service/model_catalogue.h"

namespace blindai::service {

// Codes: those of RequireUpload, model-not-found (unknown, or another owner's).
void DeleteModel(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                 std::function<void(base::Result<ModelRecord>)> done);

}  // namespace blindai::service
