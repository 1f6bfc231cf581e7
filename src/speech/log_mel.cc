#include "speech/log_mel.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <complex>
#include <numbers>
#include <string>
#include <unsupported/Eigen/FFT>

#include "base/check.h"
#include "base/secret.h"
#include "encoding/json.h"

namespace blindai::speech {
namespace {

constexpr int kSize = 400;  // of a transform
constexpr int kFrequencies = kSize / 2 + 1;
constexpr double kSampleRate = 16'000;
constexpr double kLeastPower = 1e-10;
// Below the loudest, in powers of ten.
constexpr double kRange = 8;

base::Error Wrong(const std::string& message) {
  return base::MakeError(base::ErrorKind::kInvalid, "preprocessor", "preprocessor_config.json: " + message,
                         "preprocessor");
}

// Slaney's scale: linear up to 1 kHz, logarithmic above.
constexpr double kLinearHz = 200.0 / 3;
constexpr double kKneeHz = 1'000;
constexpr double kKneeMel = kKneeHz / kLinearHz;
const double kLogStep = std::log(6.4) / 27;

double MelOf(double hz) {
  return hz < kKneeHz ? hz / kLinearHz : kKneeMel + std::log(hz / kKneeHz) / kLogStep;
}
double HzOf(double mel) {
  return mel < kKneeMel ? mel * kLinearHz : kKneeHz * std::exp(kLogStep * (mel - kKneeMel));
}

}  // namespace

base::Result<int> ParseWhisperPreprocessor(std::string_view json) {
  // The filters themselves may stand in the file.
  const auto config = encoding::ParseJsonObject(json, {.max_bytes = 4u << 20, .max_depth = 4});
  if (!config.ok()) return Wrong("wanted a JSON object");
  const auto number = [&config](std::string_view field, std::int64_t otherwise) {
    const boost::json::value* value = encoding::JsonFind(*config, field);
    return value == nullptr ? otherwise : value->is_int64() ? value->as_int64() : -1;
  };
  struct Wanted {
    const char* field;
    std::int64_t value;
  };
  for (const Wanted& wanted : {Wanted{"sampling_rate", 16'000}, Wanted{"n_fft", kSize},
                               Wanted{"hop_length", kWhisperHop}, Wanted{"chunk_length", 30}}) {
    if (number(wanted.field, wanted.value) != wanted.value) {
      return Wrong(std::string(wanted.field) + " must be " + std::to_string(wanted.value));
    }
  }
  const std::int64_t bins = number("feature_size", 80);
  if (bins != 80 && bins != 128) return Wrong("feature_size must be 80 or 128");
  return static_cast<int>(bins);
}

struct LogMel::Transform {
  Transform() {
    fft.SetFlag(Eigen::FFT<double>::HalfSpectrum);
    window.reserve(kSize);
    for (int i = 0; i < kSize; ++i) window.push_back(0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / kSize));
  }

  Eigen::FFT<double> fft;
  std::vector<double> window;
  std::vector<double> frame = std::vector<double>(kSize);
  std::vector<std::complex<double>> spectrum = std::vector<std::complex<double>>(kFrequencies);
};

LogMel::LogMel(int bins) : bins_(bins), transform_(std::make_unique<Transform>()) {
  BLINDAI_CHECK(bins == 80 || bins == 128);
  const double step = MelOf(kSampleRate / 2) / (bins + 1);
  for (int bin = 0; bin < bins; ++bin) {
    const double low = HzOf(step * bin);
    const double middle = HzOf(step * (bin + 1));
    const double high = HzOf(step * (bin + 2));
    Filter filter;
    for (int i = 0; i < kFrequencies; ++i) {
      const double hz = kSampleRate / kSize * i;
      const double weight = std::min((hz - low) / (middle - low), (high - hz) / (high - middle));
      if (weight <= 0) continue;
      if (filter.weights.empty()) filter.first = i;
      filter.weights.push_back(weight * 2 / (high - low));
    }
    filters_.push_back(std::move(filter));
  }
}

LogMel::~LogMel() = default;

std::vector<float> LogMel::Of(std::span<const float> samples) {
  BLINDAI_CHECK(static_cast<std::int64_t>(samples.size()) <= kWhisperWindow);
  const auto known = static_cast<std::int64_t>(samples.size());
  const auto bins = static_cast<std::size_t>(bins_);
  std::vector<float> mel(bins * kWhisperFrames, static_cast<float>(std::log10(kLeastPower)));
  float loudest = static_cast<float>(std::log10(kLeastPower));
  // Frames behind the sound and its mirror image at the window's end are silent.
  const bool full = known > kWhisperWindow - kSize;
  const std::int64_t frames =
      full ? kWhisperFrames : std::min(kWhisperFrames, (known + kSize / 2) / kWhisperHop + 1);
  std::vector<double>& frame = transform_->frame;
  for (std::int64_t t = 0; t < frames; ++t) {
    for (std::int64_t i = 0; i < kSize; ++i) {
      std::int64_t at = t * kWhisperHop + i - kSize / 2;
      if (at < 0) at = -at;
      if (at >= kWhisperWindow) at = 2 * (kWhisperWindow - 1) - at;
      const double sample = at < known ? samples[static_cast<std::size_t>(at)] : 0;
      frame[static_cast<std::size_t>(i)] = sample * transform_->window[static_cast<std::size_t>(i)];
    }
    transform_->fft.fwd(transform_->spectrum.data(), frame.data(), kSize);
    for (std::size_t bin = 0; bin < bins; ++bin) {
      const Filter& filter = filters_[bin];
      double power = 0;
      for (std::size_t i = 0; i < filter.weights.size(); ++i) {
        power +=
            filter.weights[i] * std::norm(transform_->spectrum[static_cast<std::size_t>(filter.first) + i]);
      }
      const auto value = static_cast<float>(std::log10(std::max(power, kLeastPower)));
      mel[bin * kWhisperFrames + static_cast<std::size_t>(t)] = value;
      loudest = std::max(loudest, value);
    }
  }
  for (float& value : mel) value = (std::max(value, loudest - static_cast<float>(kRange)) + 4) / 4;
  base::Wipe(frame.data(), frame.size() * sizeof(double));
  base::Wipe(transform_->spectrum.data(), transform_->spectrum.size() * sizeof(std::complex<double>));
  return mel;
}

}  // namespace blindai::speech
