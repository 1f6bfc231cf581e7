#include "support/recordings.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numbers>

#include "base/byte_writer.h"
#include "support/paths.h"

namespace blindai::tests {
namespace {

// The two checksums of FLAC, most significant bit first, from zero.
std::uint32_t Crc(base::ByteView bytes, int bits, std::uint32_t polynomial) {
  std::uint32_t crc = 0;
  const std::uint32_t top = 1U << (bits - 1);
  for (const std::uint8_t byte : bytes) {
    crc ^= std::uint32_t{byte} << (bits - 8);
    for (int i = 0; i < 8; ++i) crc = (crc & top) != 0 ? (crc << 1) ^ polynomial : crc << 1;
  }
  return crc & ((top << 1) - 1);
}

// A number as FLAC writes it in a frame's header: UTF-8, of up to six bytes (RFC 9639 section 9.1.5).
void AppendCoded(base::ByteWriter& writer, std::uint32_t number) {
  if (number < 0x80) {
    writer.U8(static_cast<std::uint8_t>(number));
    return;
  }
  int more = 1;
  while (more < 5 && number >> (5 * more + 6) != 0) ++more;
  const std::uint32_t lead = 0xffU << (7 - more) & 0xffU;
  writer.U8(static_cast<std::uint8_t>(lead | number >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) {
    writer.U8(static_cast<std::uint8_t>(0x80U | (number >> (6 * i) & 0x3fU)));
  }
}

}  // namespace

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

// RFC 9639, The FLAC format: section 8.2 (streaminfo) and 9 (frames).
base::Bytes SparseFlac(std::uint32_t rate_hz, std::uint16_t samples_per_frame, std::uint32_t frames,
                       std::uint32_t tone_every) {
  base::ByteWriter file;
  const std::uint64_t samples = std::uint64_t{samples_per_frame} * frames;
  file.Append("fLaC").U32Big(0x8000'0022).U16Big(samples_per_frame).U16Big(samples_per_frame).Zeros(6);
  file.U64Big(std::uint64_t{rate_hz} << 44 | std::uint64_t{15} << 36 | samples).Zeros(16);
  for (std::uint32_t number = 0; number < frames; ++number) {
    base::ByteWriter frame;
    frame.U16Big(0xfff8).U16Big(0x7008);
    AppendCoded(frame, number);
    frame.U16Big(static_cast<std::uint16_t>(samples_per_frame - 1));
    frame.U8(static_cast<std::uint8_t>(Crc(frame.view(), 8, 0x07)));
    if (tone_every == 0 || number % tone_every != 0) {
      frame.U8(0x00).U16Big(0);  // a constant subframe
    } else {
      frame.U8(0x02);  // a verbatim one
      for (std::uint32_t i = 0; i < samples_per_frame; ++i) {
        const double phase = 2 * std::numbers::pi * 440 * i / rate_hz;
        frame.U16Big(static_cast<std::uint16_t>(static_cast<std::int16_t>(8'000 * std::sin(phase))));
      }
    }
    file.Append(frame.view()).U16Big(static_cast<std::uint16_t>(Crc(frame.view(), 16, 0x8005)));
  }
  return std::move(file).Take();
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
