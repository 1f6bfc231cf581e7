#include "speech/wav2vec2_features.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace blindai::speech {
namespace {

std::vector<float> Sine(std::size_t count, float amplitude, float offset) {
  std::vector<float> samples(count);
  for (std::size_t i = 0; i < count; ++i)
    samples[i] = offset + amplitude * std::sin(0.05f * static_cast<float>(i));
  return samples;
}

TEST(Wav2Vec2Features, NormalisedSamplesHaveZeroMeanAndUnitVariance) {
  std::vector<float> samples = Sine(16'000, 0.3f, 0.1f);
  NormalizeSamples(samples, {}, MeasureSamples(samples));
  const SampleStatistics after = MeasureSamples(samples);
  EXPECT_NEAR(after.mean, 0, 1e-6);
  EXPECT_NEAR(after.variance, 1, 1e-5);
}

TEST(Wav2Vec2Features, AConstantOffsetDoesNotDrownTheVariance) {
  const SampleStatistics quiet = MeasureSamples(Sine(100'000, 1e-4f, 0.0f));
  const SampleStatistics with_offset = MeasureSamples(Sine(100'000, 1e-4f, 0.9f));
  // Half an ulp at 0.9 is 3e-8, against a signal of 1e-4.
  EXPECT_NEAR(with_offset.variance / quiet.variance, 1, 0.01);
}

TEST(Wav2Vec2Features, EpsDecidesHowQuietRecordingsAreScaled) {
  // Variance 1e-6, −60 dBFS: the reference gives the output scale 0.95 for 1e-7 and 0.30 for 1e-5.
  for (const auto& [eps, scale] : {std::pair{1e-7, 0.953}, std::pair{1e-5, 0.302}}) {
    std::vector<float> samples = {1e-3f, -1e-3f, 1e-3f, -1e-3f};
    NormalizeSamples(samples, {.eps = eps}, MeasureSamples(samples));
    EXPECT_NEAR(samples[0], scale, 0.001);
  }
}

TEST(Wav2Vec2Features, SilenceStaysSilence) {
  std::vector<float> samples(400, 0.0f);
  NormalizeSamples(samples, {}, MeasureSamples(samples));
  for (const float sample : samples) EXPECT_EQ(sample, 0.0f);
}

TEST(Wav2Vec2Features, AModelThatWantsRawSamplesGetsThem) {
  std::vector<float> samples = {0.5f, 0.25f};
  NormalizeSamples(samples, {.do_normalize = false}, MeasureSamples(samples));
  EXPECT_EQ(samples[0], 0.5f);
  EXPECT_EQ(samples[1], 0.25f);
}

TEST(Wav2Vec2Features, TheConfigurationIsReadAndCheckedAgainstWhatIsServed) {
  EXPECT_FALSE(
      ParsePreprocessorConfig(R"({"do_normalize": false, "sampling_rate": 16000, "padding_side": "right"})")
          ->do_normalize);
  EXPECT_TRUE(ParsePreprocessorConfig("{}")->do_normalize);
  for (const char* json :
       {"", "[]", R"({"sampling_rate": 8000})", R"({"feature_size": 80})", R"({"do_normalize": "yes"})"}) {
    EXPECT_EQ(ParsePreprocessorConfig(json).error().code, "preprocessor") << json;
  }
}

TEST(Wav2Vec2Features, NoSamplesGiveNoStatistics) {
  EXPECT_EQ(MeasureSamples({}).mean, 0);
  EXPECT_EQ(MeasureSamples({}).variance, 0);
}

}  // namespace
}  // namespace blindai::speech
