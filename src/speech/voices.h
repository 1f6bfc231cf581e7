// Where somebody speaks in a recording, channel by channel, while it arrives: a VoiceActivity for each, as cutting and
// skipping ask for it (transcriber.h, whisper_transcriber.h). It is a little more willing than Silero's own defaults,
// because a short word that is left out is worse than a cough that a model hears; and since the network may miss a word
// just behind a loud noise, nothing within a second of a voice is skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "speech/voice_activity.h"
#include "vocabulary/tensor.h"

namespace blindai::speech {

// Around a voice, at 16 kHz.
constexpr std::int64_t kVoiceRoom = 16'000;

class Voices {
 public:
  explicit Voices(int channels);

  // The next samples at 16 kHz, as many of each channel.
  void Feed(std::span<const std::vector<float>> channels);
  // The recording has ended.
  void End();

  // The inputs of the next run of the network (voice_activity.h); nothing: feed more first, or it is done. TakeAnswer
  // before the next call. The caller wipes them.
  std::optional<std::vector<vocabulary::Tensor>> NextRun();
  // All outputs of that run. Code: voice-activity.
  base::Status TakeAnswer(std::span<const vocabulary::Tensor> outputs);

  // Samples of which the two below can tell, of each channel: all when it has ended and NextRun has nothing left.
  std::int64_t known() const { return known_; }
  // Whether somebody speaks at some moment of [begin, end), which must be known.
  bool Speaks(std::size_t channel, std::int64_t begin, std::int64_t end) const;
  // All that is known of a channel, in order.
  std::span<const VoiceSpan> SpansOf(std::size_t channel) const { return channels_[channel].heard.spans; }
  // The same as Speaks, or within kVoiceRoom of it.
  bool SpeaksNear(std::size_t channel, std::int64_t begin, std::int64_t end) const;

 private:
  struct Channel {
    VoiceActivity activity;
    VoiceActivity::Heard heard;
  };
  void Settle();
  bool IsSpoken(std::size_t channel, std::int64_t begin, std::int64_t end) const;

  std::deque<Channel> channels_;  // they do not move
  std::size_t running_ = 0;       // whose run is under way
  std::int64_t known_ = 0;
};

}  // namespace blindai::speech
