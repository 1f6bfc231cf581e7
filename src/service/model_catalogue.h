// The models that are served now, by id and version: who owns each, who may use it, and the host that runs it. Uploads
// reserve their place first, so that quotas hold while several uploads are under way, and whoever changes or deletes
// versions does so too: an id has one change at a time. What it will do is fixed when it begins (VersionPlan), and
// happens in one step: a version appears complete or not at all, what no longer stays goes, labels move. The host of
// what has gone ends when the last who found it has been answered.
//
// Memory is bounded, of all and of each tenant. When it is needed, the workers of stored models that nobody
// uses now are ended, those first whose last run is longest ago; their next run brings them back
// (service/model_storage.h). A model that is not stored is never taken away.
//
// "Unknown" and "not yours" are one answer (code model-not-found) after the same steps: ids of others cannot be probed.
// Any thread may call.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/model_host.h"
#include "service/caller.h"
#include "service/charges.h"
#include "service/model_record.h"
#include "service/shared_model_files.h"
#include "vocabulary/model_id.h"
#include "vocabulary/version_policy.h"

namespace blindai::service {

using HostStats = model::HostStats;

class ModelStorage;

struct ServedModel {
  // Once for each request, by who begins it. Code: rate-limited.
  base::Status CountRequest(const Caller& caller) const { return charges->CountRequest(caller, record); }
  // One run of it, on the account that pays for it (service/charges.h). Codes: those of ModelHost::Run.
  model::ModelHost::Ticket Run(const Caller& caller, model::RunRequest request,
                               model::ModelHost::RunDone done) const;

  ModelRecord record;
  std::shared_ptr<model::ModelHost> host;
  std::shared_ptr<Charges> charges;
};

// What an upload, or a request of the owner, says of an id's versions.
struct VersionChange {
  std::optional<vocabulary::VersionPolicy> policy = {};  // nothing: as it is, latest:1 of a new id
  std::string label = {};                                // of the version that is uploaded; empty: none
  // To which version each is moved; nothing: the label is taken away.
  std::map<std::string, std::optional<std::uint64_t>> labels = {};
};

// What becomes of an id's versions.
struct VersionPlan {
  std::uint64_t added = 0;  // the number of the version that is uploaded; 0: none is
  std::uint64_t numbered_to = 0;
  vocabulary::VersionPolicy policy = {};
  vocabulary::VersionLabels labels = {};
  std::vector<std::uint64_t> going = {};  // ascending
};

struct CatalogueLimits {
  // Versions of models of one tenant, those being uploaded included (code model-quota).
  std::size_t models_per_tenant = 16;
  // Resident memory of all workers together, and what a new model is expected to need (code memory-full).
  std::uint64_t resident_bytes = std::uint64_t{8} << 30;
  // The same for the models of one tenant; 0 = no limit of its own.
  std::uint64_t resident_bytes_per_tenant = 0;
  // For the time to live; asked once for each model that is looked up.
  std::function<base::Time()> now = base::Now;
  ChargeLimits charges = {};
};

class ModelCatalogue {
 public:
  explicit ModelCatalogue(CatalogueLimits limits)
      : limits_(std::move(limits)), charges_(std::make_shared<Charges>(limits_.charges)) {}
  ~ModelCatalogue();
  ModelCatalogue(const ModelCatalogue&) = delete;
  ModelCatalogue& operator=(const ModelCatalogue&) = delete;

  // An id held for one change, given back when it dies.
  class Reservation {
   public:
    ~Reservation();
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;

    const vocabulary::ModelId& id() const { return id_; }
    const VersionPlan& plan() const { return plan_; }
    // The size is known late for a body without Content-Length; may be called again with more. Code:
    // memory-full.
    base::Status ExpectBytes(std::uint64_t model_bytes);

   private:
    friend class ModelCatalogue;
    Reservation(ModelCatalogue& catalogue, std::string tenant, vocabulary::ModelId id, VersionPlan plan)
        : catalogue_(catalogue), tenant_(std::move(tenant)), id_(std::move(id)), plan_(std::move(plan)) {}
    ModelCatalogue& catalogue_;
    const std::string tenant_;
    const vocabulary::ModelId id_;
    const VersionPlan plan_;
    std::uint64_t expected_bytes_ = 0;
  };

  // For an upload. Codes: model-quota (kExhausted), model-id-taken (another owner has it; kConflict),
  // upload-in-progress (a change of this id is under way; kConflict), version-policy (the new version would not be
  // served), version-label (too many).
  base::Result<std::unique_ptr<Reservation>> Reserve(const Caller& caller, const vocabulary::ModelId& id,
                                                     const VersionChange& change = {});
  // For a model of the operator's configuration, which counts towards no quota. Codes: model-id-taken.
  base::Result<std::unique_ptr<Reservation>> ReserveForOperator(const vocabulary::ModelId& id);
  // To change the caller's own. Codes: model-not-found (a version that a label shall name, too), upload-in-progress,
  // version-policy (no version would be served), version-label.
  base::Result<std::unique_ptr<Reservation>> ReserveToChange(const Caller& caller,
                                                             const vocabulary::ModelId& id,
                                                             const VersionChange& change);
  // To delete the caller's own: one version, a number or a label, or all with the empty text. Codes: model-not-found,
  // upload-in-progress.
  base::Result<std::unique_ptr<Reservation>> ReserveToDelete(const Caller& caller,
                                                             const vocabulary::ModelId& id,
                                                             std::string_view version);

  // What the store has to know of the plan: of the versions that it has, those that go, and what will be known about
  // those that stay.
  struct StoredChange {
    std::vector<std::uint64_t> going;
    std::vector<ModelRecord> staying;
  };
  StoredChange StoredChangeOf(const Reservation& place) const;
  // Of the stored versions of one id, ascending: those that its policy does not serve, and the others. The highest is
  // the one that was stored last, so that it is right where a server ended between two steps.
  static StoredChange Settle(const std::vector<ModelRecord>& versions);
  // Carries out the plan of an upload: the new version is visible. Returns its record as it is now.
  ModelRecord Publish(const Reservation& place, ModelRecord record, std::shared_ptr<model::ModelHost> host);
  // Carries out the plan of another change. Returns what has gone.
  std::vector<std::shared_ptr<const ServedModel>> Apply(const Reservation& place);

  // A version of an earlier process, with all the versions of its id one after the other. False: the operator's
  // configuration has taken the id.
  bool Restore(ModelRecord record, std::shared_ptr<model::ModelHost> host);

  // The one answer for what is unknown and for what is not the caller's. Code: model-not-found.
  static base::Error NotFound(const vocabulary::ModelId& id);
  // For running: the owner always, others by visibility. `version`: a number, a label, or the empty text for the
  // highest that is served. Code: model-not-found, also for a version.
  base::Result<std::shared_ptr<const ServedModel>> Find(const Caller& caller, const vocabulary::ModelId& id,
                                                        std::string_view version = "") const;
  // By the SHA-256 of the file, lower-case hex: the newest of the caller's own models and those listed to it. A model
  // shared by link is not found so: who has the file does not thereby know the id. Code: model-not-found.
  base::Result<std::shared_ptr<const ServedModel>> FindBySha256(const Caller& caller,
                                                                std::string_view sha256) const;
  // The caller's own model that is its default; null: none is.
  std::shared_ptr<const ServedModel> DefaultOf(const Caller& caller) const;
  // The highest version of each of the caller's own models and of those listed to it, by id.
  std::vector<std::shared_ptr<const ServedModel>> List(const Caller& caller) const;
  // The same with all versions, each id's from the lowest to the highest.
  std::vector<std::shared_ptr<const ServedModel>> ListVersions(const Caller& caller) const;
  // The versions of one model that the caller may run, ascending; none where Find finds none.
  std::vector<std::shared_ptr<const ServedModel>> VersionsOf(const Caller& caller,
                                                             const vocabulary::ModelId& id) const;
  // Every version of every model, for what the server says about itself.
  std::vector<std::shared_ptr<const ServedModel>> All() const;
  // The caller's own model, which it may replace and delete. Code: model-not-found.
  base::Result<std::shared_ptr<const ServedModel>> FindOwn(const Caller& caller,
                                                           const vocabulary::ModelId& id,
                                                           std::string_view version = "") const;
  // Takes everything out (the server is stopping).
  std::vector<std::shared_ptr<const ServedModel>> RemoveAll();

  // For each id with versions whose time has come: to delete them.
  std::vector<std::unique_ptr<Reservation>> ReserveExpired();

  // A suspended model is about to run again: ends workers that nobody uses until the limits hold, and calls back once
  // their memory is free, at once or on the supervisor's thread. Code: memory-full.
  void MakeRoomFor(const vocabulary::ModelId& id, std::function<void(base::Status)> done) const;

  // Where save=true goes to; null: nowhere. Set while nobody else calls.
  void UseStorage(ModelStorage* storage) { storage_ = storage; }
  ModelStorage* storage() const { return storage_; }

  // The operator's network that tells voices from noise in every recording; null: loudness does. Set while nobody else
  // calls, to a model that is served and has that network's inputs and outputs. Code: model-not-found.
  base::Status UseVoiceNetwork(const vocabulary::ModelId& id);
  std::shared_ptr<const ServedModel> voice_network() const { return voice_network_; }

  // Of the tenants' models.
  SharedModelFiles& files() { return files_; }

  // For metrics: how many versions of models are served, and how many uploads are under way.
  std::size_t size() const;
  std::size_t uploads() const;

 private:
  // What a model of this size is expected to occupy once it is compiled (reference: w2v, 378 MB → 605 MB).
  static std::uint64_t ExpectedResidentBytes(std::uint64_t model_bytes) {
    return 2 * model_bytes + (64 << 20);
  }
  class WorkersGone;
  using Right = bool (*)(const Caller& caller, const ModelRecord& record);
  using Versions = std::map<std::uint64_t, std::shared_ptr<const ServedModel>>;  // never empty
  // One look at the clock and one at the table, whatever comes of it.
  base::Result<std::shared_ptr<const ServedModel>> FindIf(const Caller& caller, const vocabulary::ModelId& id,
                                                          std::string_view version, Right right) const;
  // With mutex_ held:
  std::shared_ptr<const ServedModel> Pick(const Caller& caller, const vocabulary::ModelId& id,
                                          std::string_view version, Right right) const;
  bool IsVisible(const ModelRecord& record) const;
  base::Status CheckFree(const vocabulary::ModelId& id) const;
  base::Status CheckQuota(const Caller& caller, const VersionPlan& plan) const;
  void CarryOut(const Reservation& place, std::shared_ptr<const ServedModel> added,
                std::vector<std::shared_ptr<const ServedModel>>& gone);
  std::uint64_t UsedBytes(const std::string* tenant) const;
  void NoLongerDefault(const std::string& owner);
  base::Status MakeRoom(const std::string& tenant, std::uint64_t more_bytes, WorkersGone* gone) const;
  base::Status MakeRoomUnder(std::uint64_t limit, const std::string* tenant, std::uint64_t more_bytes,
                             WorkersGone* gone) const;
  std::unique_ptr<Reservation> Hold(std::string tenant, const vocabulary::ModelId& id, VersionPlan plan);

  const CatalogueLimits limits_;
  const std::shared_ptr<Charges> charges_;  // every model's
  mutable std::mutex mutex_;
  std::map<vocabulary::ModelId, Versions> models_;
  std::map<vocabulary::ModelId, Reservation*> reserved_;
  ModelStorage* storage_ = nullptr;
  std::shared_ptr<const ServedModel> voice_network_;
  SharedModelFiles files_;
};

}  // namespace blindai::service
