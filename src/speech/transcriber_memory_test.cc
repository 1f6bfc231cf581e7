// However long a recording is, what the transcriber holds between two pieces of it stays the same. Counted is every
// byte that this program has from its allocator, by replacing operator new.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "speech/transcriber.h"
#include "support/letter_sounds.h"

namespace {
std::atomic<std::size_t> held_bytes = 0;

void Release(void* memory) {
  held_bytes -= malloc_usable_size(memory);
  std::free(memory);
}
}  // namespace

// Also what the library's sorting asks for, which a sanitizer would otherwise take for its own.
void* operator new(std::size_t size, const std::nothrow_t& /*may_be_null*/) noexcept {
  void* const memory = std::malloc(std::max<std::size_t>(size, 1));
  held_bytes += malloc_usable_size(memory);
  return memory;
}
void* operator new(std::size_t size) {
  void* const memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { Release(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { Release(memory); }

namespace blindai::speech {
namespace {

// Ten seconds of one channel that the model writes no text for, so that no words pile up: noise with pauses.
std::vector<float> NoiseAndPauses(std::mt19937& random) {
  std::string path;
  while (path.size() < 500) path += tests::Times("~", 1 + random() % 400) + tests::Times(".", random() % 60);
  path.resize(500);
  return tests::SoundOf(path);
}

enum class Channels { kOne, kTwoOfTheSame, kTwo };

// The most that is held beyond what was held before, from `begin` to `end` ten seconds.
std::vector<std::size_t> MostHeld(Channels kind, std::span<const int> until) {
  std::mt19937 random(17);
  TranscriberOptions options;
  options.features.do_normalize = false;
  const std::size_t before = held_bytes;
  Transcriber transcriber(tests::Letters(), options, kind == Channels::kOne ? 1 : 2);
  std::vector<std::size_t> most;
  most.reserve(until.size());
  std::size_t now = 0;
  for (int piece = 0; piece < until.back(); ++piece) {
    {
      std::vector<std::vector<float>> channels = {NoiseAndPauses(random)};
      if (kind == Channels::kTwoOfTheSame) channels.push_back(channels[0]);
      if (kind == Channels::kTwo) channels.push_back(NoiseAndPauses(random));
      transcriber.Feed(channels);
    }
    while (const auto window = transcriber.NextWindow()) {
      EXPECT_TRUE(transcriber.TakeLogits(tests::Hear(*window), tests::FramesIn(window->size())).ok());
    }
    now = std::max(now, held_bytes - before);
    if (piece + 1 == until[most.size()]) most.push_back(now);
  }
  return most;
}

TEST(TranscriberMemory, DoesNotGrowWithTheRecording) {
  const std::vector<int> ten_minutes_and_an_hour = {60, 360};
  for (const Channels kind : {Channels::kOne, Channels::kTwoOfTheSame, Channels::kTwo}) {
    const std::vector<std::size_t> most = MostHeld(kind, ten_minutes_and_an_hour);
    // The longest window with as much again, and a minute of rows of nine scores.
    const std::size_t channels = kind == Channels::kOne ? 1 : 2;
    EXPECT_LT(most[0], channels * (2 * 15 * 16'000 + 2 * 60 * 50 * 9) * sizeof(float) + 100'000);
    // A byte for each tenth of a second says where two people's voices are copies.
    EXPECT_LT(most[1], most[0] + 200'000) << most[0];
  }
}

}  // namespace
}  // namespace blindai::speech
