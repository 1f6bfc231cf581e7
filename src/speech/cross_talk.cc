#include "speech/cross_talk.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/secret.h"

namespace blindai::speech {
namespace {

constexpr int kDecimation = 4;
constexpr std::size_t kHop = 400;  // at 4 kHz
constexpr double kSecondsPerHop = 0.1;
constexpr double kHalfWindowSeconds = 0.2;
// In power: 6 dB, and 1.5 dB, below which neither channel is the quieter one.
constexpr float kQuieterBy = 4;
constexpr float kAsLoud = 1.41F;
// Of the power, the squares of the correlations 0.5 and 0.7.
constexpr double kSameVoice = 0.25;
constexpr double kSameVoiceNear = 0.49;
// Mean square below which there is nothing to hear; −90 dBFS of the difference.
constexpr float kNothing = 1e-9F;

// Sixteen sums side by side, which the compiler keeps in wide registers; the length is a multiple of sixteen.
float Dot(std::span<const float> left, std::span<const float> right) {
  std::array<float, 16> sums{};
  for (std::size_t i = 0; i + sums.size() <= left.size(); i += sums.size()) {
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += left[i + j] * right[i + j];
  }
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

}  // namespace

CrossTalk::~CrossTalk() {
  for (Channel& channel : channels_) base::Wipe(channel.samples.data(), sizeof(channel.samples));
}

void CrossTalk::Feed(std::span<const float> first, std::span<const float> second) {
  BLINDAI_CHECK(first.size() == second.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    channels_[0].sum += first[i];
    channels_[1].sum += second[i];
    if (++pending_ < kDecimation) continue;
    pending_ = 0;
    for (Channel& channel : channels_) {
      const float value = channel.sum / kDecimation;
      channel.samples[filled_] = value - channel.previous;
      channel.previous = value;
      channel.sum = 0;
    }
    if (++filled_ == kWindow + 2 * kMostDelay) Measure();
  }
}

// The window of a channel, whose power is given, at the delay at which it is likest to the other channel.
CrossTalk::Likeness CrossTalk::Find(std::size_t channel, float power) {
  const std::span<const float> window = std::span(channels_[channel].samples).subspan(kMostDelay, kWindow);
  const std::span<const float> other(channels_[1 - channel].samples);
  const auto likeness = [&](std::size_t at, double other_power) {
    const double product = Dot(window, other.subspan(at, kWindow));
    const double both = double{power} * other_power;
    return Likeness{.shared = both > 0 ? product * product / both : 0, .power = other_power};
  };
  // People and microphones stay where they are, mostly.
  std::size_t& found_at = found_at_[channel];
  const auto before = other.subspan(found_at, kWindow);
  Likeness best = likeness(found_at, Dot(before, before));
  if (best.shared >= kSameVoiceNear) return best;
  double other_power = 0;  // of the other's window before its last sample
  for (std::size_t i = 0; i + 1 < kWindow; ++i) other_power += double{other[i]} * other[i];
  for (std::size_t at = 0; at <= 2 * kMostDelay; ++at) {
    other_power += double{other[at + kWindow - 1]} * other[at + kWindow - 1];
    const Likeness here = likeness(at, other_power);
    if (here.shared > best.shared) {
      best = here;
      found_at = at;
    }
    other_power -= double{other[at]} * other[at];
  }
  return best;
}

CrossTalk::Copy CrossTalk::Compare(std::size_t quieter, float power) {
  const auto [shared, other_power] = Find(quieter, power);
  if (shared < (other_power >= kQuieterBy * power ? kSameVoice : kSameVoiceNear)) return Copy::kNone;
  const bool as_loud = other_power < kAsLoud * power && power < kAsLoud * other_power;
  if (!as_loud) last_copy_ = power < other_power ? quieter : 1 - quieter;
  return last_copy_ == 0 ? Copy::kFirst : Copy::kSecond;
}

void CrossTalk::Measure() {
  const auto power = [](const Channel& channel) {
    const auto window = std::span(channel.samples).subspan(kMostDelay, kWindow);
    return Dot(window, window);
  };
  const float first = power(channels_[0]);
  const float second = power(channels_[1]);
  const float quiet = std::min(first, second);
  copies_.push_back(quiet > kNothing * kWindow ? Compare(first < second ? 0 : 1, quiet) : Copy::kNone);
  for (Channel& channel : channels_)
    std::copy(channel.samples.begin() + kHop, channel.samples.end(), channel.samples.begin());
  filled_ -= kHop;
}

bool CrossTalk::IsCopy(int channel, double start_s, double end_s) const {
  if (copies_.empty()) return false;
  const auto hop_at = [this](double at_s) {
    const auto hop = static_cast<std::int64_t>(std::llround((at_s - kHalfWindowSeconds) / kSecondsPerHop));
    return std::clamp<std::int64_t>(hop, 0, static_cast<std::int64_t>(copies_.size()) - 1);
  };
  const std::int64_t first = hop_at(start_s);
  const std::int64_t last = std::max(first, hop_at(end_s));
  const Copy wanted = channel == 0 ? Copy::kFirst : Copy::kSecond;
  const auto copies = std::count(copies_.begin() + first, copies_.begin() + last + 1, wanted);
  return 2 * copies > last + 1 - first;
}

}  // namespace blindai::speech
