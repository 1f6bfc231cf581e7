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
      "frames, characters of vocab.json], or was uploaded without kind=ctc-speech",
      "model");
}

Result<std::shared_ptr<const ServedModel>> FindSpeechModel(const ModelCatalogue& catalogue,
                                                           const Caller& caller,
                                                           const vocabulary::ModelId& id) {
  BLINDAI_RETURN_IF_ERROR(RequireRun(caller));
  BLINDAI_TRY(std::shared_ptr<const ServedModel> served, catalogue.Find(caller, id));
  if (served->record.speech == nullptr) return NotSpeech();
  return served;
}

WindowScores::~WindowScores() { base::Wipe(tensor_.data); }

std::span<const float> WindowScores::values() const {
  return {reinterpret_cast<const float*>(tensor_.data.data()), tensor_.data.size() / sizeof(float)};
}

std::int64_t WindowScores::frames() const {
  return tensor_.shape.size() == 3 && tensor_.shape[0] == 1 ? tensor_.shape[1] : -1;
}

model::ModelHost::Ticket RunWindow(const ServedModel& served, const Caller& caller,
                                   std::vector<float>& window, std::chrono::steady_clock::time_point deadline,
                                   std::function<void(Result<WindowScores>)> done) {
  const model::ModelSignature& signature = served.record.signature;
  const std::size_t bytes = window.size() * sizeof(float);
  Tensor tensor{signature.inputs.front().name,
                vocabulary::Datatype::kFp32,
                {1, static_cast<std::int64_t>(window.size())},
                base::Bytes(bytes)};
  std::memcpy(tensor.data.data(), window.data(), bytes);
  base::Wipe(window.data(), bytes);
  std::vector<Tensor> tensors;
  tensors.push_back(std::move(tensor));
  model::RunRequest run = model::RunRequest::Of(std::move(tensors));
  run.outputs = {signature.outputs.front().name};
  run.deadline = deadline;
  run.caller = caller.number;
  run.weight = caller.weight;
  return served.host->Run(std::move(run), [done = std::move(done)](Result<model::RunAnswer> answer) {
    if (!answer.ok()) return done(std::move(answer).error());
    done(WindowScores(std::move(answer->outputs.front())));
  });
}

}  // namespace blindai::service
