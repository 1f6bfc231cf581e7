// The models that are served now, by id: who owns each, who may use it, and the host that runs it. Uploads
// reserve their place first, so that quotas hold while several uploads are under way; a model appears in one
// step, complete, or not at all. Replacing a model swaps the entry; the older host ends when the last who found it
// has been answered.
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
#include "model/inspect_onnx.h"
#include "model/model_host.h"
#include "service/caller.h"
#include "service/charges.h"
#include "service/shared_model_files.h"
#include "speech/ctc_vocabulary.h"
#include "speech/language_model.h"
#include "speech/wav2vec2_features.h"
#include "speech/whisper_tokens.h"
#include "vocabulary/model_id.h"

namespace blindai::service {

using Precision = model::Precision;
using HostStats = model::HostStats;

class ModelStorage;

// Who may run a model besides its owner. `link`: whoever knows the id. `tenants`: those that the owner lists,
// or, without a list, everybody with an account.
enum class Visibility : std::uint8_t { kPrivate, kLink, kTenants, kPublic };
std::string_view VisibilityName(Visibility visibility);

// What a CTC speech model needs beside its file (service/transcribe.h).
struct SpeechSettings {
  speech::CtcVocabulary vocabulary;
  speech::FeatureSettings features;
  std::optional<speech::LanguageModel> language_model;
  // What they were read from, to be stored with the model.
  std::string vocab_json;
  std::string preprocessor_json;
  std::string language_model_arpa;  // empty: none
};

// The same of a Whisper model (service/whisper_model.h).
struct WhisperSettings {
  speech::WhisperTokens tokens;
  int bins = 0;  // of its features
  std::string tokenizer_json;
  std::string generation_config_json;
  std::string preprocessor_json;
};

// What is known about a served model; small, copied freely, no bytes of the model in it.
struct ModelRecord {
  vocabulary::ModelId id;
  std::string owner = {};
  std::string sha256 =
      {};  // of the ONNX file, or of the bundle of them (model/model_bundle.h); lower-case hex
  std::uint64_t bytes = 0;
  std::uint64_t parameters = 0;
  std::int64_t opset = 0;
  std::uint64_t version = 1;  // counts replacements of this id
  Precision precision = Precision::kF32;
  Visibility visibility = Visibility::kLink;
  base::Time created;
  model::ModelSignature signature;
  // Of a model that transcribes one of the two; none: a model of tensors only.
  std::shared_ptr<const SpeechSettings> speech = nullptr;
  std::shared_ptr<const WhisperSettings> whisper = nullptr;
  std::vector<std::string> tenants = {};             // for Visibility::kTenants
  std::optional<base::Time> expires = std::nullopt;  // from then on it is not found any more
  bool is_saved = false;
  // Its owner's transcriptions that name no model use it. Of one owner one at most is, the newest.
  bool is_default = false;
  // Named in the operator's configuration: no client owns, replaces or deletes it.
  bool is_operators = false;
  // The stored file was found damaged or missing; it does not run, and its owner may replace or delete it.
  bool is_damaged = false;
};

// The owner of the operator's own models; no tenant has this name.
inline constexpr std::string_view kOperator = "operator";

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

struct CatalogueLimits {
  // Models of one tenant, those being uploaded included (code model-quota).
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

  // A place held for an upload, given back when it dies.
  class Reservation {
   public:
    ~Reservation();
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;

    // The size is known late for a body without Content-Length; may be called again with more. Code:
    // memory-full.
    base::Status ExpectBytes(std::uint64_t model_bytes);

   private:
    friend class ModelCatalogue;
    Reservation(ModelCatalogue& catalogue, std::string tenant, vocabulary::ModelId id)
        : catalogue_(catalogue), tenant_(std::move(tenant)), id_(std::move(id)) {}
    ModelCatalogue& catalogue_;
    const std::string tenant_;
    const vocabulary::ModelId id_;
    std::uint64_t expected_bytes_ = 0;
  };

  // Codes: model-quota (kExhausted), model-id-taken (another owner has it; kConflict), upload-in-progress (an
  // upload of this id is under way; kConflict).
  base::Result<std::unique_ptr<Reservation>> Reserve(const Caller& caller, const vocabulary::ModelId& id);
  // For a model of the operator's configuration, which counts towards no quota. Codes: model-id-taken.
  base::Result<std::unique_ptr<Reservation>> ReserveForOperator(const vocabulary::ModelId& id);
  // The model that Publish will replace, if there is one.
  std::optional<ModelRecord> Replaces(const Reservation& place) const;
  // Makes the model visible, in the place of an older one with its id. Returns the record with its version.
  ModelRecord Publish(const Reservation& place, ModelRecord record, std::shared_ptr<model::ModelHost> host);

  // A model of an earlier process. False: the id is taken.
  bool Restore(ModelRecord record, std::shared_ptr<model::ModelHost> host);

  // The one answer for what is unknown and for what is not the caller's. Code: model-not-found.
  static base::Error NotFound(const vocabulary::ModelId& id);
  // For running: the owner always, others by visibility. Code: model-not-found.
  base::Result<std::shared_ptr<const ServedModel>> Find(const Caller& caller,
                                                        const vocabulary::ModelId& id) const;
  // By the SHA-256 of the file, lower-case hex: the newest of the caller's own models and those listed to it. A model
  // shared by link is not found so: who has the file does not thereby know the id. Code: model-not-found.
  base::Result<std::shared_ptr<const ServedModel>> FindBySha256(const Caller& caller,
                                                                std::string_view sha256) const;
  // The caller's own model that is its default; null: none is.
  std::shared_ptr<const ServedModel> DefaultOf(const Caller& caller) const;
  // The caller's own models and those listed to it, by id.
  std::vector<std::shared_ptr<const ServedModel>> List(const Caller& caller) const;
  // Every model, for what the server says about itself.
  std::vector<std::shared_ptr<const ServedModel>> All() const;
  // The caller's own model, which it may replace and delete. Code: model-not-found.
  base::Result<std::shared_ptr<const ServedModel>> FindOwn(const Caller& caller,
                                                           const vocabulary::ModelId& id) const;
  // Takes the caller's own model out of the table. Code: model-not-found.
  base::Result<std::shared_ptr<const ServedModel>> Remove(const Caller& caller,
                                                          const vocabulary::ModelId& id);
  // Takes everything out (the server is stopping).
  std::vector<std::shared_ptr<const ServedModel>> RemoveAll();

  // Takes out the models whose time has come. Their ids stay reserved until their files are gone.
  struct Expired {
    std::shared_ptr<const ServedModel> served;
    std::unique_ptr<Reservation> place;
  };
  std::vector<Expired> RemoveExpired();

  // A suspended model is about to run again: ends workers that nobody uses until the limits hold, and calls back once
  // their memory is free, at once or on the supervisor's thread. Code: memory-full.
  void MakeRoomFor(const vocabulary::ModelId& id, std::function<void(base::Status)> done) const;

  // Where save=true goes to; null: nowhere. Set while nobody else calls.
  void UseStorage(ModelStorage* storage) { storage_ = storage; }
  ModelStorage* storage() const { return storage_; }

  // Of the tenants' models.
  SharedModelFiles& files() { return files_; }

  // For metrics: how many models are served, and how many uploads are under way.
  std::size_t size() const;
  std::size_t uploads() const;

 private:
  // What a model of this size is expected to occupy once it is compiled (reference: w2v, 378 MB → 605 MB).
  static std::uint64_t ExpectedResidentBytes(std::uint64_t model_bytes) {
    return 2 * model_bytes + (64 << 20);
  }
  class WorkersGone;
  using Right = bool (*)(const Caller& caller, const ModelRecord& record);
  // One look at the clock and one at the table, whatever comes of it.
  base::Result<std::shared_ptr<const ServedModel>> FindIf(const Caller& caller, const vocabulary::ModelId& id,
                                                          Right right) const;
  // With mutex_ held:
  bool IsVisible(const ModelRecord& record) const;
  std::uint64_t UsedBytes(const std::string* tenant) const;
  void NoLongerDefault(const std::string& owner);
  base::Status MakeRoom(const std::string& tenant, std::uint64_t more_bytes, WorkersGone* gone) const;
  base::Status MakeRoomUnder(std::uint64_t limit, const std::string* tenant, std::uint64_t more_bytes,
                             WorkersGone* gone) const;
  std::unique_ptr<Reservation> Hold(std::string tenant, const vocabulary::ModelId& id);

  const CatalogueLimits limits_;
  const std::shared_ptr<Charges> charges_;  // every model's
  mutable std::mutex mutex_;
  std::map<vocabulary::ModelId, std::shared_ptr<const ServedModel>> models_;
  std::map<vocabulary::ModelId, Reservation*> reserved_;
  ModelStorage* storage_ = nullptr;
  SharedModelFiles files_;
};

}  // namespace blindai::service
