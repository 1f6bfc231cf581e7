#include "speech/decoder_process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>

#include "model/worker_process.h"
#include "support/paths.h"
#include "support/recordings.h"
#include "support/worker_fixture.h"

namespace blindai::speech {
namespace {

using tests::MakeRecording;
using tests::Tone;
using tests::TwoTones;

std::shared_ptr<AudioFile> FileOf(base::ByteView bytes) {
  std::shared_ptr<AudioFile> file = AudioFile::Create(std::uint64_t{1} << 30).value();
  file->Append(bytes).value();
  file->Seal().value();
  return file;
}

DecoderOptions TestOptions() {
  DecoderOptions options;
  options.decoder_program = (tests::ProgramsDir() / "blindai-decoder").string();
  return options;
}

base::Result<std::shared_ptr<DecoderProcess>> Start(base::ByteView file,
                                                    DecoderOptions options = TestOptions()) {
  std::promise<base::Result<std::shared_ptr<DecoderProcess>>> started;
  DecoderProcess::Start(FileOf(file), std::move(options),
                        [&](auto decoder) { started.set_value(std::move(decoder)); });
  return started.get_future().get();
}

base::Result<AudioPiece> Next(DecoderProcess& decoder) {
  std::promise<base::Result<AudioPiece>> done;
  decoder.Next([&](auto piece) { done.set_value(std::move(piece)); });
  return done.get_future().get();
}

bool HasEnded(std::int64_t pid) {
  return tests::Until([&] { return !std::filesystem::exists("/proc/" + std::to_string(pid)); });
}

std::string CodeOf(const auto& result) { return result.ok() ? "" : result.error().code; }

// A recording decoded to its end or its refusal.
struct Drained {
  std::string code;
  std::uint64_t samples = 0;
  int loud_pieces = 0;
  std::uint64_t decoder_bytes = 0;  // the most that the decoder held
  std::uint64_t own_bytes = 0;      // the most that this process held
};

Drained Drain(base::ByteView file) {
  Drained drained;
  const auto decoder = Start(file);
  drained.code = CodeOf(decoder);
  for (bool last = false; drained.code.empty() && !last;) {
    const auto piece = Next(**decoder);
    drained.code = CodeOf(piece);
    if (!piece.ok()) break;
    last = piece->last;
    drained.samples += piece->channels[0].size();
    drained.loud_pieces += std::ranges::any_of(piece->channels[0], [](float v) { return v > 0.1F; }) ? 1 : 0;
    const auto resident = [](std::int64_t pid) {
      return model::WorkerProcess::ResidentBytesOf(static_cast<pid_t>(pid));
    };
    if (!last) drained.decoder_bytes = std::max(drained.decoder_bytes, resident((*decoder)->pid()));
    drained.own_bytes = std::max(drained.own_bytes, resident(getpid()));
  }
  return drained;
}

TEST(DecoderProcess, GivesARecordingPieceByPiece) {
  auto decoder = Start(MakeRecording(TwoTones(25, 440, 660) + " -c:a aac", "m4a")).value();
  EXPECT_EQ(decoder->channels(), 2);
  EXPECT_NEAR(decoder->announced_s(), 25, 0.1);
  std::size_t samples = 0;
  int pieces = 0;
  for (bool last = false; !last;) {
    const AudioPiece piece = Next(*decoder).value();
    ASSERT_EQ(piece.channels.size(), 2u);
    ASSERT_EQ(piece.channels[0].size(), piece.channels[1].size());
    EXPECT_GT(tests::ShareOfTone(piece.channels[0], 440), 0.98);
    EXPECT_GT(tests::ShareOfTone(piece.channels[1], 660), 0.98);
    samples += piece.channels[0].size();
    last = piece.last;
    ++pieces;
  }
  EXPECT_EQ(pieces, 3);
  EXPECT_NEAR(static_cast<double>(samples), 400'000, 1'600);
  EXPECT_TRUE(HasEnded(decoder->pid())) << "it has nothing more to do";
}

TEST(DecoderProcess, EveryKindOfRecordingIsDecodedInsideTheCage) {
  for (const auto& [options, extension] :
       {std::pair("-c:a pcm_s24le", "wav"), std::pair("-c:a pcm_mulaw", "wav"),
        std::pair("-c:a flac", "flac"), std::pair("-c:a libmp3lame", "mp3"), std::pair("-c:a aac", "m4a"),
        std::pair("-c:a alac", "m4a"), std::pair("-c:a aac", "aac"), std::pair("-c:a libopus", "ogg"),
        std::pair("-c:a libvorbis", "ogg"), std::pair("-c:a libopus", "webm"),
        std::pair("-c:a pcm_s16be", "aiff")}) {
    auto decoder = Start(MakeRecording(Tone(2, 440) + " " + options, extension));
    ASSERT_EQ(CodeOf(decoder), "") << options;
    const auto piece = Next(**decoder);
    ASSERT_EQ(CodeOf(piece), "") << options;
    EXPECT_TRUE(piece->last);
    EXPECT_NEAR(static_cast<double>(piece->channels.at(0).size()), 32'000, 1'600) << options;
  }
}

TEST(DecoderProcess, IsLockedInBeforeItGetsTheRecording) {
  const auto decoder = Start(MakeRecording(Tone(1, 440), "wav")).value();
  const model::Cage cage = decoder->cage();
  EXPECT_TRUE(cage.no_new_privileges);
  EXPECT_TRUE(cage.no_capabilities);
  EXPECT_TRUE(cage.not_dumpable);
  EXPECT_TRUE(cage.empty_root);
  EXPECT_GT(cage.allowed_system_calls, 0u);
#ifndef BLINDAI_SANITIZED
  EXPECT_TRUE(cage.memory_limit);
#endif
}

TEST(DecoderProcess, ALongRecordingTakesNoMoreMemoryThanAShortOne) {
#ifdef BLINDAI_SANITIZED
  GTEST_SKIP() << "SKIPPED: a sanitizer keeps freed memory back";
#endif
  const auto noise = [](const char* seconds) {
    return MakeRecording(std::string("-f lavfi -i anoisesrc=r=16000:a=0.1:d=") + seconds + " -c:a pcm_s16le",
                         "wav");
  };
  const Drained of_short = Drain(noise("30"));
  EXPECT_GT(of_short.decoder_bytes, 0u);
  // 58 MB of file, 115 MB of floats.
  EXPECT_LT(Drain(noise("1800")).decoder_bytes, of_short.decoder_bytes + (std::uint64_t{8} << 20));
}

TEST(DecoderProcess, FourHoursAreDecodedToTheEndInTheMemoryOfAMinute) {
  // A third of a second of sound every ten seconds. Four hours of floats are 922 MB.
  constexpr std::uint32_t kRate = 16'000;
  constexpr std::uint16_t kFrame = 4'800;
#ifdef BLINDAI_SANITIZED
  constexpr std::uint32_t kSeconds = 600;  // it would take a minute
#else
  constexpr std::uint32_t kSeconds = 4 * 3600;
#endif
  const auto flac = [](std::uint32_t seconds) {
    return tests::SparseFlac(kRate, kFrame, seconds * kRate / kFrame, 33);
  };
  const Drained of_short = Drain(flac(60));
  const Drained of_long = Drain(flac(kSeconds));
  EXPECT_EQ(of_long.samples, std::uint64_t{kSeconds} * kRate);
  EXPECT_NEAR(of_long.loud_pieces, kSeconds / 10, 1) << "no piece without its sound";
#ifndef BLINDAI_SANITIZED
  EXPECT_LT(of_long.decoder_bytes, of_short.decoder_bytes + (std::uint64_t{8} << 20));
  EXPECT_LT(of_long.own_bytes, of_short.own_bytes + (std::uint64_t{64} << 20));  // the file is in it
#endif
}

TEST(DecoderProcess, ASmallFileThatClaimsHoursIsRefusedBeforeTheyAreDecoded) {
  // 65,535 samples in 15 bytes: 3 kB decode to four hours.
  const base::Bytes bomb = tests::SparseFlac(1'000, 65'535, 4 * 3600 * 1'000 / 65'535, 0);
  ASSERT_LT(bomb.size(), 4'000u);
  const Drained drained = Drain(bomb);
  EXPECT_EQ(drained.code, "audio-ratio");
  EXPECT_LT(drained.samples, 300U * kDecodedRateHz);
  // As many hours in a file of their size are taken: above.
  EXPECT_EQ(Drain(tests::SparseFlac(16'000, 4'800, 2'000, 0)).code, "");
}

TEST(DecoderProcess, RefusalsComeWithTheirCodes) {
  EXPECT_EQ(CodeOf(Start(base::AsBytes("a letter"))), "audio-not-recognised");
  DecoderOptions options = TestOptions();
  options.limits.max_seconds = 12;
  // Known from the beginning of the file, and found out on the way.
  EXPECT_EQ(CodeOf(Start(MakeRecording(Tone(13, 440), "wav"), options)), "audio-too-long");
  auto decoder = Start(MakeRecording(Tone(13, 440) + " -c:a aac", "aac"), options).value();
  EXPECT_EQ(CodeOf(Next(*decoder)), "");
  EXPECT_EQ(CodeOf(Next(*decoder)), "audio-too-long");
  EXPECT_TRUE(HasEnded(decoder->pid()));
}

TEST(DecoderProcess, DroppingItEndsTheProcess) {
  auto decoder = Start(MakeRecording(Tone(60, 440), "wav")).value();
  ASSERT_TRUE(Next(*decoder).ok());
  const std::int64_t pid = decoder->pid();
  decoder.reset();
  EXPECT_TRUE(HasEnded(pid));
}

TEST(DecoderProcess, AMissingProgramIsATypedErrorWithoutItsPath) {
  DecoderOptions options = TestOptions();
  options.decoder_program = "/nowhere/blindai-decoder";
  const auto decoder = Start(base::AsBytes("x"), options);
  ASSERT_EQ(CodeOf(decoder), "worker-unavailable");
  EXPECT_EQ(decoder.error().message.find("nowhere"), std::string::npos);
}

// A decoder that does not keep to the protocol, in the way that `way` names (tests/support/hostile_decoder.cc).
DecoderOptions HostileOptions() {
  DecoderOptions options;
  options.decoder_program = tests::SupportProgram("hostile_decoder");
  return options;
}

TEST(HostileDecoder, IsEndedWhenItLiesAtTheStart) {
  EXPECT_EQ(CodeOf(Start(base::AsBytes("c"), HostileOptions())), "decoder-crashed");
  EXPECT_EQ(CodeOf(Start(base::AsBytes("g"), HostileOptions())), "decoder-crashed");
}

TEST(HostileDecoder, IsEndedWhenItLiesAboutAPiece) {
  for (const auto& [way, code] : {std::pair("n", "audio-not-finite"), std::pair("e", "decoder-crashed"),
                                  std::pair("o", "decoder-crashed"), std::pair("m", "decoder-crashed")}) {
    const auto decoder = Start(base::AsBytes(way), HostileOptions()).value();
    EXPECT_EQ(CodeOf(Next(*decoder)), code) << way;
    EXPECT_TRUE(HasEnded(decoder->pid())) << way;
    EXPECT_EQ(CodeOf(Next(*decoder)), "decoder-crashed") << "an ended decoder gives nothing";
  }
}

TEST(HostileDecoder, IsEndedWhenItSpeaksWithoutBeingAsked) {
  for (const char* way : {"u", "t"}) {
    const auto decoder = Start(base::AsBytes(way), HostileOptions()).value();
    if (*way == 't') {
      EXPECT_EQ(CodeOf(Next(*decoder)), "");
    }
    EXPECT_TRUE(HasEnded(decoder->pid())) << way;
  }
}

TEST(HostileDecoder, IsEndedWhenItDoesNotAnswerInTime) {
  DecoderOptions options = HostileOptions();
  options.open_timeout_ms = 300;
  EXPECT_EQ(CodeOf(Start(base::AsBytes("s"), options)), "decoder-timeout");
  options.open_timeout_ms = 30'000;
  options.piece_timeout_ms = 1;
  const auto decoder = Start(base::AsBytes("q"), options).value();
  EXPECT_EQ(CodeOf(Next(*decoder)), "decoder-timeout");
  EXPECT_TRUE(HasEnded(decoder->pid()));
}

}  // namespace
}  // namespace blindai::speech
