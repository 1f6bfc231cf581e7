#include "speech/voices.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "support/voices.h"

namespace blindai::speech {
namespace {

using Channels = std::vector<std::vector<float>>;

// Each frame holds its own probability.
float FirstSample(std::span<const float> frame) { return frame.front(); }

std::vector<float> SoundOf(std::span<const float> probabilities) {
  std::vector<float> samples;
  for (const float probability : probabilities) samples.insert(samples.end(), kVoiceFrame, probability);
  return samples;
}

// Speech, breaths and pauses of any length, now and then a probability between the thresholds.
std::vector<float> RandomSpeech(std::mt19937& random, std::size_t frames) {
  std::vector<float> probabilities;
  while (probabilities.size() < frames) {
    const float probability = std::array{0.0F, 0.4F, 0.9F}.at(random() % 3);
    probabilities.insert(probabilities.end(), 1 + random() % (random() % 4 == 0 ? 60 : 6), probability);
  }
  probabilities.resize(frames);
  return probabilities;
}

TEST(Voices, OfEachChannelAreKnownMinuteByMinuteAndAllAtTheEnd) {
  const std::vector<float> speech = SoundOf(std::vector<float>(2 * kVoiceFramesPerRun, 0.9F));
  const std::vector<float> silence(speech.size());
  Voices voices(2);
  const std::int64_t minute = kVoiceFramesPerRun * kVoiceFrame;
  const auto feed = [&](std::int64_t from, std::int64_t to) {
    voices.Feed(Channels{{speech.begin() + from, speech.begin() + to},
                         {silence.begin() + from, silence.begin() + to}});
    ASSERT_TRUE(tests::RunVoices(voices, FirstSample));
  };
  feed(0, minute - 1);
  EXPECT_EQ(voices.known(), 0);
  feed(minute - 1, minute);
  EXPECT_GT(voices.known(), minute - kVoiceRoom - 1'000);
  EXPECT_LE(voices.known(), minute - kVoiceRoom);
  feed(minute, minute + 700);
  voices.End();
  ASSERT_TRUE(tests::RunVoices(voices, FirstSample));
  EXPECT_EQ(voices.known(), minute + 700);
  EXPECT_TRUE(voices.Speaks(0, 0, 1));
  EXPECT_TRUE(voices.Speaks(0, minute + 699, minute + 700));
  EXPECT_FALSE(voices.Speaks(1, 0, minute + 700));
}

// Nothing is left to run when it ends.
TEST(Voices, OfWholeMinutesAreAllKnownAtTheEnd) {
  const std::vector<float> speech = SoundOf(std::vector<float>(kVoiceFramesPerRun, 0.9F));
  Voices voices(1);
  voices.Feed(Channels{speech});
  ASSERT_TRUE(tests::RunVoices(voices, FirstSample));
  EXPECT_LT(voices.known(), std::ssize(speech));
  voices.End();
  EXPECT_FALSE(voices.NextRun());
  EXPECT_EQ(voices.known(), std::ssize(speech));
}

TEST(Voices, SpeakWhereTheirSpansAreAndNowhereElse) {
  std::vector<float> probabilities(100);
  std::fill(probabilities.begin() + 40, probabilities.begin() + 60, 0.9F);
  Voices voices(1);
  tests::HearAll(voices, Channels{SoundOf(probabilities)}, FirstSample);
  const std::int64_t begin = 40 * kVoiceFrame - 480;
  const std::int64_t end = 60 * kVoiceFrame + 480;
  EXPECT_FALSE(voices.Speaks(0, 0, begin));
  EXPECT_TRUE(voices.Speaks(0, begin, begin + 1));
  EXPECT_TRUE(voices.Speaks(0, 0, voices.known()));
  EXPECT_TRUE(voices.Speaks(0, end - 1, end));
  EXPECT_FALSE(voices.Speaks(0, end, voices.known()));
}

TEST(Voices, WhatIsWithinASecondOfAVoiceIsNearIt) {
  std::vector<float> probabilities(200);
  std::fill(probabilities.begin() + 80, probabilities.begin() + 100, 0.9F);
  Voices voices(1);
  tests::HearAll(voices, Channels{SoundOf(probabilities)}, FirstSample);
  const std::int64_t begin = 80 * kVoiceFrame - 480;
  const std::int64_t end = 100 * kVoiceFrame + 480;
  EXPECT_FALSE(voices.SpeaksNear(0, 0, begin - kVoiceRoom));
  EXPECT_TRUE(voices.SpeaksNear(0, 0, begin - kVoiceRoom + 1));
  EXPECT_TRUE(voices.SpeaksNear(0, end + kVoiceRoom - 1, voices.known()));
  EXPECT_FALSE(voices.SpeaksNear(0, end + kVoiceRoom, voices.known()));
}

TEST(Voices, AShortWordIsSpeechAndAClickIsNone) {
  for (const auto& [frames, speaks] : {std::pair(3, false), std::pair(4, true)}) {
    std::vector<float> probabilities(100);
    std::fill(probabilities.begin() + 40, probabilities.begin() + 40 + frames, 0.9F);
    Voices voices(1);
    tests::HearAll(voices, Channels{SoundOf(probabilities)}, FirstSample);
    EXPECT_EQ(voices.Speaks(0, 0, voices.known()), speaks) << frames;
  }
}

// What is known while a recording arrives is what the whole says.
TEST(Voices, WhatIsKnownIsNeverTakenBack) {
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    const std::vector<float> sound = SoundOf(RandomSpeech(random, 3 * kVoiceFramesPerRun + random() % 500));
    Voices whole(1);
    tests::HearAll(whole, Channels{sound}, FirstSample);
    Voices arriving(1);
    std::int64_t checked = 0;
    for (std::size_t at = 0; at < sound.size();) {
      const std::size_t to = std::min(sound.size(), at + 1 + random() % 400'000);
      arriving.Feed(Channels{{sound.begin() + static_cast<std::ptrdiff_t>(at),
                              sound.begin() + static_cast<std::ptrdiff_t>(to)}});
      at = to;
      ASSERT_TRUE(tests::RunVoices(arriving, FirstSample));
      for (; checked + 160 <= arriving.known(); checked += 160) {
        ASSERT_EQ(arriving.Speaks(0, checked, checked + 160), whole.Speaks(0, checked, checked + 160))
            << "round " << round << ", sample " << checked;
        ASSERT_EQ(arriving.SpeaksNear(0, checked, checked + 160), whole.SpeaksNear(0, checked, checked + 160))
            << "round " << round << ", sample " << checked;
      }
    }
    EXPECT_GT(checked, 2 * kVoiceFramesPerRun * kVoiceFrame);
  }
}

// Neither speech nor a pause, for minutes: nobody holds all of it.
TEST(Voices, ANetworkThatCannotDecideHoldsUpAMinuteAtMost) {
  std::vector<float> probabilities(5 * kVoiceFramesPerRun, 0.4F);
  probabilities[0] = 0.9F;
  probabilities[20] = 0.1F;
  const std::vector<float> sound = SoundOf(probabilities);
  Voices voices(1);
  voices.Feed(Channels{sound});
  ASSERT_TRUE(tests::RunVoices(voices, FirstSample));
  EXPECT_EQ(voices.known(), std::ssize(sound) - kVoiceFramesPerRun * kVoiceFrame - kVoiceRoom);
}

TEST(Voices, AnAnswerThatIsNoneIsAnError) {
  Voices voices(1);
  voices.Feed(Channels{std::vector<float>(1'000)});
  voices.End();
  ASSERT_TRUE(voices.NextRun());
  const base::Status taken = voices.TakeAnswer({});
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code, "voice-activity");
  EXPECT_EQ(voices.known(), 0);
}

}  // namespace
}  // namespace blindai::speech
