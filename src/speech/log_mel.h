// What a Whisper model hears: the log-mel spectrogram of 30 seconds, equal to Hugging Face's WhisperFeatureExtractor
// (which equals OpenAI's) to 1e-4: Hann windows of 400 samples every 160, power spectrum, 80 or 128 triangular filters
// of Slaney's scale and area, log10, what is 8 below the loudest raised to that, (x + 4) / 4. Samples before the first
// and behind the 480,000th are its mirror image; a shorter recording is followed by zeros.
// https://huggingface.co/docs/transformers/model_doc/whisper (WhisperFeatureExtractor)
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace blindai::speech {

constexpr std::int64_t kWhisperHop = 160;
constexpr std::int64_t kWhisperWindow = 480'000;
constexpr std::int64_t kWhisperFrames = kWhisperWindow / kWhisperHop;

// Checks that a model wants exactly that: sampling_rate, n_fft, hop_length, chunk_length, where they stand. Gives
// feature_size, the number of filters. Code: preprocessor (param preprocessor).
base::Result<int> ParseWhisperPreprocessor(std::string_view json);

class LogMel {
 public:
  // `bins`: 80 or 128.
  explicit LogMel(int bins);
  ~LogMel();
  LogMel(const LogMel&) = delete;
  LogMel& operator=(const LogMel&) = delete;

  int bins() const { return bins_; }

  // `bins` rows of kWhisperFrames values, of at most kWhisperWindow samples at 16 kHz in -1 to 1. What is kept of the
  // samples between two calls is wiped.
  std::vector<float> Of(std::span<const float> samples);

 private:
  struct Filter {
    int first = 0;  // frequency
    std::vector<double> weights;
  };
  struct Transform;

  const int bins_;
  std::vector<Filter> filters_;
  std::unique_ptr<Transform> transform_;
};

}  // namespace blindai::speech
