#include "speech/audio_file.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
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
  const int fd = file->reading_fd();
  ASSERT_EQ(pread(fd, read.data(), read.size(), 0), 8);
  EXPECT_EQ(read, "RIFFWAVE");
  EXPECT_LT(pwrite(fd, "x", 1, 0), 0);
  EXPECT_NE(ftruncate(fd, 1), 0);
  EXPECT_EQ(mmap(nullptr, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
}

TEST(AudioFile, IsOverwrittenWhenItsHolderLetsGo) {
  auto file = AudioFile::Create(100'000).value();
  ASSERT_TRUE(file->Append(base::Bytes(100'000, 'x')).ok());
  ASSERT_TRUE(file->Seal().ok());
  const int copy = dup(file->reading_fd());
  file.reset();
  base::Bytes read(100'000, 'y');
  EXPECT_EQ(pread(copy, read.data(), read.size(), 0), 100'000);
  EXPECT_EQ(read, base::Bytes(100'000, 0));
  close(copy);
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
