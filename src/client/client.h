// The front door for programs that use a blindai server. A Client verifies the server before it sends
// anything, and verifies every further connection again, also after a lost one: data only ever goes to a
// machine that has just been accepted.
//
//   Client client(options);                       // sends nothing
//   BLINDAI_RETURN_IF_ERROR(client.Connect());    // connects and verifies; see client.verdict()
//   BLINDAI_TRY(const wire::ModelInfo model, client.UploadModel("demo", file, {}));
//   BLINDAI_TRY(const Prediction answer, client.Predict("demo", {input}, {}));
//
// With a directory (settings.h) the session is renewed before it ends, and a call that this server cannot take
// goes to another one of the list, which is verified first (connection_pool.h says what may be repeated).
//
// Calls may come from several threads at the same time: each uses a connection of its own, up to
// max_connections. Every call blocks until its end. Errors: FailureOf (failure.h) sorts them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attestation/verifier/verdict.h"
#include "base/bytes.h"
#include "base/result.h"
#include "client/connection_record.h"
#include "client/live_transcription.h"
#include "client/request_body.h"
#include "client/settings.h"
#include "client/transcription.h"
#include "client/transcription_job.h"
#include "protocols/wire/audio_job.h"
#include "protocols/wire/model_listing.h"
#include "protocols/wire/open_inference_v2.h"
#include "vocabulary/tensor.h"

namespace blindai::client {

// What a model answered. The tensors borrow from the answer's body, which this owns; it may be moved, and the
// body's memory is wiped when it dies.
class Prediction {
 public:
  Prediction(base::Bytes body, wire::InferResponse response,
             std::shared_ptr<const ConnectionRecord> connection)
      : body_(std::move(body)), response_(std::move(response)), connection_(std::move(connection)) {}
  Prediction(Prediction&&) = default;
  Prediction& operator=(Prediction&&) = default;
  ~Prediction();

  const std::string& model_id() const { return response_.model_name; }
  std::size_t size() const { return response_.outputs.size(); }
  const vocabulary::TensorView& output(std::size_t index) const { return response_.outputs[index].tensor; }
  // The connection that it was asked and answered on.
  const ConnectionRecord& connection() const { return *connection_; }

 private:
  base::Bytes body_;
  wire::InferResponse response_;
  std::shared_ptr<const ConnectionRecord> connection_;
};

using ModelSource = FileSource;

// What a CTC speech model is beside its ONNX file, as the model's makers publish it.
struct SpeechFiles {
  FileSource vocab;                                         // vocab.json
  FileSource preprocessor;                                  // preprocessor_config.json
  std::optional<FileSource> language_model = std::nullopt;  // an ARPA file or KenLM's binary
};

// What a Whisper model is beside its encoder_model.onnx, which is the model's own file.
struct WhisperFiles {
  // Files of a folder by the names that Hugging Face's optimum gives them; decoder_with_past only if it is there.
  static WhisperFiles In(const std::string& folder);

  FileSource decoder;                                          // decoder_model.onnx
  std::optional<FileSource> decoder_with_past = std::nullopt;  // decoder_with_past_model.onnx
  FileSource tokenizer;                                        // tokenizer.json
  FileSource generation_config;                                // generation_config.json
  FileSource preprocessor;                                     // preprocessor_config.json
};
inline constexpr const char* kWhisperEncoderFile = "encoder_model.onnx";

struct UploadOptions {
  wire::UploadQuery query;
  std::optional<SpeechFiles> speech;    // with query.kind = kCtcSpeech
  std::optional<WhisperFiles> whisper;  // with query.kind = kWhisper
  // Called on the calling thread before each piece of the file goes out: bytes sent with it, bytes in all. False ends
  // the upload (code: cancelled), and that piece stays here.
  std::function<bool(std::uint64_t sent, std::uint64_t total)> progress;
  // Set to the connection that the file went over.
  std::shared_ptr<const ConnectionRecord>* connection = nullptr;
};

struct PredictOptions {
  std::vector<std::string> outputs;                  // names that are wanted; empty: all
  std::optional<std::chrono::milliseconds> timeout;  // instead of ConnectOptions::request_timeout
  std::string version = {};                          // a number or a label; empty: the highest
};

class Client {
 public:
  explicit Client(ConnectOptions options);
  ~Client();  // Close()
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  // Verifies the server with a first connection. The other calls do so by themselves where it was not called.
  base::Status Connect();
  // The newest verdict, also one that refused; nothing before the server was asked.
  std::optional<verifier::Verdict> verdict() const;
  const ConnectOptions& options() const;
  // The one that calls go to now; with a directory it changes when another server answers.
  ServerAddress server() const;

  // Streams the file; a refusal comes before the upload where the server gives it early. Codes of the server,
  // and: model-id, argument (the file cannot be read).
  base::Result<wire::ModelInfo> UploadModel(const std::string& model_id, const ModelSource& source,
                                            const UploadOptions& options);
  base::Result<std::vector<wire::ModelInfo>> ListModels();
  // `version`: a number or a label (vocabulary/version_policy.h; code: argument); empty: the highest.
  base::Result<wire::ModelInfo> GetModel(const std::string& model_id, const std::string& version = "");
  // Which versions stay and what their labels are, in one step. Gives the model as it is then.
  base::Result<wire::ModelInfo> ChangeModel(const std::string& model_id, const wire::ModelChange& change);
  // One version, a number or a label, or all of them with the empty text.
  base::Result<wire::ModelDeleted> DeleteModel(const std::string& model_id, const std::string& version = "");

  // Runs a model on named inputs. The elements are sent from where they lie and must stay until the call
  // returns.
  base::Result<Prediction> Predict(const std::string& model_id,
                                   std::span<const vocabulary::TensorView> inputs,
                                   const PredictOptions& options);

  // A recording becomes text. The recording is sent from where it lies and must stay until the call returns. Codes of
  // the server, and those of TranscriptionExchange.
  base::Result<Transcription> Transcribe(const FileSource& recording, const TranscribeOptions& options);

  // The same as a job that goes on at the server; it returns when the recording is there. `on_event` is not used.
  // Codes: those of Transcribe.
  base::Result<JobReference> StartJob(const FileSource& recording, const TranscribeOptions& options);
  // Codes of all: those of the server (job-not-found), server-not-listed (in a cloud).
  base::Result<wire::AudioJob> LookAtJob(const JobReference& reference);
  // Also: job-not-finished, and the error of a job that failed.
  base::Result<JobResult> FetchJobResult(const JobReference& reference);
  // Ends it, and has the server forget its result.
  base::Status DeleteJob(const JobReference& reference);
  // Sound becomes text while somebody speaks, over a connection that is verified for it alone and not counted by
  // max_connections. Without a model: the caller's default one, as with Transcribe. Codes: those of
  // LiveTranscription::Start, argument (a setting that no session can have).
  base::Result<std::unique_ptr<LiveTranscription>> TranscribeLive(const LiveOptions& options);

  // Closes idle connections; a call after it opens, and verifies, a new one. Running calls go on.
  void Close();

 private:
  base::Result<net::HttpResponse> AskAboutJob(std::string method, const JobReference& reference,
                                              std::string_view what);

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace blindai::client
