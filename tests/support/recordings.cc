#include "support/recordings.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numbers>

#include "support/paths.h"

namespace blindai::tests {

base::Bytes MakeRecording(const std::string& arguments, const std::string& extension) {
  static std::atomic<int> count = 0;
  const auto file = std::filesystem::temp_directory_path() /
                    fmt::format("blindai-recording-{}-{}.{}", getpid(), ++count, extension);
  const std::string command =
      fmt::format("ffmpeg -hide_banner -loglevel error -nostdin -y {} {}", arguments, file.string());
  const int status = std::system(command.c_str());
  EXPECT_EQ(status, 0) << command;
  base::Bytes bytes = ReadFile(file);
  std::filesystem::remove(file);
  EXPECT_FALSE(bytes.empty()) << command;
  return bytes;
}

std::string Tone(double seconds, int hz, int rate_hz) {
  return fmt::format("-f lavfi -i sine=frequency={}:duration={}:sample_rate={}", hz, seconds, rate_hz);
}

std::string TwoTones(double seconds, int left_hz, int right_hz, int rate_hz) {
  return fmt::format("{} {} -filter_complex '[0:a][1:a]join=inputs=2:channel_layout=stereo'",
                     Tone(seconds, left_hz, rate_hz), Tone(seconds, right_hz, rate_hz));
}

double ShareOfTone(std::span<const float> samples, double hz) {
  double real = 0;
  double imaginary = 0;
  double power = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double phase = 2 * std::numbers::pi * hz * static_cast<double>(i) / 16'000;
    real += samples[i] * std::cos(phase);
    imaginary += samples[i] * std::sin(phase);
    power += double{samples[i]} * samples[i];
  }
  return power > 0 ? 2 * (real * real + imaginary * imaginary) / (static_cast<double>(samples.size()) * power)
                   : 0;
}

}  // namespace blindai::tests
