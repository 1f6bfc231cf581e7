// What a wav2vec2 model hears: samples brought to zero mean and unit variance, exactly as Hugging Face's
// Wav2Vec2FeatureExtractor does it (do_normalize, eps 1e-7, variance over N). The model's own
// preprocessor_config.json decides. https://huggingface.co/docs/transformers/model_doc/wav2vec2
// (Wav2Vec2FeatureExtractor)
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace blindai::speech {

struct FeatureSettings {
  // Whether the model wants normalised samples.
  bool do_normalize = true;
  // Added to the variance. It matters for quiet recordings: at −60 dBFS it scales the output by 0.95, 1e-5 by
  // 0.30.
  double eps = 1e-7;
};

// Reads do_normalize and checks sampling_rate (16,000) and feature_size (1); other fields are ignored. Code:
// preprocessor.
base::Result<FeatureSettings> ParsePreprocessorConfig(std::string_view json);

// Mean and variance of samples, added up in double precision in two passes: a single pass of E[x²] − mean²
// cancels badly with a constant offset or a long input.
struct SampleStatistics {
  double mean = 0;
  double variance = 0;  // population variance, divided by N
};
SampleStatistics MeasureSamples(std::span<const float> samples);

// Normalises in place with statistics of these samples (Hugging Face's way) or of a whole recording.
void NormalizeSamples(std::span<float> samples, const FeatureSettings& settings,
                      const SampleStatistics& statistics);

}  // namespace blindai::speech
