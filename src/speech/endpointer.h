// Where somebody begins and ends to speak in a live stream, by loudness alone: the rule by which recordings are cut
// (speech/transcriber.h), frame after frame of 20 ms. It only says where to cut and when; no sample is taken away. A
// steady noise that a model hears nothing in raises the bar for a while (HeardNothing), because loudness cannot tell a
// fan from a voice.
#pragma once

#include <cstdint>
#include <span>

namespace blindai::speech {

struct EndpointOptions {
  // Root mean square from which a frame is sound (−50 dBFS).
  float threshold = 3.16e-3F;
  // Sound before the first loud frame that belongs to the utterance.
  std::int64_t prefix_samples = 4'800;
  // Silence that ends an utterance.
  std::int64_t silence_samples = 8'000;
};

class Endpointer {
 public:
  explicit Endpointer(const EndpointOptions& options) : options_(options) {}

  enum class Change { kNone, kStarted, kStopped };
  // The next kSamplesPerFrame samples. kStarted with the third loud frame of five; kStopped when it has been silent for
  // silence_samples.
  Change Take(std::span<const float> frame);

  bool speaking() const { return speaking_; }
  // While speaking: the first sample of the first loud frame, and one past the last one's.
  std::int64_t speech_begin() const { return begin_; }
  std::int64_t speech_end() const { return end_; }

  // The utterance was ended from outside, or thrown away: the next loud frames begin another one.
  void Stop();
  // It was, and there was no word in it: its loudness is noise. From twice of that on there is sound again; the bar
  // sinks back by half every ten seconds.
  void HeardNothing();
  // From now on this much silence ends the utterance.
  void EndAfter(std::int64_t silence_samples) { silence_samples_ = silence_samples; }

 private:
  const EndpointOptions options_;
  std::int64_t silence_samples_ = 0;
  std::int64_t at_ = 0;  // samples taken
  bool speaking_ = false;
  std::uint32_t recent_ = 0;  // the last five frames, loud or not, the newest in the lowest bit
  std::int64_t begin_ = 0;
  std::int64_t end_ = 0;
  double power_ = 0;  // sum over the utterance's frames of their mean square
  std::int64_t frames_ = 0;
  double noise_ = 0;  // root mean square
};

}  // namespace blindai::speech
