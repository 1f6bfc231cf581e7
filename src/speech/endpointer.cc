#include "speech/endpointer.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "speech/chunking.h"

namespace blindai::speech {
namespace {

constexpr std::uint32_t kRecentFrames = 5;
constexpr int kLoudFrames = 3;
// Of the noise, in each frame: one half after ten seconds.
const double kForget = std::pow(0.5, 1.0 / 500);

}  // namespace

Endpointer::Change Endpointer::Take(std::span<const float> frame) {
  BLINDAI_CHECK(frame.size() == static_cast<std::size_t>(kSamplesPerFrame));
  double power = 0;
  for (const float sample : frame) power += double{sample} * sample;
  power /= static_cast<double>(kSamplesPerFrame);
  const double bar = std::max<double>(options_.threshold, 2 * noise_);
  const bool loud = power >= bar * bar;
  noise_ *= kForget;
  recent_ = (recent_ << 1 | (loud ? 1U : 0U)) & ((1U << kRecentFrames) - 1);
  at_ += kSamplesPerFrame;
  if (!speaking_) {
    if (std::popcount(recent_) < kLoudFrames) return Change::kNone;
    const int oldest = std::bit_width(recent_);
    speaking_ = true;
    silence_samples_ = options_.silence_samples;
    begin_ = at_ - oldest * kSamplesPerFrame;
    end_ = at_;
    power_ = 0;
    frames_ = 0;
    return Change::kStarted;
  }
  power_ += power;
  ++frames_;
  if (loud) end_ = at_;
  if (at_ - end_ < silence_samples_) return Change::kNone;
  Stop();
  return Change::kStopped;
}

void Endpointer::Stop() {
  speaking_ = false;
  recent_ = 0;
}

void Endpointer::HeardNothing() {
  Stop();
  if (frames_ > 0) noise_ = std::sqrt(power_ / static_cast<double>(frames_));
}

}  // namespace blindai::speech
