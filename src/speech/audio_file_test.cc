#include "speech/audio_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace blindai::speech {
namespace {

TEST(AudioFile, HoldsWhatWasAppendedAndCannotBeChangedAfterwards) {
  auto file = AudioFile::Create(100).value();
  ASSERT_TRUE(file->Append(base::AsBytes("RIFF")).ok());
  ASSERT_TRUE(file->Append(base::AsBytes("WAVE")).ok());
  ASSERT_TRUE(file->Seal().ok());
  EXPECT_EQ(file->size(), 8u);
  std::string read(8, ' ');
  ASSERT_EQ(pread(file->fd(), read.data(), read.size(), 0), 8);
  EXPECT_EQ(read, "RIFFWAVE");
  EXPECT_LT(pwrite(file->fd(), "x", 1, 0), 0);
  EXPECT_NE(ftruncate(file->fd(), 1), 0);
}

TEST(AudioFile, IsRefusedAboveItsLimit) {
  auto file = AudioFile::Create(5).value();
  ASSERT_TRUE(file->Append(base::AsBytes("12345")).ok());
  const auto refused = file->Append(base::AsBytes("6"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "audio-too-large");
  EXPECT_EQ(refused.error().param, "file");
  EXPECT_EQ(file->size(), 5u);
}

TEST(AudioFile, IsRefusedWhenEmpty) {
  const auto sealed = AudioFile::Create(5).value()->Seal();
  ASSERT_FALSE(sealed.ok());
  EXPECT_EQ(sealed.error().code, "audio-empty");
}

}  // namespace
}  // namespace blindai::speech
