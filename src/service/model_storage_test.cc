// Models that survive a restart and workers that come and go, with the real worker program, engine and disk.
#include "service/model_storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>

#include "model/sealed_file.h"
#include "service/delete_model.h"
#include "service/run_model.h"
#include "service/upload_model.h"
#include "support/onnx_builder.h"
#include "support/paths.h"

namespace blindai::service {
namespace {

using base::Result;
using base::Status;
using vocabulary::Datatype;
using vocabulary::ModelId;
using vocabulary::Tensor;

const Caller kAnna{"anna", 1, true, true};
const Caller kBert{"bert", 2, true, true};

ModelId Id(std::string_view text) { return *ModelId::Parse(text); }

// y = factor · x, for two numbers.
base::Bytes ScalingModel(float factor) {
  tests::OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {2}).Output("y", tests::kOnnxFloat, {2});
  graph.Initializer(tests::FloatTensor("f", {1}, {factor}));
  graph.Node(tests::OnnxNode("Mul", {"x", "f"}, {"y"}));
  return tests::OnnxModel(graph).Opset(17).Bytes();
}

// What an upload of a small model is expected to need.
constexpr std::uint64_t kSmallModelBytes = std::uint64_t{65} << 20;

class ModelStorageTest : public ::testing::Test {
 protected:
  ModelStorageTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "blindai-store-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    options_.worker.worker_program = tests::ProgramsDir() / "blindai-worker";
    options_.worker.threads = 1;
    Start();
  }
  ~ModelStorageTest() override {
    Stop();
    std::filesystem::remove_all(folder_);
  }

  // A server's life.
  void Start(CatalogueLimits limits = {}) {
    limits.now = [this] { return now_; };
    catalogue_ = std::make_unique<ModelCatalogue>(limits);
    auto files = model::PosixStoreFiles::Open(folder_);
    BLINDAI_CHECK(files.ok());
    storage_ = std::make_unique<ModelStorage>(
        model::ModelStore::Open(std::move(*files), base::SecretBytes(base::Bytes(model::kSealingKeyBytes, 7)),
                                {}),
        *catalogue_);
    restored_ = storage_->Restore(options_.worker);
  }
  void Stop() {
    for (const auto& served : catalogue_->RemoveAll()) {
      std::promise<void> stopped;
      served->host->Stop([&] { stopped.set_value(); });
      stopped.get_future().wait();
    }
    storage_.reset();
    catalogue_.reset();
  }
  void Restart(CatalogueLimits limits = {}) {
    Stop();
    Start(limits);
  }

  Result<ModelRecord> Upload(UploadRequest request, float factor, const Caller& caller = kAnna) {
    const base::Bytes file = ScalingModel(factor);
    BLINDAI_TRY(auto upload, ModelUpload::Begin(*catalogue_, options_, caller, std::move(request)));
    BLINDAI_RETURN_IF_ERROR(upload->Feed(file));
    std::promise<Result<ModelRecord>> record;
    ModelUpload::Finish(std::move(upload),
                        [&](Result<ModelRecord> result) { record.set_value(std::move(result)); });
    return record.get_future().get();
  }
  std::string Save(std::string_view id, float factor, const Caller& caller = kAnna) {
    const auto record = Upload({.id = Id(id), .save = true}, factor, caller);
    return record.ok() ? "ok" : record.error().code;
  }
  // "3": the first number that the model makes of 1; or the code of the error.
  std::string Run(std::string_view id, const Caller& caller = kAnna, std::string_view version = "") {
    std::vector<Tensor> inputs;
    base::Bytes data(8);
    const float values[] = {1, 2};
    std::memcpy(data.data(), values, 8);
    inputs.push_back({"x", Datatype::kFp32, {2}, data});
    std::promise<Result<RunDone>> done;
    const auto found = catalogue_->Find(caller, Id(id), version);
    if (!found.ok()) return found.error().code;
    RunModel(*found, caller, RunRequest::Of(std::move(inputs)),
             [&](Result<RunDone> result) { done.set_value(std::move(result)); });
    const Result<RunDone> result = done.get_future().get();
    if (!result.ok()) return result.error().code;
    float first = 0;
    std::memcpy(&first, result->answer.outputs[0].data.data(), 4);
    return std::to_string(static_cast<int>(first));
  }
  std::string Delete(std::string_view id, const Caller& caller = kAnna, std::string_view version = "") {
    std::promise<std::string> code;
    DeleteModel(*catalogue_, caller, Id(id), version, [&](const Result<DeletedModel>& deleted) {
      code.set_value(deleted.ok() ? "ok" : deleted.error().code);
    });
    return code.get_future().get();
  }
  std::string Change(std::string_view id, const VersionChange& change) {
    std::promise<std::string> code;
    ChangeVersions(*catalogue_, kAnna, Id(id), change, [&](const Result<ModelRecord>& changed) {
      code.set_value(changed.ok() ? "ok" : changed.error().code);
    });
    return code.get_future().get();
  }
  std::string Unload(std::string_view id) {
    std::promise<std::string> code;
    UnloadModel(*catalogue_, kAnna, Id(id), [&](const Result<ModelRecord>& unloaded) {
      code.set_value(unloaded.ok() ? "ok" : unloaded.error().code);
    });
    return code.get_future().get();
  }
  // "1(stable) 2", of Anna's model.
  std::string Versions(std::string_view id) {
    std::string text;
    for (const auto& served : catalogue_->VersionsOf(kAnna, Id(id))) {
      text += (text.empty() ? "" : " ") + std::to_string(served->record.version);
      for (const std::string& label : served->record.labels) text += "(" + label + ")";
    }
    return text;
  }
  static VersionChange Policy(std::string_view text, std::string label = "") {
    return {.policy = *vocabulary::VersionPolicy::Parse(text), .label = std::move(label)};
  }
  // An upload of y = factor · x: the number of its version, or the code.
  std::string UploadVersion(std::string_view id, float factor, VersionChange versions, bool save = true) {
    const auto record = Upload({.id = Id(id), .save = save, .versions = std::move(versions)}, factor);
    return record.ok() ? std::to_string(record->version) : record.error().code;
  }
  HostStats Stats(std::string_view id) {
    const auto served = catalogue_->FindOwn(kAnna, Id(id));
    return served.ok() ? (*served)->host->stats() : HostStats{};
  }
  std::vector<std::filesystem::path> ModelFiles() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      if (entry.path().filename().string().starts_with("m-")) files.push_back(entry.path());
    }
    return files;
  }

  std::filesystem::path folder_;
  base::Time now_ = base::Now();
  UploadOptions options_;
  std::unique_ptr<ModelCatalogue> catalogue_;
  std::unique_ptr<ModelStorage> storage_;
  ModelStorage::Restored restored_;
};

TEST_F(ModelStorageTest, ASavedModelIsListedAfterARestartAndRunsOnDemand) {
  ASSERT_EQ(Save("kept", 3), "ok");
  ASSERT_TRUE(Upload({.id = Id("lost")}, 5).ok());
  ASSERT_EQ(Run("kept"), "3");
  const auto before = (*catalogue_->FindOwn(kAnna, Id("kept")))->record;

  Restart();
  EXPECT_EQ(restored_.models, 1u);
  ASSERT_EQ(catalogue_->List(kAnna).size(), 1u);
  const auto after = catalogue_->List(kAnna)[0];
  EXPECT_EQ(after->record.sha256, before.sha256);
  EXPECT_EQ(after->record.created, before.created);
  EXPECT_EQ(after->record.signature.inputs[0].name, "x");
  EXPECT_TRUE(after->host->stats().is_suspended);
  EXPECT_EQ(Run("kept"), "3");
  EXPECT_EQ(Run("kept"), "3");
  EXPECT_FALSE(after->host->stats().is_suspended);
  EXPECT_EQ(Run("lost"), "model-not-found");
}

TEST_F(ModelStorageTest, OwnersKeepTheirRightsAndOthersGetNoneByARestart) {
  ASSERT_EQ(Save("m", 3), "ok");
  ASSERT_TRUE(Upload({.id = Id("secret"), .visibility = Visibility::kPrivate, .save = true}, 4).ok());
  Restart();
  EXPECT_EQ(Run("m", kBert), "3");
  EXPECT_EQ(Run("secret", kBert), "model-not-found");
  EXPECT_EQ(Delete("m", kBert), "model-not-found");
  EXPECT_EQ(Save("m", 9, kBert), "model-id-taken");
  EXPECT_EQ(Delete("m"), "ok");
  EXPECT_EQ(Delete("secret"), "ok");
}

TEST_F(ModelStorageTest, ReplacingAndDeletingHoldAfterARestart) {
  ASSERT_EQ(Save("m", 3), "ok");
  ASSERT_EQ(Save("m", 4), "ok");
  Restart();
  EXPECT_EQ(Run("m"), "4");
  EXPECT_EQ(catalogue_->List(kAnna)[0]->record.version, 2u);
  // Not saved this time: the older one must not come back either.
  ASSERT_TRUE(Upload({.id = Id("m")}, 5).ok());
  EXPECT_EQ(Run("m"), "5");
  EXPECT_TRUE(ModelFiles().empty());
  Restart();
  EXPECT_EQ(Run("m"), "model-not-found");
  ASSERT_EQ(Save("m", 6), "ok");
  ASSERT_EQ(Delete("m"), "ok");
  EXPECT_TRUE(ModelFiles().empty());
  Restart();
  EXPECT_EQ(Run("m"), "model-not-found");
}

// The files of models in this process's memory: its descriptors of memfds of that name.
std::size_t FilesInMemory() {
  return static_cast<std::size_t>(
      std::ranges::count_if(std::filesystem::directory_iterator("/proc/self/fd"), [](const auto& entry) {
        std::error_code gone;  // the descriptor that lists them
        return std::filesystem::read_symlink(entry.path(), gone).string().starts_with("/memfd:blindai-model");
      }));
}

TEST_F(ModelStorageTest, TheSameBytesOfOneTenantAreInMemoryAndInTheStoreOnce) {
  const std::size_t before = FilesInMemory();
  ASSERT_EQ(Save("a", 3), "ok");
  ASSERT_EQ(Save("b", 3), "ok");
  ASSERT_TRUE(Upload({.id = Id("c")}, 3).ok());
  EXPECT_EQ(FilesInMemory(), before + 1);
  EXPECT_EQ(ModelFiles().size(), 1u);
  ASSERT_EQ(Save("his", 3, kBert), "ok");
  EXPECT_EQ(FilesInMemory(), before + 2);
  EXPECT_EQ(ModelFiles().size(), 2u);
  for (const char* id : {"a", "b", "c"}) EXPECT_EQ(Run(id), "3") << id;

  Restart();
  EXPECT_EQ(FilesInMemory(), before);
  for (const char* id : {"a", "b"}) EXPECT_EQ(Run(id), "3") << id;
  EXPECT_EQ(FilesInMemory(), before + 1);
  EXPECT_EQ(Run("his", kBert), "3");
  EXPECT_EQ(FilesInMemory(), before + 2);
  // What one of them lets go, the other keeps.
  ASSERT_EQ(Delete("a"), "ok");
  EXPECT_EQ(Run("b"), "3");
  EXPECT_EQ(ModelFiles().size(), 2u);
  ASSERT_EQ(Delete("b"), "ok");
  EXPECT_EQ(ModelFiles().size(), 1u);
}

// ---- versions

TEST_F(ModelStorageTest, VersionsLabelsAndPolicySurviveARestart) {
  ASSERT_EQ(UploadVersion("m", 3, Policy("latest:2", "stable")), "1");
  ASSERT_EQ(UploadVersion("m", 4, {}), "2");
  ASSERT_EQ(UploadVersion("m", 5, {.label = "canary"}), "3");
  ASSERT_EQ(UploadVersion("m", 6, {}), "4");
  EXPECT_EQ(Versions("m"), "1(stable) 3(canary) 4");
  for (int life = 0; life < 2; ++life) {
    EXPECT_EQ(Run("m"), "6");
    EXPECT_EQ(Run("m", kAnna, "stable"), "3");
    EXPECT_EQ(Run("m", kBert, "canary"), "5");
    EXPECT_EQ(Run("m", kAnna, "2"), "model-not-found");
    EXPECT_EQ(ModelFiles().size(), 3u);
    Restart();
    EXPECT_EQ(restored_.models, 3u);
    EXPECT_EQ(Versions("m"), "1(stable) 3(canary) 4");
  }
  // Numbers go on, also after the highest was deleted, and the policy still holds.
  ASSERT_EQ(Delete("m", kAnna, "4"), "ok");
  ASSERT_EQ(Delete("m", kAnna, "canary"), "ok");
  Restart();
  EXPECT_EQ(Versions("m"), "1(stable)");
  ASSERT_EQ(UploadVersion("m", 7, {}), "5");
  EXPECT_EQ(ModelFiles().size(), 2u);
  ASSERT_EQ(Delete("m"), "ok");
  EXPECT_TRUE(ModelFiles().empty());
  Restart();
  EXPECT_EQ(restored_.models, 0u);
}

TEST_F(ModelStorageTest, AChangeOfPolicyAndLabelsIsStoredAndWhatItDropsIsGone) {
  for (int factor = 3; factor < 6; ++factor) UploadVersion("m", static_cast<float>(factor), Policy("all"));
  ASSERT_EQ(Change("m", {.labels = {{"stable", 1}, {"canary", 3}}}), "ok");
  Restart();
  EXPECT_EQ(Versions("m"), "1(stable) 2 3(canary)");
  ASSERT_EQ(Change("m", Policy("latest")), "ok");
  EXPECT_EQ(ModelFiles().size(), 2u);
  Restart();
  EXPECT_EQ(Versions("m"), "1(stable) 3(canary)");
  ASSERT_EQ(Change("m", {.labels = {{"stable", 3}, {"canary", std::nullopt}}}), "ok");
  EXPECT_EQ(ModelFiles().size(), 1u);
  Restart();
  EXPECT_EQ(Versions("m"), "3(stable)");
  EXPECT_EQ(Run("m", kAnna, "stable"), "5");
}

TEST_F(ModelStorageTest, WhoFoundAVersionIsAnsweredByItWhenItWasTakenOut) {
  ASSERT_EQ(UploadVersion("m", 3, Policy("all"), false), "1");
  ASSERT_EQ(UploadVersion("m", 4, {}, false), "2");
  auto older = *catalogue_->Find(kAnna, Id("m"), "1");
  ASSERT_EQ(Change("m", Policy("latest")), "ok");
  EXPECT_EQ(Run("m", kAnna, "1"), "model-not-found");
  std::promise<std::uint64_t> version;
  base::Bytes data(8);
  RunModel(older, kAnna, RunRequest::Of({{"x", Datatype::kFp32, {2}, data}}),
           [&](const Result<RunDone>& done) { version.set_value(done.ok() ? done->record.version : 0); });
  EXPECT_EQ(version.get_future().get(), 1u);
}

TEST_F(ModelStorageTest, VersionsThatAreNotSavedEndWithTheServerAndTheirLabelsToo) {
  ASSERT_EQ(UploadVersion("m", 3, Policy("all", "stable")), "1");
  ASSERT_EQ(UploadVersion("m", 4, {.label = "stable"}, false), "2");
  EXPECT_EQ(Run("m", kAnna, "stable"), "4");
  Restart();
  EXPECT_EQ(Versions("m"), "1");
  EXPECT_EQ(Run("m"), "3");
  ASSERT_EQ(UploadVersion("m", 5, {}), "3") << "2 was another model";
}

TEST_F(ModelStorageTest, UnloadingKeepsStoredVersionsAndDeletesTheOthers) {
  ASSERT_EQ(UploadVersion("m", 3, Policy("all")), "1");
  ASSERT_EQ(UploadVersion("m", 4, {}, false), "2");
  ASSERT_EQ(UploadVersion("m", 5, {}), "3");
  EXPECT_EQ(Unload("m"), "ok");
  EXPECT_EQ(Versions("m"), "1 3");
  EXPECT_TRUE((*catalogue_->Find(kAnna, Id("m"), "1"))->host->stats().is_suspended);
  EXPECT_TRUE((*catalogue_->Find(kAnna, Id("m"), "3"))->host->stats().is_suspended);
  EXPECT_EQ(Run("m", kAnna, "1"), "3");
  EXPECT_EQ(Run("m"), "5");
}

TEST_F(ModelStorageTest, OneVersionEndsWithItsTimeAndTheOthersStay) {
  ASSERT_EQ(UploadVersion("m", 3, Policy("all")), "1");
  ASSERT_TRUE(Upload({.id = Id("m"), .save = true, .time_to_live = std::chrono::seconds(60)}, 4).ok());
  now_ += std::chrono::seconds(61);
  EXPECT_EQ(Run("m"), "3");
  DeleteExpired(*catalogue_);
  Restart();
  EXPECT_EQ(Versions("m"), "1");
  EXPECT_EQ(ModelFiles().size(), 1u);
}

TEST_F(ModelStorageTest, ADamagedModelIsListedRefusesToRunAndCanBeReplaced) {
  ASSERT_EQ(Save("bad", 3), "ok");
  ASSERT_EQ(ModelFiles().size(), 1u);
  const auto file = ModelFiles()[0];
  ASSERT_EQ(Save("good", 4), "ok");
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  Restart();
  EXPECT_EQ(restored_.damaged, 1u);
  EXPECT_EQ(catalogue_->List(kAnna).size(), 2u);
  EXPECT_EQ(Run("bad"), "model-damaged");
  EXPECT_EQ(Run("good"), "4");
  ASSERT_EQ(Save("bad", 5), "ok");
  Restart();
  EXPECT_EQ(Run("bad"), "5");
  EXPECT_EQ(restored_.damaged, 0u);
}

TEST_F(ModelStorageTest, AStoreThatCannotBeReadServesOthersAndSavesNothing) {
  ASSERT_EQ(Save("m", 3), "ok");
  std::ofstream(folder_ / "index.sealed") << "damaged";
  Restart();
  EXPECT_EQ(restored_.models, 0u);
  EXPECT_EQ(Save("n", 4), "store-index");
  EXPECT_TRUE(Upload({.id = Id("n")}, 4).ok());
  EXPECT_EQ(Run("n"), "4");
  EXPECT_EQ(ModelFiles().size(), 1u);
}

TEST_F(ModelStorageTest, WithoutAStoreNothingIsSaved) {
  ModelCatalogue catalogue{CatalogueLimits{}};
  const auto refused =
      ModelUpload::Begin(catalogue, options_, kAnna, UploadRequest{.id = Id("m"), .save = true});
  EXPECT_EQ(refused.error().code, "save-unsupported");
}

TEST_F(ModelStorageTest, AModelEndsWithItsTime) {
  ASSERT_TRUE(Upload({.id = Id("short"), .save = true, .time_to_live = std::chrono::seconds(3600)}, 3).ok());
  ASSERT_EQ(Save("long", 4), "ok");
  DeleteExpired(*catalogue_);
  EXPECT_EQ(Run("short"), "3");
  now_ += std::chrono::seconds(3601);
  EXPECT_EQ(Run("short"), "model-not-found");
  EXPECT_EQ(catalogue_->List(kAnna).size(), 1u);
  EXPECT_EQ(Delete("short"), "model-not-found");
  DeleteExpired(*catalogue_);
  // After a restart as well, and its file has gone.
  Restart();
  EXPECT_EQ(restored_.models, 1u);
  EXPECT_EQ(ModelFiles().size(), 1u);
  EXPECT_EQ(Run("long"), "4");
}

TEST_F(ModelStorageTest, TheLeastRecentlyUsedWorkersMakeRoomAndComeBack) {
  Restart({.resident_bytes = 2 * kSmallModelBytes});
  ASSERT_EQ(Save("a", 3), "ok");
  ASSERT_EQ(Run("a"), "3");
  const std::uint64_t real = Stats("a").resident_bytes;
  // Room for two workers as they really are.
  Restart({.resident_bytes = 2 * std::max(real, kSmallModelBytes) + kSmallModelBytes / 2});
  ASSERT_EQ(Save("b", 4), "ok");
  ASSERT_EQ(Run("b"), "4");
  ASSERT_EQ(Run("a"), "3");
  // The upload of a third sends b away, whose run is longest ago.
  ASSERT_EQ(Save("c", 5), "ok");
  EXPECT_TRUE(Stats("b").is_suspended);
  EXPECT_FALSE(Stats("a").is_suspended);
  ASSERT_EQ(Run("c"), "5");
  // And b's next run sends a away.
  EXPECT_EQ(Run("b"), "4");
  EXPECT_TRUE(Stats("a").is_suspended);
  EXPECT_EQ(Run("a"), "3");
  EXPECT_EQ(Run("c"), "5");
}

TEST_F(ModelStorageTest, AModelThatIsNotSavedIsNeverSentAway) {
  Restart({.resident_bytes = kSmallModelBytes});
  ASSERT_TRUE(Upload({.id = Id("a")}, 3).ok());
  EXPECT_EQ(Save("b", 4), "memory-full");
  EXPECT_EQ(Run("a"), "3");
  EXPECT_FALSE(Stats("a").is_suspended);
}

TEST_F(ModelStorageTest, ATenantsLimitIsItsOwnAffair) {
  Restart({.resident_bytes_per_tenant = kSmallModelBytes});
  ASSERT_EQ(Save("hers", 3), "ok");
  ASSERT_EQ(Save("his", 4, kBert), "ok");
  EXPECT_FALSE(Stats("hers").is_suspended);
  ASSERT_EQ(Save("hers-too", 5), "ok");
  EXPECT_TRUE(Stats("hers").is_suspended);
  EXPECT_EQ(Run("his", kBert), "4");
  EXPECT_EQ(Run("hers"), "3");
  EXPECT_TRUE(Stats("hers-too").is_suspended);
  EXPECT_EQ(Run("his", kBert), "4");
}

TEST_F(ModelStorageTest, TheOperatorsModelsCannotBeReplacedDeletedOrShadowed) {
  const base::Bytes file = ScalingModel(7);
  auto upload = ModelUpload::BeginForOperator(
      *catalogue_, options_, UploadRequest{.id = Id("official"), .visibility = Visibility::kPublic});
  ASSERT_TRUE(upload.ok());
  ASSERT_TRUE((*upload)->Feed(file).ok());
  std::promise<Result<ModelRecord>> record;
  ModelUpload::Finish(std::move(*upload),
                      [&](Result<ModelRecord> result) { record.set_value(std::move(result)); });
  ASSERT_TRUE(record.get_future().get().ok());

  const Caller named_so{"operator", 9, true, true};
  for (const Caller& caller : {kAnna, Caller::AnonymousWithAllRights(), named_so}) {
    EXPECT_EQ(Run("official", caller), "7");
    EXPECT_EQ(Save("official", 8, caller), "model-id-taken");
    EXPECT_EQ(Delete("official", caller), "model-not-found");
  }
  EXPECT_TRUE((*catalogue_->Find(kAnna, Id("official")))->host->options().shared);
  EXPECT_TRUE((*catalogue_->Find(kAnna, Id("official")))->record.is_operators);
  EXPECT_EQ(
      ModelUpload::BeginForOperator(*catalogue_, options_, UploadRequest{.id = Id("official")}).error().code,
      "model-id-taken");
}

// Resident memory of this process, in bytes.
std::uint64_t OwnResidentBytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

TEST_F(ModelStorageTest, AHundredTimesThereAndBackMemoryIsWhatItWas) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "SKIPPED: a sanitizer keeps freed memory";
#endif
  ASSERT_EQ(Save("m", 3), "ok");
  std::uint64_t front_before = 0, worker_before = 0;
  for (int cycle = 0; cycle <= 100; ++cycle) {
    ASSERT_EQ(Run("m"), "3") << cycle;
    const std::uint64_t worker = Stats("m").resident_bytes;
    std::promise<void> gone;
    ASSERT_TRUE((*catalogue_->FindOwn(kAnna, Id("m")))->host->Suspend([&] { gone.set_value(); }));
    gone.get_future().wait();
    EXPECT_EQ(Stats("m").resident_bytes, 0u);
    if (cycle == 0) {
      front_before = OwnResidentBytes();
      worker_before = worker;
    }
    if (cycle == 100) {
      EXPECT_LE(static_cast<double>(OwnResidentBytes()), 1.05 * static_cast<double>(front_before));
      EXPECT_LE(static_cast<double>(worker), 1.05 * static_cast<double>(worker_before));
    }
  }
}

}  // namespace
}  // namespace blindai::service
