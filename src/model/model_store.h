// Models that survive a restart: a folder of sealed files (sealed_file.h) and a sealed index that says which they are.
// Nothing in the folder is readable by anybody but this program on this platform, no name and no owner either.
//
// A model has one or more versions, and all versions of an id have one owner. What has the same bytes lies there once
// for each owner, whatever its ids and versions. Never across owners: whether somebody else has the same file must not
// show in what an upload takes. A file is sealed as what it holds (owner, SHA-256, length), and the index says which
// versions it is.
//
// The disk is not trusted. The index holds each model's SHA-256, so a file that was changed, swapped or replaced by an
// older one is refused, and that model alone. A changed index is refused as a whole; nothing is overwritten then. An
// older state of the whole folder, index and files together, is authentic: it is noticed only where the platform has a
// counter that nobody can turn back (MonotonicCounter), and passes where it has none.
//
// An acknowledged Save or Delete survives a kill or a power failure at any moment; one that was not acknowledged has
// happened or not, never half. Why in this order: the model's file is complete and has its name on the disk before the
// index names it; the index is replaced in one step (rename); a file goes last, once the index names it no more.
//
// Any thread may call; Save and Load read or write whole models and block for as long as the disk takes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "model/model_file.h"
#include "model/store_files.h"
#include "model/store_index.h"

namespace blindai::model {

// A number of the platform's that only grows.
class MonotonicCounter {
 public:
  virtual ~MonotonicCounter() = default;
  virtual base::Result<std::uint64_t> Read() = 0;
  virtual base::Status Increment() = 0;
};

struct StoreOptions {
  // All files together (code store-quota).
  std::uint64_t max_bytes = std::uint64_t{64} << 30;
  // The largest model that is loaded back.
  std::uint64_t max_model_bytes = std::uint64_t{2} << 30;
  // Null where the platform has none. Must outlive the store.
  MonotonicCounter* counter = nullptr;
};

class ModelStore {
 public:
  // Reads the index and tidies up what a crash left behind. It always gives a store: when the index cannot be used or
  // nothing can be written, it says why (refusal) and refuses to save; what can be read is served.
  static std::unique_ptr<ModelStore> Open(std::unique_ptr<StoreFiles> files, base::SecretBytes key,
                                          StoreOptions options);

  // Why nothing could be saved when that was tried last. Codes that stay until the next start: store-index (damaged, or
  // sealed by another program or platform), store-rolled-back; those of StoreFiles and of the counter.
  std::optional<base::Error> refusal() const;
  // By id, then version.
  std::vector<StoredModel> List() const;
  // The versions of this id that are stored, the lowest first.
  std::vector<std::uint64_t> Versions(const std::string& id) const;
  // Of all files together.
  std::uint64_t bytes() const;

  // Seals the file and, in one step, puts this version in, in the place of one with its number, and takes the versions
  // `instead_of` of the same id out (those that are not stored do not matter). Fills in sha256_hex and bytes. Where
  // the owner has these bytes stored already, their file is read through and, if it is whole, shared; if it is not,
  // the new file takes its place for all that named it. Codes: those of refusal(), model-id-taken (the id has another
  // owner; kConflict), save-unsupported (details over kMaxStoreDetailsBytes), store-quota, store-full,
  // store-read-only, store-failed.
  base::Status Save(StoredModel model, const ModelFile& file,
                    const std::vector<std::uint64_t>& instead_of = {});
  // New details of stored versions, all of them in one step or none; no model's file is touched. Codes: those of
  // refusal() and of StoreFiles, save-unsupported, model-not-stored (one of them is not, or with another owner,
  // SHA-256 or size).
  base::Status Update(std::vector<StoredModel> models);
  // The version's file, sealed (ModelFile::Seal) and with the SHA-256 that the index says. Codes: model-not-stored,
  // model-damaged (kUnavailable), out-of-memory.
  base::Result<std::shared_ptr<ModelFile>> Load(const std::string& id, std::uint64_t version) const;
  // Takes these versions, or all, out in one step; those that are not stored do not matter, if one is. When it is Ok,
  // nothing names them any more, and each file that belonged to nothing else is gone from the folder. Codes:
  // model-not-stored, those of refusal() and of StoreFiles.
  base::Status Delete(const std::string& id, const std::vector<std::uint64_t>& versions);
  base::Status Delete(const std::string& id);

 private:
  using Key = std::pair<std::string, std::uint64_t>;  // id, version
  using Items = std::map<Key, StoreIndex::Item>;

  ModelStore(std::unique_ptr<StoreFiles> files, base::SecretBytes key, StoreOptions options);
  void Start();
  base::Status ReadIndex();
  void CheckFiles(const std::vector<StoreFiles::Entry>& entries);
  base::Status WriteFile(const std::string& name, const StoredModel& model, const ModelFile& file);
  // Everything in an item's file, authentic, in pieces to `take`, whose error ends it. Code: model-damaged.
  base::Status ReadFile(const StoreIndex::Item& item,
                        const std::function<base::Status(base::ByteView)>& take) const;
  base::Result<std::shared_ptr<ModelFile>> LoadItem(const StoreIndex::Item& item) const;
  // With mutex_ held:
  base::Status BeReady();
  base::Status MaySave(const StoredModel& model, std::uint64_t more_bytes) const;
  const StoreIndex::Item* Shareable(const StoredModel& model) const;
  base::Status Put(StoredModel model, const std::string& file, const std::vector<std::uint64_t>& instead_of);
  base::Status Commit(const Items& items, unsigned count_steps);
  base::Result<std::vector<std::string>> Become(Items items);
  base::Status WriteIndex(const Items& items, std::uint64_t count);
  base::Status Advance(unsigned steps);
  base::Status Drop(const std::function<bool(const Key&)>& is_meant);
  std::uint64_t BytesOf(const Items& items) const;
  static std::set<std::string> FilesOf(const Items& items);

  const std::unique_ptr<StoreFiles> files_;
  const base::SecretBytes key_;
  const StoreOptions options_;
  mutable std::mutex mutex_;
  Items items_;
  mutable std::set<std::string> damaged_;  // files that were found so
  std::uint64_t writing_bytes_ = 0;        // of files that are being written
  std::uint64_t count_ = 0;                // the counter's value
  std::optional<base::Error> refusal_;     // stays until the next start
  std::optional<base::Error> trouble_;     // why it is not ready
  bool is_ready_ = false;                  // the index on the disk is this start's
};

}  // namespace blindai::model
