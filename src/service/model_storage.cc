#include "service/model_storage.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/log_event.h"
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
  std::map<std::string, std::vector<ModelRecord>> ids;
  for (const model::StoredModel& stored : store_->List()) {
    Result<ModelRecord> record = FromStored(stored);
    if (!record.ok()) {
      ++restored.skipped;
      continue;
    }
    record->is_damaged = stored.is_damaged;
    ids[stored.id].push_back(std::move(*record));
  }
  for (const auto& [id, versions] : ids) {
    ModelCatalogue::StoredChange settled = ModelCatalogue::Settle(versions);
    bool is_taken = false;
    for (const ModelRecord& record : settled.staying) {
      model::WorkerOptions options = worker;
      options.precision = record.precision;
      auto host = ModelHost::Suspended(FetchOf(record), std::move(options), record.signature);
      is_taken = !catalogue_.Restore(record, std::move(host));
      ++(is_taken ? restored.skipped : restored.models);
      restored.damaged += !is_taken && record.is_damaged ? 1 : 0;
    }
    if (!is_taken) Settle(versions, std::move(settled));
  }
  return restored;
}

// Writes what differs from what was stored: a change that the server's end came between.
void ModelStorage::Settle(const std::vector<ModelRecord>& versions, ModelCatalogue::StoredChange settled) {
  std::vector<ModelRecord> staying = versions;
  std::erase_if(staying, [&](const ModelRecord& record) {
    return std::ranges::binary_search(settled.going, record.version);
  });
  const auto is_same = [](const ModelRecord& a, const ModelRecord& b) {
    return ToStored(a).details == ToStored(b).details;
  };
  if (std::ranges::equal(staying, settled.staying, is_same)) settled.staying.clear();
  const vocabulary::ModelId id = versions.front().id;
  // A failure is met again after the next start.
  Apply(id, std::move(settled), [](const Status& written) {
    if (!written.ok()) base::LogEvent("stored-versions-not-settled").Emit();
  });
}

Status ModelStorage::Update(const std::vector<ModelRecord>& records) {
  if (records.empty()) return base::Ok();
  std::vector<model::StoredModel> models;
  models.reserve(records.size());
  for (const ModelRecord& record : records) models.push_back(ToStored(record));
  return store_->Update(std::move(models));
}

void ModelStorage::Save(ModelRecord record, std::shared_ptr<const model::ModelFile> file,
                        ModelCatalogue::StoredChange change, Done done) {
  Post([this, record = std::move(record), file = std::move(file), change = std::move(change),
        done = std::move(done)] {
    Status saved = store_->Save(ToStored(record), *file, change.going);
    // The new version is stored, and what it says prevails after a restart (ModelCatalogue::Settle).
    if (saved.ok() && !Update(change.staying).ok()) base::LogEvent("stored-versions-not-settled").Emit();
    done(std::move(saved));
  });
}

void ModelStorage::Apply(const vocabulary::ModelId& id, ModelCatalogue::StoredChange change, Done done) {
  if (change.going.empty() && change.staying.empty()) return done(base::Ok());
  Post([this, id, change = std::move(change), done = std::move(done)] {
    Status applied = Update(change.staying);
    if (!applied.ok() || change.going.empty()) return done(std::move(applied));
    Status deleted = store_->Delete(id.text(), change.going);
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
