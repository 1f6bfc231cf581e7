#include "speech/coverage.h"

#include <algorithm>
#include <cstdint>

namespace blindai::speech {
namespace {

using vocabulary::CoverageKind;
using vocabulary::CoverageSpan;
using vocabulary::Segment;

constexpr double kSampleRate = 16'000;
// Samples that are asked about together: whether they are a copy of the other channel.
constexpr std::int64_t kPiece = 8'000;
// Beside a text, where a voice goes on that belongs to it.
constexpr double kEdgeSeconds = 0.3;

}  // namespace

std::vector<SpokenTime> SpokenTimesOf(const Voices* voices, int channel, const CrossTalk* cross_talk) {
  std::vector<SpokenTime> spoken;
  if (voices == nullptr) return spoken;
  for (const VoiceSpan& span : voices->SpansOf(static_cast<std::size_t>(channel))) {
    bool goes_on = false;
    for (std::int64_t at = span.begin; at < span.end; at += kPiece) {
      const double at_s = static_cast<double>(at) / kSampleRate;
      const double to_s = static_cast<double>(std::min(span.end, at + kPiece)) / kSampleRate;
      const bool copy = cross_talk != nullptr && cross_talk->IsCopy(channel, at_s, to_s);
      if (!copy && goes_on) spoken.back().end_s = to_s;
      if (!copy && !goes_on) spoken.push_back({at_s, to_s});
      goes_on = !copy;
    }
  }
  return spoken;
}

std::vector<CoverageSpan> CoverageOf(std::span<const Segment> segments, double duration_s, int speaker,
                                     const std::function<bool(const Segment&)>& is_low,
                                     std::span<const SpokenTime> spoken) {
  std::vector<CoverageSpan> spans;
  double at = 0;
  const auto add = [&](double end, CoverageKind kind) {
    if (end > at) spans.push_back({at, end, kind, speaker});
    at = std::max(at, end);
  };
  // No text was written up to there.
  auto next = spoken.begin();
  const auto add_untold = [&](double end) {
    const double from = at > 0 ? at + kEdgeSeconds : 0;
    const double to = end < duration_s ? end - kEdgeSeconds : end;
    for (; next != spoken.end() && next->start_s < to; ++next) {
      const double missed_from = std::max(from, next->start_s);
      const double missed_to = std::min(to, next->end_s);
      if (missed_to - missed_from >= kLeastMissedSeconds) {
        add(missed_from, CoverageKind::kSilence);
        add(missed_to, CoverageKind::kLowConfidence);
      }
      if (next->end_s > to) break;  // it may go on behind the text
    }
    add(end, CoverageKind::kSilence);
  };
  for (const Segment& segment : segments) {
    add_untold(std::min(segment.start_s, duration_s));
    add(std::min(segment.end_s, duration_s),
        is_low(segment) ? CoverageKind::kLowConfidence : CoverageKind::kTranscribed);
  }
  add_untold(duration_s);
  return spans;
}

}  // namespace blindai::speech
