#include "service/upload_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "crypto/random.h"
#include "encoding/hex.h"
#include "service/model_storage.h"
#include "service/transcribe.h"
#include "service/whisper_model.h"

namespace blindai::service {
namespace {

using base::ErrorKind;
using base::MakeError;

base::Error TooLarge(std::uint64_t limit) {
  return MakeError(
      ErrorKind::kTooLarge, "model-too-large",
      fmt::format("the model is larger than the {} bytes that this server takes (limits.model_bytes)",
                  limit));
}

base::Error AnotherFile(const std::string& seen, const std::string& wanted) {
  return MakeError(ErrorKind::kInvalid, "model-sha256",
                   fmt::format("the file has the SHA-256 {}, wanted {}", seen, wanted));
}

model::InspectLimits GateLimits(const UploadOptions& options) {
  model::InspectLimits limits;
  limits.max_bytes = options.max_model_bytes;
  return limits;
}

}  // namespace

vocabulary::ModelId RandomModelId() {
  base::Bytes bytes = crypto::RandomBytes(16);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string text = encoding::HexEncode(bytes);
  for (const std::size_t hyphen : {8, 13, 18, 23}) text.insert(hyphen, "-");
  base::Result<vocabulary::ModelId> id = vocabulary::ModelId::Parse(text);
  BLINDAI_CHECK(id.ok());
  return std::move(id).value();
}

base::Result<std::unique_ptr<ModelUpload>> ModelUpload::Begin(ModelCatalogue& catalogue,
                                                              const UploadOptions& options,
                                                              const Caller& caller, UploadRequest request) {
  BLINDAI_RETURN_IF_ERROR(RequireUpload(caller));
  if (request.save) {
    if (catalogue.storage() == nullptr) {
      return MakeError(ErrorKind::kUnsupported, "save-unsupported",
                       "this server keeps models in memory only; leave save out, or say save=false", "save");
    }
    if (auto refusal = catalogue.storage()->refusal()) return *std::move(refusal);
  }
  const std::uint64_t expected = request.content_length.value_or(request.least_bytes);
  if (expected > options.max_model_bytes) return TooLarge(options.max_model_bytes);
  BLINDAI_TRY(auto place, catalogue.Reserve(caller, request.id, request.versions));
  return Make(catalogue, options, caller.tenant, std::move(request), std::move(place));
}

base::Result<std::unique_ptr<ModelUpload>> ModelUpload::BeginForOperator(ModelCatalogue& catalogue,
                                                                         const UploadOptions& options,
                                                                         UploadRequest request) {
  BLINDAI_TRY(auto place, catalogue.ReserveForOperator(request.id));
  UploadOptions shared = options;
  shared.worker.shared = true;
  BLINDAI_TRY(auto upload,
              Make(catalogue, shared, std::string(kOperator), std::move(request), std::move(place)));
  upload->is_operators_ = true;
  return upload;
}

base::Result<std::unique_ptr<ModelUpload>> ModelUpload::Make(
    ModelCatalogue& catalogue, const UploadOptions& options, std::string owner, UploadRequest request,
    std::unique_ptr<ModelCatalogue::Reservation> place) {
  BLINDAI_RETURN_IF_ERROR(place->ExpectBytes(request.content_length.value_or(request.least_bytes)));
  BLINDAI_TRY(auto file, model::ModelFile::Create(options.max_model_bytes));
  return std::unique_ptr<ModelUpload>(new ModelUpload(catalogue, options, std::move(owner),
                                                      std::move(request), std::move(place), std::move(file)));
}

ModelUpload::ModelUpload(ModelCatalogue& catalogue, const UploadOptions& options, std::string owner,
                         UploadRequest request, std::unique_ptr<ModelCatalogue::Reservation> place,
                         std::shared_ptr<model::ModelFile> file)
    : catalogue_(catalogue),
      options_(options),
      owner_(std::move(owner)),
      request_(std::move(request)),
      place_(std::move(place)),
      file_(std::move(file)),
      inspector_(GateLimits(options)) {}

base::Status ModelUpload::Feed(base::ByteView chunk) {
  BLINDAI_RETURN_IF_ERROR(inspector_.Feed(chunk));
  BLINDAI_RETURN_IF_ERROR(file_->Append(chunk));
  return place_->ExpectBytes(file_->size());
}

base::Status ModelUpload::EndPart() {
  BLINDAI_TRY(const model::OnnxSummary summary, inspector_.Finish());
  parts_.parameters += summary.parameters;
  parts_.opset = std::max(parts_.opset, summary.opset);
  return base::Ok();
}

base::Status ModelUpload::BeginPart(const std::string& name) {
  if (!layout_) {
    layout_.emplace();
    BLINDAI_RETURN_IF_ERROR(file_->Append(model::BundleLayout::Begin()));
  } else {
    BLINDAI_RETURN_IF_ERROR(EndPart());
    if (layout_->Has(name)) {
      return MakeError(ErrorKind::kInvalid, "upload-part", fmt::format("part '{}' is there twice", name),
                       name);
    }
  }
  inspector_ = model::OnnxInspector(GateLimits(options_));
  return file_->Append(layout_->BeginPart(name, file_->size()));
}

base::Result<model::OnnxSummary> ModelUpload::Complete() {
  if (request_.content_length && *request_.content_length != file_->size()) {
    return MakeError(ErrorKind::kInvalid, "upload-length",
                     fmt::format("{} bytes were announced and {} arrived; send the file again",
                                 *request_.content_length, file_->size()));
  }
  if (layout_) {
    BLINDAI_RETURN_IF_ERROR(EndPart());
    BLINDAI_RETURN_IF_ERROR(file_->Append(layout_->End(file_->size())));
    BLINDAI_RETURN_IF_ERROR(file_->Seal());
    return parts_;
  }
  BLINDAI_TRY(model::OnnxSummary summary, inspector_.Finish());
  BLINDAI_RETURN_IF_ERROR(file_->Seal());
  return summary;
}

void ModelUpload::Finish(std::unique_ptr<ModelUpload> upload, Done done) {
  // Shared, because a std::function must be copyable; there is one owner.
  const std::shared_ptr<ModelUpload> held = std::move(upload);
  base::Result<model::OnnxSummary> summary = held->Complete();
  if (!summary.ok()) return held->Fail(std::move(summary).error(), done);
  const std::string& wanted = held->request_.wanted_sha256;
  if (!wanted.empty() && held->file_->sha256_hex() != wanted)
    return held->Fail(AnotherFile(held->file_->sha256_hex(), wanted), done);
  // Known only now that all of it has arrived. Nobody owns the operator's, so they are nobody's to share.
  if (!held->is_operators_) held->file_ = held->catalogue_.files().Share(held->owner_, held->file_);
  model::WorkerOptions worker = held->options_.worker;
  worker.precision = held->request_.precision;
  model::ModelHost::Start(held->file_, worker,
                          [held, summary = *summary,
                           done = std::move(done)](base::Result<std::shared_ptr<model::ModelHost>> started) {
                            if (!started.ok()) return held->Fail(std::move(started).error(), done);
                            std::shared_ptr<model::ModelHost> host = std::move(started).value();
                            if (const auto& speech = held->request_.speech) {
                              base::Status fits = CheckSpeechSignature(host->signature(), *speech);
                              if (!fits.ok()) return held->Fail(std::move(fits).error(), done);
                            }
                            if (const auto& whisper = held->request_.whisper) {
                              base::Status fits = CheckWhisperSignature(host->signature(), *whisper);
                              if (!fits.ok()) return held->Fail(std::move(fits).error(), done);
                            }
                            ModelRecord record = held->RecordOf(summary, *host);
                            Store(held, std::move(record), std::move(host), done);
                          });
}

ModelRecord ModelUpload::RecordOf(const model::OnnxSummary& summary, const model::ModelHost& host) const {
  const base::Time now = base::Now();
  ModelRecord record{.id = request_.id, .created = now, .signature = host.signature()};
  record.owner = owner_;
  record.sha256 = file_->sha256_hex();
  record.bytes = file_->size();
  record.parameters = summary.parameters;
  record.opset = summary.opset;
  const VersionPlan& plan = place_->plan();
  record.version = plan.added;
  record.policy = plan.policy;
  record.numbered_to = plan.numbered_to;
  if (!request_.versions.label.empty()) record.labels = {request_.versions.label};
  record.precision = request_.precision;
  record.visibility = visibility();
  record.speech = request_.speech;
  record.whisper = request_.whisper;
  record.tenants = request_.tenants;
  if (request_.time_to_live) record.expires = now + *request_.time_to_live;
  record.is_saved = request_.save;
  record.is_default = request_.is_default;
  record.is_operators = is_operators_;
  return record;
}

void ModelUpload::Store(std::shared_ptr<ModelUpload> upload, ModelRecord record,
                        std::shared_ptr<model::ModelHost> host, Done done) {
  ModelStorage* const storage = upload->catalogue_.storage();
  auto publish = [upload, record, host, done = std::move(done)](base::Status stored) {
    if (!stored.ok()) return upload->Fail(std::move(stored).error(), done);
    upload->Publish(record, host, done);
  };
  if (storage == nullptr) return publish(base::Ok());
  // What goes must not be back after a restart, also when this version is not stored.
  ModelCatalogue::StoredChange change = upload->catalogue_.StoredChangeOf(*upload->place_);
  if (!record.is_saved) return storage->Apply(record.id, std::move(change), std::move(publish));
  host->SetFetch(storage->FetchOf(record));
  storage->Save(std::move(record), upload->file_, std::move(change), std::move(publish));
}

void ModelUpload::Publish(ModelRecord record, std::shared_ptr<model::ModelHost> host, const Done& done) {
  ModelRecord published = catalogue_.Publish(*place_, std::move(record), std::move(host));
  place_.reset();
  done(std::move(published));
}

void ModelUpload::Fail(base::Error error, const Done& done) {
  place_.reset();
  done(std::move(error));
}

}  // namespace blindai::service
