#include "speech/decode_audio.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/byte_writer.h"
#include "support/recordings.h"

namespace blindai::speech {
namespace {

using tests::MakeRecording;
using tests::ShareOfTone;
using tests::Tone;
using tests::TwoTones;

struct Sound {
  OpenedMessage opened;
  std::vector<float> first;
  std::vector<float> second;

  double seconds() const { return static_cast<double>(first.size()) / kDecodedRateHz; }
};

// Everything that the reader gives, asked for in pieces of `piece` samples.
std::variant<Sound, DecodeRefusal> Decode(base::ByteView file, const DecodeLimits& limits = {},
                                          std::size_t piece = kPieceSamples) {
  auto opened = AudioReader::Open(file, limits);
  if (const auto* refusal = std::get_if<DecodeRefusal>(&opened)) return *refusal;
  AudioReader& reader = *std::get<std::unique_ptr<AudioReader>>(opened);
  Sound sound;
  sound.opened = reader.opened();
  std::vector<float> first(piece);
  std::vector<float> second(piece);
  while (true) {
    const auto read = reader.Read(first, second);
    if (const auto* refusal = std::get_if<DecodeRefusal>(&read)) return *refusal;
    const SamplesMessage& samples = std::get<SamplesMessage>(read);
    EXPECT_TRUE(samples.last || samples.samples == piece);
    sound.first.insert(sound.first.end(), first.begin(), first.begin() + samples.samples);
    if (sound.opened.channels == 2) {
      sound.second.insert(sound.second.end(), second.begin(), second.begin() + samples.samples);
    }
    if (samples.last) return sound;
  }
}

Sound MustDecode(base::ByteView file) {
  auto decoded = Decode(file);
  const auto* const refusal = std::get_if<DecodeRefusal>(&decoded);
  EXPECT_EQ(refusal, nullptr) << "refused: " << (refusal != nullptr ? static_cast<int>(*refusal) : 0);
  return refusal != nullptr ? Sound() : std::get<Sound>(decoded);
}

// 0: it was decoded.
int RefusalOf(base::ByteView file, const DecodeLimits& limits = {}) {
  const auto decoded = Decode(file, limits);
  const auto* const refusal = std::get_if<DecodeRefusal>(&decoded);
  return refusal != nullptr ? static_cast<int>(*refusal) : 0;
}
int Number(DecodeRefusal refusal) { return static_cast<int>(refusal); }

// A WAV file (Microsoft's RIFF, WAVE_FORMAT_IEEE_FLOAT) of these samples at 16 kHz.
base::Bytes FloatWav(const std::vector<float>& samples) {
  base::ByteWriter writer;
  const auto bytes = static_cast<std::uint32_t>(samples.size() * sizeof(float));
  writer.Append("RIFF").U32(36 + bytes).Append("WAVE").Append("fmt ").U32(16).U16(3).U16(1);
  writer.U32(16'000).U32(64'000).U16(4).U16(32).Append("data").U32(bytes);
  writer.Append(base::ByteView(reinterpret_cast<const std::uint8_t*>(samples.data()), bytes));
  return std::move(writer).Take();
}

struct Format {
  const char* name;
  const char* options;
  const char* extension;
  double least_share;   // of the tone in what was decoded
  double most_extra_s;  // that the encoder adds
};

class FormatTest : public testing::TestWithParam<Format> {};

TEST_P(FormatTest, ATonePlaysForItsTime) {
  const Format& format = GetParam();
  const base::Bytes file = MakeRecording(Tone(3, 440, 48'000) + " " + format.options, format.extension);
  const Sound sound = MustDecode(file);
  EXPECT_EQ(sound.opened.channels, 1);
  EXPECT_GT(sound.seconds(), 2.99);
  EXPECT_LT(sound.seconds(), 3.01 + format.most_extra_s);
  EXPECT_GT(ShareOfTone(std::span(sound.first).first(47'000), 440), format.least_share);
}

TEST_P(FormatTest, TwoChannelsStayTwoSpeakers) {
  const Format& format = GetParam();
  const base::Bytes file =
      MakeRecording(TwoTones(3, 440, 660, 48'000) + " " + format.options, format.extension);
  const Sound sound = MustDecode(file);
  ASSERT_EQ(sound.opened.channels, 2);
  EXPECT_GT(ShareOfTone(std::span(sound.first).first(47'000), 440), format.least_share);
  EXPECT_GT(ShareOfTone(std::span(sound.second).first(47'000), 660), format.least_share);
}

// The least of what a file that was cut in the middle may do: give its part, or be refused; never be empty.
TEST_P(FormatTest, ATruncatedFileIsDecodedOrRefusedButNeverEmpty) {
  const Format& format = GetParam();
  base::Bytes file = MakeRecording(Tone(6, 440, 48'000) + " " + format.options, format.extension);
  file.resize(file.size() / 2);
  const auto decoded = Decode(file);
  const auto* const sound = std::get_if<Sound>(&decoded);
  EXPECT_TRUE(sound == nullptr || sound->seconds() > 2);
}

TEST_P(FormatTest, NoBytesOfAFileThatWereOverwrittenBreakTheReader) {
  const Format& format = GetParam();
  const base::Bytes good = MakeRecording(Tone(1, 440, 48'000) + " " + format.options, format.extension);
  std::mt19937 random(1);
  for (int i = 0; i < 60; ++i) {
    base::Bytes bad = good;
    for (int k = 0; k < 1 + i / 4; ++k)
      bad[random() % std::min<std::size_t>(bad.size(), i % 2 ? 4096 : bad.size())] =
          static_cast<std::uint8_t>(random());
    const auto decoded = Decode(bad);
    const auto* const sound = std::get_if<Sound>(&decoded);
    EXPECT_TRUE(sound == nullptr || !sound->first.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(
    DecodeAudio, FormatTest,
    testing::Values(
        Format{"wav_u8", "-c:a pcm_u8", "wav", 0.99, 0}, Format{"wav_s16", "-c:a pcm_s16le", "wav", 0.999, 0},
        Format{"wav_s24", "-c:a pcm_s24le", "wav", 0.999, 0},
        Format{"wav_s32", "-c:a pcm_s32le", "wav", 0.999, 0},
        Format{"wav_f32", "-c:a pcm_f32le", "wav", 0.999, 0},
        Format{"wav_f64", "-c:a pcm_f64le", "wav", 0.999, 0},
        Format{"wav_alaw", "-c:a pcm_alaw -ar 8000", "wav", 0.99, 0},
        Format{"wav_mulaw", "-c:a pcm_mulaw -ar 8000", "wav", 0.99, 0},
        Format{"rf64", "-c:a pcm_s16le -rf64 always", "wav", 0.999, 0},
        Format{"aiff", "-c:a pcm_s16be", "aiff", 0.999, 0},
        Format{"aiff_s24", "-c:a pcm_s24be", "aiff", 0.999, 0}, Format{"flac", "-c:a flac", "flac", 0.999, 0},
        Format{"mp3", "-c:a libmp3lame", "mp3", 0.99, 0.1},
        Format{"mp3_untagged", "-c:a libmp3lame -write_xing 0 -id3v2_version 0", "mp3", 0.99, 0.1},
        Format{"m4a_index_at_end", "-c:a aac", "m4a", 0.99, 0.1},
        Format{"m4a_index_in_front", "-c:a aac -movflags +faststart", "m4a", 0.99, 0.1},
        Format{"m4a_fragments", "-c:a aac -movflags +frag_keyframe+empty_moov", "m4a", 0.99, 0.1},
        Format{"m4a_alac", "-c:a alac", "m4a", 0.999, 0}, Format{"aac", "-c:a aac", "aac", 0.99, 0.1},
        Format{"ogg_opus", "-c:a libopus", "ogg", 0.99, 0.1},
        Format{"ogg_vorbis", "-c:a libvorbis", "ogg", 0.99, 0.1},
        Format{"ogg_flac", "-c:a flac", "ogg", 0.999, 0}, Format{"webm", "-c:a libopus", "webm", 0.99, 0.1}),
    [](const auto& test) { return test.param.name; });

TEST(DecodeAudio, SixteenBitSamplesAt16kHzArriveExactly) {
  base::ByteWriter writer;
  std::vector<std::int16_t> samples = {0, 1, -1, 32'767, -32'768, 12'345};
  while (samples.size() < 20'000) samples.push_back(static_cast<std::int16_t>(samples.size() * 7919));
  const auto bytes = static_cast<std::uint32_t>(samples.size() * 2);
  writer.Append("RIFF").U32(36 + bytes).Append("WAVE").Append("fmt ").U32(16).U16(1).U16(1);
  writer.U32(16'000).U32(32'000).U16(2).U16(16).Append("data").U32(bytes);
  for (const std::int16_t sample : samples) writer.U16(static_cast<std::uint16_t>(sample));
  const Sound sound = MustDecode(writer.view());
  ASSERT_EQ(sound.first.size(), samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    ASSERT_EQ(sound.first[i], static_cast<float>(samples[i]) / 32'768) << i;
  }
  EXPECT_EQ(sound.opened.announced_ms, 1250u);
}

TEST(DecodeAudio, TheSizeOfPiecesChangesNothing) {
  const base::Bytes file = MakeRecording(TwoTones(2, 300, 500) + " -c:a libmp3lame", "mp3");
  const Sound whole = MustDecode(file);
  const auto pieces = Decode(file, {}, 777);
  EXPECT_EQ(std::get<Sound>(pieces).first, whole.first);
  EXPECT_EQ(std::get<Sound>(pieces).second, whole.second);
}

TEST(DecodeAudio, EveryRateGivesAsManySamplesAsItsTime) {
  for (const int rate : {8'000, 11'025, 16'000, 22'050, 24'000, 32'000, 44'100, 48'000, 96'000, 192'000}) {
    const base::Bytes file = MakeRecording(Tone(2.5, 440, rate) + " -c:a pcm_s16le", "wav");
    EXPECT_NEAR(static_cast<double>(MustDecode(file).first.size()), 40'000, 1) << rate;
  }
}

TEST(DecodeAudio, ResamplingLetsNoToneAboveTheBandThrough) {
  // 10 kHz would fold to 6 kHz.
  const Sound sound = MustDecode(MakeRecording(Tone(2, 10'000, 48'000) + " -c:a pcm_f32le", "wav"));
  double power = 0;
  for (std::size_t i = 4'000; i < 28'000; ++i) power += double{sound.first[i]} * sound.first[i];
  EXPECT_LT(std::sqrt(power / 24'000), 1e-4);
}

TEST(DecodeAudio, MoreThanTwoChannelsBecomeTheirMean) {
  const std::string three =
      Tone(2, 440, 16'000) + " " + Tone(2, 660, 16'000) + " " + Tone(2, 880, 16'000) +
      " -filter_complex '[0:a][1:a][2:a]join=inputs=3:channel_layout=3.0' -c:a pcm_f32le";
  const Sound sound = MustDecode(MakeRecording(three, "wav"));
  EXPECT_EQ(sound.opened.channels, 1);
  for (const int hz : {440, 660, 880}) EXPECT_NEAR(ShareOfTone(sound.first, hz), 1.0 / 3, 0.01) << hz;
}

TEST(DecodeAudio, TheSoundOfAVideoIsFound) {
  const std::string video = "-f lavfi -i testsrc=duration=2:size=64x64:rate=5 " + Tone(2, 440);
  EXPECT_NEAR(MustDecode(MakeRecording(video + " -c:v mpeg4 -c:a aac", "mp4")).seconds(), 2, 0.1);
  EXPECT_NEAR(MustDecode(MakeRecording(video + " -c:v libvpx -c:a libopus", "webm")).seconds(), 2, 0.1);
}

TEST(DecodeAudio, ACoverPictureDoesNotMatter) {
  const std::string cover =
      Tone(2, 440) + " -f lavfi -i color=red:size=600x600:duration=0.04:rate=25 -map 0 -map 1 ";
  EXPECT_NEAR(
      MustDecode(MakeRecording(cover + "-c:v mjpeg -disposition:v attached_pic -c:a libmp3lame", "mp3"))
          .seconds(),
      2, 0.1);
}

TEST(DecodeAudio, AWavThatWasWrittenToAPipeIsDecodedToItsEnd) {
  // Its header states the largest length there is.
  base::Bytes file = MakeRecording(Tone(2, 440) + " -c:a pcm_s16le -bitexact", "wav");
  for (const std::size_t at : {std::size_t{4}, std::size_t{40}}) std::memset(file.data() + at, 0xff, 4);
  EXPECT_NEAR(MustDecode(file).seconds(), 2, 0.001);
}

TEST(DecodeAudio, WhatIsNoRecordingIsRefused) {
  EXPECT_EQ(RefusalOf({}), Number(DecodeRefusal::kNotAudio));
  EXPECT_EQ(RefusalOf(base::AsBytes("This is a letter and no recording.")), Number(DecodeRefusal::kNotAudio));
  EXPECT_EQ(RefusalOf(base::AsBytes("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")),
            Number(DecodeRefusal::kNotAudio));
  EXPECT_EQ(RefusalOf(base::AsBytes("RIFF....WAVE")), Number(DecodeRefusal::kNotAudio));
  EXPECT_NE(RefusalOf(base::AsBytes("....ftypM4A ")), 0);
  EXPECT_NE(RefusalOf(base::AsBytes("fLaC")), 0);
  EXPECT_NE(RefusalOf(base::AsBytes("OggS")), 0);
}

TEST(DecodeAudio, AFileWithoutSoundIsRefused) {
  const std::string picture = "-f lavfi -i testsrc=duration=1:size=64x64:rate=5 ";
  EXPECT_EQ(RefusalOf(MakeRecording(picture + "-c:v mpeg4", "mp4")), Number(DecodeRefusal::kNoStream));
  EXPECT_EQ(RefusalOf(MakeRecording(picture + "-c:v libvpx", "webm")), Number(DecodeRefusal::kNoStream));
}

TEST(DecodeAudio, SoundOfAnotherKindIsRefused) {
  EXPECT_EQ(RefusalOf(MakeRecording(Tone(1, 440) + " -c:a ac3", "mp4")), Number(DecodeRefusal::kCodec));
  EXPECT_EQ(RefusalOf(MakeRecording(Tone(1, 440) + " -c:a adpcm_ima_wav", "wav")),
            Number(DecodeRefusal::kCodec));
}

TEST(DecodeAudio, EncryptedSoundIsRefused) {
  const std::string key =
      "-encryption_scheme cenc-aes-ctr -encryption_key 00112233445566778899aabbccddeeff "
      "-encryption_kid 00112233445566778899aabbccddeeff";
  EXPECT_EQ(RefusalOf(MakeRecording(Tone(2, 440) + " -c:a aac " + key, "mp4")),
            Number(DecodeRefusal::kEncrypted));
}

TEST(DecodeAudio, AFileWithoutASampleIsRefused) {
  EXPECT_EQ(RefusalOf(FloatWav({})), Number(DecodeRefusal::kEmpty));
}

TEST(DecodeAudio, SamplesThatAreNotNumbersAreRefused) {
  std::vector<float> samples(32'000, 0.25F);
  EXPECT_EQ(RefusalOf(FloatWav(samples)), 0);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    samples[31'000] = bad;
    EXPECT_EQ(RefusalOf(FloatWav(samples)), Number(DecodeRefusal::kNotFinite));
  }
}

TEST(DecodeAudio, ARecordingLongerThanTheLimitIsRefusedAndOneAtTheLimitIsNot) {
  DecodeLimits limits;
  limits.max_seconds = 5;
  for (const char* options : {"-c:a pcm_s16le", "-c:a pcm_s16le -f flac -c:a flac"}) {
    EXPECT_EQ(RefusalOf(MakeRecording(Tone(5, 440) + " " + options, "wav"), limits), 0);
    EXPECT_EQ(RefusalOf(MakeRecording(Tone(5.1, 440) + " " + options, "wav"), limits),
              Number(DecodeRefusal::kTooLong));
  }
  // One that does not state its length.
  EXPECT_EQ(RefusalOf(MakeRecording(Tone(6, 440) + " -c:a aac", "aac"), limits),
            Number(DecodeRefusal::kTooLong));
}

TEST(DecodeAudio, ASmallFileThatDecodesToFarTooMuchIsRefused) {
  const base::Bytes silence = MakeRecording("-f lavfi -i anullsrc=r=16000:cl=mono -t 300 -c:a flac", "flac");
  EXPECT_EQ(RefusalOf(silence), 0) << "honest silence";
  DecodeLimits limits;
  limits.ratio_grace_seconds = 10;
  limits.min_bytes_per_second = 1'000;
  EXPECT_EQ(RefusalOf(silence, limits), Number(DecodeRefusal::kRatio));
}

TEST(DecodeAudio, AFileThatIsShorterThanItStatesIsRefused) {
  for (const auto& [options, extension] :
       {std::pair("-c:a pcm_s16le", "wav"), std::pair("-c:a flac", "flac"),
        std::pair("-c:a libmp3lame", "mp3"), std::pair("-c:a pcm_s16be", "aiff"),
        std::pair("-c:a libopus", "webm"), std::pair("-c:a aac -movflags +faststart", "m4a")}) {
    base::Bytes file = MakeRecording(Tone(10, 440) + " " + options, extension);
    file.resize(file.size() / 2);
    EXPECT_EQ(RefusalOf(file), Number(DecodeRefusal::kTruncated)) << extension;
  }
}

TEST(DecodeAudio, AnMp4WhoseIndexWasCutOffIsSaidToEndEarly) {
  base::Bytes file = MakeRecording(Tone(10, 440) + " -c:a aac", "m4a");
  file.resize(file.size() / 2);
  EXPECT_EQ(RefusalOf(file), Number(DecodeRefusal::kTruncated));
}

TEST(DecodeAudio, ALittleDamageBecomesSilenceOfTheSameLengthAndMuchIsRefused) {
  const base::Bytes good = MakeRecording(Tone(20, 440, 16'000) + " -c:a flac", "flac");
  base::Bytes bad = good;
  bad[bad.size() / 2] ^= 0xff;
  EXPECT_NEAR(MustDecode(bad).seconds(), 20, 0.3);
  for (std::size_t i = bad.size() / 4; i < bad.size(); i += 500) bad[i] ^= 0xff;
  EXPECT_EQ(RefusalOf(bad), Number(DecodeRefusal::kDamaged));
}

}  // namespace
}  // namespace blindai::speech
