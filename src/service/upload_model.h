// Takes an ONNX file in as it arrives: each piece passes the gate (model/inspect_onnx) and goes into the
// kernel's memory for the worker; nothing is kept twice, also not what the tenant serves already
// (service/shared_model_files.h), and nothing reaches a disk but what is to be saved, sealed. Once the file is
// complete a worker process loads it, then it is saved if that is wanted, and only then does the model get its
// id. Dropping the upload at any point leaves nothing behind: no name, no memory, no worker.
//
//   BLINDAI_TRY(auto upload, ModelUpload::Begin(catalogue, options, caller, request));
//   for each piece of the body: BLINDAI_RETURN_IF_ERROR(upload->Feed(piece));
//   ModelUpload::Finish(std::move(upload), [](base::Result<ModelRecord> record) { … });
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "model/inspect_onnx.h"
#include "model/model_bundle.h"
#include "model/model_file.h"
#include "model/model_host.h"
#include "service/caller.h"
#include "service/model_catalogue.h"
#include "vocabulary/model_id.h"

namespace blindai::service {

struct UploadRequest {
  vocabulary::ModelId id;
  Precision precision = Precision::kF32;
  // Nothing: the server's default.
  std::optional<Visibility> visibility = std::nullopt;
  std::vector<std::string> tenants = {};  // for Visibility::kTenants
  // Whether it shall survive a restart of the server (service/model_storage.h).
  bool save = false;
  bool is_default = false;  // ModelRecord::is_default
  // Which versions are served then, and a label for this one; `labels` is not used.
  VersionChange versions = {};
  std::optional<std::chrono::seconds> time_to_live = std::nullopt;
  // Of a speech model; null for others. SetSpeech and SetWhisper give them later.
  std::shared_ptr<const SpeechSettings> speech = nullptr;
  std::shared_ptr<const WhisperSettings> whisper = nullptr;
  // What the client says that it will send; checked against what arrives (code upload-length).
  std::optional<std::uint64_t> content_length = std::nullopt;
  // What the operator measured, 64 lower-case hex digits: another file never reaches a worker (code model-sha256).
  std::string wanted_sha256 = {};
  // What is known to come at least, where the length itself is not known: to refuse early.
  std::uint64_t least_bytes = 0;
};

struct UploadOptions {
  // The largest file (code model-too-large).
  std::uint64_t max_model_bytes = std::uint64_t{2} << 30;
  // Of uploads that name none.
  Visibility default_visibility = Visibility::kLink;
  // How workers are started; the precision is the request's.
  model::WorkerOptions worker;
};

// An id that nobody can guess, for uploads that name none: a UUID of version 4 (RFC 9562 section 5.4).
vocabulary::ModelId RandomModelId();

class ModelUpload {
 public:
  // Refuses what can be refused before the first byte is read. Codes: those of RequireUpload and Reserve,
  // model-too-large, memory-full; with save: save-unsupported (this server stores nothing) and those of
  // ModelStorage::refusal.
  static base::Result<std::unique_ptr<ModelUpload>> Begin(ModelCatalogue& catalogue,
                                                          const UploadOptions& options, const Caller& caller,
                                                          UploadRequest request);

  // A model that the operator names in the measured configuration: callers share its worker, and no client owns it.
  static base::Result<std::unique_ptr<ModelUpload>> BeginForOperator(ModelCatalogue& catalogue,
                                                                     const UploadOptions& options,
                                                                     UploadRequest request);

  // The next bytes. Codes: those of the gate, model-too-large, memory-full, out-of-memory.
  base::Status Feed(base::ByteView chunk);

  // For a model of several networks: says which of them follows, before its first byte. Codes: those of the gate, about
  // the one before; upload-part (one twice).
  base::Status BeginPart(const std::string& name);

  // Of a model that transcribes, known before Finish.
  void SetSpeech(std::shared_ptr<const SpeechSettings> speech) { request_.speech = std::move(speech); }
  void SetWhisper(std::shared_ptr<const WhisperSettings> whisper) { request_.whisper = std::move(whisper); }

  // The file has ended. Loads it, saves it and publishes it; `done` is called once, on the model host's or
  // the storage's thread or at once. Codes: those of the gate, of ModelHost::Start and of ModelStorage::Save,
  // upload-length, model-sha256; for a speech model model-not-speech.
  static void Finish(std::unique_ptr<ModelUpload> upload,
                     std::function<void(base::Result<ModelRecord>)> done);

 private:
  using Done = std::function<void(base::Result<ModelRecord>)>;

  ModelUpload(ModelCatalogue& catalogue, const UploadOptions& options, std::string owner,
              UploadRequest request, std::unique_ptr<ModelCatalogue::Reservation> place,
              std::shared_ptr<model::ModelFile> file);
  static base::Result<std::unique_ptr<ModelUpload>> Make(ModelCatalogue& catalogue,
                                                         const UploadOptions& options, std::string owner,
                                                         UploadRequest request,
                                                         std::unique_ptr<ModelCatalogue::Reservation> place);
  base::Status EndPart();
  base::Result<model::OnnxSummary> Complete();
  Visibility visibility() const { return request_.visibility.value_or(options_.default_visibility); }
  ModelRecord RecordOf(const model::OnnxSummary& summary, const model::ModelHost& host) const;
  // These end the upload: the place is free before `done` hears of it, so that the client may try again at once.
  static void Store(std::shared_ptr<ModelUpload> upload, ModelRecord record,
                    std::shared_ptr<model::ModelHost> host, Done done);
  void Publish(ModelRecord record, std::shared_ptr<model::ModelHost> host, const Done& done);
  void Fail(base::Error error, const Done& done);

  ModelCatalogue& catalogue_;
  const UploadOptions options_;
  const std::string owner_;
  bool is_operators_ = false;
  UploadRequest request_;
  std::unique_ptr<ModelCatalogue::Reservation> place_;
  std::shared_ptr<model::ModelFile> file_;
  model::OnnxInspector inspector_;
  // Of a model of several networks: where they lie in the file, and what those that are complete said together.
  std::optional<model::BundleLayout> layout_;
  model::OnnxSummary parts_;
};

}  // namespace blindai::service
