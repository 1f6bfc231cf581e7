#include "speech/voice_activity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <vector>

namespace blindai::speech {
namespace {

using vocabulary::Datatype;
using vocabulary::Tensor;

// Probabilities of so many frames each, one after the other.
struct Stretch {
  int frames;
  float probability;
};

std::vector<VoiceSpan> SpansOf(std::initializer_list<Stretch> stretches, const VoiceOptions& options = {}) {
  std::vector<float> probabilities;
  for (const auto& [frames, probability] : stretches) {
    probabilities.insert(probabilities.end(), static_cast<std::size_t>(frames), probability);
  }
  return VoiceSpansOf(probabilities, std::ssize(probabilities) * kVoiceFrame, options);
}

VoiceSpan Frames(std::int64_t begin, std::int64_t end) { return {begin * kVoiceFrame, end * kVoiceFrame}; }

constexpr VoiceOptions kUnpadded{.padding_samples = 0};

TEST(VoiceSpans, OfNothingAndOfSilenceAreNone) {
  EXPECT_TRUE(VoiceSpansOf({}, 0).empty());
  EXPECT_TRUE(SpansOf({{100, 0.1F}}).empty());
  EXPECT_TRUE(SpansOf({{100, 0.49F}}).empty());
}

TEST(VoiceSpans, SpeechBeginsAtOneThresholdAndEndsBelowALowerOne) {
  EXPECT_EQ(SpansOf({{10, 0}, {10, 0.5F}, {10, 0.4F}, {10, 0.3F}}, kUnpadded), std::vector{Frames(10, 30)});
}

TEST(VoiceSpans, AShortPauseDoesNotEndSpeechAndALongOneDoes) {
  // 100 ms are over in the fifth frame of the pause, which counts from its first.
  EXPECT_EQ(SpansOf({{10, 1}, {4, 0}, {10, 1}}, kUnpadded), std::vector{Frames(0, 24)});
  EXPECT_EQ(SpansOf({{10, 1}, {5, 0}, {10, 1}}, kUnpadded), (std::vector{Frames(0, 10), Frames(15, 25)}));
}

TEST(VoiceSpans, AMomentIsNoSpeech) {
  EXPECT_TRUE(SpansOf({{20, 0}, {7, 1}, {20, 0}}).empty());
  EXPECT_EQ(SpansOf({{20, 0}, {8, 1}, {20, 0}}, kUnpadded), std::vector{Frames(20, 28)});
}

TEST(VoiceSpans, PaddingStaysWithinTheRecordingAndSpansNeverOverlap) {
  EXPECT_EQ(SpansOf({{10, 1}}), std::vector{Frames(0, 10)});
  const auto spans = SpansOf({{10, 0}, {10, 1}, {5, 0}, {10, 1}, {10, 0}}, {.padding_samples = 4'000});
  const std::int64_t middle = 20 * kVoiceFrame + 5 * kVoiceFrame / 2;
  EXPECT_EQ(spans,
            (std::vector<VoiceSpan>{{10 * kVoiceFrame - 4'000, middle}, {middle, 35 * kVoiceFrame + 4'000}}));
}

TEST(VoiceSpans, TheLastFrameMayBeShort) {
  EXPECT_EQ(VoiceSpansOf(std::vector<float>(10, 1.0F), 9 * kVoiceFrame + 1),
            (std::vector<VoiceSpan>{{0, 9 * kVoiceFrame + 1}}));
}

Tensor Floats(const char* name, std::size_t count, float value) {
  Tensor tensor{name, Datatype::kFp32, {static_cast<std::int64_t>(count)}, base::Bytes(count * sizeof value)};
  for (std::size_t i = 0; i < count; ++i)
    std::memcpy(tensor.data.data() + i * sizeof value, &value, sizeof value);
  return tensor;
}

TEST(VoiceActivity, AsksForAMinuteAtATimeAndForTheRestAtTheEnd) {
  VoiceActivity activity;
  activity.Feed(std::vector<float>(kVoiceFramesPerRun * kVoiceFrame - 1));
  EXPECT_FALSE(activity.NextRun());
  activity.Feed(std::vector<float>(2));
  auto run = activity.NextRun();
  ASSERT_TRUE(run);
  EXPECT_EQ((*run)[0].shape, (vocabulary::Shape{kVoiceFramesPerRun, kVoiceContext + kVoiceFrame}));
  const std::vector<Tensor> minute = {Floats("speech_probs", kVoiceFramesPerRun, 0.25F), Floats("hn", 128, 1),
                                      Floats("cn", 128, 2)};
  ASSERT_TRUE(activity.TakeAnswer(minute).ok());
  EXPECT_FALSE(activity.NextRun());
  EXPECT_FALSE(activity.done());
  activity.End();
  run = activity.NextRun();
  ASSERT_TRUE(run);
  EXPECT_EQ((*run)[0].shape[0], 1);
  EXPECT_EQ((*run)[1].data, minute[1].data) << "the state goes on";
  EXPECT_EQ((*run)[2].data, minute[2].data);
  const std::vector<Tensor> rest = {Floats("speech_probs", 1, 0.25F), Floats("hn", 128, 1),
                                    Floats("cn", 128, 2)};
  ASSERT_TRUE(activity.TakeAnswer(rest).ok());
  EXPECT_TRUE(activity.done());
  EXPECT_TRUE(activity.Hear().spans.empty());
}

TEST(VoiceActivity, OfNothingIsDoneAtOnce) {
  VoiceActivity activity;
  activity.End();
  EXPECT_FALSE(activity.NextRun());
  EXPECT_TRUE(activity.done());
  EXPECT_TRUE(activity.Hear().spans.empty());
}

TEST(VoiceActivity, AnotherNetworksOutputsAreRefusedAndNothingIsTaken) {
  VoiceActivity activity;
  activity.Feed(std::vector<float>(2 * kVoiceFrame));
  activity.End();
  ASSERT_TRUE(activity.NextRun());
  const Tensor hidden = Floats("hn", 128, 0);
  const Tensor cell = Floats("cn", 128, 0);
  const float infinite = std::numeric_limits<float>::infinity();
  const std::vector<std::vector<Tensor>> wrong = {
      {},
      {Floats("speech_probs", 2, 0.5F), hidden},
      {Floats("speech_probs", 3, 0.5F), hidden, cell},
      {Floats("output", 2, 0.5F), hidden, cell},
      {Floats("speech_probs", 2, 1.5F), hidden, cell},
      {Floats("speech_probs", 2, std::nanf("")), hidden, cell},
      {Floats("speech_probs", 2, 0.5F), Floats("hn", 64, 0), cell},
      {Floats("speech_probs", 2, 0.5F), hidden, Floats("cn", 128, infinite)},
  };
  for (const auto& outputs : wrong) {
    const base::Status taken = activity.TakeAnswer(outputs);
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().code, "voice-activity");
    EXPECT_TRUE(activity.probabilities().empty());
  }
  EXPECT_TRUE(activity.TakeAnswer(std::vector{Floats("speech_probs", 2, 0.5F), hidden, cell}).ok());
}

}  // namespace
}  // namespace blindai::speech
