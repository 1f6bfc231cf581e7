// A speech model as transcription uses it: found for a caller, and run on one window of sound. Shared by recordings
// (service/transcribe.h) and live streams (service/stream_transcription.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "service/caller.h"
#include "service/model_catalogue.h"
#include "vocabulary/model_id.h"
#include "vocabulary/tensor.h"

namespace blindai::service {

// The model that a transcription means. No name, "default" and OpenAI's "whisper-1" are: the caller's own model of that
// name, the one that it uploaded as its default, the one that the operator chose for it, a model of that name that it
// may run, or the only one that transcribes of those listed to it; the first that there is. Others' models never come
// before what the caller or the operator chose. Codes: model-id, default-model (there is none, or several).
base::Result<vocabulary::ModelId> SpeechModelOf(const ModelCatalogue& catalogue, const Caller& caller,
                                                std::string_view name);
// Codes: those of RequireRun and ModelCatalogue::Find, model-not-speech.
base::Result<std::shared_ptr<const ServedModel>> FindSpeechModel(const ModelCatalogue& catalogue,
                                                                 const Caller& caller,
                                                                 const vocabulary::ModelId& id);
// What a model says that transcribes nothing.
base::Error NotSpeech();
// Whether a network takes and gives what voice activity is found with (speech/voice_activity.h). Code: voice-activity.
base::Status CheckVoiceSignature(const model::ModelSignature& signature);

// Tensors of a run, which hold what somebody said; wiped when they die.
class SpeechTensors {
 public:
  explicit SpeechTensors(std::vector<vocabulary::Tensor> tensors) : tensors_(std::move(tensors)) {}
  SpeechTensors(SpeechTensors&&) = default;
  SpeechTensors& operator=(SpeechTensors&&) = delete;
  ~SpeechTensors();

  std::span<const vocabulary::Tensor> tensors() const { return tensors_; }

 private:
  std::vector<vocabulary::Tensor> tensors_;
};

// Normalised samples as the input of a CTC model; they are wiped.
vocabulary::Tensor WindowTensor(const ModelRecord& record, std::vector<float>& window);
// Its answer, rows of scores. Frames: -1 when it is not [1, frames, characters].
std::span<const float> ScoresOf(const vocabulary::Tensor& answer);
std::int64_t FramesOf(const vocabulary::Tensor& answer);

// Runs a speech model on these inputs, which are wiped; of a CTC model its first output is wanted, of others all of
// them. Codes: those of ModelHost::Run.
model::ModelHost::Ticket RunSpeech(const ServedModel& served, const Caller& caller,
                                   std::vector<vocabulary::Tensor> inputs,
                                   std::chrono::steady_clock::time_point deadline,
                                   std::function<void(base::Result<SpeechTensors>)> done);

}  // namespace blindai::service
