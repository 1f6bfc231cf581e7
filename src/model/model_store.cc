#include "model/model_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "model/sealed_file.h"

namespace blindai::model {
namespace {

using base::ByteView;
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

// No model's id has a space in it and none is of version 0, so neither kind is ever taken for the other.
SealedIdentity IdentityOf(const StoreIndex::Item& item) {
  const StoredModel& model = item.model;
  if (item.sealed_as == SealedAs::kModel) return {model.id, model.owner, model.version};
  return {"model file " + model.sha256_hex, model.owner, 0};
}

bool HasTheBytesOf(const StoredModel& a, const StoredModel& b) {
  return a.owner == b.owner && a.sha256_hex == b.sha256_hex && a.bytes == b.bytes;
}

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

base::Error DetailsTooLarge() {
  return MakeError(ErrorKind::kUnsupported, "save-unsupported",
                   "what belongs to this model beside its file is too large to be stored; leave save out");
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
  const std::set<std::string> used = FilesOf(items_);
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
    Key key(item.model.id, item.model.version);
    items_.emplace(std::move(key), std::move(item));
  }
  return base::Ok();
}

// A look at each file, without reading it: its size and its header.
void ModelStore::CheckFiles(const std::vector<StoreFiles::Entry>& entries) {
  std::map<std::string_view, std::uint64_t> sizes;
  for (const auto& entry : entries) sizes.emplace(entry.name, entry.bytes);
  const auto is_whole = [&](const StoreIndex::Item& item) {
    const auto found = sizes.find(item.file);
    if (found == sizes.end() || found->second != SealedFileBytes(item.model.bytes)) return false;
    const auto input = files_->OpenFile(item.file);
    if (!input.ok()) return false;
    const auto reader = SealedReader::Open(ReadFrom(**input), key_, IdentityOf(item));
    return reader.ok() && reader->length() == item.model.bytes;
  };
  std::set<std::string_view> looked_at;
  for (const auto& [key, item] : items_) {
    if (looked_at.insert(item.file).second && !is_whole(item)) damaged_.insert(item.file);
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
  for (const auto& [key, item] : items) index.items.push_back(item);
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

// The items are these from now on, on the disk first. Gives the files that nothing names any more.
Result<std::vector<std::string>> ModelStore::Become(Items items) {
  BLINDAI_RETURN_IF_ERROR(Commit(items, 1));
  const std::set<std::string> before = FilesOf(std::exchange(items_, std::move(items)));
  const std::set<std::string> after = FilesOf(items_);
  std::vector<std::string> orphans;
  std::ranges::set_difference(before, after, std::back_inserter(orphans));
  for (const std::string& file : orphans) damaged_.erase(file);
  return orphans;
}

// ---- use

std::optional<base::Error> ModelStore::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_ ? refusal_ : trouble_;
}

std::vector<StoredModel> ModelStore::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<StoredModel> models;
  for (const auto& [key, item] : items_) {
    models.push_back(item.model);
    models.back().is_damaged = damaged_.contains(item.file);
  }
  return models;
}

std::vector<std::uint64_t> ModelStore::Versions(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint64_t> versions;
  for (auto at = items_.lower_bound({id, 0}); at != items_.end() && at->first.first == id; ++at)
    versions.push_back(at->first.second);
  return versions;
}

std::uint64_t ModelStore::BytesOf(const Items& items) const {
  std::set<std::string_view> counted;
  std::uint64_t sum = writing_bytes_;
  for (const auto& [key, item] : items) {
    if (counted.insert(item.file).second) sum += SealedFileBytes(item.model.bytes);
  }
  return sum;
}

std::set<std::string> ModelStore::FilesOf(const Items& items) {
  std::set<std::string> files;
  for (const auto& [key, item] : items) files.insert(item.file);
  return files;
}

std::uint64_t ModelStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return BytesOf(items_);
}

Status ModelStore::WriteFile(const std::string& name, const StoredModel& model, const ModelFile& file) {
  BLINDAI_TRY(const auto output, files_->Create(name));
  BLINDAI_TRY(SealedWriter writer,
              SealedWriter::Begin(WriteTo(*output), key_, IdentityOf({.model = model}), model.bytes));
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

Status ModelStore::MaySave(const StoredModel& model, std::uint64_t more_bytes) const {
  if (model.details.size() > kMaxStoreDetailsBytes) return DetailsTooLarge();
  const auto version = items_.lower_bound({model.id, 0});
  if (version != items_.end() && version->first.first == model.id &&
      version->second.model.owner != model.owner) {
    return MakeError(ErrorKind::kConflict, "model-id-taken",
                     "a stored model of somebody else has this id; choose another");
  }
  const bool is_full = more_bytes > 0 && BytesOf(items_) + more_bytes > options_.max_bytes;
  if (is_full || items_.size() >= kMaxStoredModels) {
    return MakeError(
        ErrorKind::kExhausted, "store-quota",
        "the model store is full (storage.bytes); delete stored models, or upload without save=true");
  }
  return base::Ok();
}

const StoreIndex::Item* ModelStore::Shareable(const StoredModel& model) const {
  for (const auto& [key, item] : items_) {
    if (HasTheBytesOf(item.model, model) && item.sealed_as == SealedAs::kContent &&
        !damaged_.contains(item.file))
      return &item;
  }
  return nullptr;
}

Status ModelStore::Save(StoredModel model, const ModelFile& file,
                        const std::vector<std::uint64_t>& instead_of) {
  BLINDAI_CHECK(file.sealed());
  model.sha256_hex = file.sha256_hex();
  model.bytes = file.size();
  model.is_damaged = false;
  const std::uint64_t sealed_bytes = SealedFileBytes(model.bytes);

  // A file that is there is read through before it is relied on. Meanwhile it may go with the last model that named it,
  // so what is found is looked up again.
  for (std::string whole;;) {
    StoreIndex::Item there;
    {
      const std::lock_guard lock(mutex_);
      BLINDAI_RETURN_IF_ERROR(BeReady());
      const StoreIndex::Item* const found = Shareable(model);
      BLINDAI_RETURN_IF_ERROR(MaySave(model, found == nullptr ? sealed_bytes : 0));
      if (found == nullptr) {
        writing_bytes_ += sealed_bytes;
        break;
      }
      if (found->file == whole) return Put(std::move(model), whole, instead_of);
      there = *found;
    }
    if (ReadFile(there, [](ByteView) { return base::Ok(); }).ok()) {
      whole = there.file;
    } else {
      const std::lock_guard lock(mutex_);
      damaged_.insert(there.file);
    }
  }

  const std::string name = RandomModelFileName();
  Status saved = WriteFile(name, model, file);
  const std::lock_guard lock(mutex_);
  writing_bytes_ -= sealed_bytes;
  if (saved.ok()) saved = BeReady();
  if (saved.ok()) saved = Put(std::move(model), name, instead_of);
  // If the index may already name it, the next start decides.
  if (!saved.ok() && !refusal_) static_cast<void>(files_->Remove(name));
  return saved;
}

// Whatever has these bytes names this file afterwards: one that was damaged, one that an older server sealed for one
// model, and one that another Save has written meanwhile give way to it.
Status ModelStore::Put(StoredModel model, const std::string& file,
                       const std::vector<std::uint64_t>& instead_of) {
  BLINDAI_RETURN_IF_ERROR(MaySave(model, 0));
  Items next = items_;
  for (const std::uint64_t version : instead_of) next.erase({model.id, version});
  for (auto& [key, item] : next) {
    if (!HasTheBytesOf(item.model, model)) continue;
    item.file = file;
    item.sealed_as = SealedAs::kContent;
  }
  Key key(model.id, model.version);
  next.insert_or_assign(std::move(key), StoreIndex::Item{std::move(model), file, SealedAs::kContent});
  BLINDAI_TRY(const std::vector<std::string> orphans, Become(std::move(next)));
  // The next start removes what this cannot.
  for (const std::string& orphan : orphans) static_cast<void>(files_->Remove(orphan));
  return base::Ok();
}

Status ModelStore::Update(std::vector<StoredModel> models) {
  const std::lock_guard lock(mutex_);
  Items next = items_;
  for (StoredModel& model : models) {
    if (model.details.size() > kMaxStoreDetailsBytes) return DetailsTooLarge();
    const auto found = next.find({model.id, model.version});
    if (found == next.end() || !HasTheBytesOf(found->second.model, model)) return NotStored();
    found->second.model.details = std::move(model.details);
  }
  BLINDAI_RETURN_IF_ERROR(BeReady());
  if (models.empty()) return base::Ok();
  BLINDAI_TRY(const std::vector<std::string> orphans, Become(std::move(next)));
  BLINDAI_CHECK(orphans.empty());
  return base::Ok();
}

Result<std::shared_ptr<ModelFile>> ModelStore::Load(const std::string& id, std::uint64_t version) const {
  StoreIndex::Item item;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = items_.find({id, version});
      if (found == items_.end()) return NotStored();
      if (found->second.file == item.file) {
        damaged_.insert(item.file);
        return ModelDamaged();
      }
      item = found->second;
    }
    Result<std::shared_ptr<ModelFile>> file = LoadItem(item);
    // Damage, or the model was replaced and its file removed while it was being read: then there is another one.
    if (file.ok() || file.error().code != "model-damaged") return file;
  }
}

Status ModelStore::ReadFile(const StoreIndex::Item& item, const std::function<Status(ByteView)>& take) const {
  const auto input = files_->OpenFile(item.file);
  if (!input.ok()) return ModelDamaged();
  Result<SealedReader> reader = SealedReader::Open(ReadFrom(**input), key_, IdentityOf(item));
  if (!reader.ok() || reader->length() != item.model.bytes) return ModelDamaged();
  while (true) {
    const Result<base::SecretBytes> piece = reader->Next();
    if (!piece.ok()) return ModelDamaged();
    if (piece->empty()) return base::Ok();
    BLINDAI_RETURN_IF_ERROR(take(piece->ExposeSecret()));
  }
}

Result<std::shared_ptr<ModelFile>> ModelStore::LoadItem(const StoreIndex::Item& item) const {
  BLINDAI_TRY(const std::shared_ptr<ModelFile> file, ModelFile::Create(options_.max_model_bytes));
  BLINDAI_RETURN_IF_ERROR(ReadFile(item, [&file](ByteView piece) { return file->Append(piece); }));
  BLINDAI_RETURN_IF_ERROR(file->Seal());
  if (file->sha256_hex() != item.model.sha256_hex) return ModelDamaged();
  return file;
}

Status ModelStore::Delete(const std::string& id, const std::vector<std::uint64_t>& versions) {
  const std::lock_guard lock(mutex_);
  return Drop([&](const Key& key) {
    return key.first == id && std::ranges::find(versions, key.second) != versions.end();
  });
}

Status ModelStore::Delete(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return Drop([&](const Key& key) { return key.first == id; });
}

Status ModelStore::Drop(const std::function<bool(const Key&)>& is_meant) {
  Items next = items_;
  if (std::erase_if(next, [&](const auto& entry) { return is_meant(entry.first); }) == 0) return NotStored();
  BLINDAI_RETURN_IF_ERROR(BeReady());
  BLINDAI_TRY(const std::vector<std::string> orphans, Become(std::move(next)));
  for (const std::string& orphan : orphans) BLINDAI_RETURN_IF_ERROR(files_->Remove(orphan));
  return orphans.empty() ? base::Ok() : files_->SyncFolder();
}

}  // namespace blindai::model
