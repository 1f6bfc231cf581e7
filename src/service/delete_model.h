// Takes a model out of service: its file is gone from the store, it can no longer be found, runs that are
// under way are ended, and the answer comes when the worker process is gone and the kernel has its memory back.
#pragma once

#include <functional>

#include "base/result.h"
#include "service/caller.h"
#include "service/model_catalogue.h"

namespace blindai::service {

// Codes: those of RequireUpload, model-not-found (unknown, or another owner's), upload-in-progress (an upload
// of this id is under way), and those of ModelStorage::Delete: then the model is served on.
void DeleteModel(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                 std::function<void(base::Result<ModelRecord>)> done);

// Gives the memory of a model back: a stored model stays and its next run loads it again, another is deleted. Codes:
// those of DeleteModel; model-in-use (kConflict; a stored one that somebody is using).
void UnloadModel(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                 std::function<void(base::Result<ModelRecord>)> done);

// Deletes what has reached its time to live. Call it now and then; until then such a model is not found, but
// its memory and its file are there.
void DeleteExpired(ModelCatalogue& catalogue);

}  // namespace blindai::service
