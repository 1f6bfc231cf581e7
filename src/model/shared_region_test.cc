#include "model/shared_region.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace blindai::model {
namespace {

constexpr std::uint64_t kBytes = 64 << 10;

std::uint64_t PagesHeld(const SharedRegion& region) {
  struct stat info {};
  fstat(region.fd(), &info);
  return static_cast<std::uint64_t>(info.st_blocks) * 512 / 4096;
}

TEST(SharedRegion, BothSidesSeeTheSameBytes) {
  auto region = *SharedRegion::Create(kBytes, true);
  auto other = *Mapping::Map(region.fd(), kBytes, true);
  region.writable()[5] = 7;
  EXPECT_EQ(other.view()[5], 7);
  other.writable()[6] = 8;
  EXPECT_EQ(region.view()[6], 8);
}

TEST(SharedRegion, CannotBeCutShortByTheOtherSide) {
  auto region = *SharedRegion::Create(kBytes, true);
  EXPECT_NE(ftruncate(region.fd(), 0), 0);
  EXPECT_NE(ftruncate(region.fd(), 2 * kBytes), 0);
}

TEST(SharedRegion, OfInputsIsReadOnlyForTheWorker) {
  auto region = *SharedRegion::Create(kBytes, false);
  EXPECT_FALSE(Mapping::Map(region.fd(), kBytes, true).ok());
  EXPECT_LT(write(region.fd(), "x", 1), 0);
  auto other = *Mapping::Map(region.fd(), kBytes, false);
  region.writable()[0] = 9;
  EXPECT_EQ(other.view()[0], 9);
}

TEST(SharedRegion, CostsNothingUntilTouchedAndNothingAfterRelease) {
  auto region = *SharedRegion::Create(256 << 20, true);
  EXPECT_EQ(PagesHeld(region), 0u);
  std::fill_n(region.writable().begin(), kBytes, std::uint8_t{1});
  EXPECT_GE(PagesHeld(region), kBytes / 4096);
  region.Release();
  EXPECT_EQ(PagesHeld(region), 0u);
  EXPECT_EQ(region.view()[17], 0);
}

TEST(SharedRegion, WipesWhatWasUsed) {
  auto region = *SharedRegion::Create(kBytes, true);
  std::ranges::fill(region.writable(), std::uint8_t{1});
  region.Wipe(100);
  EXPECT_EQ(region.view()[99], 0);
  EXPECT_EQ(region.view()[100], 1);
  region.Wipe(10 * kBytes);
  EXPECT_TRUE(std::ranges::all_of(region.view(), [](std::uint8_t byte) { return byte == 0; }));
}

}  // namespace
}  // namespace blindai::model
