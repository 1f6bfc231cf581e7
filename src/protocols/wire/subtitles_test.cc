#include "protocols/wire/subtitles.h"

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using vocabulary::Segment;
using vocabulary::Transcript;
using vocabulary::Word;

Transcript Of(std::vector<Word> words, int speaker = vocabulary::kNoSpeaker) {
  Segment segment;
  segment.speaker = speaker;
  segment.words = std::move(words);
  Transcript transcript;
  transcript.segments.push_back(segment);
  return transcript;
}

TEST(Subtitles, SrtUsesACommaAndVttAPoint) {
  const Transcript transcript = Of({{"HELLO", 1.0, 1.5, 1}, {"WORLD", 1.6, 3723.4567, 1}});
  const SubtitleOptions whole{.max_characters = 84, .max_seconds = 1e9};
  EXPECT_EQ(EncodeSrt(transcript, whole), "1\n00:00:01,000 --> 01:02:03,457\nHELLO WORLD\n\n");
  EXPECT_EQ(EncodeVtt(transcript, whole), "WEBVTT\n\n00:00:01.000 --> 01:02:03.457\nHELLO WORLD\n\n");
}

TEST(Subtitles, SpeakersAreNamed) {
  EXPECT_EQ(EncodeSrt(Of({{"YES", 0, 1, 1}}, 1)), "1\n00:00:00,000 --> 00:00:01,000\nB: YES\n\n");
  EXPECT_EQ(EncodeVtt(Of({{"YES", 0, 1, 1}}, 0)), "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n<v A>YES\n\n");
  EXPECT_EQ(SpeakerName(25), "Z");
  EXPECT_EQ(SpeakerName(26), "AA");
  EXPECT_EQ(SpeakerName(vocabulary::kNoSpeaker), "");
}

TEST(Subtitles, LongSegmentsAreCutBetweenWords) {
  const Transcript transcript = Of({{"AAAA", 0, 1, 1}, {"BBBB", 1, 2, 1}, {"CCCC", 2, 3, 1}});
  EXPECT_EQ(EncodeSrt(transcript, {.max_characters = 9, .max_seconds = 60}),
            "1\n00:00:00,000 --> 00:00:02,000\nAAAA BBBB\n\n2\n00:00:02,000 --> 00:00:03,000\nCCCC\n\n");
  EXPECT_EQ(EncodeSrt(transcript, {.max_characters = 84, .max_seconds = 1}),
            "1\n00:00:00,000 --> 00:00:01,000\nAAAA\n\n2\n00:00:01,000 --> 00:00:02,000\nBBBB\n\n"
            "3\n00:00:02,000 --> 00:00:03,000\nCCCC\n\n");
}

TEST(Subtitles, NoSpaceGoesBeforeAWordThatIsAttached) {
  std::vector<Word> words(3);
  words[0] = {.text = "你", .start_s = 1, .end_s = 2};
  words[1] = {.text = "好", .start_s = 2, .end_s = 3, .is_attached = true};
  words[2] = {.text = "iPhone", .start_s = 3, .end_s = 4};
  EXPECT_EQ(EncodeSrt(Of(words)), "1\n00:00:01,000 --> 00:00:04,000\n你好 iPhone\n\n");
}

TEST(Subtitles, WhatWasSaidCannotBecomeMarkupOrEndACue) {
  EXPECT_EQ(EncodeVtt(Of({{"<b>&\n\n00:00", 0, 1, 1}})),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n&lt;b&gt;&amp;  00:00\n\n");
}

TEST(Subtitles, ASegmentWithoutWordTimesIsOneCue) {
  Transcript transcript;
  Segment segment;
  segment.end_s = 2;
  segment.text = "HELLO";
  transcript.segments = {segment, Segment{}};
  EXPECT_EQ(EncodeSrt(transcript), "1\n00:00:00,000 --> 00:00:02,000\nHELLO\n\n");
}

}  // namespace
}  // namespace blindai::wire
