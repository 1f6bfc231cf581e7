#include "service/speech_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/secret.h"

namespace blindai::service {

using base::Result;
using vocabulary::ModelId;
using vocabulary::Tensor;

namespace {

// What programs that are written for OpenAI's own service name.
constexpr std::string_view kOpenAIsModel = "whisper-1";

bool Transcribes(const ModelRecord& record) { return record.speech != nullptr || record.whisper != nullptr; }

Result<ModelId> OnlySpeechModel(const ModelCatalogue& catalogue, const Caller& caller) {
  auto listed = catalogue.List(caller);
  std::erase_if(listed, [](const auto& served) { return !Transcribes(served->record); });
  if (listed.size() == 1) return listed.front()->record.id;
  const std::string message = listed.empty()
                                  ? "no model that transcribes is listed to you, and you have no default; "
                                    "upload one with kind=whisper or "
                                    "kind=ctc-speech, or name one"
                                  : fmt::format(
                                        "{} models that transcribe are listed to you, and none is your "
                                        "default (no name, 'default' and "
                                        "'{}' mean it); name one, or upload yours with default=true",
                                        listed.size(), kOpenAIsModel);
  return base::MakeError(base::ErrorKind::kInvalid, "default-model", message, "model");
}

}  // namespace

base::Error NotSpeech() {
  return base::MakeError(
      base::ErrorKind::kInvalid, "model-not-speech",
      "the model does not transcribe: it takes no samples [batch, samples], gives no scores [batch, "
      "frames, characters of vocab.json], or was uploaded without kind=ctc-speech or kind=whisper",
      "model");
}

Result<ModelId> SpeechModelOf(const ModelCatalogue& catalogue, const Caller& caller, std::string_view name) {
  if (name.empty()) name = vocabulary::kDefaultModel;
  BLINDAI_TRY(ModelId named, ModelId::Parse(name));
  if (name != vocabulary::kDefaultModel && name != kOpenAIsModel) return named;
  if (catalogue.FindOwn(caller, named).ok()) return named;
  if (const auto chosen = catalogue.DefaultOf(caller)) return chosen->record.id;
  if (!caller.default_model.empty()) return ModelId::Parse(caller.default_model);
  if (catalogue.Find(caller, named).ok()) return named;
  return OnlySpeechModel(catalogue, caller);
}

Result<std::shared_ptr<const ServedModel>> FindSpeechModel(const ModelCatalogue& catalogue,
                                                           const Caller& caller,
                                                           const vocabulary::ModelId& id) {
  BLINDAI_RETURN_IF_ERROR(RequireRun(caller));
  BLINDAI_TRY(std::shared_ptr<const ServedModel> served, catalogue.Find(caller, id));
  if (!Transcribes(served->record)) return NotSpeech();
  return served;
}

base::Status CheckVoiceSignature(const model::ModelSignature& signature) {
  const auto has = [](const std::vector<vocabulary::TensorSpec>& specs, std::string_view name,
                      std::size_t rank) {
    return std::ranges::any_of(specs, [&](const vocabulary::TensorSpec& spec) {
      return spec.name == name && spec.datatype == vocabulary::Datatype::kFp32 && spec.shape.size() == rank;
    });
  };
  const bool fits = signature.inputs.size() == 3 && has(signature.inputs, "input", 2) &&
                    has(signature.inputs, "h", 3) && has(signature.inputs, "c", 3) &&
                    has(signature.outputs, "speech_probs", 1) && has(signature.outputs, "hn", 3) &&
                    has(signature.outputs, "cn", 3);
  if (fits) return base::Ok();
  return base::MakeError(base::ErrorKind::kUnsupported, "voice-activity",
                         "it has other inputs and outputs than the voice activity network that is known here "
                         "(input, h, c; speech_probs, hn, cn); use silero_vad_16k_sequence.onnx",
                         "voice_activity");
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
  if (served.record.speech != nullptr) run.outputs = {served.record.signature.outputs.front().name};
  run.deadline = deadline;
  return served.Run(caller, std::move(run), [done = std::move(done)](Result<model::RunAnswer> answer) {
    if (!answer.ok()) return done(std::move(answer).error());
    done(SpeechTensors(std::move(answer->outputs)));
  });
}

}  // namespace blindai::service
