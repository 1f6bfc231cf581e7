// From samples to a transcript around a model that somebody else runs: what every kind of transcriber is to a recording
// (service/transcribe.h) and to an utterance of a live stream (speech/streaming_transcriber.h). It says which runs of
// the model it needs, one after the other, and takes their outputs. Not for several threads at once.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vocabulary/tensor.h"
#include "vocabulary/transcript.h"

namespace blindai::speech {

class Recognizer {
 public:
  virtual ~Recognizer() = default;

  // The next samples at 16 kHz, as many of each channel.
  virtual void Feed(std::span<const std::vector<float>> channels) = 0;
  // The recording has ended.
  virtual void End() = 0;

  // The inputs of the next run; nothing: feed more first, or it is done. TakeAnswer before the next call. The caller
  // wipes them.
  virtual std::optional<std::vector<vocabulary::Tensor>> NextRun() = 0;
  // The outputs that are wanted of it (service/recognizer.h). Codes: model-frames, model-tokens.
  virtual base::Status TakeAnswer(std::span<const vocabulary::Tensor> outputs) = 0;

  virtual bool done() const = 0;
  virtual double seconds_done() const = 0;
  // The segments that no later sound can change and that were not taken before.
  virtual std::vector<vocabulary::Segment> TakeFinished() = 0;
  // Once it is done. Codes: those of Transcriber::FinishAligned.
  virtual base::Result<vocabulary::Transcript> Finish() = 0;

  // The same state again, to end it here and see what the transcript would be. Of one channel, when NextRun has just
  // had nothing.
  virtual std::unique_ptr<Recognizer> Copy() const = 0;
  // A copy has found out which language is spoken; who asks the model for that need not ask again.
  virtual void KnowLanguage(std::string_view /*language*/) {}
};

}  // namespace blindai::speech
