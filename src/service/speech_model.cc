#include "service/speech_model.h"

#include <cstring>
#include <string>

#include "base/secret.h"

namespace blindai::service {

using base::Result;
using vocabulary::Tensor;

base::Error NotSpeech() {
  return base::MakeError(
      base::ErrorKind::kInvalid, "model-not-speech",
      "the model does not transcribe: it takes no samples [batch, samples], gives no scores [batch, "
      "frames, characters of vocab.json], or was uploaded without kind=ctc-speech or kind=whisper",
      "model");
}

Result<std::shared_ptr<const ServedModel>> FindSpeechModel(const ModelCatalogue& catalogue,
                                                           const Caller& caller,
                                                           const vocabulary::ModelId& id) {
  BLINDAI_RETURN_IF_ERROR(RequireRun(caller));
  BLINDAI_TRY(std::shared_ptr<const ServedModel> served, catalogue.Find(caller, id));
  if (served->record.speech == nullptr && served->record.whisper == nullptr) return NotSpeech();
  return served;
}

Result<std::shared_ptr<const ServedModel>> FindLiveModel(const ModelCatalogue& catalogue,
                                                         const Caller& caller,
                                                         const vocabulary::ModelId& id) {
  BLINDAI_TRY(std::shared_ptr<const ServedModel> served, FindSpeechModel(catalogue, caller, id));
  if (served->record.speech != nullptr) return served;
  return base::MakeError(
      base::ErrorKind::kUnsupported, "model-not-live",
      "a Whisper model transcribes recordings; for live sound name a model of kind=ctc-speech", "model");
}

SpeechTensors::~SpeechTensors() {
  for (Tensor& tensor : tensors_) base::Wipe(tensor.data);
}

Tensor WindowTensor(const ModelRecord& record, std::vector<float>& window) {
  const std::size_t bytes = window.size() * sizeof(float);
  Tensor tensor{record.signature.inputs.front().name,
                vocabulary::Datatype::kFp32,
                {1, static_cast<std::int64_t>(window.size())},
                base::Bytes(bytes)};
  std::memcpy(tensor.data.data(), window.data(), bytes);
  base::Wipe(window.data(), bytes);
  return tensor;
}

std::span<const float> ScoresOf(const Tensor& answer) {
  return {reinterpret_cast<const float*>(answer.data.data()), answer.data.size() / sizeof(float)};
}

std::int64_t FramesOf(const Tensor& answer) {
  return answer.shape.size() == 3 && answer.shape[0] == 1 ? answer.shape[1] : -1;
}

model::ModelHost::Ticket RunSpeech(const ServedModel& served, const Caller& caller,
                                   std::vector<Tensor> inputs, std::chrono::steady_clock::time_point deadline,
                                   std::function<void(Result<SpeechTensors>)> done) {
  model::RunRequest run = model::RunRequest::Of(std::move(inputs));
  if (served.record.whisper == nullptr) run.outputs = {served.record.signature.outputs.front().name};
  run.deadline = deadline;
  return served.Run(caller, std::move(run), [done = std::move(done)](Result<model::RunAnswer> answer) {
    if (!answer.ok()) return done(std::move(answer).error());
    done(SpeechTensors(std::move(answer->outputs)));
  });
}

model::ModelHost::Ticket RunWindow(const ServedModel& served, const Caller& caller,
                                   std::vector<float>& window, std::chrono::steady_clock::time_point deadline,
                                   std::function<void(Result<WindowScores>)> done) {
  std::vector<Tensor> inputs;
  inputs.push_back(WindowTensor(served.record, window));
  return RunSpeech(served, caller, std::move(inputs), deadline,
                   [done = std::move(done)](Result<SpeechTensors> answer) {
                     if (!answer.ok()) return done(std::move(answer).error());
                     done(WindowScores(std::move(*answer)));
                   });
}

}  // namespace blindai::service
