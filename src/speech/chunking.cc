#include "speech/chunking.h"

#include <algorithm>
#include <optional>

#include "base/check.h"

namespace blindai::speech {
namespace {

std::int64_t Aligned(std::int64_t samples) { return samples / kSamplesPerFrame * kSamplesPerFrame; }

// Near the middle of a silence, or of its part before `latest`, and so that the piece has one of few lengths where the
// silence is long enough for that: an engine prepares itself for each.
std::int64_t CutIn(const Silence& silence, std::int64_t begin, std::int64_t latest) {
  const std::int64_t wanted = std::min((silence.begin + silence.end) / 2, latest);
  std::int64_t steps = (wanted - begin + kLengthStepSamples / 2) / kLengthStepSamples;
  if (begin + steps * kLengthStepSamples > latest) --steps;
  const std::int64_t cut = begin + steps * kLengthStepSamples;
  return cut > silence.begin && cut < silence.end ? cut : Aligned(wanted);
}

// In the last long silence that ends a piece of reasonable length: a later cut means fewer pieces.
std::optional<std::int64_t> CutInSilence(std::span<const Silence> silences, std::int64_t begin,
                                         std::int64_t earliest, std::int64_t latest,
                                         std::int64_t min_silence) {
  std::optional<std::int64_t> cut;
  for (const Silence& silence : silences) {
    if (silence.end - silence.begin < min_silence) continue;
    const std::int64_t candidate = CutIn(silence, begin, latest);
    if (candidate >= earliest && candidate > silence.begin && candidate < silence.end) cut = candidate;
  }
  return cut;
}

}  // namespace

ChunkPlanner::ChunkPlanner(const ChunkOptions& options) : options_(options) {
  BLINDAI_CHECK(options.max_samples % kSamplesPerFrame == 0 &&
                options.stride_samples % kSamplesPerFrame == 0);
  BLINDAI_CHECK(options.stride_samples > 0 && options.max_samples > 4 * options.stride_samples);
}

Chunk ChunkPlanner::Next(std::int64_t known, bool ended, std::span<const Silence> silences) {
  BLINDAI_CHECK(ended || known >= needed_to());
  Chunk chunk;
  chunk.begin = begin_;
  chunk.first_frame = first_frame_;
  if (ended && known - begin_ <= options_.max_samples) {
    chunk.end = known;
    chunk.last = true;
    chunk.ends_in_silence = true;
    chunk.end_frame = std::max(first_frame_, known / kSamplesPerFrame + 1);
    begin_ = known;
    return chunk;
  }
  // A third of the longest piece, so that a recording with many pauses is not cut to shreds.
  const std::int64_t earliest = begin_ + options_.max_samples / 3;
  const std::int64_t latest = begin_ + options_.max_samples - kFrameOverlapSamples;
  if (const auto cut = CutInSilence(silences, begin_, earliest, latest, options_.min_silence_samples)) {
    chunk.end = *cut + kFrameOverlapSamples;
    chunk.end_frame = *cut / kSamplesPerFrame;
    chunk.ends_in_silence = true;
    begin_ = *cut;
  } else {
    chunk.end = begin_ + options_.max_samples;
    chunk.end_frame = (chunk.end - options_.stride_samples) / kSamplesPerFrame;
    begin_ = chunk.end - 2 * options_.stride_samples;
  }
  first_frame_ = chunk.end_frame;
  return chunk;
}

}  // namespace blindai::speech
