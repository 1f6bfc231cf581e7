// Sound as a live client sends it, brought to what a model hears: 16 kHz floats in [-1, 1). Bytes arrive in pieces of
// any size; a sample that is cut in two waits for its other half, and the resampler keeps its state, so that the pieces
// leave no trace. 16 kHz passes unchanged: a 16-bit sample is divided by 32,768. Resampling is soxr's, in the quality
// that the decoder of recordings uses (https://sourceforge.net/p/soxr). G.711: ITU-T Recommendation G.711.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::speech {

constexpr int kModelRateHz = 16'000;
constexpr int kMinPcmRateHz = 8'000;
constexpr int kMaxPcmRateHz = 48'000;

// One channel. 16-bit samples are little-endian.
enum class PcmEncoding { kPcm16, kMulaw, kAlaw };

struct PcmFormat {
  PcmEncoding encoding = PcmEncoding::kPcm16;
  int rate_hz = 24'000;
  friend bool operator==(const PcmFormat&, const PcmFormat&) = default;

  std::size_t bytes_per_sample() const { return encoding == PcmEncoding::kPcm16 ? 2 : 1; }
};

class PcmStream {
 public:
  // Code: audio-rate (param rate; not 8,000 to 48,000 Hz).
  static base::Result<std::unique_ptr<PcmStream>> Make(const PcmFormat& format);
  ~PcmStream();
  PcmStream(const PcmStream&) = delete;
  PcmStream& operator=(const PcmStream&) = delete;

  // What these bytes give; the resampler holds some milliseconds back. The caller wipes the samples.
  std::vector<float> Decode(base::ByteView bytes);
  // The sound ends here: what was held back, so that N samples have given ceil(N · 16,000 / rate). Half a sample is
  // dropped. What is decoded next begins anew.
  std::vector<float> Flush();

 private:
  class Resampler;
  explicit PcmStream(const PcmFormat& format);

  const PcmFormat format_;
  std::unique_ptr<Resampler> resampler_;  // none: the rate is the model's already
  std::optional<std::uint8_t> half_;      // the first byte of a 16-bit sample
};

}  // namespace blindai::speech
