// A speech model as transcription uses it: found for a caller, and run on one window of samples. Shared by recordings
// (service/transcribe.h) and live streams (service/stream_transcription.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "service/caller.h"
#include "service/model_catalogue.h"
#include "vocabulary/model_id.h"
#include "vocabulary/tensor.h"

namespace blindai::service {

// Codes: those of RequireRun and ModelCatalogue::Find, model-not-speech.
base::Result<std::shared_ptr<const ServedModel>> FindSpeechModel(const ModelCatalogue& catalogue,
                                                                 const Caller& caller,
                                                                 const vocabulary::ModelId& id);
// What a model says that transcribes nothing.
base::Error NotSpeech();

// What the model said about one window, rows of scores; wiped when it dies.
class WindowScores {
 public:
  explicit WindowScores(vocabulary::Tensor tensor) : tensor_(std::move(tensor)) {}
  WindowScores(WindowScores&&) = default;
  WindowScores& operator=(WindowScores&&) = delete;
  ~WindowScores();

  std::span<const float> values() const;
  // -1 when the answer is not [1, frames, characters].
  std::int64_t frames() const;

 private:
  vocabulary::Tensor tensor_;
};

// Runs the model on normalised samples, which are wiped. Codes: those of ModelHost::Run.
model::ModelHost::Ticket RunWindow(const ServedModel& served, const Caller& caller,
                                   std::vector<float>& window, std::chrono::steady_clock::time_point deadline,
                                   std::function<void(base::Result<WindowScores>)> done);

}  // namespace blindai::service
