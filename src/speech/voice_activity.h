// Where somebody speaks in one channel, as Silero's network hears it: it tells a voice from a loud noise, which
// loudness cannot (speech/loudness.h). Around a network that somebody else runs: samples go in piece by piece, its
// inputs come out a minute at a time with the state that the minute before left, so that the pieces say what one run
// over the whole would. Two recordings never share a state: each VoiceActivity begins with zeros. Spans are for cutting
// and for skipping; they move no time.
// Source: https://github.com/snakers4/silero-vad, silero_vad_16k_sequence.onnx of version 6.2.3.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "speech/sample_buffer.h"
#include "vocabulary/tensor.h"

namespace blindai::speech {

// The network hears 32 ms at a time, at 16 kHz, with the 4 ms before them.
constexpr std::int64_t kVoiceFrame = 512;
constexpr std::int64_t kVoiceContext = 64;
// Frames of one run, a minute of sound: 4.3 MB of input.
constexpr std::int64_t kVoiceFramesPerRun = 1'875;

// The defaults of Silero's own get_speech_timestamps.
struct VoiceOptions {
  // A frame of at least this probability begins speech; one below the second may end it.
  float threshold = 0.5F;
  float end_threshold = 0.35F;
  // Speech that is not longer is none, and a pause that is shorter does not end it.
  std::int64_t min_speech_samples = 4'000;
  std::int64_t min_silence_samples = 1'600;
  // Added on both sides, or half of the pause where it is shorter than two of these.
  std::int64_t padding_samples = 480;
};

// Samples [begin, end) in which somebody speaks.
struct VoiceSpan {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool operator==(const VoiceSpan&) const = default;
};

// In order, not overlapping, within the recording of `samples`; one probability for each begun kVoiceFrame of it.
std::vector<VoiceSpan> VoiceSpansOf(std::span<const float> probabilities, std::int64_t samples,
                                    const VoiceOptions& options = {});

// One channel. Holds the sound of a minute at most if it is run as soon as it can be, and 4 bytes for each frame.
class VoiceActivity {
 public:
  VoiceActivity() = default;
  ~VoiceActivity();
  VoiceActivity(const VoiceActivity&) = delete;
  VoiceActivity& operator=(const VoiceActivity&) = delete;

  // The next samples at 16 kHz. Into which pieces a recording is cut on the way here changes nothing.
  void Feed(std::span<const float> samples);
  // The recording has ended; its last frame is filled with zeros.
  void End() { ended_ = true; }

  // `input` [frames, 576], `h` and `c` [1, 1, 128]; nothing: feed more first, or it is done. TakeAnswer before the next
  // call. The caller wipes them.
  std::optional<std::vector<vocabulary::Tensor>> NextRun();
  // `speech_probs` [frames], `hn` and `cn` of 128 values. Code: voice-activity (other outputs, values that are not
  // finite, or probabilities outside 0 to 1); nothing is taken then.
  base::Status TakeAnswer(std::span<const vocabulary::Tensor> outputs);

  bool done() const { return ended_ && !frames_out_ && at_ >= samples_.end(); }
  // One for each frame that was run.
  std::span<const float> probabilities() const { return probabilities_; }
  struct Heard {
    std::vector<VoiceSpan> spans;
    // What they say of samples before this no later run changes: all once it is done; never more than a minute less
    // than what has been run, so that nobody holds more sound for a network that cannot decide.
    std::int64_t settled = 0;
  };
  // In what has been run so far.
  Heard Hear(const VoiceOptions& options = {}) const;

 private:
  static constexpr std::size_t kStateSize = 128;
  using State = std::array<float, kStateSize>;

  SampleBuffer samples_;
  bool ended_ = false;
  std::int64_t at_ = 0;                     // the first sample that was not given to a run
  std::optional<std::int64_t> frames_out_;  // of the run under way
  State hidden_{};
  State cell_{};
  std::vector<float> probabilities_;
};

}  // namespace blindai::speech
