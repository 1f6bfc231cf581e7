#include "speech/agreement.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace blindai::speech {
namespace {

using vocabulary::Segment;
using vocabulary::Transcript;
using vocabulary::Word;

// Words of 0.4 s, one each half second from `begin_s` on; "/" begins another segment.
Transcript Heard(const std::string& text, double begin_s = 0) {
  Transcript transcript;
  transcript.segments.emplace_back();
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word == "/") {
      transcript.segments.emplace_back();
      continue;
    }
    Word one;
    one.text = word;
    one.start_s = begin_s;
    one.end_s = begin_s + 0.4;
    begin_s += 0.5;
    transcript.segments.back().words.push_back(one);
  }
  for (Segment& segment : transcript.segments) vocabulary::FitToWords(segment);
  return transcript;
}

// What is told now.
std::string Look(Agreement& agreement, Transcript heard, double end_s) {
  return vocabulary::TextOf(agreement.Look(heard, end_s));
}

TEST(Agreement, WordsAreToldWhenTwoLooksAgree) {
  Agreement agreement(0);
  EXPECT_EQ(Look(agreement, Heard("a b"), 1), "");
  EXPECT_EQ(Look(agreement, Heard("a b x"), 1.5), "a b");
  EXPECT_EQ(Look(agreement, Heard("a b c d"), 2), "");
  EXPECT_EQ(Look(agreement, Heard("a b c d e"), 2.5), "c d");
}

TEST(Agreement, WordsNearTheEndWait) {
  Agreement agreement(1);
  EXPECT_EQ(Look(agreement, Heard("a b c"), 1.5), "");
  EXPECT_EQ(Look(agreement, Heard("a b c"), 1.5), "a");
  EXPECT_EQ(Look(agreement, Heard("a b c"), 2.0), "b");
  EXPECT_EQ(Look(agreement, Heard("a b c"), 2.5), "c");
}

TEST(Agreement, WordsThatLooksDoNotAgreeInAreNotTold) {
  Agreement agreement(0);
  EXPECT_EQ(Look(agreement, Heard("a b c"), 5), "");
  EXPECT_EQ(Look(agreement, Heard("a x c"), 5), "a");
  EXPECT_EQ(Look(agreement, Heard("a y c"), 5), "");
  EXPECT_EQ(Look(agreement, Heard("a y c"), 5), "y c");
}

TEST(Agreement, WhatWasToldStandsWhateverIsHeardLater) {
  Agreement agreement(0);
  (void)Look(agreement, Heard("a b c"), 1);
  ASSERT_EQ(Look(agreement, Heard("a b c"), 1), "a b");
  Transcript heard = Heard("x y z / d");
  agreement.Keep(heard);
  EXPECT_EQ(heard.Text(), "a b z d");
  ASSERT_EQ(heard.segments.size(), 3U);
  EXPECT_DOUBLE_EQ(heard.segments[0].end_s, 0.9);
  EXPECT_DOUBLE_EQ(heard.segments[1].start_s, 1.0);
  Transcript nothing;
  agreement.Keep(nothing);
  EXPECT_EQ(nothing.Text(), "a b");
}

TEST(Agreement, ATranscriptThatAgreesStaysAsItIs) {
  Agreement agreement(0);
  (void)Look(agreement, Heard("a / b c"), 1);
  ASSERT_EQ(Look(agreement, Heard("a / b c"), 1), "a b");
  Transcript heard = Heard("a / b c / d");
  agreement.Keep(heard);
  EXPECT_EQ(heard.segments.size(), 3U);
  EXPECT_EQ(heard.Text(), "a b c d");
}

TEST(Agreement, WithoutWordsNothingIsTold) {
  Agreement agreement(0);
  Transcript heard;
  heard.segments.push_back({.end_s = 1, .text = "a b", .words = {}});
  for (int look = 0; look < 3; ++look) EXPECT_TRUE(agreement.Look(heard, 9).empty());
  agreement.Keep(heard);
  EXPECT_EQ(heard.Text(), "a b");
}

TEST(Agreement, AttachedWordsAreOthers) {
  Agreement agreement(0);
  Transcript heard = Heard("a b");
  (void)agreement.Look(heard, 5);
  heard.segments[0].words[1].is_attached = true;
  EXPECT_EQ(agreement.Look(heard, 5).size(), 1U);
  EXPECT_EQ(agreement.Look(heard, 5).size(), 1U);
}

}  // namespace
}  // namespace blindai::speech
