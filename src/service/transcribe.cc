#include "service/transcribe.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/secret.h"
#include "model/supervisor.h"
#include "service/recognizer.h"
#include "service/speech_model.h"

namespace blindai::service {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using model::Supervisor;
using speech::AudioPiece;
using speech::DecoderProcess;
using vocabulary::Datatype;

// How often a window may end its worker, and how long it is waited for where nobody knows.
constexpr int kMostCrashes = 3;
constexpr int kPauseS = 1;

using Inputs = std::vector<vocabulary::Tensor>;

void Wipe(std::optional<Inputs>& inputs) {
  if (inputs) {
    for (vocabulary::Tensor& tensor : *inputs) base::Wipe(tensor.data);
  }
  inputs.reset();
}

// One recording on its way. Everything runs on the supervisor's thread, one step after the other, except what takes
// long, which is offloaded while nothing else of the job runs.
class Job : public std::enable_shared_from_this<Job> {
 public:
  using Done = std::function<void(Result<TranscribeDone>)>;

  // `voice_network` may be null.
  Job(std::shared_ptr<const ServedModel> served, std::shared_ptr<const ServedModel> voice_network,
      Caller caller, TranscribeRequest request, Done done)
      : served_(std::move(served)),
        voice_network_(std::move(voice_network)),
        caller_(std::move(caller)),
        request_(std::move(request)),
        done_(std::move(done)) {}
  ~Job() {
    Wipe(inputs_);
    Wipe(again_);
  }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  void Start(const DecoderOptions& options) {
    // Kept to the end, since whoever counts recordings counts by their holders.
    DecoderProcess::Start(request_.audio, options,
                          [self = shared_from_this()](Result<std::shared_ptr<DecoderProcess>> decoder) {
                            self->OnOpened(std::move(decoder));
                          });
  }

  void Cancel() { End(MakeError(ErrorKind::kCancelled, "cancelled", "the transcription was cancelled")); }

 private:
  void OnOpened(Result<std::shared_ptr<DecoderProcess>> decoder) {
    if (done_ == nullptr) return;
    if (!decoder.ok()) return End(std::move(decoder).error());
    decoder_ = std::move(*decoder);
    const int channels = decoder_->channels();
    if (voice_network_ != nullptr) voices_ = std::make_unique<speech::Voices>(channels);
    recognizer_ = MakeRecognizer(served_->record, request_, channels, voices_.get());
    Advance([] { return base::Ok(); });
  }

  // Does `work` and finds the next run, then goes on with what that asks for.
  void Advance(std::function<base::Status()> work) {
    Supervisor::Instance().Offload(
        [self = shared_from_this(), work = std::move(work)] {
          self->status_ = work();
          if (!self->status_.ok()) return;
          self->FindRun();
        },
        [self = shared_from_this()] { self->OnAdvanced(); });
  }

  // Who speaks is found out before the model hears it.
  void FindRun() {
    if (voices_) inputs_ = voices_->NextRun();
    is_of_voices_ = inputs_.has_value();
    if (is_of_voices_) return;
    inputs_ = recognizer_->NextRun();
    if (recognizer_->done()) {
      Conclude();
    } else if (request_.finished) {
      finished_ = recognizer_->TakeFinished();
    }
  }

  void Conclude() {
    auto transcript = recognizer_->Finish();
    if (transcript.ok()) {
      transcript_ = std::move(*transcript);
    } else {
      status_ = std::move(transcript).error();
    }
  }

  void OnAdvanced() {
    if (done_ == nullptr) return;
    if (!status_.ok()) return End(std::move(status_).error());
    if (!finished_.empty()) request_.finished(std::exchange(finished_, {}));
    if (request_.progress) request_.progress(recognizer_->seconds_done(), decoder_->announced_s());
    if (inputs_) return Run();
    if (transcript_) return End(TranscribeDone{served_->record, std::move(*transcript_)});
    decoder_->Next(
        [self = shared_from_this()](Result<AudioPiece> piece) { self->OnPiece(std::move(piece)); });
  }

  void OnPiece(Result<AudioPiece> piece) {
    if (done_ == nullptr) return;
    if (!piece.ok()) return End(std::move(piece).error());
    const auto held = std::make_shared<AudioPiece>(std::move(*piece));
    Advance([self = shared_from_this(), held] {
      if (self->voices_) self->voices_->Feed(held->channels);
      self->recognizer_->Feed(held->channels);
      if (!held->last) return base::Ok();
      if (self->voices_) self->voices_->End();
      self->recognizer_->End();
      return base::Ok();
    });
  }

  void Run() {
    Inputs inputs = std::move(*inputs_);
    inputs_.reset();
    if (request_.when_busy == WhenBusy::kWait) again_ = inputs;
    ticket_ = RunSpeech(
        is_of_voices_ ? *voice_network_ : *served_, caller_, std::move(inputs), request_.deadline,
        [self = shared_from_this()](Result<SpeechTensors> answer) { self->OnAnswer(std::move(answer)); });
  }

  void OnAnswer(Result<SpeechTensors> answer) {
    if (done_ == nullptr) return;
    if (!answer.ok())
      return MayRunAgain(answer.error()) ? RunLater(answer.error()) : End(std::move(answer).error());
    Wipe(again_);
    crashes_ = 0;
    const auto held = std::make_shared<SpeechTensors>(std::move(*answer));
    Advance([self = shared_from_this(), held] {
      return self->is_of_voices_ ? self->voices_->TakeAnswer(held->tensors())
                                 : self->recognizer_->TakeAnswer(held->tensors());
    });
  }

  bool MayRunAgain(const base::Error& error) {
    if (!again_) return false;
    if (error.code == "worker-crashed") return ++crashes_ < kMostCrashes;
    return error.kind == ErrorKind::kExhausted;
  }

  void RunLater(const base::Error& error) {
    const std::chrono::seconds pause(error.retry_after_s > 0 ? error.retry_after_s : kPauseS);
    const auto time = std::min(std::chrono::steady_clock::now() + pause, request_.deadline);
    later_ = Supervisor::Instance().At(time, [self = shared_from_this()] {
      self->later_.reset();
      self->inputs_ = std::exchange(self->again_, std::nullopt);
      self->Run();
    });
  }

  void End(Result<TranscribeDone> result) {
    Done done = std::exchange(done_, nullptr);
    if (done == nullptr) return;
    if (later_) Supervisor::Instance().CancelTimer(*std::exchange(later_, std::nullopt));
    ticket_.Cancel();
    decoder_.reset();
    request_.audio.reset();
    done(std::move(result));
  }

  const std::shared_ptr<const ServedModel> served_;
  const std::shared_ptr<const ServedModel> voice_network_;
  const Caller caller_;
  TranscribeRequest request_;
  Done done_;
  std::shared_ptr<DecoderProcess> decoder_;
  std::unique_ptr<speech::Voices> voices_;
  std::unique_ptr<Recognizer> recognizer_;  // which asks them
  base::Status status_ = base::Ok();
  std::optional<Inputs> inputs_;
  bool is_of_voices_ = false;    // the run that is next or under way
  std::optional<Inputs> again_;  // of the run under way, where it may run again
  int crashes_ = 0;              // of its worker
  std::optional<Supervisor::TimerId> later_;
  std::optional<vocabulary::Transcript> transcript_;
  std::vector<vocabulary::Segment> finished_;  // on their way to the request
  model::ModelHost::Ticket ticket_;
};

}  // namespace

Result<std::shared_ptr<const SpeechSettings>> MakeSpeechSettings(std::string_view vocab_json,
                                                                 std::string_view preprocessor_json,
                                                                 std::string_view language_model_file) {
  BLINDAI_TRY(speech::CtcVocabulary vocabulary, speech::CtcVocabulary::Parse(vocab_json));
  BLINDAI_TRY(const speech::FeatureSettings features, speech::ParsePreprocessorConfig(preprocessor_json));
  std::optional<speech::LanguageModel> language_model;
  if (!language_model_file.empty()) {
    BLINDAI_TRY(language_model, speech::LanguageModel::Parse(language_model_file, vocabulary));
  }
  return std::shared_ptr<const SpeechSettings>(std::make_shared<SpeechSettings>(SpeechSettings{
      .vocabulary = std::move(vocabulary),
      .features = features,
      .language_model = std::move(language_model),
      .vocab_json = std::string(vocab_json),
      .preprocessor_json = std::string(preprocessor_json),
      .language_model_file = std::string(language_model_file),
  }));
}

base::Status CheckSpeechSignature(const model::ModelSignature& signature, const SpeechSettings& settings) {
  const auto fits = [](const vocabulary::TensorSpec& spec, std::size_t rank) {
    return spec.datatype == Datatype::kFp32 && spec.shape.size() == rank &&
           (spec.shape[0] == vocabulary::kAnyDimension || spec.shape[0] == 1) &&
           spec.shape[1] == vocabulary::kAnyDimension;
  };
  if (signature.inputs.size() != 1 || signature.outputs.empty() || !fits(signature.inputs[0], 2) ||
      !fits(signature.outputs[0], 3)) {
    return NotSpeech();
  }
  const std::int64_t characters = signature.outputs[0].shape[2];
  if (characters != vocabulary::kAnyDimension &&
      characters != static_cast<std::int64_t>(settings.vocabulary.size())) {
    return NotSpeech();
  }
  return base::Ok();
}

void TranscribeTicket::Cancel() {
  if (cancel_) cancel_();
}

TranscribeTicket Transcribe(const ModelCatalogue& catalogue, const DecoderOptions& decoder,
                            const Caller& caller, const vocabulary::ModelId& id, TranscribeRequest request,
                            std::function<void(Result<TranscribeDone>)> done) {
  Result<std::shared_ptr<const ServedModel>> served = FindSpeechModel(catalogue, caller, id);
  if (!served.ok()) {
    done(std::move(served).error());
    return {};
  }
  base::Status can = CheckRecognition((*served)->record, request);
  if (can.ok() && !request.is_counted) can = (*served)->CountRequest(caller);
  if (!can.ok()) {
    done(std::move(can).error());
    return {};
  }
  const auto job = std::make_shared<Job>(std::move(*served), catalogue.voice_network(), caller,
                                         std::move(request), std::move(done));
  job->Start(decoder);
  TranscribeTicket ticket;
  ticket.cancel_ = [weak = std::weak_ptr(job)] {
    Supervisor::Instance().Post([weak] {
      if (const auto held = weak.lock()) held->Cancel();
    });
  };
  return ticket;
}

}  // namespace blindai::service
