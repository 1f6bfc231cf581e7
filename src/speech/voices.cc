#include "speech/voices.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace blindai::speech {
namespace {

// Words are short: of Silero's defaults, speech of 0.25 s is none.
constexpr VoiceOptions kOptions{.min_speech_samples = 1'600};

}  // namespace

Voices::Voices(int channels) : channels_(static_cast<std::size_t>(channels)) {}

void Voices::Feed(std::span<const std::vector<float>> channels) {
  BLINDAI_CHECK(channels.size() == channels_.size());
  for (std::size_t i = 0; i < channels.size(); ++i) channels_[i].activity.Feed(channels[i]);
}

void Voices::End() {
  for (Channel& channel : channels_) {
    channel.activity.End();
    channel.heard = channel.activity.Hear(kOptions);
  }
  Settle();
}

void Voices::Settle() {
  std::int64_t settled = std::numeric_limits<std::int64_t>::max();
  bool done = true;
  for (const Channel& channel : channels_) {
    settled = std::min(settled, channel.heard.settled);
    done = done && channel.activity.done();
  }
  known_ = done ? settled : std::max<std::int64_t>(0, settled - kVoiceRoom);
}

std::optional<std::vector<vocabulary::Tensor>> Voices::NextRun() {
  for (running_ = 0; running_ < channels_.size(); ++running_) {
    if (auto inputs = channels_[running_].activity.NextRun()) return inputs;
  }
  return std::nullopt;
}

base::Status Voices::TakeAnswer(std::span<const vocabulary::Tensor> outputs) {
  Channel& channel = channels_[running_];
  BLINDAI_RETURN_IF_ERROR(channel.activity.TakeAnswer(outputs));
  channel.heard = channel.activity.Hear(kOptions);
  Settle();
  return base::Ok();
}

bool Voices::Speaks(std::size_t channel, std::int64_t begin, std::int64_t end) const {
  BLINDAI_CHECK(end <= known_);
  return IsSpoken(channel, begin, end);
}

bool Voices::SpeaksNear(std::size_t channel, std::int64_t begin, std::int64_t end) const {
  BLINDAI_CHECK(end <= known_);
  return IsSpoken(channel, begin - kVoiceRoom, end + kVoiceRoom);
}

bool Voices::IsSpoken(std::size_t channel, std::int64_t begin, std::int64_t end) const {
  const std::span<const VoiceSpan> spans = SpansOf(channel);
  const auto next = std::ranges::upper_bound(spans, begin, {}, &VoiceSpan::end);
  return next != spans.end() && next->begin < end;
}

}  // namespace blindai::speech
