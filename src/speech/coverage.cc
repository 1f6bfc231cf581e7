#include "speech/coverage.h"

#include <algorithm>

namespace blindai::speech {

using vocabulary::CoverageKind;
using vocabulary::CoverageSpan;
using vocabulary::Segment;

std::vector<CoverageSpan> CoverageOf(std::span<const Segment> segments, double duration_s, int speaker,
                                     const std::function<bool(const Segment&)>& is_low) {
  std::vector<CoverageSpan> spans;
  double at = 0;
  const auto add = [&](double end, CoverageKind kind) {
    if (end > at) spans.push_back({at, end, kind, speaker});
    at = std::max(at, end);
  };
  for (const Segment& segment : segments) {
    add(std::min(segment.start_s, duration_s), CoverageKind::kSilence);
    add(std::min(segment.end_s, duration_s),
        is_low(segment) ? CoverageKind::kLowConfidence : CoverageKind::kTranscribed);
  }
  add(duration_s, CoverageKind::kSilence);
  return spans;
}

}  // namespace blindai::speech
