#include "speech/chunking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace blindai::speech {
namespace {

// Frames that a wav2vec2 model gives for so many samples (kernels 10 3 3 3 3 2 2, strides 5 2 2 2 2 2 2).
std::int64_t Wav2Vec2Frames(std::int64_t samples) { return samples < 400 ? 0 : (samples - 400) / 320 + 1; }
// The demo model's, whose front end pads (models/blindai-demo-en/MODEL_CARD.md).
std::int64_t DemoFrames(std::int64_t samples) { return (samples / 160 + 1) / 2; }

std::vector<Chunk> PlanAll(std::int64_t samples, const std::vector<Silence>& silences,
                           const ChunkOptions& options) {
  ChunkPlanner planner(options);
  std::vector<Chunk> chunks;
  do {
    const bool ended = planner.needed_to() >= samples;
    chunks.push_back(planner.Next(ended ? samples : planner.needed_to(), ended, silences));
  } while (!chunks.back().last);
  return chunks;
}

// The absolute numbers of all kept frames, in order.
template <typename FrameCount>
std::vector<std::int64_t> KeptFrames(const std::vector<Chunk>& chunks, FrameCount frame_count) {
  std::vector<std::int64_t> kept;
  for (const Chunk& chunk : chunks) {
    const std::int64_t first = chunk.begin / kSamplesPerFrame;
    const std::int64_t given = frame_count(chunk.end - chunk.begin);
    for (std::int64_t i = 0; i < given; ++i) {
      const std::int64_t frame = first + i;
      if (frame >= chunk.first_frame && (chunk.last || frame < chunk.end_frame)) kept.push_back(frame);
    }
  }
  return kept;
}

std::vector<Silence> RandomSilences(std::mt19937& random, std::int64_t samples) {
  std::vector<Silence> silences;
  std::int64_t at = 0;
  while (true) {
    at += 1 + static_cast<std::int64_t>(random() % 200'000);
    const std::int64_t end = at + 1 + static_cast<std::int64_t>(random() % 30'000);
    if (end >= samples) return silences;
    silences.push_back({at, end});
    at = end;
  }
}

// The seam test: the kept frames are those of one pass over the whole recording.
TEST(Chunking, NoFrameIsLostOrKeptTwiceAtAnySeam) {
  std::mt19937 random(11);
  const ChunkOptions shapes[] = {{15 * 16'000, 2 * 16'000, 4'800},
                                 {20 * 16'000, 64 * 320, 4'800},
                                 {10 * 16'000, 26'560 / 320 * 320, 4'800},
                                 {5 * 16'000, 320, 1'600}};
  for (int round = 0; round < 4'000; ++round) {
    const ChunkOptions& options = shapes[random() % std::size(shapes)];
    const std::int64_t samples = 400 + static_cast<std::int64_t>(random() % (90 * 16'000));
    const auto chunks = PlanAll(samples, RandomSilences(random, samples), options);
    for (const auto frame_count : {Wav2Vec2Frames, DemoFrames}) {
      const auto kept = KeptFrames(chunks, frame_count);
      ASSERT_EQ(static_cast<std::int64_t>(kept.size()), frame_count(samples)) << samples;
      for (std::size_t i = 0; i < kept.size(); ++i)
        ASSERT_EQ(kept[i], static_cast<std::int64_t>(i)) << samples;
    }
    for (const Chunk& chunk : chunks) ASSERT_LE(chunk.end - chunk.begin, options.max_samples);
  }
}

TEST(Chunking, AShortRecordingIsOnePiece) {
  const auto chunks = PlanAll(16'000, {}, {});
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(chunks[0].begin, 0);
  EXPECT_EQ(chunks[0].end, 16'000);
  EXPECT_TRUE(chunks[0].last);
}

TEST(Chunking, ItCutsNearTheMiddleOfALongSilence) {
  const auto chunks = PlanAll(20 * 16'000, {{10 * 16'000, 11 * 16'000}}, {});
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_TRUE(chunks[0].ends_in_silence);
  EXPECT_NEAR(chunks[1].begin, 10 * 16'000 + 8'000, kLengthStepSamples / 2);
  EXPECT_EQ(chunks[0].end, chunks[1].begin + kFrameOverlapSamples);
}

TEST(Chunking, ASilenceThatGoesOnBehindTheLongestPieceEndsItToo) {
  const auto chunks = PlanAll(40 * 16'000, {{14 * 16'000, 30 * 16'000}}, {});
  EXPECT_TRUE(chunks[0].ends_in_silence);
  EXPECT_LE(chunks[0].end, 15 * 16'000);
  EXPECT_GT(chunks[0].end, 15 * 16'000 - kLengthStepSamples - kFrameOverlapSamples);
}

TEST(Chunking, ALongRecordingHasFewLengthsAndEachCutIsInSilence) {
  std::mt19937 random(7);
  const ChunkOptions options;
  for (int round = 0; round < 20; ++round) {
    const std::int64_t samples =
        std::int64_t{4} * 3600 * 16'000 + static_cast<std::int64_t>(random() % 16'000);
    const auto silences = RandomSilences(random, samples);
    std::set<std::int64_t> lengths;
    for (const Chunk& chunk : PlanAll(samples, silences, options)) {
      if (!chunk.last) lengths.insert(chunk.end - chunk.begin);
      if (chunk.last || !chunk.ends_in_silence) continue;
      const std::int64_t cut = chunk.end - kFrameOverlapSamples;
      const auto after = std::ranges::lower_bound(silences, cut, {}, &Silence::end);
      ASSERT_TRUE(after != silences.end() && after->begin < cut);
      const std::int64_t middle = (after->begin + after->end) / 2;
      // Its middle, where the piece may be as long as that.
      if (middle <= chunk.begin + options.max_samples - kLengthStepSamples) {
        ASSERT_NEAR(cut, middle, kLengthStepSamples / 2);
      }
    }
    // Every step from a third of the longest piece to all of it; the longest, cut in speech; and one cut in a silence
    // that begins just before the longest piece ends.
    EXPECT_LE(lengths.size(), 2 * options.max_samples / 3 / kLengthStepSamples + 3);
  }
}

TEST(Chunking, AShortPauseIsNotCutIn) {
  const auto chunks = PlanAll(20 * 16'000, {{10 * 16'000, 10 * 16'000 + 1'000}}, {});
  EXPECT_FALSE(chunks[0].ends_in_silence);
  EXPECT_EQ(chunks[0].end, 15 * 16'000);
  EXPECT_EQ(chunks[1].begin, 11 * 16'000);
}

TEST(Chunking, OnlyOnePieceIsEverNeeded) {
  ChunkPlanner planner({});
  std::int64_t before = 0;
  for (int i = 0; i < 100; ++i) {
    planner.Next(planner.needed_to(), false, {});
    EXPECT_GT(planner.needed_from(), before);
    EXPECT_EQ(planner.needed_to() - planner.needed_from(), ChunkOptions().max_samples);
    before = planner.needed_from();
  }
}

}  // namespace
}  // namespace blindai::speech
