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

std::vector<Word> SomeWords() {
  std::vector<Word> words(3);
  words[0] = {.text = "用", .start_s = 1, .end_s = 2};
  words[1] = {.text = "a", .start_s = 2, .end_s = 3};
  words[2] = {.text = "打", .start_s = 4, .end_s = 5, .is_attached = true};
  return words;
}

TEST(Transcript, WordsAreJoinedByASpaceUnlessTheyAreAttached) {
  const std::vector<Word> words = SomeWords();
  EXPECT_EQ(TextOf(words), "用 a打");
  EXPECT_EQ(TextOf(words, /*begins_text=*/false), " 用 a打");
  EXPECT_EQ(TextOf({}), "");
}

TEST(Transcript, ASegmentIsFittedToItsWords) {
  Segment segment{.start_s = 0, .end_s = 9, .text = "x", .words = SomeWords()};
  FitToWords(segment);
  EXPECT_EQ(segment.text, "用 a打");
  EXPECT_EQ(segment.start_s, 1);
  EXPECT_EQ(segment.end_s, 5);
  segment.words.clear();
  FitToWords(segment);
  EXPECT_EQ(segment.text, "");
  EXPECT_EQ(segment.end_s, 5);
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
