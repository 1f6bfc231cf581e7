#include "speech/cross_talk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/two_speakers.h"

namespace blindai::speech {
namespace {

using tests::TwoChannels;

// session.json: when the therapist, in channel 0, speaks.
struct Turn {
  double start_s;
  double end_s;
};
constexpr Turn kTherapist[] = {{0.5, 4.953},  {12.138, 15.605}, {22.298, 24.839},
                               {32.08, 36.1}, {42.748, 47.064}, {53.446, 57.572}};

CrossTalk Heard(const TwoChannels& channels, std::size_t piece = 7'777) {
  CrossTalk cross_talk;
  for (std::size_t at = 0; at < channels[0].size(); at += piece) {
    const std::size_t count = std::min(piece, channels[0].size() - at);
    cross_talk.Feed(std::span(channels[0]).subspan(at, count), std::span(channels[1]).subspan(at, count));
  }
  return cross_talk;
}

// Of stretches of 0.3 s, as long as a word, within the therapist's turns: the share that is a copy in `channel`.
double ShareOfCopies(const CrossTalk& cross_talk, int channel, double turn_shift_s = 0) {
  int copies = 0;
  int all = 0;
  for (const Turn& turn : kTherapist) {
    for (double at = turn.start_s; at + 0.3 <= turn.end_s; at += 0.1) {
      copies += cross_talk.IsCopy(channel, at + turn_shift_s, at + 0.3 + turn_shift_s) ? 1 : 0;
      ++all;
    }
  }
  return static_cast<double>(copies) / all;
}

TEST(CrossTalk, AQuietLateCopyIsOne) {
  for (const auto& [gain, delay] : {std::pair(0.1F, 80U), std::pair(0.25F, 211U), std::pair(0.4F, 480U),
                                    std::pair(0.03F, 0U), std::pair(-0.1F, 790U)}) {
    TwoChannels channels = tests::Session();
    tests::Leak(channels[0], channels[1], gain, delay);
    const CrossTalk cross_talk = Heard(channels);
    EXPECT_GT(ShareOfCopies(cross_talk, 1), 0.97) << gain << " " << delay;
    EXPECT_EQ(ShareOfCopies(cross_talk, 0), 0) << "the voice itself";
  }
}

// One stereo microphone between two people, or two microphones that hear both nearly as well.
TEST(CrossTalk, OfAVoiceThatIsNearlyAsLoudInBothOneChannelIsTheCopy) {
  for (const auto& [gain, delay] : {std::pair(0.5F, 0U), std::pair(0.5F, 320U), std::pair(0.7F, 12U),
                                    std::pair(0.8F, 0U), std::pair(-0.6F, 5U), std::pair(0.65F, 700U)}) {
    TwoChannels channels = tests::Session();
    const TwoChannels voices = channels;
    tests::Leak(voices[0], channels[1], gain, delay);
    tests::Leak(voices[1], channels[0], gain, delay);
    const CrossTalk cross_talk = Heard(channels);
    EXPECT_GT(ShareOfCopies(cross_talk, 1), 0.95) << gain << " " << delay;
    EXPECT_LT(ShareOfCopies(cross_talk, 0), 0.03) << gain << " " << delay << ": the voice itself";
  }
}

TEST(CrossTalk, OfAVoiceThatIsAsLoudInBothOneChannelIsTheCopyThroughout) {
  for (const auto& [gain, delay] : {std::pair(1.F, 0U), std::pair(1.F, 80U), std::pair(0.95F, 500U)}) {
    TwoChannels channels = tests::Session();
    const std::vector<float> voice = channels[0];
    std::fill(channels[1].begin(), channels[1].end(), 0.F);
    tests::Leak(voice, channels[1], gain, delay);
    const CrossTalk cross_talk = Heard(channels);
    EXPECT_GT(ShareOfCopies(cross_talk, 1), 0.97) << gain << " " << delay;
    EXPECT_EQ(ShareOfCopies(cross_talk, 0), 0) << gain << " " << delay;
  }
}

TEST(CrossTalk, ItWorksInBothDirections) {
  TwoChannels channels = tests::Session();
  tests::Leak(channels[0], channels[1], 0.1F, 100);
  std::swap(channels[0], channels[1]);
  const CrossTalk cross_talk = Heard(channels);
  EXPECT_GT(ShareOfCopies(cross_talk, 0), 0.97);
  EXPECT_EQ(ShareOfCopies(cross_talk, 1), 0);
}

TEST(CrossTalk, ACopyWithTheEchoOfARoomIsOne) {
  TwoChannels channels = tests::Session();
  tests::Leak(tests::InARoom(channels[0]), channels[1], 0.15F, 90);
  EXPECT_GT(ShareOfCopies(Heard(channels), 1), 0.9);
}

TEST(CrossTalk, TwoPeopleAtTheSameTimeAreNoCopiesHoweverQuietOneIs) {
  for (const float gain : {1.F, 0.5F, 0.25F, 0.1F}) {
    TwoChannels channels = tests::Session();
    // The patient answers into the therapist's words.
    channels[1].erase(channels[1].begin(), channels[1].begin() + 6 * tests::kSessionRateHz);
    channels[1].resize(channels[0].size());
    for (float& sample : channels[1]) sample *= gain;
    const CrossTalk cross_talk = Heard(channels);
    EXPECT_LT(ShareOfCopies(cross_talk, 0), 0.01) << gain;
    EXPECT_LT(ShareOfCopies(cross_talk, 1), 0.01) << gain;
  }
}

// The leak is quiet, or nearly as loud as the voice in its own channel.
class VoiceOverACopy : public testing::TestWithParam<float> {};

TEST_P(VoiceOverACopy, IsItsOwn) {
  TwoChannels channels = tests::Session();
  std::vector<float> leak(channels[0].size());
  tests::Leak(channels[0], leak, GetParam(), 80);
  channels[1].erase(channels[1].begin(), channels[1].begin() + 6 * tests::kSessionRateHz);
  channels[1].resize(channels[0].size());
  const std::vector<float> voice = channels[1];
  tests::Leak(leak, channels[1], 1, 0);
  const CrossTalk cross_talk = Heard(channels);
  const auto power = [](const std::vector<float>& samples, std::size_t at) {
    double sum = 0;
    for (std::size_t i = at; i < at + 4'800; ++i) sum += double{samples[i]} * samples[i];
    return sum;
  };
  int voiced = 0;
  int lost = 0;
  for (std::size_t at = 0; at + 4'800 <= voice.size(); at += 1'600) {
    if (power(leak, at) < 1e-3 || power(voice, at) < 4 * power(leak, at)) continue;
    ++voiced;
    const double start_s = static_cast<double>(at) / tests::kSessionRateHz;
    lost += cross_talk.IsCopy(1, start_s, start_s + 0.3) ? 1 : 0;
  }
  EXPECT_GT(voiced, 5);
  EXPECT_LE(lost, voiced / 50);
}
INSTANTIATE_TEST_SUITE_P(CrossTalk, VoiceOverACopy, testing::Values(0.05F, 0.3F, 0.6F));

TEST(CrossTalk, ThePiecesInWhichItIsFedChangeNothing) {
  TwoChannels channels = tests::Session();
  tests::Leak(channels[0], channels[1], 0.1F, 80);
  const CrossTalk whole = Heard(channels, channels[0].size());
  for (const std::size_t piece : {1U, 3U, 1'600U, 160'000U}) {
    const CrossTalk parts = Heard(channels, piece);
    for (double at = 0; at < 60; at += 0.05) {
      ASSERT_EQ(parts.IsCopy(1, at, at + 0.1), whole.IsCopy(1, at, at + 0.1)) << piece << " " << at;
    }
  }
}

TEST(CrossTalk, SilenceAndTheVeryShortAreNoCopies) {
  CrossTalk nothing;
  EXPECT_FALSE(nothing.IsCopy(0, 0, 1));
  const std::vector<float> zeros(32'000);
  EXPECT_FALSE(Heard({zeros, zeros}).IsCopy(1, 0, 2));
  const std::vector<float> few(100, 0.5F);
  EXPECT_FALSE(Heard({few, few}).IsCopy(0, 0, 1));
}

}  // namespace
}  // namespace blindai::speech
