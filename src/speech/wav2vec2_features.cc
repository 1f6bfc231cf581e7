#include "speech/wav2vec2_features.h"

#include <boost/json.hpp>
#include <cmath>
#include <string>

#include "encoding/json.h"

namespace blindai::speech {
namespace {

base::Error Wrong(const std::string& message) {
  return base::MakeError(base::ErrorKind::kInvalid, "preprocessor", "preprocessor_config.json: " + message,
                         "preprocessor");
}

// An optional whole number that must have one value.
base::Status Require(const boost::json::object& config, std::string_view field, std::int64_t wanted) {
  const boost::json::value* value = encoding::JsonFind(config, field);
  if (value == nullptr || (value->is_int64() && value->as_int64() == wanted)) return base::Ok();
  return Wrong(std::string(field) + " must be " + std::to_string(wanted));
}

}  // namespace

base::Result<FeatureSettings> ParsePreprocessorConfig(std::string_view json) {
  const auto config = encoding::ParseJsonObject(json);
  if (!config.ok()) return Wrong("wanted a JSON object");
  BLINDAI_RETURN_IF_ERROR(Require(*config, "sampling_rate", 16'000));
  BLINDAI_RETURN_IF_ERROR(Require(*config, "feature_size", 1));
  FeatureSettings settings;
  if (const boost::json::value* value = encoding::JsonFind(*config, "do_normalize")) {
    if (!value->is_bool()) return Wrong("do_normalize must be true or false");
    settings.do_normalize = value->as_bool();
  }
  return settings;
}

SampleStatistics MeasureSamples(std::span<const float> samples) {
  SampleStatistics statistics;
  if (samples.empty()) return statistics;
  const auto count = static_cast<double>(samples.size());
  double sum = 0;
  for (const float sample : samples) sum += sample;
  statistics.mean = sum / count;
  double squares = 0;
  for (const float sample : samples) {
    const double distance = sample - statistics.mean;
    squares += distance * distance;
  }
  statistics.variance = squares / count;
  return statistics;
}

void NormalizeSamples(std::span<float> samples, const FeatureSettings& settings,
                      const SampleStatistics& statistics) {
  if (!settings.do_normalize) return;
  const double scale = 1.0 / std::sqrt(statistics.variance + settings.eps);
  for (float& sample : samples) sample = static_cast<float>((sample - statistics.mean) * scale);
}

}  // namespace blindai::speech
