#include "speech/log_mel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace blindai::speech {
namespace {

using testing::Each;
using testing::Gt;

// Tones, a sweep and noise that grows: the same numbers in every language.
std::vector<float> Sound(std::size_t samples) {
  constexpr double kTurn = 2 * std::numbers::pi;
  std::vector<float> sound;
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < samples; ++i) {
    const auto at = static_cast<double>(i);
    state = (1103515245 * state + 12345) % (std::uint64_t{1} << 31);
    const double noise = static_cast<double>(state) / (1 << 30) - 1;
    sound.push_back(static_cast<float>(0.3 * std::sin(kTurn * 440 * at / 16'000) *
                                           (1 + std::cos(kTurn * 3 * at / 16'000)) / 2 +
                                       0.01 * noise * (at / static_cast<double>(samples)) +
                                       0.1 * std::sin(kTurn * (100 + at / 40) * at / 16'000)));
  }
  return sound;
}

struct Value {
  int bin;
  std::int64_t frame;
  float value;
};

void ExpectValues(const std::vector<float>& mel, std::span<const Value> values) {
  for (const Value& value : values) {
    EXPECT_NEAR(mel[static_cast<std::size_t>(value.bin * kWhisperFrames + value.frame)], value.value, 1e-4)
        << "bin " << value.bin << ", frame " << value.frame;
  }
}

// The expected values: the reference's steps in numpy with doubles, with the filters of faster-whisper 1.2, whose own
// features of this sound differ from them by less than 2e-5.
TEST(LogMel, EqualsTheReferenceForASoundShorterThanTheWindow) {
  const std::vector<Value> expected = {{0, 0, 1.121659F},      {0, 1, 0.533446F},     {5, 10, 0.970271F},
                                       {20, 100, 0.241330F},   {40, 250, -0.151543F}, {79, 499, 0.078367F},
                                       {79, 500, 0.087319F},   {30, 501, -0.214634F}, {79, 2999, -0.666602F},
                                       {10, 2998, -0.666602F}, {7, 1000, -0.666602F}};
  LogMel features(80);
  const std::vector<float> mel = features.Of(Sound(80'000));
  ASSERT_EQ(mel.size(), 80U * kWhisperFrames);
  ExpectValues(mel, expected);
  double sum = 0;
  for (const float value : mel) sum += value;
  EXPECT_NEAR(sum, -136583.124, 1.0);
}

TEST(LogMel, EqualsTheReferenceFor128FiltersAndAFullWindow) {
  const std::vector<Value> expected = {{0, 0, 1.045900F},      {0, 1, 0.457721F},     {5, 10, 0.925024F},
                                       {20, 100, 1.176490F},   {64, 250, -0.485869F}, {127, 499, -0.300603F},
                                       {127, 500, -0.506638F}, {30, 501, -0.275540F}, {127, 2999, 0.896837F},
                                       {10, 2998, 0.030005F},  {7, 1000, -0.144771F}};
  LogMel features(128);
  const std::vector<float> mel = features.Of(Sound(kWhisperWindow));
  ASSERT_EQ(mel.size(), 128U * kWhisperFrames);
  ExpectValues(mel, expected);
}

TEST(LogMel, OfNothingIsSilence) {
  LogMel features(80);
  EXPECT_THAT(features.Of({}), Each(-1.5F));
  EXPECT_THAT(features.Of(std::vector<float>(kWhisperWindow)), Each(-1.5F));
}

TEST(LogMel, OneObjectServesManyWindows) {
  LogMel features(80);
  const std::vector<float> first = features.Of(Sound(16'000));
  (void)features.Of(Sound(50'000));
  EXPECT_EQ(features.Of(Sound(16'000)), first);
}

TEST(LogMel, FramesBehindTheSoundAreTheQuietest) {
  LogMel features(80);
  for (const std::size_t samples : {1U, 200U, 400U, 479'700U}) {
    const std::vector<float> mel = features.Of(Sound(samples));
    const float least = std::ranges::min(mel);
    EXPECT_THAT(mel, Each(Gt(least - 1e-6F)));
    EXPECT_LE(std::ranges::max(mel) - least, 2.0F + 1e-6F);
  }
}

TEST(WhisperPreprocessor, SaysTheNumberOfFilters) {
  EXPECT_EQ(*ParseWhisperPreprocessor(R"({"feature_size":128,"sampling_rate":16000,"n_fft":400})"), 128);
  EXPECT_EQ(*ParseWhisperPreprocessor(R"({"hop_length":160,"chunk_length":30,"mel_filters":[[0.5]]})"), 80);
}

TEST(WhisperPreprocessor, RefusesWhatIsComputedOtherwise) {
  for (const char* json : {"", "[]", R"({"sampling_rate":8000})", R"({"n_fft":512})", R"({"hop_length":80})",
                           R"({"chunk_length":15})", R"({"feature_size":64})", R"({"feature_size":"80"})"}) {
    const auto bins = ParseWhisperPreprocessor(json);
    ASSERT_FALSE(bins.ok()) << json;
    EXPECT_EQ(bins.error().code, "preprocessor");
  }
}

}  // namespace
}  // namespace blindai::speech
