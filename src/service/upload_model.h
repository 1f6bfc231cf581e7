// Takes an ONNX file in as it arrives: each piece passes the gate (model/inspect_onnx) and goes into the
// kernel's memory for the worker; nothing is kept twice and nothing reaches a disk. Once the file is complete
// a worker process loads it, and only then does the model get its id. Dropping the upload at any point leaves
// nothing behind: no name, no memory, no worker.
//
//   BLINDAI_TRY(auto upload, ModelUpload::Begin(catalogue, options, caller, request));
//   for each piece of the body: BLINDAI_RETURN_IF_ERROR(upload->Feed(piece));
//   ModelUpload::Finish(std::move(upload), [](base::Result<ModelRecord> record) { … });
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "model/inspect_onnx.h"
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
  // Of a speech model; null for others. SetSpeech gives it later.
  std::shared_ptr<const SpeechSettings> speech = nullptr;
  // What the client says that it will send; checked against what arrives (code upload-length).
  std::optional<std::uint64_t> content_length = std::nullopt;
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
  // model-too-large, memory-full.
  static base::Result<std::unique_ptr<ModelUpload>> Begin(ModelCatalogue& catalogue,
                                                          const UploadOptions& options, const Caller& caller,
                                                          UploadRequest request);

  // The next bytes. Codes: those of the gate, model-too-large, memory-full, out-of-memory.
  base::Status Feed(base::ByteView chunk);

  // Of a speech model, known before Finish.
  void SetSpeech(std::shared_ptr<const SpeechSettings> speech) { request_.speech = std::move(speech); }

  // The file has ended. Loads it and publishes it; `done` is called once, on the model host's thread or at
  // once. Codes: those of the gate and of ModelHost::Start, upload-length; for a speech model model-not-speech.
  static void Finish(std::unique_ptr<ModelUpload> upload,
                     std::function<void(base::Result<ModelRecord>)> done);

 private:
  ModelUpload(ModelCatalogue& catalogue, const UploadOptions& options, const Caller& caller,
              UploadRequest request, std::unique_ptr<ModelCatalogue::Reservation> place,
              std::shared_ptr<model::ModelFile> file);
  base::Result<model::OnnxSummary> Complete();
  Visibility visibility() const { return request_.visibility.value_or(options_.default_visibility); }

  ModelCatalogue& catalogue_;
  const UploadOptions options_;
  const std::string owner_;
  UploadRequest request_;
  std::unique_ptr<ModelCatalogue::Reservation> place_;
  std::shared_ptr<model::ModelFile> file_;
  model::OnnxInspector inspector_;
};

}  // namespace blindai::service
