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

TEST(Transcript, AWipedOneHoldsNoLetter) {
  Transcript transcript;
  transcript.segments.push_back({.text = "HELLO", .words = {{.text = "HELLO"}}});
  WipeTexts(transcript);
  EXPECT_EQ(transcript.Text().find_first_not_of('\0'), std::string::npos);
  EXPECT_EQ(transcript.segments[0].words[0].text.find_first_not_of('\0'), std::string::npos);
}

}  // namespace
}  // namespace blindai::vocabulary
