// The store over a model of a disk that remembers every operation, so that each state which a crash may leave behind
// can be tried, and over the real disk.
#include "model/model_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "base/byte_writer.h"
#include "encoding/hex.h"
#include "model/sealed_file.h"

namespace blindai::model {
namespace {

using base::Bytes;
using base::ByteView;
using base::Result;
using base::Status;

// ---- a disk

struct Node {
  Bytes content;
  std::size_t synced = 0;  // so much of it is on the disk
};
using Folder = std::map<std::string, std::shared_ptr<Node>>;

// What the kernel shows, and what is known to be on the disk.
class Disk {
 public:
  struct NameChange {
    enum Kind { kCreate, kRename, kRemove } kind;
    std::string name;
    std::string to;
    std::shared_ptr<Node> node;
  };

  Folder now;
  Folder synced;
  std::vector<NameChange> unsynced;
  int operations = 0;
  // This operation and all after it fail: the process was killed.
  int killed_at = -1;
  // Only this operation fails, as a full or broken disk does.
  int failing = -1;
  int failing_errno = ENOSPC;
  bool is_read_only = false;
  std::function<void()> before_each = [] {};

  Status Step(bool writes = true) {
    before_each();
    const int number = operations++;
    if (killed_at >= 0 && number >= killed_at) return StoreError(EIO);
    if (writes && is_read_only) return StoreError(EROFS);
    if (number == failing) return StoreError(failing_errno);
    return base::Ok();
  }

  // A disk after a crash: some of the names that were not synced, and some of the contents.
  Disk After(std::uint32_t names, int content_variant) const {
    Folder left;
    std::map<const Node*, std::shared_ptr<Node>> copies;
    const auto copy = [&](const std::shared_ptr<Node>& node) {
      auto& copied = copies[node.get()];
      if (!copied) {
        copied = std::make_shared<Node>();
        copied->content = Torn(*node, content_variant);
        copied->synced = copied->content.size();
      }
      return copied;
    };
    for (const auto& [name, node] : synced) left[name] = copy(node);
    for (std::size_t i = 0; i < unsynced.size(); ++i) {
      if (((names >> i) & 1) == 0) continue;
      const NameChange& change = unsynced[i];
      if (change.kind == NameChange::kCreate) left[change.name] = copy(change.node);
      if (change.kind == NameChange::kRemove) left.erase(change.name);
      if (change.kind == NameChange::kRename) {
        left[change.to] = copy(change.node);
        left.erase(change.name);
      }
    }
    Disk disk;
    disk.now = disk.synced = left;
    return disk;
  }
  static constexpr int kContentVariants = 5;

 private:
  // The content that was synced and, of the rest: nothing, all, zeros, its first sector, or all but its first sector.
  static Bytes Torn(const Node& node, int variant) {
    constexpr std::size_t kSector = 512;
    Bytes content = node.content;
    const std::size_t sector_end = std::min(content.size(), (node.synced / kSector + 1) * kSector);
    const auto at = [&](std::size_t offset) { return content.begin() + static_cast<std::ptrdiff_t>(offset); };
    if (variant == 0) content.resize(node.synced);
    if (variant == 2) std::fill(at(node.synced), content.end(), 0);
    if (variant == 3) content.resize(sector_end);
    if (variant == 4) std::fill(at(node.synced), at(sector_end), 0);
    return content;
  }
};

class DiskFiles final : public StoreFiles {
 public:
  explicit DiskFiles(Disk& disk) : disk_(disk) {}

  Result<std::unique_ptr<Output>> Create(const std::string& name) override {
    BLINDAI_RETURN_IF_ERROR(disk_.Step());
    if (disk_.now.contains(name)) return StoreError(EEXIST);
    auto node = std::make_shared<Node>();
    disk_.now[name] = node;
    disk_.unsynced.push_back({Disk::NameChange::kCreate, name, "", node});
    return std::unique_ptr<Output>(std::make_unique<File>(disk_, node));
  }
  Result<std::unique_ptr<Input>> OpenFile(const std::string& name) override {
    BLINDAI_RETURN_IF_ERROR(disk_.Step(false));
    const auto found = disk_.now.find(name);
    if (found == disk_.now.end()) return StoreError(ENOENT);
    return std::unique_ptr<Input>(std::make_unique<File>(disk_, found->second));
  }
  Status Rename(const std::string& from, const std::string& to) override {
    BLINDAI_RETURN_IF_ERROR(disk_.Step());
    const auto found = disk_.now.find(from);
    if (found == disk_.now.end()) return StoreError(ENOENT);
    disk_.unsynced.push_back({Disk::NameChange::kRename, from, to, found->second});
    disk_.now[to] = found->second;
    disk_.now.erase(from);
    return base::Ok();
  }
  Status Remove(const std::string& name) override {
    BLINDAI_RETURN_IF_ERROR(disk_.Step());
    if (disk_.now.erase(name) != 0) {
      disk_.unsynced.push_back({Disk::NameChange::kRemove, name, "", nullptr});
    }
    return base::Ok();
  }
  Status SyncFolder() override {
    BLINDAI_RETURN_IF_ERROR(disk_.Step());
    disk_.synced = disk_.now;
    disk_.unsynced.clear();
    return base::Ok();
  }
  Result<std::vector<Entry>> List() override {
    BLINDAI_RETURN_IF_ERROR(disk_.Step(false));
    std::vector<Entry> entries;
    for (const auto& [name, node] : disk_.now) entries.push_back({name, node->content.size()});
    return entries;
  }

 private:
  class File final : public Output, public Input {
   public:
    File(Disk& disk, std::shared_ptr<Node> node) : disk_(disk), node_(std::move(node)) {}
    Status Append(ByteView bytes) override {
      BLINDAI_RETURN_IF_ERROR(disk_.Step());
      node_->content.insert(node_->content.end(), bytes.begin(), bytes.end());
      return base::Ok();
    }
    Status Sync() override {
      BLINDAI_RETURN_IF_ERROR(disk_.Step());
      node_->synced = node_->content.size();
      return base::Ok();
    }
    Result<std::size_t> Read(std::span<std::uint8_t> out) override {
      BLINDAI_RETURN_IF_ERROR(disk_.Step(false));
      const std::size_t now = std::min(out.size(), node_->content.size() - at_);
      std::copy_n(node_->content.begin() + static_cast<std::ptrdiff_t>(at_), now, out.begin());
      at_ += now;
      return now;
    }

   private:
    Disk& disk_;
    const std::shared_ptr<Node> node_;
    std::size_t at_ = 0;
  };
  Disk& disk_;
};

// ---- models

// A counter that survives every crash.
class Counter final : public MonotonicCounter {
 public:
  Result<std::uint64_t> Read() override {
    if (is_broken) return base::MakeError(base::ErrorKind::kUnavailable, "store-counter", "broken");
    return value;
  }
  Status Increment() override {
    if (is_broken) return base::MakeError(base::ErrorKind::kUnavailable, "store-counter", "broken");
    ++value;
    return base::Ok();
  }
  std::uint64_t value = 40;
  bool is_broken = false;
};

base::SecretBytes Key(std::uint8_t fill = 7) { return base::SecretBytes(Bytes(kSealingKeyBytes, fill)); }

std::unique_ptr<ModelStore> OpenStore(Disk& disk, MonotonicCounter* counter = nullptr, std::uint8_t key = 7,
                                      std::uint64_t max_bytes = std::uint64_t{1} << 30) {
  return ModelStore::Open(std::make_unique<DiskFiles>(disk), Key(key),
                          {.max_bytes = max_bytes, .counter = counter});
}

std::shared_ptr<ModelFile> FileOf(std::string_view text) {
  auto file = ModelFile::Create(1 << 20);
  BLINDAI_CHECK(file.ok() && (*file)->Append(base::AsBytes(text)).ok() && (*file)->Seal().ok());
  return *file;
}
std::string TextOf(const ModelFile& file) {
  Bytes bytes(file.size());
  BLINDAI_CHECK(file.ReadAt(0, bytes).ok());
  return std::string(base::AsText(bytes));
}

std::string DetailsOf(std::string_view text) { return "details of " + std::string(text); }

StoredModel Model(const std::string& id, std::string_view text, std::uint64_t version,
                  const std::string& owner = "anna") {
  return {.id = id,
          .owner = owner,
          .version = version,
          .sha256_hex = "",
          .bytes = 0,
          .details = base::CopyBytes(base::AsBytes(DetailsOf(text)))};
}
Status Save(ModelStore& store, const std::string& id, std::string_view text, std::uint64_t version = 1,
            const std::vector<std::uint64_t>& instead_of = {}, const std::string& owner = "anna") {
  return store.Save(Model(id, text, version, owner), *FileOf(text), instead_of);
}
// Gives every version of a model these details.
Status Describe(ModelStore& store, const std::string& id, std::string_view details) {
  std::vector<StoredModel> models;
  for (StoredModel& model : store.List()) {
    if (model.id != id) continue;
    model.details = base::CopyBytes(base::AsBytes(details));
    models.push_back(std::move(model));
  }
  return store.Update(std::move(models));
}
std::string Load(const ModelStore& store, const std::string& id, std::uint64_t version = 1) {
  const auto file = store.Load(id, version);
  return file.ok() ? TextOf(**file) : file.error().code;
}
// "a@1": every version with its content, as a restart finds them, and with its details where they were changed.
std::map<std::string, std::string> Contents(const ModelStore& store) {
  std::map<std::string, std::string> contents;
  for (const StoredModel& model : store.List()) {
    std::string& content = contents[model.id + "@" + std::to_string(model.version)];
    content = Load(store, model.id, model.version);
    const bool is_loaded = !content.starts_with("model-");
    if (is_loaded && base::AsText(model.details) != DetailsOf(content))
      content += ", " + std::string(base::AsText(model.details));
  }
  return contents;
}
std::vector<std::string> ModelFiles(const Disk& disk) {
  std::vector<std::string> files;
  for (const auto& [name, node] : disk.now) {
    if (IsModelFileName(name)) files.push_back(name);
  }
  return files;
}
std::string RefusalOf(const ModelStore& store) {
  const auto refusal = store.refusal();
  return refusal ? refusal->code : "none";
}

using Contents_t = std::map<std::string, std::string>;

const std::string kLong(70'000, 'w');  // two chunks

// ---- use

TEST(ModelStore, WhatWasSavedIsThereAfterARestart) {
  Disk disk;
  {
    const auto store = OpenStore(disk);
    ASSERT_TRUE(Save(*store, "a", kLong, 3).ok());
    ASSERT_TRUE(Save(*store, "b", "two").ok());
  }
  const auto store = OpenStore(disk);
  EXPECT_EQ(RefusalOf(*store), "none");
  const auto models = store->List();
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].id, "a");
  EXPECT_EQ(models[0].owner, "anna");
  EXPECT_EQ(models[0].version, 3u);
  EXPECT_EQ(models[0].bytes, kLong.size());
  EXPECT_EQ(models[0].sha256_hex, FileOf(kLong)->sha256_hex());
  EXPECT_EQ(base::AsText(models[1].details), "details of two");
  EXPECT_FALSE(models[0].is_damaged);
  EXPECT_EQ(Load(*store, "a", 3), kLong);
  EXPECT_EQ(Load(*store, "a", 2), "model-not-stored");
  EXPECT_EQ(Load(*store, "c"), "model-not-stored");
}

TEST(ModelStore, NoFileHoldsANameOrAnythingOfAModel) {
  Disk disk;
  const auto store = OpenStore(disk);
  ASSERT_TRUE(Save(*store, "secret-name", "a secret weight").ok());
  for (const auto& [name, node] : disk.now) {
    for (const std::string_view word : {"secret", "weight", "anna", "details"}) {
      EXPECT_EQ(base::AsText(node->content).find(word), std::string_view::npos) << name << " " << word;
      EXPECT_EQ(name.find(word), std::string::npos);
    }
  }
}

TEST(ModelStore, ReplacingAndDeletingLeaveNoOldFileBehind) {
  Disk disk;
  const auto store = OpenStore(disk);
  ASSERT_TRUE(Save(*store, "a", "one").ok());
  ASSERT_TRUE(Save(*store, "a", "two").ok());
  EXPECT_EQ(Load(*store, "a"), "two");
  EXPECT_EQ(disk.now.size(), 2u);
  ASSERT_TRUE(Save(*store, "a", "three", 2, {1, 7}).ok());
  EXPECT_EQ(Contents(*store), (Contents_t{{"a@2", "three"}}));
  EXPECT_EQ(disk.now.size(), 2u);
  ASSERT_TRUE(store->Delete("a").ok());
  EXPECT_EQ(disk.now.size(), 1u);
  EXPECT_EQ(store->Delete("a").error().code, "model-not-stored");
  EXPECT_EQ(store->bytes(), 0u);
}

TEST(ModelStore, TheQuotaRefusesTheNewModelAndKeepsTheOld) {
  Disk disk;
  const auto store = OpenStore(disk, nullptr, 7, SealedFileBytes(kLong.size()) + 200);
  ASSERT_TRUE(Save(*store, "a", kLong).ok());
  EXPECT_EQ(Save(*store, "b", std::string(kLong.size(), 'u')).error().code, "store-quota");
  EXPECT_TRUE(Save(*store, "c", "small").ok());
  EXPECT_EQ(Load(*store, "a"), kLong);
}

// ---- versions

TEST(ModelStore, VersionsOfAModelLieBesideEachOtherAndGoOneByOneOrAllAtOnce) {
  Disk disk;
  const auto store = OpenStore(disk);
  for (const std::uint64_t version : {10, 2, 1}) {
    ASSERT_TRUE(Save(*store, "a", "a" + std::to_string(version), version).ok());
  }
  ASSERT_TRUE(Save(*store, "b", "b1").ok());
  EXPECT_EQ(store->Versions("a"), (std::vector<std::uint64_t>{1, 2, 10}));
  EXPECT_EQ(Contents(*OpenStore(disk)),
            (Contents_t{{"a@1", "a1"}, {"a@2", "a2"}, {"a@10", "a10"}, {"b@1", "b1"}}));
  ASSERT_TRUE(store->Delete("a", {2, 10, 77}).ok());
  EXPECT_EQ(Contents(*OpenStore(disk)), (Contents_t{{"a@1", "a1"}, {"b@1", "b1"}}));
  EXPECT_EQ(store->Delete("a", {2}).error().code, "model-not-stored");
  ASSERT_TRUE(Save(*store, "a", "a3", 3).ok());
  ASSERT_TRUE(store->Delete("a").ok());
  EXPECT_EQ(Contents(*OpenStore(disk)), (Contents_t{{"b@1", "b1"}}));
  EXPECT_EQ(ModelFiles(disk).size(), 1u);
  EXPECT_TRUE(store->Versions("a").empty());
}

TEST(ModelStore, AnIdHasOneOwner) {
  Disk disk;
  const auto store = OpenStore(disk);
  ASSERT_TRUE(Save(*store, "a", "one").ok());
  for (const std::uint64_t version : {1, 2}) {
    EXPECT_EQ(Save(*store, "a", "hers", version, {1}, "berta").error().code, "model-id-taken");
  }
  EXPECT_EQ(Contents(*store), (Contents_t{{"a@1", "one"}}));
  EXPECT_EQ(ModelFiles(disk).size(), 1u);
}

TEST(ModelStore, DetailsChangeForAllThatAreNamedOrForNone) {
  Disk disk;
  const auto store = OpenStore(disk);
  ASSERT_TRUE(Save(*store, "a", "one", 1).ok());
  ASSERT_TRUE(Save(*store, "a", "two", 2).ok());
  ASSERT_TRUE(Save(*store, "b", "three").ok());
  const std::vector<std::string> files = ModelFiles(disk);
  std::set<std::string> written;
  disk.before_each = [&] {
    for (const auto& change : disk.unsynced) written.insert(change.name);
  };
  ASSERT_TRUE(Describe(*store, "a", "stable").ok());
  // No model's file was touched.
  EXPECT_EQ(written, (std::set<std::string>{"index.sealed.new"}));
  EXPECT_EQ(ModelFiles(disk), files);
  const Contents_t described{{"a@1", "one, stable"}, {"a@2", "two, stable"}, {"b@1", "three"}};
  EXPECT_EQ(Contents(*OpenStore(disk)), described);

  std::vector<StoredModel> models = store->List();
  for (StoredModel& model : models) model.details = {1};
  const auto expect_refused = [&](auto&& bend, const std::string& code) {
    std::vector<StoredModel> bent = models;
    bend(bent.back());
    EXPECT_EQ(store->Update(std::move(bent)).error().code, code);
    EXPECT_EQ(Contents(*store), described);
    EXPECT_EQ(Contents(*OpenStore(disk)), described);
  };
  expect_refused([](StoredModel& model) { model.version = 2; }, "model-not-stored");
  expect_refused([](StoredModel& model) { model.id = "c"; }, "model-not-stored");
  expect_refused([](StoredModel& model) { model.owner = "berta"; }, "model-not-stored");
  expect_refused([](StoredModel& model) { model.sha256_hex = std::string(64, '0'); }, "model-not-stored");
  expect_refused([](StoredModel& model) { ++model.bytes; }, "model-not-stored");
  expect_refused([](StoredModel& model) { model.details.resize(kMaxStoreDetailsBytes + 1); },
                 "save-unsupported");
  EXPECT_TRUE(store->Update({}).ok());
}

// ---- the same bytes

TEST(ModelStore, TheSameBytesOfOneOwnerLieThereOnceAndCountOnce) {
  Disk disk;
  const auto store = OpenStore(disk, nullptr, 7, SealedFileBytes(kLong.size()) + 200);
  ASSERT_TRUE(Save(*store, "a", kLong).ok());
  const std::uint64_t bytes = store->bytes();
  ASSERT_TRUE(Save(*store, "a", kLong, 2).ok());
  ASSERT_TRUE(Save(*store, "b", kLong).ok());
  // In the place of itself, too.
  ASSERT_TRUE(Save(*store, "a", kLong, 2).ok());
  EXPECT_EQ(store->bytes(), bytes);
  EXPECT_EQ(ModelFiles(disk).size(), 1u);
  const Contents_t all{{"a@1", kLong}, {"a@2", kLong}, {"b@1", kLong}};
  EXPECT_EQ(Contents(*store), all);
  const auto again = OpenStore(disk);
  EXPECT_EQ(Contents(*again), all);
  EXPECT_EQ(again->bytes(), bytes);
}

TEST(ModelStore, AFileStaysAsLongAsSomethingNamesIt) {
  Disk disk;
  const auto store = OpenStore(disk);
  ASSERT_TRUE(Save(*store, "a", "same").ok());
  ASSERT_TRUE(Save(*store, "a", "same", 2).ok());
  ASSERT_TRUE(Save(*store, "b", "same").ok());
  ASSERT_TRUE(Save(*store, "a", "other", 3, {2}).ok());
  ASSERT_TRUE(store->Delete("a").ok());
  EXPECT_EQ(ModelFiles(disk).size(), 1u);
  EXPECT_EQ(Contents(*OpenStore(disk)), (Contents_t{{"b@1", "same"}}));
  ASSERT_TRUE(store->Delete("b").ok());
  EXPECT_TRUE(ModelFiles(disk).empty());
}

// That somebody else has a file must not show in how much is written for it, or counted.
TEST(ModelStore, TheSameBytesOfAnotherOwnerAreAnotherFile) {
  Disk disk;
  const auto store = OpenStore(disk);
  const auto operations_of = [&](const std::string& id, std::string_view text, const std::string& owner) {
    const int before = disk.operations;
    EXPECT_TRUE(Save(*store, id, text, 1, {}, owner).ok());
    return disk.operations - before;
  };
  operations_of("a", "weights", "anna");
  const std::uint64_t bytes = store->bytes();
  const int same = operations_of("b", "weights", "berta");
  EXPECT_EQ(store->bytes(), 2 * bytes);
  EXPECT_EQ(same, operations_of("c", "unknown", "berta"));
  // No account is one tenant of its own.
  EXPECT_EQ(same, operations_of("d", "weights", ""));
  EXPECT_EQ(ModelFiles(disk).size(), 4u);
  EXPECT_LT(operations_of("e", "weights", ""), same);
  EXPECT_EQ(ModelFiles(disk).size(), 4u);
}

TEST(ModelStore, ADamagedFileIsNotSharedAndTheNextUploadOfItsBytesHealsAllThatNamedIt) {
  for (const std::size_t at : {std::size_t{3}, kSealedHeaderBytes + 5, SealedFileBytes(kLong.size()) - 1}) {
    Disk disk;
    {
      const auto store = OpenStore(disk);
      ASSERT_TRUE(Save(*store, "a", kLong).ok());
      ASSERT_TRUE(Save(*store, "a", kLong, 2).ok());
    }
    disk.now.at(ModelFiles(disk)[0])->content[at] ^= 1;
    const auto store = OpenStore(disk);
    EXPECT_EQ(store->List()[1].is_damaged, at < kSealedHeaderBytes) << at;
    // Nobody has read it yet: the upload itself finds out.
    ASSERT_TRUE(Save(*store, "b", kLong).ok());
    const Contents_t healed{{"a@1", kLong}, {"a@2", kLong}, {"b@1", kLong}};
    EXPECT_EQ(Contents(*store), healed) << at;
    for (const StoredModel& model : store->List()) EXPECT_FALSE(model.is_damaged);
    EXPECT_EQ(Contents(*OpenStore(disk)), healed) << at;
    EXPECT_EQ(ModelFiles(disk).size(), 1u);
  }
}

TEST(ModelStore, WhatALoadFoundDamagedIsListedSo) {
  Disk disk;
  const auto store = OpenStore(disk);
  ASSERT_TRUE(Save(*store, "a", kLong).ok());
  ASSERT_TRUE(Save(*store, "b", kLong).ok());
  disk.now.at(ModelFiles(disk)[0])->content.back() ^= 1;
  EXPECT_FALSE(store->List()[0].is_damaged);
  EXPECT_EQ(Load(*store, "a"), "model-damaged");
  EXPECT_TRUE(store->List()[0].is_damaged);
  EXPECT_TRUE(store->List()[1].is_damaged);
  ASSERT_TRUE(Save(*store, "b", kLong).ok());
  EXPECT_FALSE(store->List()[0].is_damaged);
  EXPECT_EQ(Load(*store, "a"), kLong);
}

// ---- at the same time

// Does something once, at the first operation on the disk for which it is time.
void Once(Disk& disk, std::function<bool()> is_time, std::function<void()> act) {
  disk.before_each = [&disk, is_time = std::move(is_time), act = std::move(act)] {
    if (!is_time()) return;
    const auto now = std::exchange(disk.before_each, [] {});
    act();
  };
}

// At each of the five operations that open and read its two chunks.
TEST(ModelStoreAtTheSameTime, AFileThatIsDeletedWhileItIsReadToBeSharedIsNotNamed) {
  for (const bool comes_again : {false, true}) {
    for (int at = 1; at <= 5; ++at) {
      Disk disk;
      const auto store = OpenStore(disk);
      ASSERT_TRUE(Save(*store, "a", kLong).ok());
      Once(
          disk, [operation = 0, at]() mutable { return ++operation == at; },
          [&] {
            ASSERT_TRUE(store->Delete("a").ok());
            if (comes_again) {
              ASSERT_TRUE(Save(*store, "a", kLong).ok());
            }
          });
      ASSERT_TRUE(Save(*store, "b", kLong).ok());
      Contents_t wanted{{"b@1", kLong}};
      if (comes_again) wanted["a@1"] = kLong;
      EXPECT_EQ(Contents(*store), wanted) << at;
      EXPECT_EQ(Contents(*OpenStore(disk)), wanted) << at;
      EXPECT_EQ(ModelFiles(disk).size(), 1u) << at;
    }
  }
}

TEST(ModelStoreAtTheSameTime, TwoSavesOfTheSameBytesLeaveOneFile) {
  Disk disk;
  const auto store = OpenStore(disk);
  Once(
      disk, [&] { return !ModelFiles(disk).empty(); }, [&] { ASSERT_TRUE(Save(*store, "b", kLong).ok()); });
  ASSERT_TRUE(Save(*store, "a", kLong).ok());
  EXPECT_EQ(Contents(*store), (Contents_t{{"a@1", kLong}, {"b@1", kLong}}));
  EXPECT_EQ(ModelFiles(disk).size(), 1u);
  EXPECT_EQ(store->bytes(), SealedFileBytes(kLong.size()));
}

TEST(ModelStoreAtTheSameTime, ALoadWhoseFileIsRemovedFindsTheNewOneOrNone) {
  Disk disk;
  const auto store = OpenStore(disk);
  ASSERT_TRUE(Save(*store, "a", "one").ok());
  Once(
      disk, [] { return true; }, [&] { ASSERT_TRUE(Save(*store, "a", "two").ok()); });
  EXPECT_EQ(Load(*store, "a"), "two");
  EXPECT_FALSE(store->List()[0].is_damaged);
  Once(
      disk, [] { return true; }, [&] { ASSERT_TRUE(store->Delete("a").ok()); });
  EXPECT_EQ(Load(*store, "a"), "model-not-stored");
}

// ---- crashes

// Saves, replaces, shares, describes and deletes. `kStates[i]` is what is acknowledged after i steps.
const std::vector<std::function<Status(ModelStore&)>> kSteps = {
    [](ModelStore& store) { return Save(store, "a", "one"); },
    [](ModelStore& store) { return Save(store, "b", kLong); },
    [](ModelStore& store) { return Save(store, "a", "two", 2, {1}); },
    [](ModelStore& store) { return Save(store, "a", kLong, 3); },
    [](ModelStore& store) { return Describe(store, "a", "stable"); },
    [](ModelStore& store) { return store.Delete("b"); },
    [](ModelStore& store) {
      return Save(store, "a", "three", 4, {2, 3});
    },
    [](ModelStore& store) { return Save(store, "b", "three"); },
    [](ModelStore& store) { return store.Delete("a", {4}); },
};
const std::vector<Contents_t> kStates = {
    {},
    {{"a@1", "one"}},
    {{"a@1", "one"}, {"b@1", kLong}},
    {{"a@2", "two"}, {"b@1", kLong}},
    {{"a@2", "two"}, {"a@3", kLong}, {"b@1", kLong}},
    {{"a@2", "two, stable"}, {"a@3", kLong + ", stable"}, {"b@1", kLong}},
    {{"a@2", "two, stable"}, {"a@3", kLong + ", stable"}},
    {{"a@4", "three"}},
    {{"a@4", "three"}, {"b@1", "three"}},
    {{"b@1", "three"}},
};

// Opens the store and runs the steps until one fails; how many were acknowledged.
std::size_t RunSteps(Disk& disk, MonotonicCounter* counter) {
  const auto store = OpenStore(disk, counter);
  for (std::size_t done = 0; done < kSteps.size(); ++done) {
    if (!kSteps[done](*store).ok()) return done;
  }
  return kSteps.size();
}

// After a crash the store has what was acknowledged, or what was being done as well; and it can be used.
void ExpectWhole(Disk disk, const Counter& counter_then, bool counted, std::size_t acknowledged,
                 const std::string& where) {
  Counter counter = counter_then;
  const auto store = OpenStore(disk, counted ? &counter : nullptr);
  ASSERT_EQ(RefusalOf(*store), "none") << where;
  const Contents_t contents = Contents(*store);
  const bool is_old = contents == kStates[acknowledged];
  const bool is_new = acknowledged + 1 < kStates.size() && contents == kStates[acknowledged + 1];
  ASSERT_TRUE(is_old || is_new) << where;
  for (const StoredModel& model : store->List()) ASSERT_FALSE(model.is_damaged) << where;
  // Leftovers of the crash are gone: the index, and one file for each content.
  std::set<std::string> files;
  for (const auto& [version, content] : contents) files.insert(content.substr(0, content.find(',')));
  ASSERT_EQ(disk.now.size(), 1 + files.size()) << where;
  ASSERT_TRUE(Save(*store, "new", "later").ok()) << where;
}

void ExpectWholeAfterEveryCrash(const Disk& disk, const Counter& counter, bool counted,
                                std::size_t acknowledged, const std::string& where,
                                int content_variants = Disk::kContentVariants) {
  const std::uint32_t subsets = 1u << disk.unsynced.size();
  for (std::uint32_t names = 0; names < subsets; ++names) {
    for (int content = 0; content < content_variants; ++content) {
      ExpectWhole(disk.After(names, content), counter, counted, acknowledged,
                  where + ", names " + std::to_string(names) + ", content " + std::to_string(content));
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

class CrashTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(WithAndWithoutACounter, CrashTest, ::testing::Bool(),
                         [](const auto& run) { return run.param ? "Counted" : "Uncounted"; });

TEST_P(CrashTest, AfterAPowerFailureAtAnyMomentEverythingAcknowledgedIsThere) {
  Disk whole;
  Counter unused;
  ASSERT_EQ(RunSteps(whole, GetParam() ? &unused : nullptr), kSteps.size());
  for (int at = 0; at <= whole.operations; ++at) {
    Disk disk;
    disk.killed_at = at;
    Counter counter;
    const std::size_t acknowledged = RunSteps(disk, GetParam() ? &counter : nullptr);
    ExpectWholeAfterEveryCrash(disk, counter, GetParam(), acknowledged, "operation " + std::to_string(at));
    if (HasFatalFailure()) return;
  }
}

TEST(CrashDuringStart, AKillAtAnyMomentAndAPowerFailureDuringTheNextStartLoseNothing) {
  Disk whole;
  Counter unused;
  ASSERT_EQ(RunSteps(whole, &unused), kSteps.size());
  for (int at = 0; at <= whole.operations; ++at) {
    // What the kernel shows to the next start does not change by a kill.
    for (int second = 0;; ++second) {
      Disk disk;
      disk.killed_at = at;
      Counter counter;
      const std::size_t acknowledged = RunSteps(disk, &counter);
      const int before = disk.operations;
      disk.killed_at = before + second;
      OpenStore(disk, &counter);
      const bool is_complete = disk.operations <= disk.killed_at;
      ExpectWholeAfterEveryCrash(
          disk, counter, true, acknowledged,
          "operation " + std::to_string(at) + ", then operation " + std::to_string(second), 2);
      if (HasFatalFailure()) return;
      if (is_complete) break;
    }
  }
}

TEST(ModelStore, WhenOneOperationFailsNothingAcknowledgedIsLostAndNothingIsHalf) {
  Disk whole;
  ASSERT_EQ(RunSteps(whole, nullptr), kSteps.size());
  for (const int error : {ENOSPC, EIO, EDQUOT, EROFS}) {
    for (int at = 0; at < whole.operations; ++at) {
      Disk disk;
      disk.failing = at;
      disk.failing_errno = error;
      Contents_t shown;
      std::optional<std::size_t> in_doubt;  // the step after which the store wants to be opened anew
      {
        const auto store = OpenStore(disk);
        if (RefusalOf(*store) != "none") in_doubt = 0;
        for (std::size_t step = 0; step < kSteps.size(); ++step) {
          const bool is_done = kSteps[step](*store).ok();
          // An error means: not done, or not surely done. The models stay usable as they were or as they are wanted.
          shown = Contents(*store);
          for (const auto& [version, content] : shown) {
            ASSERT_TRUE(is_done || !content.starts_with("model-")) << at << " " << step << content;
          }
          if (RefusalOf(*store) == "none") {
            in_doubt.reset();
          } else if (!in_doubt) {
            in_doubt = step;
          }
        }
      }
      disk.failing = -1;
      const auto store = OpenStore(disk);
      ASSERT_EQ(RefusalOf(*store), "none") << at;
      const Contents_t contents = Contents(*store);
      if (in_doubt) {
        ASSERT_TRUE(contents == kStates[*in_doubt] || contents == kStates[*in_doubt + 1]) << at;
      } else {
        ASSERT_EQ(contents, shown) << at;
      }
    }
  }
}

TEST(ModelStore, AFullDiskRefusesTheNewModelAndServesTheOld) {
  Disk disk;
  const auto store = OpenStore(disk);
  ASSERT_TRUE(Save(*store, "a", "one").ok());
  const std::size_t files = disk.now.size();
  disk.failing = disk.operations + 1;
  EXPECT_EQ(Save(*store, "b", "two").error().code, "store-full");
  EXPECT_EQ(disk.now.size(), files);
  EXPECT_EQ(Contents(*store), (Contents_t{{"a@1", "one"}}));
  // Room again: no restart is needed.
  EXPECT_TRUE(Save(*store, "b", "two").ok());
}

TEST(ModelStore, AReadOnlyDiskServesWhatIsThere) {
  Disk disk;
  ASSERT_TRUE(Save(*OpenStore(disk), "a", "one").ok());
  disk.is_read_only = true;
  const auto store = OpenStore(disk);
  EXPECT_EQ(RefusalOf(*store), "store-read-only");
  EXPECT_EQ(Contents(*store), (Contents_t{{"a@1", "one"}}));
  EXPECT_EQ(Save(*store, "b", "two").error().code, "store-read-only");
  EXPECT_EQ(store->Delete("a").error().code, "store-read-only");
  EXPECT_EQ(Load(*store, "a"), "one");
  // And once it can be written again, it is.
  disk.is_read_only = false;
  EXPECT_TRUE(Save(*store, "b", "two").ok());
  EXPECT_EQ(RefusalOf(*store), "none");
}

// ---- a disk that is not trusted

class HostileDiskTest : public ::testing::Test {
 protected:
  HostileDiskTest() {
    const auto store = OpenStore(disk_);
    BLINDAI_CHECK(Save(*store, "a", "one").ok());
    for (const auto& [name, node] : disk_.now) {
      if (IsModelFileName(name)) a_ = name;
    }
    BLINDAI_CHECK(Save(*store, "b", "two").ok());
    for (const auto& [name, node] : disk_.now) {
      if (IsModelFileName(name) && name != a_) b_ = name;
    }
  }
  Bytes& File(const std::string& name) { return disk_.now.at(name)->content; }
  Disk Copy() const { return disk_.After(0, 1); }

  Disk disk_;
  std::string a_, b_;  // file names
};

TEST_F(HostileDiskTest, EveryChangedByteOfAModelsFileIsNoticedAndTheOtherModelServes) {
  const Bytes good = File(a_);
  for (std::size_t at = 0; at < good.size(); ++at) {
    File(a_) = good;
    File(a_)[at] ^= 1;
    const auto store = OpenStore(disk_);
    ASSERT_EQ(Load(*store, "a"), "model-damaged") << at;
    ASSERT_EQ(Load(*store, "b"), "two") << at;
    if (at < kSealedHeaderBytes) {
      ASSERT_TRUE(store->List()[0].is_damaged) << at;
    }
  }
}

TEST_F(HostileDiskTest, EveryChangedByteOfTheIndexIsNoticedAndNothingIsOverwritten) {
  const Bytes good = File("index.sealed");
  for (std::size_t at = 0; at < good.size(); ++at) {
    File("index.sealed") = good;
    File("index.sealed")[at] ^= 1;
    const Bytes bad = File("index.sealed");
    const auto store = OpenStore(disk_);
    ASSERT_EQ(RefusalOf(*store), "store-index") << at;
    ASSERT_TRUE(store->List().empty());
    ASSERT_EQ(Save(*store, "c", "three").error().code, "store-index");
    ASSERT_EQ(File("index.sealed"), bad);
    ASSERT_EQ(disk_.now.size(), 3u);
  }
  File("index.sealed") = good;
  EXPECT_EQ(Contents(*OpenStore(disk_)), (Contents_t{{"a@1", "one"}, {"b@1", "two"}}));
}

TEST_F(HostileDiskTest, EveryTruncationOfTheIndexIsNoticed) {
  const Bytes good = File("index.sealed");
  for (std::size_t size = 0; size < good.size(); ++size) {
    File("index.sealed").assign(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_EQ(RefusalOf(*OpenStore(disk_)), "store-index") << size;
  }
}

TEST_F(HostileDiskTest, SwappedFilesAreNoticed) {
  std::swap(File(a_), File(b_));
  const auto store = OpenStore(disk_);
  EXPECT_TRUE(store->List()[0].is_damaged);
  EXPECT_EQ(Load(*store, "a"), "model-damaged");
  EXPECT_EQ(Load(*store, "b"), "model-damaged");
}

TEST_F(HostileDiskTest, EveryChangedByteOfASharedFileIsNoticedByAllThatNameIt) {
  ASSERT_TRUE(Save(*OpenStore(disk_), "a", "two", 2).ok());
  const Bytes good = File(b_);
  for (std::size_t at = 0; at < good.size(); ++at) {
    File(b_) = good;
    File(b_)[at] ^= 1;
    const auto store = OpenStore(disk_);
    ASSERT_EQ(Load(*store, "a"), "one") << at;
    ASSERT_EQ(Load(*store, "a", 2), "model-damaged") << at;
    ASSERT_EQ(Load(*store, "b"), "model-damaged") << at;
  }
}

TEST_F(HostileDiskTest, TheSameBytesOfAnotherOwnerInTheFilesPlaceAreNoticed) {
  ASSERT_TRUE(Save(*OpenStore(disk_), "c", "one", 1, {}, "berta").ok());
  for (const std::string& name : ModelFiles(disk_)) {
    if (name != a_ && name != b_) File(a_) = File(name);
  }
  const auto store = OpenStore(disk_);
  EXPECT_TRUE(store->List()[0].is_damaged);
  EXPECT_EQ(Load(*store, "a"), "model-damaged");
  EXPECT_EQ(Load(*store, "c"), "one");
}

TEST_F(HostileDiskTest, AnOlderVersionOfAModelIsNoticed) {
  const Bytes old = File(a_);
  ASSERT_TRUE(Save(*OpenStore(disk_), "a", "ONE", 2, {1}).ok());
  for (const auto& [name, node] : disk_.now) {
    if (IsModelFileName(name) && name != b_) node->content = old;
  }
  EXPECT_EQ(Load(*OpenStore(disk_), "a", 2), "model-damaged");
}

TEST_F(HostileDiskTest, AnOlderFileOfTheSameNameVersionAndLengthIsNoticed) {
  const Bytes old = File(a_);
  const auto store = OpenStore(disk_);
  ASSERT_TRUE(store->Delete("a").ok());
  ASSERT_TRUE(Save(*store, "a", "ONE").ok());
  for (const auto& [name, node] : disk_.now) {
    if (IsModelFileName(name) && name != b_) node->content = old;
  }
  EXPECT_EQ(Load(*OpenStore(disk_), "a"), "model-damaged");
}

TEST_F(HostileDiskTest, AMissingModelFileIsReportedAndTheOwnerMayReplaceIt) {
  disk_.now.erase(a_);
  const auto store = OpenStore(disk_);
  EXPECT_TRUE(store->List()[0].is_damaged);
  EXPECT_EQ(Load(*store, "a"), "model-damaged");
  EXPECT_EQ(Load(*store, "b"), "two");
  ASSERT_TRUE(Save(*store, "a", "again", 2, {1}).ok());
  EXPECT_EQ(Contents(*store), (Contents_t{{"a@2", "again"}, {"b@1", "two"}}));
}

TEST_F(HostileDiskTest, AMissingIndexBesideModelsIsNoticed) {
  disk_.now.erase("index.sealed");
  const auto store = OpenStore(disk_);
  EXPECT_EQ(RefusalOf(*store), "store-index");
  EXPECT_TRUE(disk_.now.contains(a_));
}

TEST_F(HostileDiskTest, AStoreOfAnotherMeasurementOrPlatformIsLeftAlone) {
  const auto store = OpenStore(disk_, nullptr, 8);
  EXPECT_EQ(RefusalOf(*store), "store-index");
  EXPECT_EQ(disk_.now.size(), 3u);
  EXPECT_EQ(Contents(*OpenStore(disk_)).size(), 2u);
}

TEST_F(HostileDiskTest, ForeignFilesAreLeftAlone) {
  disk_.now["notes.txt"] = std::make_shared<Node>();
  disk_.now["m-0.sealed"] = std::make_shared<Node>();
  const auto store = OpenStore(disk_);
  EXPECT_EQ(Contents(*store).size(), 2u);
  EXPECT_TRUE(disk_.now.contains("notes.txt"));
  EXPECT_TRUE(disk_.now.contains("m-0.sealed"));
}

// The honest half: without a counter of the platform nothing tells an older copy from the newest.
TEST_F(HostileDiskTest, WithoutACounterAnOlderCopyOfTheWholeStorePasses) {
  Disk old = Copy();
  ASSERT_TRUE(OpenStore(disk_)->Delete("a").ok());
  EXPECT_EQ(Contents(*OpenStore(old)), (Contents_t{{"a@1", "one"}, {"b@1", "two"}}));
}

TEST(CountedStore, AnOlderCopyOfTheWholeStoreIsNoticed) {
  Disk disk;
  Counter counter;
  const auto store = OpenStore(disk, &counter);
  std::vector<Disk> older;
  for (const auto& step : kSteps) {
    older.push_back(disk.After(0, 1));
    ASSERT_TRUE(step(*store).ok());
  }
  for (std::size_t i = 0; i < older.size(); ++i) {
    const auto rolled_back = OpenStore(older[i], &counter);
    EXPECT_EQ(RefusalOf(*rolled_back), "store-rolled-back") << i;
    EXPECT_TRUE(rolled_back->List().empty());
  }
  EXPECT_EQ(Contents(*OpenStore(disk, &counter)), kStates.back());
}

TEST(CountedStore, WhatAnInterruptedSaveLeftCannotComeBackLater) {
  Disk disk;
  Counter counter;
  { ASSERT_TRUE(Save(*OpenStore(disk, &counter), "a", "one").ok()); }
  // Killed with the new index complete under its temporary name.
  Disk killed = disk.After(0, 1);
  killed.before_each = [&killed] {
    const bool is_written =
        killed.now.contains("index.sealed.new") && killed.now["index.sealed.new"]->synced > 0;
    if (is_written && killed.killed_at < 0 && killed.now.size() > 3) killed.killed_at = killed.operations;
  };
  {
    const auto store = OpenStore(killed, &counter);
    ASSERT_FALSE(Save(*store, "b", "never acknowledged").ok());
  }
  ASSERT_TRUE(killed.now.contains("index.sealed.new"));
  Disk attack = killed.After(~0u, 1);
  attack.now["index.sealed"] = attack.now["index.sealed.new"];

  // The next start is enough.
  Disk next = killed.After(~0u, 1);
  ASSERT_EQ(RefusalOf(*OpenStore(next, &counter)), "none");
  EXPECT_EQ(RefusalOf(*OpenStore(attack, &counter)), "store-rolled-back");
}

TEST(CountedStore, AStoreWithoutACountIsNotTakenWhereThereIsACounter) {
  Disk disk;
  ASSERT_TRUE(Save(*OpenStore(disk), "a", "one").ok());
  Counter counter;
  EXPECT_EQ(RefusalOf(*OpenStore(disk, &counter)), "store-rolled-back");
}

TEST(CountedStore, ACounterThatFailsStopsSavingAndNothingIsAcknowledged) {
  Disk disk;
  Counter counter;
  const auto store = OpenStore(disk, &counter);
  ASSERT_TRUE(Save(*store, "a", "one").ok());
  counter.is_broken = true;
  EXPECT_EQ(Save(*store, "b", "two").error().code, "store-counter");
  EXPECT_EQ(Load(*store, "a"), "one");
  EXPECT_EQ(RefusalOf(*OpenStore(disk, &counter)), "store-counter");
  counter.is_broken = false;
  EXPECT_EQ(RefusalOf(*OpenStore(disk, &counter)), "none");
}

// ---- the store of an older server

// A sealed file as any server writes it.
std::shared_ptr<Node> SealedNode(const SealedIdentity& identity, ByteView content) {
  auto node = std::make_shared<Node>();
  const auto write = [&node](ByteView bytes) {
    node->content.insert(node->content.end(), bytes.begin(), bytes.end());
    return base::Ok();
  };
  auto writer = SealedWriter::Begin(write, Key(), identity, content.size());
  BLINDAI_CHECK(writer.ok() && writer->Append(content).ok() && writer->Finish().ok());
  node->synced = node->content.size();
  return node;
}

// Format 1 (docs/formats/sealed_file.md): one version of each id, each file sealed under id, owner and version.
class OlderServersDiskTest : public ::testing::Test {
 protected:
  OlderServersDiskTest() {
    base::ByteWriter index;
    index.U32(1).U8(0).U64(0).U32(2);
    Add(index, "a", 5, "one", 'a');
    Add(index, "b", 1, "one", 'b');
    disk_.now["index.sealed"] = SealedNode({"index of the model store", "", 1}, index.view());
    disk_.synced = disk_.now;
  }
  void Add(base::ByteWriter& index, std::string_view id, std::uint64_t version, std::string_view text,
           char digit) {
    const auto sized = [&](std::string_view field) {
      index.U32(static_cast<std::uint32_t>(field.size())).Append(field);
    };
    sized(id);
    sized("anna");
    const std::string digits(32, digit);
    index.U64(version).U64(text.size());
    index.Append(*encoding::HexDecode(FileOf(text)->sha256_hex())).Append(*encoding::HexDecode(digits));
    sized(DetailsOf(text));
    disk_.now["m-" + digits + ".sealed"] =
        SealedNode({std::string(id), "anna", version}, base::AsBytes(text));
  }
  Disk disk_;
};

const Contents_t kOldContents{{"a@5", "one"}, {"b@1", "one"}};

TEST_F(OlderServersDiskTest, IsReadAndItsIndexIsWrittenAnewAtOnce) {
  const Bytes before = disk_.now["index.sealed"]->content;
  const auto store = OpenStore(disk_);
  EXPECT_EQ(RefusalOf(*store), "none");
  for (const StoredModel& model : store->List()) EXPECT_FALSE(model.is_damaged);
  EXPECT_EQ(Contents(*store), kOldContents);
  // How each of the two files is sealed.
  EXPECT_EQ(disk_.now["index.sealed"]->content.size(), before.size() + 2);
  EXPECT_EQ(Contents(*OpenStore(disk_)), kOldContents);
  EXPECT_EQ(ModelFiles(disk_).size(), 2u);
}

TEST_F(OlderServersDiskTest, SwappedFilesAreNoticed) {
  std::swap(disk_.now["m-" + std::string(32, 'a') + ".sealed"],
            disk_.now["m-" + std::string(32, 'b') + ".sealed"]);
  EXPECT_EQ(Contents(*OpenStore(disk_)), (Contents_t{{"a@5", "model-damaged"}, {"b@1", "model-damaged"}}));
}

TEST_F(OlderServersDiskTest, ItsFilesAreNotSharedUntilTheirBytesAreSavedAgain) {
  const auto store = OpenStore(disk_);
  EXPECT_EQ(ModelFiles(disk_).size(), 2u);
  ASSERT_TRUE(Describe(*store, "a", "stable").ok());
  EXPECT_EQ(ModelFiles(disk_).size(), 2u);
  ASSERT_TRUE(Save(*store, "c", "one").ok());
  EXPECT_EQ(ModelFiles(disk_).size(), 1u);
  EXPECT_EQ(Contents(*OpenStore(disk_)),
            (Contents_t{{"a@5", "one, stable"}, {"b@1", "one"}, {"c@1", "one"}}));
}

TEST_F(OlderServersDiskTest, AfterAPowerFailureAtAnyMomentOfTheFirstStartItIsRead) {
  Disk whole = disk_.After(0, 1);
  OpenStore(whole);
  for (int at = 0; at <= whole.operations; ++at) {
    Disk disk = disk_.After(0, 1);
    disk.killed_at = at;
    OpenStore(disk);
    for (std::uint32_t names = 0; names < 1u << disk.unsynced.size(); ++names) {
      for (int content = 0; content < Disk::kContentVariants; ++content) {
        Disk after = disk.After(names, content);
        ASSERT_EQ(Contents(*OpenStore(after)), kOldContents) << at << " " << names << " " << content;
      }
    }
  }
}

// ---- the real disk

class RealDiskTest : public ::testing::Test {
 protected:
  RealDiskTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "blindai-store-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~RealDiskTest() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<ModelStore> Open() {
    auto files = PosixStoreFiles::Open(folder_);
    BLINDAI_CHECK(files.ok());
    return ModelStore::Open(std::move(*files), Key(), {});
  }
  std::filesystem::path folder_;
};

TEST_F(RealDiskTest, SavesReplacesLoadsAndDeletes) {
  {
    const auto store = Open();
    ASSERT_TRUE(Save(*store, "a", kLong).ok());
    ASSERT_TRUE(Save(*store, "b", "two").ok());
    ASSERT_TRUE(Save(*store, "b", "three", 2, {1}).ok());
    ASSERT_TRUE(Save(*store, "b", kLong, 3).ok());
    ASSERT_TRUE(Describe(*store, "b", "stable").ok());
    ASSERT_TRUE(store->Delete("a").ok());
  }
  EXPECT_EQ(Contents(*Open()), (Contents_t{{"b@2", "three, stable"}, {"b@3", kLong + ", stable"}}));
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    struct stat about {};
    ASSERT_EQ(stat(entry.path().c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 077, 0u) << entry.path();
  }
}

TEST_F(RealDiskTest, ThreadsThatSaveLoadAndDeleteTheSameBytesNeverMeetADamagedFile) {
  {
    const auto store = Open();
    std::vector<std::thread> threads;
    for (const std::string id : {"a", "b", "c", "d"}) {
      threads.emplace_back([&store, id] {
        for (std::uint64_t version = 1; version <= 20; ++version) {
          EXPECT_TRUE(Save(*store, id, kLong, version, {version - 1}).ok());
          EXPECT_EQ(Load(*store, id, version), kLong);
          if (version % 3 == 0) {
            EXPECT_TRUE(store->Delete(id).ok());
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(Contents(*Open()),
            (Contents_t{{"a@20", kLong}, {"b@20", kLong}, {"c@20", kLong}, {"d@20", kLong}}));
  EXPECT_EQ(std::ranges::distance(std::filesystem::directory_iterator(folder_)), 2);  // index and model
}

TEST_F(RealDiskTest, LinksPipesAndFoldersInThePlaceOfFilesAreNoHindrance) {
  std::string model_file;
  {
    const auto store = Open();
    ASSERT_TRUE(Save(*store, "a", "one").ok());
    ASSERT_TRUE(Save(*store, "b", "two").ok());
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (IsModelFileName(entry.path().filename().string())) model_file = entry.path();
  }
  const auto expect_one_damaged = [&] {
    const auto store = Open();
    int damaged = 0;
    for (const auto& [id, content] : Contents(*store)) damaged += content == "model-damaged" ? 1 : 0;
    EXPECT_EQ(damaged, 1);
    EXPECT_EQ(RefusalOf(*store), "none");
  };
  std::filesystem::rename(model_file, folder_ / "moved");
  std::filesystem::create_symlink(folder_ / "moved", model_file);
  expect_one_damaged();
  std::filesystem::remove(model_file);
  ASSERT_EQ(mkfifo(model_file.c_str(), 0600), 0);
  expect_one_damaged();
  std::filesystem::remove(model_file);
  std::filesystem::create_directory(model_file);
  expect_one_damaged();
}

}  // namespace
}  // namespace blindai::model
