// Takes a model or versions of it out of service. Of what is deleted the file is gone from the store, it can no longer
// be found, runs that are under way are ended, and the answer comes when the worker process is gone and the kernel has
// its memory back.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/caller.h"
#include "service/model_catalogue.h"

namespace blindai::service {

struct DeletedModel {
  // The highest of those that have gone, as it was.
  ModelRecord record;
  // All that have gone, ascending, and whether any of them stood on the disk.
  std::vector<std::uint64_t> versions;
  bool was_saved = false;
};

// Deletes one version, a number or a label, or all of them with the empty text. Codes: those of RequireUpload,
// model-not-found (unknown, or another owner's), upload-in-progress (an upload or a change of this id is under way),
// and those of ModelStorage::Apply: then the model is served on.
void DeleteModel(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                 std::string_view version, std::function<void(base::Result<DeletedModel>)> done);

// Changes which versions are served, and what their labels are: in one step, and what no longer stays goes as after
// an upload, when those who found it have been answered. Gives the highest version that is left. Codes: those of
// RequireUpload, ModelCatalogue::ReserveToChange and ModelStorage::Apply: then nothing has changed.
void ChangeVersions(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                    const VersionChange& change, std::function<void(base::Result<ModelRecord>)> done);

// Gives the memory of all versions of a model back: stored ones stay and their next run loads them again, others are
// deleted. Gives the highest as it was. Codes: those of DeleteModel; model-in-use (kConflict; a stored one that
// somebody is using).
void UnloadModel(ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                 std::function<void(base::Result<ModelRecord>)> done);

// Deletes what has reached its time to live. Call it now and then; until then such a model is not found, but
// its memory and its file are there.
void DeleteExpired(ModelCatalogue& catalogue);

}  // namespace blindai::service
