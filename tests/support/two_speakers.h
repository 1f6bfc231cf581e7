// The demo conversation (models/blindai-demo-en/session.wav) as samples, and what microphones in one room make of it.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "base/bytes.h"
#include "support/paths.h"

namespace blindai::tests {

constexpr std::size_t kSessionRateHz = 16'000;
using TwoChannels = std::array<std::vector<float>, 2>;

inline TwoChannels Session() {
  constexpr std::size_t kHeader = 44;
  const base::Bytes file = ReadFile(SourceDir() / "models/blindai-demo-en/session.wav");
  TwoChannels channels;
  for (std::size_t at = kHeader; at + 4 <= file.size(); at += 4) {
    for (std::size_t c = 0; c < 2; ++c) {
      const auto sample = static_cast<std::int16_t>(file[at + 2 * c] | file[at + 2 * c + 1] << 8);
      channels[c].push_back(static_cast<float>(sample) / 32'768);
    }
  }
  return channels;
}

// Adds `voice` to `channel`, later and quieter.
inline void Leak(const std::vector<float>& voice, std::vector<float>& channel, float gain,
                 std::size_t delay) {
  for (std::size_t i = delay; i < channel.size(); ++i) channel[i] += gain * voice[i - delay];
}

// A voice as a room with 0.2 s of echo gives it back, mostly directly.
inline std::vector<float> InARoom(const std::vector<float>& voice) {
  constexpr std::size_t kTaps = 400;
  constexpr std::size_t kSpacing = 8;
  std::mt19937 random(5);
  std::vector<float> heard = voice;
  for (std::size_t tap = 1; tap <= kTaps; ++tap) {
    const float decay = std::exp(-6.9F * static_cast<float>(tap) / kTaps);
    const float gain = (static_cast<float>(random() % 2'001) / 1'000 - 1) * 0.1F * decay;
    Leak(voice, heard, gain, tap * kSpacing);
  }
  return heard;
}

}  // namespace blindai::tests
