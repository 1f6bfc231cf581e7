#include "service/upload_model.h"

#include <fmt/format.h>

#include <utility>

#include "service/transcribe.h"

#include "crypto/random.h"
#include "encoding/hex.h"

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
  const std::uint64_t expected = request.content_length.value_or(request.least_bytes);
  if (expected > options.max_model_bytes) return TooLarge(options.max_model_bytes);
  BLINDAI_TRY(auto place, catalogue.Reserve(caller, request.id));
  BLINDAI_RETURN_IF_ERROR(place->ExpectBytes(expected));
  BLINDAI_TRY(auto file, model::ModelFile::Create(options.max_model_bytes));
  return std::unique_ptr<ModelUpload>(
      new ModelUpload(catalogue, options, caller, std::move(request), std::move(place), std::move(file)));
}

ModelUpload::ModelUpload(ModelCatalogue& catalogue, const UploadOptions& options, const Caller& caller,
                         UploadRequest request, std::unique_ptr<ModelCatalogue::Reservation> place,
                         std::shared_ptr<model::ModelFile> file)
    : catalogue_(catalogue),
      options_(options),
      owner_(caller.tenant),
      request_(std::move(request)),
      place_(std::move(place)),
      file_(std::move(file)),
      inspector_(GateLimits(options)) {}

base::Status ModelUpload::Feed(base::ByteView chunk) {
  BLINDAI_RETURN_IF_ERROR(inspector_.Feed(chunk));
  BLINDAI_RETURN_IF_ERROR(file_->Append(chunk));
  return place_->ExpectBytes(file_->size());
}

base::Result<model::OnnxSummary> ModelUpload::Complete() {
  if (request_.content_length && *request_.content_length != file_->size()) {
    return MakeError(ErrorKind::kInvalid, "upload-length",
                     fmt::format("{} bytes were announced and {} arrived; send the file again",
                                 *request_.content_length, file_->size()));
  }
  BLINDAI_TRY(model::OnnxSummary summary, inspector_.Finish());
  BLINDAI_RETURN_IF_ERROR(file_->Seal());
  return summary;
}

void ModelUpload::Finish(std::unique_ptr<ModelUpload> upload,
                         std::function<void(base::Result<ModelRecord>)> done) {
  base::Result<model::OnnxSummary> summary = upload->Complete();
  if (!summary.ok()) {
    // The place is free before the client hears of it, so that it may try again at once.
    upload.reset();
    return done(std::move(summary).error());
  }
  model::WorkerOptions worker = upload->options_.worker;
  worker.precision = upload->request_.precision;
  const std::shared_ptr<model::ModelFile> file = upload->file_;
  // Shared, because a std::function must be copyable; there is one owner.
  const std::shared_ptr<ModelUpload> held = std::move(upload);
  model::ModelHost::Start(file, worker,
                          [held, summary = *summary, done = std::move(done)](
                              base::Result<std::shared_ptr<model::ModelHost>> started) mutable {
                            if (!started.ok()) {
                              held->place_.reset();
                              return done(std::move(started).error());
                            }
                            std::shared_ptr<model::ModelHost> host = std::move(started).value();
                            const auto& speech = held->request_.speech;
                            if (speech != nullptr) {
                              base::Status fits = CheckSpeechSignature(host->signature(), *speech);
                              if (!fits.ok()) {
                                held->place_.reset();
                                return done(std::move(fits).error());
                              }
                            }
                            ModelRecord record{.id = held->request_.id,
                                               .owner = held->owner_,
                                               .sha256 = held->file_->sha256_hex(),
                                               .bytes = held->file_->size(),
                                               .parameters = summary.parameters,
                                               .opset = summary.opset,
                                               .version = 1,
                                               .precision = held->request_.precision,
                                               .visibility = held->visibility(),
                                               .created = base::Now(),
                                               .signature = host->signature(),
                                               .speech = speech};
                            ModelRecord published =
                                held->catalogue_.Publish(*held->place_, std::move(record), std::move(host));
                            held->place_.reset();
                            done(std::move(published));
                          });
}

}  // namespace blindai::service
