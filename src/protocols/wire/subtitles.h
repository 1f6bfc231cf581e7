// Transcripts as subtitles: SubRip (application/x-subrip) and WebVTT (https://www.w3.org/TR/webvtt1/). A cue
// is a segment, cut between words where it would be longer than a person can read. Text is escaped where the
// format gives characters a meaning, so that what was said can never become markup.
#pragma once

#include <string>
#include <vector>

#include "vocabulary/transcript.h"

namespace blindai::wire {

struct SubtitleOptions {
  // A cue has at most so many characters and lasts at most so long, unless a single word is longer.
  std::size_t max_characters = 84;
  double max_seconds = 7;
  // Names of speakers 0, 1, …; the rest are A, B, ….
  std::vector<std::string> speaker_names = {};
};

// "1\n00:00:01,000 --> 00:00:02,500\nHELLO WORLD\n\n…". With speakers, a cue begins "A: ".
std::string EncodeSrt(const vocabulary::Transcript& transcript, const SubtitleOptions& options = {});
// "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n<v A>HELLO WORLD\n\n…".
std::string EncodeVtt(const vocabulary::Transcript& transcript, const SubtitleOptions& options = {});

// "A", "B", …, "Z", "AA" for speaker 0, 1, …; empty for kNoSpeaker.
std::string SpeakerName(int speaker);

}  // namespace blindai::wire
