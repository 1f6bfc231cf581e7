// What became of each moment of one channel (vocabulary/transcript.h).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "vocabulary/transcript.h"

namespace blindai::speech {

// `segments` by start; `is_low` says which of them are of low confidence. The spans sum to the duration.
std::vector<vocabulary::CoverageSpan> CoverageOf(
    std::span<const vocabulary::Segment> segments, double duration_s, int speaker,
    const std::function<bool(const vocabulary::Segment&)>& is_low);

}  // namespace blindai::speech
