#include "vocabulary/transcript.h"

#include <gtest/gtest.h>

namespace blindai::vocabulary {
namespace {

TEST(Transcript, SegmentsAreJoinedByOneSpace) {
  Transcript transcript;
  EXPECT_EQ(transcript.Text(), "");
  for (const char* text : {"HELLO", "", "WORLD"}) {
    Segment segment;
    segment.text = text;
    transcript.segments.push_back(segment);
  }
  EXPECT_EQ(transcript.Text(), "HELLO WORLD");
}

}  // namespace
}  // namespace blindai::vocabulary
