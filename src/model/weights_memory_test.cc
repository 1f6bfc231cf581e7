#include "model/weights_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cstring>
#include <thread>

#include "model/model_file.h"
#include "model/worker_process.h"

namespace blindai::model {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

// A byte that a block or a weight of another place does not have there.
std::uint8_t ByteAt(std::size_t offset) { return static_cast<std::uint8_t>(offset * 7 + offset / 251 + 1); }

std::shared_ptr<const Mapping> FileOf(std::size_t size) {
  base::Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = ByteAt(i);
  const auto file = *ModelFile::Create(size);
  EXPECT_TRUE(file->Append(bytes).ok());
  EXPECT_TRUE(file->Seal().ok());
  return std::make_shared<const Mapping>(*Mapping::Map(file->fd(), size, false));
}

std::uint64_t ResidentBytes() { return WorkerProcess::ResidentBytesOf(getpid()); }

void Doubled(base::ByteView source, std::size_t begin, std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(source[begin + i] * 2);
}

class WeightsMemoryTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(WeightsMemory::AnswerFaults()); }

  // Weights of odd sizes at odd places of the file: within a block, on its border, and over several.
  std::unique_ptr<WeightsMemory> Odd() {
    std::vector<WeightsMemory::Weight> weights;
    for (const auto& [begin, size] : places_) weights.push_back({file_->view().subspan(begin, size), size});
    return WeightsMemory::Reserve(file_, std::move(weights));
  }
  void ExpectTheFile(const WeightsMemory& memory) {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const auto [begin, size] = places_[i];
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.at(i)) % 64, 0u);
      EXPECT_EQ(std::memcmp(memory.at(i), file_->view().data() + begin, size), 0) << i;
    }
  }

  const std::shared_ptr<const Mapping> file_ = FileOf(8 * kMiB);
  const std::vector<std::pair<std::size_t, std::size_t>> places_ = {
      {3, 1'000'001}, {1, 48'001}, {77, 5}, {kMiB + 1, 3 * kMiB + 17}, {5 * kMiB + 3, 2 * kMiB}, {9, 1}};
};

TEST_F(WeightsMemoryTest, HoldsWhatTheFileHoldsWheneverItIsRead) {
  const auto memory = Odd();
  ASSERT_TRUE(memory);
  ExpectTheFile(*memory);
  memory->GiveBack();
  ExpectTheFile(*memory);
}

TEST_F(WeightsMemoryTest, MakesAWeightInPiecesOfWhatItIsMadeOf) {
  const auto memory =
      WeightsMemory::Reserve(file_, {{file_->view().subspan(5, 3 * kMiB), 3 * kMiB, Doubled}});
  for (const std::size_t at : {3 * kMiB - 1, kMiB, kMiB - 1, std::size_t{0}})
    EXPECT_EQ(memory->at(0)[at], static_cast<std::uint8_t>(ByteAt(5 + at) * 2)) << at;
}

TEST_F(WeightsMemoryTest, TwoAreApartAndOneMayEndBeforeTheOther) {
  auto first = Odd();
  const auto second = Odd();
  ExpectTheFile(*first);
  first->GiveBack();
  first.reset();
  ExpectTheFile(*second);
}

TEST_F(WeightsMemoryTest, WhatWasWrittenIntoAWeightIsLostWhenItIsGivenBack) {
  const auto memory = Odd();
  memory->at(3)[kMiB] ^= 0xff;
  EXPECT_NE(memory->at(3)[kMiB], ByteAt(2 * kMiB + 1));
  memory->GiveBack();
  ExpectTheFile(*memory);
}

TEST_F(WeightsMemoryTest, PagesAreThereOnlyBetweenAReadingAndGivingBack) {
#ifdef BLINDAI_SANITIZED
  GTEST_SKIP() << "SKIPPED: a sanitizer's own pages come and go meanwhile";
#endif
  constexpr std::size_t kSize = 64 * kMiB;
  const auto file = FileOf(kSize);
  const auto memory = WeightsMemory::Reserve(file, {{file->view(), kSize}});
  file->LetGo();
  const std::size_t before = ResidentBytes();
  std::size_t sum = 0;
  for (std::size_t i = 0; i < kSize; i += 4'096) sum += memory->at(0)[i];
  EXPECT_GT(sum, 0u);
  // The weight, and not the file beside it.
  EXPECT_GT(ResidentBytes(), before + kSize * 9 / 10);
  EXPECT_LT(ResidentBytes(), before + kSize * 12 / 10);
  memory->GiveBack();
  EXPECT_LT(ResidentBytes(), before + kSize / 10);
}

TEST_F(WeightsMemoryTest, WhatIsReadAgainAndAgainStays) {
  const auto memory = Odd();
  int lost = 0;
  for (int run = 0; run < 20; ++run) {
    memory->at(3)[kMiB] = static_cast<std::uint8_t>(ByteAt(2 * kMiB + 1) + 1);
    memory->GiveBack();
    lost += memory->at(3)[kMiB] == ByteAt(2 * kMiB + 1) ? 1 : 0;
  }
  EXPECT_GT(lost, 2);
  EXPECT_LT(lost, 10);
}

TEST_F(WeightsMemoryTest, NoThreadSeesHalfABlock) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 7;
  std::atomic<int> wrong = 0;
  for (int again = 0; again < 30; ++again) {
    const auto memory = Odd();
    std::barrier start(kThreads, [&]() noexcept { memory->GiveBack(); });
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int round = 0; round < kRounds; ++round) {
          start.arrive_and_wait();
          // From the end, which is made last.
          const auto [begin, size] = places_[3];
          for (std::size_t i = size; i > 0; i -= std::min<std::size_t>(i, 65'537))
            if (memory->at(3)[i - 1] != ByteAt(begin + i - 1)) ++wrong;
        }
      });
    }
    threads.clear();
  }
  EXPECT_EQ(wrong, 0);
}

using WeightsMemoryDeathTest = WeightsMemoryTest;

TEST_F(WeightsMemoryDeathTest, AFaultElsewhereStillEndsTheProcess) {
  volatile std::uint8_t* nowhere = nullptr;
  EXPECT_DEATH(*nowhere = 1, "");
}

}  // namespace
}  // namespace blindai::model
