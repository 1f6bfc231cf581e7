// From a recording's samples to its transcript around a served model of any kind: what both transcribers of the room of
// speech are to a job (service/transcribe.h). It says which runs of the model it needs, one after the other, and takes
// their outputs. Not for several threads at once.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "service/model_catalogue.h"
#include "service/transcribe.h"
#include "vocabulary/tensor.h"
#include "vocabulary/transcript.h"

namespace blindai::service {

class Recognizer {
 public:
  virtual ~Recognizer() = default;

  // The next samples at 16 kHz, as many of each channel.
  virtual void Feed(std::span<const std::vector<float>> channels) = 0;
  // The recording has ended.
  virtual void End() = 0;

  // The inputs of the next run; nothing: feed more first, or it is done. TakeAnswer before the next call.
  virtual std::optional<std::vector<vocabulary::Tensor>> NextRun() = 0;
  // The outputs that WantedOutputs names. Codes: model-frames, model-tokens.
  virtual base::Status TakeAnswer(std::span<const vocabulary::Tensor> outputs) = 0;

  virtual bool done() const = 0;
  virtual double seconds_done() const = 0;
  // The segments that no later sound can change and that were not taken before.
  virtual std::vector<vocabulary::Segment> TakeFinished() = 0;
  // Once it is done. Codes: those of Transcriber::FinishAligned.
  virtual base::Result<vocabulary::Transcript> Finish() = 0;
};

// Whether the model can do what the request asks for, beyond its recording. Codes: keyword, prompt-unsupported,
// beam-size-unsupported, language, translations-unsupported, words-unsupported, alignment-unsupported.
base::Status CheckRecognition(const ModelRecord& record, const TranscribeRequest& request);
// For a request that passed; `record` must outlive it. One or two channels.
std::unique_ptr<Recognizer> MakeRecognizer(const ModelRecord& record, const TranscribeRequest& request,
                                           int channels);

}  // namespace blindai::service
