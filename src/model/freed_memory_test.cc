#include "model/freed_memory.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <vector>

#include "base/check.h"

namespace blindai::model {
namespace {

// What lies at an address that may be free, seen without touching it as a program.
std::vector<char> MemoryAt(std::uintptr_t address, std::size_t size) {
  std::vector<char> bytes(size);
  std::ifstream memory("/proc/self/mem", std::ios::binary);
  memory.seekg(static_cast<std::streamoff>(address));
  memory.read(bytes.data(), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<std::size_t>(memory.gcount()));
  return bytes;
}

std::size_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

void* Filled(std::size_t size, bool aligned) {
  void* memory = aligned ? nullptr : malloc(size);
  if (aligned) BLINDAI_CHECK(posix_memalign(&memory, 64, size) == 0);
  std::memset(memory, 'S', size);
  return memory;
}

TEST(FreedMemory, IsOverwrittenAtOnceWhateverItsSize) {
#ifdef BLINDAI_SANITIZED
  GTEST_SKIP() << "SKIPPED: a sanitizer brings its own allocator";
#endif
  ASSERT_TRUE(FreedMemoryIsWiped());
  for (const bool aligned : {false, true}) {
    for (const std::size_t size : {100, 3'000, 20'000, 1'000'000, 300'000'000}) {
      void* const memory = Filled(size, aligned);
      const auto address = reinterpret_cast<std::uintptr_t>(memory);
      ASSERT_EQ(std::ranges::count(MemoryAt(address, size), 'S'), static_cast<std::ptrdiff_t>(size));
      free(memory);
      EXPECT_LT(std::ranges::count(MemoryAt(address, size), 'S'), 16) << size;
    }
  }
}

TEST(FreedMemory, StaysUntilItIsGivenBack) {
#ifdef BLINDAI_SANITIZED
  GTEST_SKIP() << "SKIPPED: a sanitizer brings its own allocator";
#endif
  constexpr std::size_t kSize = 300'000'000;
  ReturnFreedMemory();
  const std::size_t before = ResidentBytes();
  free(Filled(kSize, /*aligned=*/true));
  EXPECT_GT(ResidentBytes(), before + kSize / 2);
  ReturnFreedMemory();
  EXPECT_LT(ResidentBytes(), before + kSize / 2);
}

}  // namespace
}  // namespace blindai::model
