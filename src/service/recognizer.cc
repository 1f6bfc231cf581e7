#include "service/recognizer.h"

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/secret.h"
#include "model/whisper_run.h"
#include "service/speech_model.h"
#include "speech/ctc_beam.h"
#include "speech/transcriber.h"
#include "speech/whisper_transcriber.h"

namespace blindai::service {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using vocabulary::Segment;
using vocabulary::Tensor;
using vocabulary::Transcript;

constexpr std::int64_t kSamplesPerMs = 16;

// ---- CTC

speech::TranscriberOptions OptionsOf(const SpeechSettings& settings, const TranscribeRequest& request,
                                     const speech::Voices* voices) {
  auto keywords = speech::Keywords::Make(request.keywords, settings.vocabulary);
  BLINDAI_CHECK(keywords.ok());
  speech::TranscriberOptions options{settings.features, {}, std::move(*keywords)};
  if (request.silence_ms) options.chunks.min_silence_samples = *request.silence_ms * kSamplesPerMs;
  if (settings.language_model) options.language_model = &*settings.language_model;
  options.voices = voices;
  options.align = !request.alignment.empty();
  return options;
}

class CtcRecognizer : public Recognizer {
 public:
  CtcRecognizer(const ModelRecord& record, const TranscribeRequest& request, int channels,
                const speech::Voices* voices)
      : record_(record),
        alignment_(request.alignment),
        transcriber_(std::make_unique<speech::Transcriber>(
            record.speech->vocabulary, OptionsOf(*record.speech, request, voices), channels)) {}

  void Feed(std::span<const std::vector<float>> channels) override { transcriber_->Feed(channels); }
  void End() override { transcriber_->End(); }
  std::optional<std::vector<Tensor>> NextRun() override {
    std::optional<std::vector<float>> window = transcriber_->NextWindow();
    if (!window) return std::nullopt;
    std::vector<Tensor> inputs;
    inputs.push_back(WindowTensor(record_, *window));
    return inputs;
  }
  base::Status TakeAnswer(std::span<const Tensor> outputs) override {
    const Tensor& scores = outputs.front();
    return transcriber_->TakeLogits(ScoresOf(scores), FramesOf(scores));
  }
  bool done() const override { return transcriber_->done(); }
  double seconds_done() const override { return transcriber_->seconds_done(); }
  std::vector<Segment> TakeFinished() override {
    return alignment_.empty() ? transcriber_->TakeFinished() : std::vector<Segment>();
  }
  Result<Transcript> Finish() override {
    if (!alignment_.empty()) return transcriber_->FinishAligned(alignment_);
    return transcriber_->Finish();
  }
  std::unique_ptr<Recognizer> Copy() const override {
    return std::unique_ptr<Recognizer>(new CtcRecognizer(record_, alignment_, transcriber_->Copy()));
  }

 private:
  CtcRecognizer(const ModelRecord& record, std::string alignment,
                std::unique_ptr<speech::Transcriber> transcriber)
      : record_(record), alignment_(std::move(alignment)), transcriber_(std::move(transcriber)) {}

  const ModelRecord& record_;
  const std::string alignment_;
  const std::unique_ptr<speech::Transcriber> transcriber_;
};

// ---- Whisper

speech::WhisperOptions WhisperOptionsOf(const TranscribeRequest& request,
                                        const speech::Voices* voices = nullptr) {
  speech::WhisperOptions options;
  options.language = request.language;
  options.translate = request.translate;
  options.prompt = request.prompt;
  options.beams = static_cast<std::int32_t>(request.beams.value_or(1));
  // Names and terms: Whisper writes what it has just read as it was written there.
  for (const std::string& keyword : request.keywords)
    options.prompt += (options.prompt.empty() ? "" : ", ") + keyword;
  if (request.silence_ms) options.min_silence_samples = *request.silence_ms * kSamplesPerMs;
  options.voices = voices;
  return options;
}

class WhisperRecognizer : public Recognizer {
 public:
  WhisperRecognizer(const ModelRecord& record, const TranscribeRequest& request, int channels,
                    const speech::Voices* voices)
      : transcriber_(std::make_unique<speech::WhisperTranscriber>(
            record.whisper->tokens, model::WhisperDimensionsOf(record.signature).value(),
            WhisperOptionsOf(request, voices), channels)) {}

  void Feed(std::span<const std::vector<float>> channels) override { transcriber_->Feed(channels); }
  void End() override { transcriber_->End(); }
  std::optional<std::vector<Tensor>> NextRun() override { return transcriber_->NextRun(); }
  base::Status TakeAnswer(std::span<const Tensor> outputs) override {
    return transcriber_->TakeAnswer(outputs);
  }
  bool done() const override { return transcriber_->done(); }
  double seconds_done() const override { return transcriber_->seconds_done(); }
  std::vector<Segment> TakeFinished() override { return transcriber_->TakeFinished(); }
  Result<Transcript> Finish() override { return transcriber_->Finish(); }
  std::unique_ptr<Recognizer> Copy() const override {
    return std::unique_ptr<Recognizer>(new WhisperRecognizer(transcriber_->Copy()));
  }
  void KnowLanguage(std::string_view language) override { transcriber_->KnowLanguage(language); }

 private:
  explicit WhisperRecognizer(std::unique_ptr<speech::WhisperTranscriber> transcriber)
      : transcriber_(std::move(transcriber)) {}

  const std::unique_ptr<speech::WhisperTranscriber> transcriber_;
};

base::Status CheckCtc(const SpeechSettings& settings, const TranscribeRequest& request) {
  if (request.translate) {
    return MakeError(
        ErrorKind::kUnsupported, "translations-unsupported",
        "a CTC model writes the language that it hears; name a multilingual model of kind=whisper", "model");
  }
  if (!request.prompt.empty()) {
    return MakeError(ErrorKind::kInvalid, "prompt-unsupported",
                     "a CTC model takes no free text; send names and terms as keywords[]", "prompt");
  }
  if (request.beams) {
    return MakeError(ErrorKind::kInvalid, "beam-size-unsupported",
                     "a CTC model weighs as many texts as its keywords and language model need; leave it out",
                     "beam_size");
  }
  BLINDAI_RETURN_IF_ERROR(speech::Keywords::Make(request.keywords, settings.vocabulary));
  return base::Ok();
}

base::Status CheckWhisper(const ModelRecord& record, const TranscribeRequest& request) {
  if (!request.alignment.empty()) {
    return MakeError(ErrorKind::kUnsupported, "alignment-unsupported",
                     "a Whisper model cannot say when a given text was said; name a model of kind=ctc-speech",
                     "prompt_alignment");
  }
  const auto dimensions = model::WhisperDimensionsOf(record.signature);
  if (request.needs_words && !(dimensions && dimensions->aligns)) {
    return MakeError(ErrorKind::kUnsupported, "words-unsupported",
                     "no cross-attention was found in the model's decoder, so it gives times of segments and "
                     "not of words; ask "
                     "for timestamp_granularities[]=segment, without logprobs, or name another model",
                     "timestamp_granularities");
  }
  return speech::WhisperTranscriber::Check(record.whisper->tokens, WhisperOptionsOf(request));
}

}  // namespace

base::Status CheckRecognition(const ModelRecord& record, const TranscribeRequest& request) {
  if (record.whisper != nullptr) return CheckWhisper(record, request);
  if (record.speech != nullptr) return CheckCtc(*record.speech, request);
  return NotSpeech();
}

std::unique_ptr<Recognizer> MakeRecognizer(const ModelRecord& record, const TranscribeRequest& request,
                                           int channels, const speech::Voices* voices) {
  if (record.whisper != nullptr)
    return std::make_unique<WhisperRecognizer>(record, request, channels, voices);
  return std::make_unique<CtcRecognizer>(record, request, channels, voices);
}

}  // namespace blindai::service
