// Runs a model that is served. The request's tensors go to the model's worker and nowhere else; the answer
// comes back once, by callback, on the model host's thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "base/result.h"
#include "model/model_host.h"
#include "service/caller.h"
#include "service/model_catalogue.h"

namespace blindai::service {

// What to run: the model host's own words (model/model_host.h).
using RunRequest = model::RunRequest;

struct RunDone {
  ModelRecord record;  // the model that gave the answer, as it was then
  model::RunAnswer answer;
};

// Cancels its run when Cancel() is called; safe at any time, also after the answer.
using RunTicket = model::ModelHost::Ticket;

// Codes: those of RequireRun, ModelCatalogue::Find and ServedModel::CountRequest (nothing is queued then, and `done`
// has been called when this returns), and those of ModelHost::Run.
RunTicket RunModel(const ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                   RunRequest request, std::function<void(base::Result<RunDone>)> done);

// The same with a model that was found before, also when it has been replaced since: who found it is answered by it.
RunTicket RunModel(const std::shared_ptr<const ServedModel>& served, const Caller& caller, RunRequest request,
                   std::function<void(base::Result<RunDone>)> done);

}  // namespace blindai::service
