// Stored models and the catalogue: saves what is uploaded with save=true, puts what an earlier process saved back into
// the catalogue, and fetches a model's file when a run needs its worker again. The disk is slow, so a thread of its own
// does all of it, one thing after the other.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.h"
#include "model/model_file.h"
#include "model/model_host.h"
#include "model/model_store.h"
#include "service/model_catalogue.h"

namespace blindai::service {

class ModelStorage {
 public:
  using Done = std::function<void(base::Status)>;

  // The catalogue must outlive it. Not more than one for one catalogue.
  ModelStorage(std::unique_ptr<model::ModelStore> store, ModelCatalogue& catalogue);
  // What was asked for before is done first.
  ~ModelStorage();
  ModelStorage(const ModelStorage&) = delete;
  ModelStorage& operator=(const ModelStorage&) = delete;

  struct Restored {
    std::size_t models = 0;   // versions of them
    std::size_t damaged = 0;  // listed, and refuse to run
    std::size_t skipped = 0;  // unreadable records, and ids that the operator's models have taken
  };
  // Every stored model becomes visible; its worker starts with its first run. Before anything else is asked for.
  Restored Restore(const model::WorkerOptions& worker);

  // Why nothing can be saved now; nothing when it can (model/model_store.h).
  std::optional<base::Error> refusal() const { return store_->refusal(); }
  // `done` is called once, on the storage's thread, or at once where there is nothing to do. Codes: those of
  // ModelStore. The new version and the end of those that go are one step; what is said of those that stay follows, and
  // is made good after a restart in between.
  void Save(ModelRecord record, std::shared_ptr<const model::ModelFile> file,
            ModelCatalogue::StoredChange change, Done done);
  // The same without a new version: first what is said of those that stay, then the end of those that go.
  void Apply(const vocabulary::ModelId& id, ModelCatalogue::StoredChange change, Done done);
  // For a host of this model: first makes room for it among the workers, then reads its file. Codes: memory-full, those
  // of ModelStore::Load, model-stopped (it has been replaced).
  model::ModelHost::Fetch FetchOf(const ModelRecord& record);

 private:
  base::Result<std::shared_ptr<model::ModelFile>> Load(const ModelRecord& record);
  void Settle(const std::vector<ModelRecord>& versions, ModelCatalogue::StoredChange settled);
  base::Status Update(const std::vector<ModelRecord>& records);
  void Post(std::function<void()> job);
  void Work();

  const std::unique_ptr<model::ModelStore> store_;
  ModelCatalogue& catalogue_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::thread thread_;  // last, so that everything it uses exists
};

}  // namespace blindai::service
