#include "model/model_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>

namespace blindai::model {
namespace {

TEST(ModelFile, KeepsWhatIsAppendedInAnyPieces) {
  const auto file = *ModelFile::Create(100);
  ASSERT_TRUE(file->Append(base::AsBytes("a")).ok());
  ASSERT_TRUE(file->Append({}).ok());
  ASSERT_TRUE(file->Append(base::AsBytes("bc")).ok());
  ASSERT_TRUE(file->Seal().ok());
  EXPECT_EQ(file->size(), 3u);
  // FIPS 180-4, example of "abc".
  EXPECT_EQ(file->sha256_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  base::Bytes read(2);
  ASSERT_TRUE(file->ReadAt(1, read).ok());
  EXPECT_EQ(base::AsText(read), "bc");
}

TEST(ModelFile, RefusesMoreThanItsLimit) {
  const auto file = *ModelFile::Create(4);
  ASSERT_TRUE(file->Append(base::Bytes(4)).ok());
  const auto over = file->Append(base::Bytes(1));
  EXPECT_EQ(over.error().code, "model-too-large");
  EXPECT_EQ(over.error().kind, base::ErrorKind::kTooLarge);
  EXPECT_EQ(file->size(), 4u);
}

TEST(ModelFile, RefusesToBeEmpty) { EXPECT_EQ((*ModelFile::Create(4))->Seal().error().code, "model-empty"); }

TEST(ModelFile, ReadingBeyondTheEndIsAnError) {
  const auto file = *ModelFile::Create(4);
  ASSERT_TRUE(file->Append(base::Bytes(4)).ok());
  base::Bytes out(2);
  EXPECT_FALSE(file->ReadAt(3, out).ok());
}

TEST(ModelFile, NobodyCanChangeItOnceSealed) {
  const auto file = *ModelFile::Create(4);
  ASSERT_TRUE(file->Append(base::Bytes(4)).ok());
  ASSERT_TRUE(file->Seal().ok());
  EXPECT_LT(pwrite(file->fd(), "x", 1, 0), 0);
  EXPECT_NE(ftruncate(file->fd(), 1), 0);
  EXPECT_NE(ftruncate(file->fd(), 9), 0);
  EXPECT_EQ(mmap(nullptr, 4, PROT_WRITE, MAP_SHARED, file->fd(), 0), MAP_FAILED);
  EXPECT_NE(fcntl(file->fd(), F_ADD_SEALS, F_SEAL_GROW), 0);
}

TEST(ModelFile, IsNeverMappedByThisProcess) {
  const auto file = *ModelFile::Create(1 << 20);
  ASSERT_TRUE(file->Append(base::Bytes(1 << 20)).ok());
  ASSERT_TRUE(file->Seal().ok());
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) EXPECT_EQ(line.find("blindai-model"), std::string::npos);
}

}  // namespace
}  // namespace blindai::model
