#include "speech/loudness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace blindai::speech {
namespace {

std::vector<float> Tone(double hz, float amplitude, std::size_t samples = 1'600) {
  std::vector<float> tone;
  for (std::size_t i = 0; i < samples; ++i)
    tone.push_back(amplitude *
                   static_cast<float>(std::sin(hz * 6.283185307 * static_cast<double>(i) / 16'000)));
  return tone;
}

TEST(Loudness, IsTheMeanSquare) {
  EXPECT_NEAR(Power(Tone(100, 0.5F)), 0.125, 1e-6);
  EXPECT_EQ(Power({}), 0);
}

TEST(Loudness, SilenceIsBelowTheThreshold) {
  EXPECT_TRUE(IsSilent(Tone(100, 0.004F), kSilentFrame));
  EXPECT_FALSE(IsSilent(Tone(100, 0.005F), kSilentFrame));
}

TEST(Loudness, TheSameSoundHasTheSameShapeAndLevel) {
  const auto tone = Tone(100, 0.5F);
  EXPECT_TRUE(HoldSameSound(tone, tone));
  EXPECT_TRUE(HoldSameSound(tone, Tone(100, 0.45F)));
  EXPECT_FALSE(HoldSameSound(tone, Tone(100, 0.2F)));
  EXPECT_FALSE(HoldSameSound(tone, Tone(110, 0.5F)));
  EXPECT_TRUE(HoldSameSound(tone, Tone(100, -0.5F))) << "a cable whose wires are exchanged";
  EXPECT_FALSE(HoldSameSound(std::vector<float>(10), std::vector<float>(10)));
}

}  // namespace
}  // namespace blindai::speech
