#include "service/model_storage.h"

#include <utility>

#include "service/stored_record.h"

namespace blindai::service {

using base::Result;
using base::Status;
using model::ModelHost;

ModelStorage::ModelStorage(std::unique_ptr<model::ModelStore> store, ModelCatalogue& catalogue)
    : store_(std::move(store)), catalogue_(catalogue), thread_([this] { Work(); }) {
  catalogue_.UseStorage(this);
}

ModelStorage::~ModelStorage() {
  catalogue_.UseStorage(nullptr);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void ModelStorage::Post(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void ModelStorage::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

ModelStorage::Restored ModelStorage::Restore(const model::WorkerOptions& worker) {
  Restored restored;
  for (const model::StoredModel& stored : store_->List()) {
    Result<ModelRecord> record = FromStored(stored);
    if (!record.ok()) {
      ++restored.skipped;
      continue;
    }
    model::WorkerOptions options = worker;
    options.precision = record->precision;
    record->is_damaged = stored.is_damaged;
    auto host = ModelHost::Suspended(FetchOf(*record), std::move(options), record->signature);
    if (!catalogue_.Restore(std::move(*record), std::move(host))) {
      ++restored.skipped;
      continue;
    }
    ++restored.models;
    restored.damaged += stored.is_damaged ? 1 : 0;
  }
  return restored;
}

void ModelStorage::Save(ModelRecord record, std::shared_ptr<const model::ModelFile> file, Done done) {
  Post([this, record = std::move(record), file = std::move(file), done = std::move(done)] {
    // One version is kept.
    done(store_->Save(ToStored(record), *file, store_->Versions(record.id.text())));
  });
}

void ModelStorage::Delete(const vocabulary::ModelId& id, Done done) {
  Post([this, id, done = std::move(done)] {
    Status deleted = store_->Delete(id.text());
    if (!deleted.ok() && deleted.error().code == "model-not-stored") return done(base::Ok());
    done(std::move(deleted));
  });
}

ModelHost::Fetch ModelStorage::FetchOf(const ModelRecord& record) {
  return [this, record](ModelHost::Fetched fetched) {
    catalogue_.MakeRoomFor(record.id, [this, record, fetched = std::move(fetched)](Status room) mutable {
      if (!room.ok()) return fetched(std::move(room).error());
      Post([this, record, fetched = std::move(fetched)] { fetched(Load(record)); });
    });
  };
}

Result<std::shared_ptr<model::ModelFile>> ModelStorage::Load(const ModelRecord& record) {
  // Another model of the same tenant may have it in memory.
  if (auto file = catalogue_.files().Find(record.owner, record.sha256)) return file;
  auto file = store_->Load(record.id.text(), record.version);
  if (!file.ok() && file.error().code != "model-not-stored") return file;
  // Or it was deleted: then the next request is told so.
  if (!file.ok() || (*file)->sha256_hex() != record.sha256) {
    return base::MakeError(base::ErrorKind::kUnavailable, "model-stopped",
                           "the model was replaced; send the request again");
  }
  return catalogue_.files().Share(record.owner, *std::move(file));
}

}  // namespace blindai::service
