#include "speech/pcm_stream.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace blindai::speech {
namespace {

std::vector<float> DecodeAll(const PcmFormat& format, base::ByteView bytes, std::size_t piece) {
  const auto stream = PcmStream::Make(format).value();
  std::vector<float> samples;
  while (!bytes.empty()) {
    const auto count = std::min(piece, bytes.size());
    const std::vector<float> got = stream->Decode(bytes.first(count));
    samples.insert(samples.end(), got.begin(), got.end());
    bytes = bytes.subspan(count);
  }
  const std::vector<float> rest = stream->Flush();
  samples.insert(samples.end(), rest.begin(), rest.end());
  return samples;
}

base::Bytes Tone(double frequency_hz, int rate_hz, std::size_t samples) {
  base::Bytes bytes;
  for (std::size_t i = 0; i < samples; ++i) {
    const double phase = 2 * std::numbers::pi * frequency_hz * static_cast<double>(i) / rate_hz;
    const auto sample = static_cast<std::int16_t>(std::lround(16'000 * std::sin(phase)));
    bytes.push_back(static_cast<std::uint8_t>(sample & 0xff));
    bytes.push_back(static_cast<std::uint8_t>((sample >> 8) & 0xff));
  }
  return bytes;
}

TEST(PcmStream, SixteenKilohertzPassesUnchanged) {
  const base::Bytes bytes = {0x00, 0x80, 0xff, 0x7f, 0x00, 0x00, 0x01, 0x00};
  const auto samples = DecodeAll({PcmEncoding::kPcm16, 16'000}, bytes, 8);
  EXPECT_EQ(samples, (std::vector<float>{-1.F, 32767.F / 32768, 0.F, 1.F / 32768}));
}

TEST(PcmStream, PiecesLeaveNoTrace) {
  std::mt19937 random(5);
  base::Bytes bytes(30'000);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  for (const int rate : {8'000, 16'000, 24'000, 44'100, 48'000}) {
    for (const PcmEncoding encoding : {PcmEncoding::kPcm16, PcmEncoding::kMulaw}) {
      const PcmFormat format{encoding, rate};
      const auto whole = DecodeAll(format, bytes, bytes.size());
      for (const std::size_t piece : {1, 7, 480, 4'801}) {
        EXPECT_EQ(DecodeAll(format, bytes, piece), whole) << rate << " in pieces of " << piece;
      }
    }
  }
}

TEST(PcmStream, TheLengthIsThatOfTheFormulaForEveryRate) {
  for (const int rate : {8'000, 11'025, 16'000, 22'050, 24'000, 44'100, 48'000}) {
    for (const std::size_t count : {1, 2, 100, 999, 24'000, 24'001}) {
      const auto samples = DecodeAll({PcmEncoding::kPcm16, rate}, base::Bytes(2 * count), 4'000);
      const auto wanted =
          (count * 16'000 + static_cast<std::size_t>(rate) - 1) / static_cast<std::size_t>(rate);
      EXPECT_EQ(samples.size(), wanted) << count << " samples at " << rate;
    }
  }
}

TEST(PcmStream, AToneKeepsItsPitchItsLevelAndItsPlace) {
  for (const int rate : {8'000, 24'000, 48'000}) {
    const auto samples =
        DecodeAll({PcmEncoding::kPcm16, rate}, Tone(440, rate, static_cast<std::size_t>(rate)), 960);
    ASSERT_EQ(samples.size(), 16'000u);
    for (std::size_t i = 800; i + 800 < samples.size(); ++i) {
      const double wanted =
          16'000.0 / 32'768 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 16'000);
      ASSERT_NEAR(samples[i], wanted, 2e-4) << "sample " << i << " of " << rate;
    }
  }
}

TEST(PcmStream, WhatTheModelCannotHearIsFilteredOut) {
  const auto samples = DecodeAll({PcmEncoding::kPcm16, 24'000}, Tone(10'000, 24'000, 24'000), 4'800);
  for (std::size_t i = 800; i + 800 < samples.size(); ++i) ASSERT_NEAR(samples[i], 0, 1e-3);
}

TEST(PcmStream, ADelayOfTheResamplerIsShort) {
  const auto stream = PcmStream::Make({PcmEncoding::kPcm16, 24'000}).value();
  EXPECT_GT(stream->Decode(base::Bytes(48'000)).size(), 16'000u - 800) << "50 ms of one second";
}

TEST(PcmStream, G711IsThatOfTheRecommendation) {
  const PcmFormat mulaw{PcmEncoding::kMulaw, 16'000};
  const PcmFormat alaw{PcmEncoding::kAlaw, 16'000};
  const auto as16 = [](float sample) { return static_cast<int>(std::lround(sample * 32'768)); };
  const auto u = DecodeAll(mulaw, base::Bytes{0x00, 0x80, 0x7f, 0xff, 0x0f, 0x8f, 0x70}, 7);
  EXPECT_EQ(as16(u[0]), -32'124);
  EXPECT_EQ(as16(u[1]), 32'124);
  EXPECT_EQ(as16(u[2]), 0);
  EXPECT_EQ(as16(u[3]), 0);
  EXPECT_EQ(as16(u[4]), -16'764);
  EXPECT_EQ(as16(u[5]), 16'764);
  EXPECT_EQ(as16(u[6]), -120);
  const auto a = DecodeAll(alaw, base::Bytes{0x55, 0xd5, 0x2a, 0xaa, 0x80}, 5);
  EXPECT_EQ(as16(a[0]), -8);
  EXPECT_EQ(as16(a[1]), 8);
  EXPECT_EQ(as16(a[2]), -32'256);
  EXPECT_EQ(as16(a[3]), 32'256);
  EXPECT_EQ(as16(a[4]), 5'504);
}

TEST(PcmStream, AfterAFlushTheSoundBeginsAnew) {
  const auto stream = PcmStream::Make({PcmEncoding::kPcm16, 24'000}).value();
  const base::Bytes tone = Tone(300, 24'000, 6'001);
  const auto once = [&] {
    std::vector<float> samples = stream->Decode(tone);
    const std::vector<float> rest = stream->Flush();
    samples.insert(samples.end(), rest.begin(), rest.end());
    return samples;
  };
  const auto first = once();
  stream->Decode(base::Bytes{7});  // half a sample, dropped
  EXPECT_TRUE(stream->Flush().empty());
  EXPECT_EQ(once(), first);
}

TEST(PcmStream, RatesThatNobodySpeaksInAreRefused) {
  for (const int rate : {-1, 0, 7'999, 48'001, 192'000}) {
    const auto stream = PcmStream::Make({PcmEncoding::kPcm16, rate});
    ASSERT_FALSE(stream.ok());
    EXPECT_EQ(stream.error().code, "audio-rate");
    EXPECT_EQ(stream.error().param, "rate");
  }
}

}  // namespace
}  // namespace blindai::speech
