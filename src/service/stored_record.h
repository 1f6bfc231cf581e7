// What the server knows about a stored model beside its file, as bytes inside the sealed index
// (model/store_index.h), so that after a restart a model is listed, checked and run as before without loading
// it first. Pure.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "model/store_index.h"
#include "service/model_catalogue.h"

namespace blindai::service {

model::StoredModel ToStored(const ModelRecord& record);
// Codes: stored-record (of another version of this program), and those of the speech settings.
base::Result<ModelRecord> FromStored(const model::StoredModel& stored);

}  // namespace blindai::service
