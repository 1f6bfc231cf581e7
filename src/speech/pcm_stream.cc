#include "speech/pcm_stream.h"

#include <soxr.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/secret.h"

namespace blindai::speech {
namespace {

constexpr float kFullScale = 32'768;
// Frames that one call of the resampler takes.
constexpr std::size_t kStep = 4'096;

int FromMulaw(std::uint8_t code) {
  const int inverted = ~code & 0xff;
  const int magnitude = ((((inverted & 0x0f) << 3) + 0x84) << ((inverted >> 4) & 7)) - 0x84;
  return (inverted & 0x80) != 0 ? -magnitude : magnitude;
}

int FromAlaw(std::uint8_t code) {
  const int toggled = code ^ 0x55;
  const int segment = (toggled >> 4) & 7;
  const int step = ((toggled & 0x0f) << 4) + 8;
  const int magnitude = segment == 0 ? step : (step + 0x100) << (segment - 1);
  return (toggled & 0x80) != 0 ? magnitude : -magnitude;
}

}  // namespace

class PcmStream::Resampler {
 public:
  explicit Resampler(int rate_hz) : rate_hz_(rate_hz) { Begin(); }
  ~Resampler() { soxr_delete(soxr_); }
  Resampler(const Resampler&) = delete;
  Resampler& operator=(const Resampler&) = delete;

  std::vector<float> Take(std::vector<float> in) {
    std::vector<float> out;
    out.reserve(OutputOf(in.size()) + kStep);
    for (std::size_t at = 0; at < in.size();) {
      const std::size_t count = std::min(kStep, in.size() - at);
      at += Process(in.data() + at, count, out);
    }
    taken_ += in.size();
    given_ += out.size();
    base::Wipe(in);
    return out;
  }

  std::vector<float> Flush() {
    std::vector<float> out;
    const std::size_t wanted = OutputOf(taken_);
    out.reserve(wanted - std::min(wanted, given_) + kStep);
    for (std::size_t before = 1; before != out.size();) {
      before = out.size();
      Process(nullptr, 0, out);
    }
    out.resize(wanted - std::min(wanted, given_));
    soxr_delete(soxr_);
    Begin();
    return out;
  }

 private:
  void Begin() {
    const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_ = soxr_create(rate_hz_, kModelRateHz, 1, nullptr, nullptr, &quality, nullptr);
    BLINDAI_CHECK(soxr_ != nullptr);
    taken_ = 0;
    given_ = 0;
  }

  std::size_t OutputOf(std::size_t samples) const {
    const auto rate = static_cast<std::size_t>(rate_hz_);
    return (samples * kModelRateHz + rate - 1) / rate;
  }

  // `in` null: the end. Gives how much was taken.
  std::size_t Process(const float* in, std::size_t count, std::vector<float>& out) {
    std::array<float, 2 * kStep> space{};
    std::size_t taken = 0;
    std::size_t got = 0;
    BLINDAI_CHECK(soxr_process(soxr_, in, count, &taken, space.data(), space.size(), &got) == nullptr);
    out.insert(out.end(), space.begin(), space.begin() + static_cast<std::ptrdiff_t>(got));
    base::Wipe(space);
    return taken;
  }

  const int rate_hz_;
  soxr_t soxr_ = nullptr;
  std::size_t taken_ = 0;
  std::size_t given_ = 0;
};

PcmStream::PcmStream(const PcmFormat& format) : format_(format) {
  if (format.rate_hz != kModelRateHz) resampler_ = std::make_unique<Resampler>(format.rate_hz);
}
PcmStream::~PcmStream() = default;

base::Result<std::unique_ptr<PcmStream>> PcmStream::Make(const PcmFormat& format) {
  if (format.rate_hz < kMinPcmRateHz || format.rate_hz > kMaxPcmRateHz) {
    return base::MakeError(base::ErrorKind::kInvalid, "audio-rate",
                           "the sampling rate is not 8000 to 48000 Hz; resample, or state the right rate",
                           "rate");
  }
  return std::unique_ptr<PcmStream>(new PcmStream(format));
}

std::vector<float> PcmStream::Decode(base::ByteView bytes) {
  std::vector<float> samples;
  samples.reserve(bytes.size() / format_.bytes_per_sample() + 1);
  switch (format_.encoding) {
    case PcmEncoding::kMulaw:
      for (const std::uint8_t code : bytes)
        samples.push_back(static_cast<float>(FromMulaw(code)) / kFullScale);
      break;
    case PcmEncoding::kAlaw:
      for (const std::uint8_t code : bytes)
        samples.push_back(static_cast<float>(FromAlaw(code)) / kFullScale);
      break;
    case PcmEncoding::kPcm16:
      for (const std::uint8_t byte : bytes) {
        if (!half_) {
          half_ = byte;
          continue;
        }
        const auto sample = static_cast<std::int16_t>(*half_ | byte << 8);
        samples.push_back(static_cast<float>(sample) / kFullScale);
        half_.reset();
      }
      break;
  }
  return resampler_ == nullptr ? samples : resampler_->Take(std::move(samples));
}

std::vector<float> PcmStream::Flush() {
  half_.reset();
  return resampler_ == nullptr ? std::vector<float>() : resampler_->Flush();
}

}  // namespace blindai::speech
