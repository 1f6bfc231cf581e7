#include "sound_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "base/bytes.h"

namespace blindai::cli {
namespace {

std::string All(SoundSource& source) {
  std::string all;
  base::Bytes some(7);
  while (true) {
    const std::size_t count = source.Read(some).value();
    if (count == 0) return all;
    all += base::AsText(base::ByteView(some).first(count));
  }
}

TEST(SoundSource, GivesWhatACommandWritesToItsEnd) {
  const auto source = SoundSource::OfCommand("printf 'a long '; printf 'sound' | cat").value();
  EXPECT_EQ(All(*source), "a long sound");
  EXPECT_TRUE(source->Close().ok());
}

TEST(SoundSource, SaysHowACommandFailedByItself) {
  for (const auto& [command, code] : {std::pair{"printf x; exit 3", "code 3"},
                                      {"/no/such/recorder 2>&-", "code 127"},
                                      {"kill -9 $$", "code 137"}}) {
    const auto source = SoundSource::OfCommand(command).value();
    All(*source);
    const base::Status closed = source->Close();
    ASSERT_FALSE(closed.ok());
    EXPECT_EQ(closed.error().code, "argument");
    EXPECT_EQ(closed.error().param, "command");
    EXPECT_THAT(closed.error().message, testing::HasSubstr(code));
  }
}

TEST(SoundSource, StoppingEndsAReadThatWaitsAndTheWholeCommand) {
  const auto source = SoundSource::OfCommand("printf x; sleep 1000 | cat").value();
  base::Bytes some(7);
  ASSERT_EQ(source->Read(some).value(), 1u);
  std::thread stopper([&source] { source->Stop(); });
  EXPECT_EQ(source->Read(some).value(), 0u);
  stopper.join();
  EXPECT_TRUE(source->Close().ok()) << "an end that was wanted is no failure";
  EXPECT_EQ(source->Read(some).value(), 0u);
}

TEST(SoundSource, ACommandThatNobodyHearsAnyMoreIsEnded) {
  const auto source = SoundSource::OfCommand("while :; do printf 0123456789; done").value();
  base::Bytes some(7);
  EXPECT_GT(source->Read(some).value(), 0u);
}

}  // namespace
}  // namespace blindai::cli
