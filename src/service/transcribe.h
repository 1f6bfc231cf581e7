// Transcribes a recording with a speech model that is served: the recording goes to a decoder process, its sound in
// windows to the model's worker, and both are gone when the answer is there. Nothing is written anywhere and nothing of
// the recording or the text is logged; samples and logits are wiped as soon as they have been used.
//
// Any thread may call. The answer comes once, by callback, on the model host's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/caller.h"
#include "service/model_catalogue.h"
#include "speech/audio_file.h"
#include "speech/decoder_process.h"
#include "vocabulary/model_id.h"
#include "vocabulary/transcript.h"

namespace blindai::service {

using DecoderOptions = speech::DecoderOptions;

// From the vocab.json and preprocessor_config.json that are uploaded with a speech model, and its language model, an
// ARPA file or KenLM binary; empty: none. Codes: vocabulary, preprocessor, language-model.
base::Result<std::shared_ptr<const SpeechSettings>> MakeSpeechSettings(
    std::string_view vocab_json, std::string_view preprocessor_json,
    std::string_view language_model_file = {});
// Whether a model takes samples [batch, samples] and gives scores [batch, frames, characters], all 32-bit floats, as
// wav2vec2 does. Code: model-not-speech.
base::Status CheckSpeechSignature(const model::ModelSignature& signature, const SpeechSettings& settings);

// What becomes of a window when the model's queue is full or its worker ended while it ran it: an error at once, or it
// waits until there is room, until the deadline. A worker that ends on the same window again and again is an error.
enum class WhenBusy { kFail, kWait };

struct TranscribeRequest {
  std::shared_ptr<const speech::AudioFile> audio;  // sealed
  // Words to favour; code keyword when the model cannot write one.
  std::vector<std::string> keywords;
  // What was said, word for word, when only its times are wanted; empty: it is to be heard. Not with keywords.
  std::string alignment = {};
  // What the recording is in, ISO 639-1; empty: the model finds out. Code language where it cannot be another.
  std::string language = {};
  // Into English. Code translations-unsupported.
  bool translate = false;
  // Free text that steers the spelling of names. Code prompt-unsupported.
  std::string prompt = {};
  // How many texts are weighed against each other; nothing: one. Code beam-size-unsupported.
  std::optional<std::uint32_t> beams = {};
  // Whether the answer needs words with times and confidence. Code words-unsupported.
  bool needs_words = false;
  // The shortest silence that the recording is cut in; nothing: the transcriber's own.
  std::optional<std::uint32_t> silence_ms;
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  WhenBusy when_busy = WhenBusy::kFail;
  bool is_counted = false;  // as a request of its tenant, before
  // Called after each step, on the model host's thread, with the seconds that are done and those that the file states
  // (0: none); may be empty.
  std::function<void(double done_s, double announced_s)> progress;
  // Called before, on the same thread, with segments of the transcript as soon as no later sound can change them: the
  // first ones, in order. Not with `alignment`, nor for two channels. May be empty.
  std::function<void(std::vector<vocabulary::Segment> segments)> finished;
};

struct TranscribeDone {
  ModelRecord record;  // the model that gave the answer
  vocabulary::Transcript transcript;
};

class TranscribeTicket {
 public:
  TranscribeTicket() = default;
  // Ends it with code cancelled, unless it has ended; safe at any time.
  void Cancel();

 private:
  friend TranscribeTicket Transcribe(const ModelCatalogue&, const DecoderOptions&, const Caller&,
                                     const vocabulary::ModelId&, TranscribeRequest,
                                     std::function<void(base::Result<TranscribeDone>)>);
  std::function<void()> cancel_;
};

// Codes: those of RequireRun, ModelCatalogue::Find, ServedModel::CountRequest, DecoderProcess and ModelHost::Run;
// model-not-speech (a tensor model), those of CheckRecognition (service/recognizer.h), model-frames, model-tokens,
// voice-activity, those of Transcriber::FinishAligned, cancelled.
TranscribeTicket Transcribe(const ModelCatalogue& catalogue, const DecoderOptions& decoder,
                            const Caller& caller, const vocabulary::ModelId& id, TranscribeRequest request,
                            std::function<void(base::Result<TranscribeDone>)> done);

}  // namespace blindai::service
