// What became of each moment of one channel (vocabulary/transcript.h).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "speech/cross_talk.h"
#include "speech/voices.h"
#include "vocabulary/transcript.h"

namespace blindai::speech {

struct SpokenTime {
  double start_s = 0;
  double end_s = 0;
};

// When somebody speaks in a channel of a recording that has ended, less what is a copy of the other channel. Nothing
// where nobody knows: `voices` is null. `cross_talk`: of two people; may be null.
std::vector<SpokenTime> SpokenTimesOf(const Voices* voices, int channel, const CrossTalk* cross_talk);

// `segments` and `spoken` by start; `is_low` says which segments are of low confidence. So is a stretch of `spoken`
// without text, kLeastMissedSeconds or longer: the model may have missed what was said. The spans sum to the duration.
constexpr double kLeastMissedSeconds = 0.6;
std::vector<vocabulary::CoverageSpan> CoverageOf(
    std::span<const vocabulary::Segment> segments, double duration_s, int speaker,
    const std::function<bool(const vocabulary::Segment&)>& is_low, std::span<const SpokenTime> spoken = {});

}  // namespace blindai::speech
