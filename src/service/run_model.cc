#include "service/run_model.h"

#include <utility>

namespace blindai::service {

RunTicket RunModel(const ModelCatalogue& catalogue, const Caller& caller, const vocabulary::ModelId& id,
                   RunRequest request, std::function<void(base::Result<RunDone>)> done) {
  if (base::Status allowed = RequireRun(caller); !allowed.ok()) {
    done(std::move(allowed).error());
    return {};
  }
  base::Result<std::shared_ptr<const ServedModel>> found = catalogue.Find(caller, id);
  if (!found.ok()) {
    done(std::move(found).error());
    return {};
  }
  return RunModel(std::move(found).value(), caller, std::move(request), std::move(done));
}

RunTicket RunModel(const std::shared_ptr<const ServedModel>& served, const Caller& caller, RunRequest request,
                   std::function<void(base::Result<RunDone>)> done) {
  if (base::Status allowed = RequireRun(caller); !allowed.ok()) {
    done(std::move(allowed).error());
    return {};
  }
  if (base::Status counted = served->CountRequest(caller); !counted.ok()) {
    done(std::move(counted).error());
    return {};
  }
  return served->Run(caller, std::move(request),
                     [served, done = std::move(done)](base::Result<model::RunAnswer> answer) {
                       if (!answer.ok()) return done(std::move(answer).error());
                       done(RunDone{served->record, std::move(answer).value()});
                     });
}

}  // namespace blindai::service
