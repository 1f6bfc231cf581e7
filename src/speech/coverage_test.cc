#include "speech/coverage.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "support/voices.h"

namespace blindai::speech {
namespace {

using vocabulary::CoverageKind;
using vocabulary::CoverageSpan;
using vocabulary::Segment;

Segment From(double start_s, double end_s, double log_probability = 0) {
  Segment segment;
  segment.start_s = start_s;
  segment.end_s = end_s;
  segment.mean_log_probability = log_probability;
  return segment;
}

std::vector<CoverageSpan> Cover(const std::vector<Segment>& segments, double duration_s) {
  return CoverageOf(segments, duration_s, 1,
                    [](const Segment& segment) { return segment.mean_log_probability < -1; });
}

// They follow each other and sum to the duration.
void ExpectWhole(const std::vector<CoverageSpan>& spans, double duration_s) {
  double at = 0;
  for (const CoverageSpan& span : spans) {
    EXPECT_EQ(span.start_s, at);
    EXPECT_GT(span.end_s, span.start_s);
    at = span.end_s;
  }
  EXPECT_EQ(at, duration_s);
}

TEST(Coverage, OfNothingIsSilence) {
  const auto spans = Cover({}, 3);
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_EQ(spans[0].kind, CoverageKind::kSilence);
  EXPECT_EQ(spans[0].end_s, 3);
  EXPECT_EQ(spans[0].speaker, 1);
  EXPECT_TRUE(Cover({}, 0).empty());
}

TEST(Coverage, SpansFollowEachOtherAndSumToTheDuration) {
  // One begins before the last one ends, one goes on behind the end.
  const auto spans = Cover({From(1, 2), From(1.5, 3, -2), From(5, 9)}, 8);
  ExpectWhole(spans, 8);
  ASSERT_EQ(spans.size(), 5U);
  EXPECT_EQ(spans[1].kind, CoverageKind::kTranscribed);
  EXPECT_EQ(spans[2].kind, CoverageKind::kLowConfidence);
  EXPECT_EQ(spans[3].kind, CoverageKind::kSilence);
}

// The kinds of the spans that start at these seconds.
std::string KindsOf(const std::vector<CoverageSpan>& spans) {
  std::string text;
  for (const CoverageSpan& span : spans) {
    const char kind = span.kind == CoverageKind::kSilence       ? 's'
                      : span.kind == CoverageKind::kTranscribed ? 't'
                                                                : 'l';
    text += fmt::format("{}{:.1f} ", kind, span.start_s);
  }
  return text;
}

std::string CoverSpoken(const std::vector<Segment>& segments, const std::vector<SpokenTime>& spoken) {
  const auto spans = CoverageOf(
      segments, 20, 0, [](const Segment&) { return false; }, spoken);
  ExpectWhole(spans, 20);
  return KindsOf(spans);
}

TEST(Coverage, WhereSomebodySpeaksAndNothingIsWrittenItIsOfLowConfidence) {
  EXPECT_EQ(CoverSpoken({}, {{3, 5}}), "s0.0 l3.0 s5.0 ");
  EXPECT_EQ(CoverSpoken({}, {{0, 20}}), "l0.0 ");
  EXPECT_EQ(CoverSpoken({From(2, 4)}, {{2, 4}, {6, 7}, {8, 9}}), "s0.0 t2.0 s4.0 l6.0 s7.0 l8.0 s9.0 ");
  // Before, between and behind texts of one voice.
  EXPECT_EQ(CoverSpoken({From(5, 6), From(10, 11)}, {{2, 15}}),
            "s0.0 l2.0 s4.7 t5.0 s6.0 l6.3 s9.7 t10.0 s11.0 l11.3 s15.0 ");
}

TEST(Coverage, AVoiceThatBelongsToATextOrIsAMomentIsNotMissed) {
  EXPECT_EQ(CoverSpoken({From(5, 6)}, {{4.3, 6.8}}), "s0.0 t5.0 s6.0 ");
  EXPECT_EQ(CoverSpoken({From(5, 6)}, {{9, 9.5}}), "s0.0 t5.0 s6.0 ");
}

// Two channels, one of which holds the other's voice 20 dB quieter and 5 ms later from 0 to 6 s, and a voice of its own
// from 8 to 10 s.
TEST(SpokenTimes, ACopyOfTheOtherChannelIsNobodysVoice) {
  std::mt19937 random(2);
  std::normal_distribution<float> noise(0, 0.2F);
  std::vector<std::vector<float>> channels(2, std::vector<float>(12 * 16'000));
  for (std::size_t i = 0; i < 6 * 16'000; ++i) channels[0][i] = noise(random);
  for (std::size_t i = 80; i < 6 * 16'000 + 80; ++i) channels[1][i] = channels[0][i - 80] / 10;
  for (std::size_t i = 8 * 16'000; i < 10 * 16'000; ++i) channels[1][i] = noise(random);
  CrossTalk cross_talk;
  cross_talk.Feed(channels[0], channels[1]);
  Voices voices(2);
  tests::HearAll(voices, channels, [](std::span<const float> frame) {
    return std::ranges::any_of(frame, [](float sample) { return sample != 0; }) ? 0.9F : 0.1F;
  });
  const auto first = SpokenTimesOf(&voices, 0, &cross_talk);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_NEAR(first[0].end_s, 6, 0.1);
  const auto second = SpokenTimesOf(&voices, 1, &cross_talk);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_NEAR(second[0].start_s, 8, 0.1);
  EXPECT_EQ(SpokenTimesOf(&voices, 1, nullptr).size(), 2U);
  EXPECT_TRUE(SpokenTimesOf(nullptr, 0, nullptr).empty());
}

}  // namespace
}  // namespace blindai::speech
