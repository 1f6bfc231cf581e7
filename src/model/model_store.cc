#include "model/model_store.h"

#include <algorithm>
#include <set>
#include <utility>

#include "model/sealed_file.h"

namespace blindai::model {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;

constexpr const char* kIndexFile = "index.sealed";
constexpr const char* kNewIndexFile = "index.sealed.new";
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{1} << 30;
// What the counter may be behind the index after a crash: Start advances it by two, anything else by one.
constexpr unsigned kStartSteps = 2;

const SealedIdentity kIndexIdentity{"index of the model store", "", 1};

SealedIdentity IdentityOf(const StoredModel& model) { return {model.id, model.owner, model.version}; }

SealedWriter::Write WriteTo(StoreFiles::Output& output) {
  return [&output](base::ByteView bytes) { return output.Append(bytes); };
}
SealedReader::Read ReadFrom(StoreFiles::Input& input) {
  return [&input](std::span<std::uint8_t> out) { return input.Read(out); };
}

base::Error ModelDamaged() {
  return MakeError(ErrorKind::kUnavailable, "model-damaged",
                   "the stored file of this model is damaged or missing; upload the model again");
}

base::Error NotStored() {
  return MakeError(ErrorKind::kNotFound, "model-not-stored", "this model is not in the store");
}

base::Error IndexUnusable(std::string_view why) {
  return MakeError(
      ErrorKind::kUnavailable, "store-index",
      "the index of the model store " + std::string(why) +
          "; its models are not served and nothing is saved. The server's operator must put an intact "
          "copy in its place, or give the server an empty folder");
}

}  // namespace

std::unique_ptr<ModelStore> ModelStore::Open(std::unique_ptr<StoreFiles> files, base::SecretBytes key,
                                             StoreOptions options) {
  auto store = std::unique_ptr<ModelStore>(new ModelStore(std::move(files), std::move(key), options));
  store->Start();
  return store;
}

ModelStore::ModelStore(std::unique_ptr<StoreFiles> files, base::SecretBytes key, StoreOptions options)
    : files_(std::move(files)), key_(std::move(key)), options_(options) {}

// ---- start

void ModelStore::Start() {
  const std::lock_guard lock(mutex_);
  Result<std::vector<StoreFiles::Entry>> entries = files_->List();
  if (!entries.ok()) {
    refusal_ = std::move(entries).error();
    return;
  }
  const auto has = [&](auto&& predicate) {
    return std::ranges::any_of(*entries, [&](const auto& entry) { return predicate(entry.name); });
  };
  if (options_.counter != nullptr) {
    Result<std::uint64_t> count = options_.counter->Read();
    if (!count.ok()) {
      refusal_ = std::move(count).error();
      return;
    }
    count_ = *count;
  }
  if (has([](const std::string& name) { return name == kIndexFile; })) {
    if (Status read = ReadIndex(); !read.ok()) {
      refusal_ = std::move(read).error();
      return;
    }
    CheckFiles(*entries);
  } else if (has(IsModelFileName)) {
    // The index is there before the first model, so it was taken away.
    refusal_ = IndexUnusable("is missing");
    return;
  }
  // Leftovers go only once the index is known to be on the disk: until then an older one may still come back.
  if (!BeReady().ok()) return;
  std::set<std::string> used;
  for (const auto& [id, item] : items_) used.insert(item.file);
  for (const auto& entry : *entries) {
    if (IsModelFileName(entry.name) && !used.contains(entry.name))
      static_cast<void>(files_->Remove(entry.name));
  }
}

Status ModelStore::ReadIndex() {
  base::SecretBytes content;
  {
    BLINDAI_TRY(const auto input, files_->OpenFile(kIndexFile));
    Result<SealedReader> reader = SealedReader::Open(ReadFrom(*input), key_, kIndexIdentity);
    if (!reader.ok() && reader.error().kind != ErrorKind::kInvalid) return std::move(reader).error();
    if (!reader.ok() || reader->length() > kMaxIndexBytes) {
      return IndexUnusable("is damaged, or was sealed by another program, version or platform");
    }
    base::Bytes bytes;
    while (true) {
      const Result<base::SecretBytes> piece = reader->Next();
      if (!piece.ok() && piece.error().kind != ErrorKind::kInvalid) return piece.error();
      if (!piece.ok()) return IndexUnusable("is damaged");
      if (piece->empty()) break;
      bytes.insert(bytes.end(), piece->ExposeSecret().begin(), piece->ExposeSecret().end());
    }
    content = base::SecretBytes(std::move(bytes));
  }
  Result<StoreIndex> index = DecodeStoreIndex(content.ExposeSecret());
  if (!index.ok()) return IndexUnusable("is of another version of this program");
  if (options_.counter != nullptr) {
    const bool is_current =
        index->is_counted && index->count >= count_ && index->count <= count_ + kStartSteps;
    if (!is_current) {
      return MakeError(
          ErrorKind::kUnavailable, "store-rolled-back",
          "the model store is an older copy of itself, or of another machine; its models are not "
          "served and nothing is saved. The server's operator must put the newest copy in its place, or "
          "give the server an empty folder");
    }
  }
  for (StoreIndex::Item& item : index->items) {
    std::string id = item.model.id;
    items_.emplace(std::move(id), std::move(item));
  }
  return base::Ok();
}

// A look at each file, without reading it: its size and its header.
void ModelStore::CheckFiles(const std::vector<StoreFiles::Entry>& entries) {
  std::map<std::string_view, std::uint64_t> sizes;
  for (const auto& entry : entries) sizes.emplace(entry.name, entry.bytes);
  for (auto& [id, item] : items_) {
    const auto found = sizes.find(item.file);
    item.model.is_damaged = true;
    if (found == sizes.end() || found->second != SealedFileBytes(item.model.bytes)) continue;
    const auto input = files_->OpenFile(item.file);
    if (!input.ok()) continue;
    const auto reader = SealedReader::Open(ReadFrom(**input), key_, IdentityOf(item.model));
    item.model.is_damaged = !reader.ok() || reader->length() != item.model.bytes;
  }
}

// ---- the index

// An index is on the disk before the first model's file, so that a missing one is noticed; and whatever index an
// interrupted Save of an earlier start left may never come back: the counter passes the value that it was made for.
Status ModelStore::BeReady() {
  if (refusal_) return *refusal_;
  if (is_ready_) return base::Ok();
  Status committed = Commit(items_, kStartSteps);
  is_ready_ = committed.ok();
  trouble_ = committed.ok() ? std::nullopt : std::optional(committed.error());
  return committed;
}

Status ModelStore::WriteIndex(const Items& items, std::uint64_t count) {
  StoreIndex index;
  index.is_counted = options_.counter != nullptr;
  index.count = count;
  for (const auto& [id, item] : items) index.items.push_back(item);
  const base::SecretBytes content(EncodeStoreIndex(index));
  BLINDAI_RETURN_IF_ERROR(files_->Remove(kNewIndexFile));
  BLINDAI_TRY(const auto output, files_->Create(kNewIndexFile));
  BLINDAI_TRY(SealedWriter writer,
              SealedWriter::Begin(WriteTo(*output), key_, kIndexIdentity, content.size()));
  BLINDAI_RETURN_IF_ERROR(writer.Append(content.ExposeSecret()));
  BLINDAI_RETURN_IF_ERROR(writer.Finish());
  return output->Sync();
}

Status ModelStore::Advance(unsigned steps) {
  if (options_.counter == nullptr) return base::Ok();
  for (unsigned i = 0; i < steps; ++i) {
    BLINDAI_RETURN_IF_ERROR(options_.counter->Increment());
    ++count_;
  }
  return base::Ok();
}

Status ModelStore::Commit(const Items& items, unsigned count_steps) {
  if (Status written = WriteIndex(items, count_ + count_steps); !written.ok()) {
    static_cast<void>(files_->Remove(kNewIndexFile));
    return written;
  }
  Status placed = files_->Rename(kNewIndexFile, kIndexFile);
  if (placed.ok()) placed = files_->SyncFolder();
  if (placed.ok()) placed = Advance(count_steps);
  // Which of the two indexes is on the disk is not known any more: nothing may be written until the next start has
  // looked.
  if (!placed.ok()) refusal_ = placed.error();
  return placed;
}

// ---- use

std::optional<base::Error> ModelStore::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_ ? refusal_ : trouble_;
}

std::vector<StoredModel> ModelStore::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<StoredModel> models;
  for (const auto& [id, item] : items_) models.push_back(item.model);
  return models;
}

std::uint64_t ModelStore::BytesOf(const Items& items) const {
  std::uint64_t sum = writing_bytes_;
  for (const auto& [id, item] : items) sum += SealedFileBytes(item.model.bytes);
  return sum;
}

std::uint64_t ModelStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return BytesOf(items_);
}

Status ModelStore::WriteModel(const std::string& name, const StoredModel& model, const ModelFile& file) {
  BLINDAI_TRY(const auto output, files_->Create(name));
  BLINDAI_TRY(SealedWriter writer,
              SealedWriter::Begin(WriteTo(*output), key_, IdentityOf(model), model.bytes));
  base::SecretBytes piece(kPieceBytes);
  for (std::uint64_t at = 0; at < model.bytes;) {
    const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, model.bytes - at));
    BLINDAI_RETURN_IF_ERROR(file.ReadAt(at, piece.ExposeSecretForWriting().first(now)));
    BLINDAI_RETURN_IF_ERROR(writer.Append(piece.ExposeSecret().first(now)));
    at += now;
  }
  BLINDAI_RETURN_IF_ERROR(writer.Finish());
  BLINDAI_RETURN_IF_ERROR(output->Sync());
  // Its name must be on the disk before the index names it.
  return files_->SyncFolder();
}

Status ModelStore::Save(StoredModel model, const ModelFile& file) {
  BLINDAI_CHECK(file.sealed());
  model.sha256_hex = file.sha256_hex();
  model.bytes = file.size();
  model.is_damaged = false;
  const std::uint64_t sealed_bytes = SealedFileBytes(model.bytes);
  {
    const std::lock_guard lock(mutex_);
    BLINDAI_RETURN_IF_ERROR(BeReady());
    if (model.details.size() > kMaxStoreDetailsBytes) {
      return MakeError(
          ErrorKind::kUnsupported, "save-unsupported",
          "what belongs to this model beside its file is too large to be stored; leave save out");
    }
    if (BytesOf(items_) + sealed_bytes > options_.max_bytes || items_.size() >= kMaxStoredModels) {
      return MakeError(
          ErrorKind::kExhausted, "store-quota",
          "the model store is full (storage.bytes); delete stored models, or upload without save=true");
    }
    writing_bytes_ += sealed_bytes;
  }
  const std::string name = RandomModelFileName();
  const Status written = WriteModel(name, model, file);

  const std::lock_guard lock(mutex_);
  writing_bytes_ -= sealed_bytes;
  if (Status ready = written.ok() ? BeReady() : written; !ready.ok()) {
    static_cast<void>(files_->Remove(name));
    return ready;
  }
  Items next = items_;
  StoreIndex::Item& item = next[model.id];
  const std::string replaced = std::exchange(item.file, name);
  item.model = std::move(model);
  if (Status committed = Commit(next, 1); !committed.ok()) {
    // If the index may already name it, the next start decides.
    if (!refusal_) static_cast<void>(files_->Remove(name));
    return committed;
  }
  items_ = std::move(next);
  // The next start removes it if this fails.
  if (!replaced.empty()) static_cast<void>(files_->Remove(replaced));
  return base::Ok();
}

Result<std::shared_ptr<ModelFile>> ModelStore::Load(const std::string& id) const {
  StoreIndex::Item item;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = items_.find(id);
      if (found == items_.end()) return NotStored();
      if (found->second.file == item.file) return ModelDamaged();
      item = found->second;
    }
    Result<std::shared_ptr<ModelFile>> file = LoadItem(item);
    // Damage, or the model was replaced and its file removed while it was being read: then there is another one.
    if (file.ok() || file.error().code != "model-damaged") return file;
  }
}

Result<std::shared_ptr<ModelFile>> ModelStore::LoadItem(const StoreIndex::Item& item) const {
  const auto input = files_->OpenFile(item.file);
  if (!input.ok()) return ModelDamaged();
  Result<SealedReader> reader = SealedReader::Open(ReadFrom(**input), key_, IdentityOf(item.model));
  if (!reader.ok() || reader->length() != item.model.bytes) return ModelDamaged();
  BLINDAI_TRY(const std::shared_ptr<ModelFile> file, ModelFile::Create(options_.max_model_bytes));
  while (true) {
    const Result<base::SecretBytes> piece = reader->Next();
    if (!piece.ok()) return ModelDamaged();
    if (piece->empty()) break;
    BLINDAI_RETURN_IF_ERROR(file->Append(piece->ExposeSecret()));
  }
  BLINDAI_RETURN_IF_ERROR(file->Seal());
  if (file->sha256_hex() != item.model.sha256_hex) return ModelDamaged();
  return file;
}

Status ModelStore::Delete(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = items_.find(id);
  if (found == items_.end()) return NotStored();
  BLINDAI_RETURN_IF_ERROR(BeReady());
  const std::string file = found->second.file;
  Items next = items_;
  next.erase(id);
  BLINDAI_RETURN_IF_ERROR(Commit(next, 1));
  items_ = std::move(next);
  BLINDAI_RETURN_IF_ERROR(files_->Remove(file));
  return files_->SyncFolder();
}

}  // namespace blindai::model
