#include "speech/coverage.h"

#include <gtest/gtest.h>

namespace blindai::speech {
namespace {

using vocabulary::CoverageKind;
using vocabulary::CoverageSpan;
using vocabulary::Segment;

Segment From(double start_s, double end_s, double log_probability = 0) {
  Segment segment;
  segment.start_s = start_s;
  segment.end_s = end_s;
  segment.mean_log_probability = log_probability;
  return segment;
}

std::vector<CoverageSpan> Cover(const std::vector<Segment>& segments, double duration_s) {
  return CoverageOf(segments, duration_s, 1,
                    [](const Segment& segment) { return segment.mean_log_probability < -1; });
}

TEST(Coverage, OfNothingIsSilence) {
  const auto spans = Cover({}, 3);
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_EQ(spans[0].kind, CoverageKind::kSilence);
  EXPECT_EQ(spans[0].end_s, 3);
  EXPECT_EQ(spans[0].speaker, 1);
  EXPECT_TRUE(Cover({}, 0).empty());
}

TEST(Coverage, SpansFollowEachOtherAndSumToTheDuration) {
  // One begins before the last one ends, one goes on behind the end.
  const auto spans = Cover({From(1, 2), From(1.5, 3, -2), From(5, 9)}, 8);
  double at = 0;
  for (const CoverageSpan& span : spans) {
    EXPECT_EQ(span.start_s, at);
    EXPECT_GT(span.end_s, span.start_s);
    at = span.end_s;
  }
  EXPECT_EQ(at, 8);
  ASSERT_EQ(spans.size(), 5U);
  EXPECT_EQ(spans[1].kind, CoverageKind::kTranscribed);
  EXPECT_EQ(spans[2].kind, CoverageKind::kLowConfidence);
  EXPECT_EQ(spans[3].kind, CoverageKind::kSilence);
}

}  // namespace
}  // namespace blindai::speech
