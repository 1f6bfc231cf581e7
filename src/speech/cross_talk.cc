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
constexpr float kQuieterBy = 4;  // in power: 6 dB
constexpr double kSameVoice = 0.5;
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

// Whether the middle of `quiet` is the middle of `loud` for some delay.
bool CrossTalk::Correlate(const Channel& quiet, const Channel& loud) {
  const std::span<const float> copy = std::span(quiet.samples).subspan(kMostDelay, kWindow);
  const double copy_power = Dot(copy, copy);
  double power = 0;  // of the loud window before its last sample
  for (std::size_t i = 0; i + 1 < kWindow; ++i) power += double{loud.samples[i]} * loud.samples[i];
  for (std::size_t at = 0; at <= 2 * kMostDelay; ++at) {
    power += double{loud.samples[at + kWindow - 1]} * loud.samples[at + kWindow - 1];
    const double product = Dot(copy, std::span(loud.samples).subspan(at, kWindow));
    if (power > copy_power && product * product >= kSameVoice * kSameVoice * copy_power * power) return true;
    power -= double{loud.samples[at]} * loud.samples[at];
  }
  return false;
}

void CrossTalk::Measure() {
  const auto power = [](const Channel& channel) {
    const auto window = std::span(channel.samples).subspan(kMostDelay, kWindow);
    return Dot(window, window);
  };
  const float first = power(channels_[0]);
  const float second = power(channels_[1]);
  Copy copy = Copy::kNone;
  if (std::min(first, second) > kNothing * kWindow) {
    if (first >= kQuieterBy * second && Correlate(channels_[1], channels_[0])) copy = Copy::kSecond;
    if (second >= kQuieterBy * first && Correlate(channels_[0], channels_[1])) copy = Copy::kFirst;
  }
  copies_.push_back(copy);
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
