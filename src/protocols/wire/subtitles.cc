#include "protocols/wire/subtitles.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace blindai::wire {
namespace {

struct Cue {
  double start_s = 0;
  double end_s = 0;
  int speaker = vocabulary::kNoSpeaker;
  std::string text;
};

// "01:02:03,456"; negative times do not occur and become zero.
std::string Timestamp(double seconds, char point) {
  const auto ms = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds) * 1000));
  return fmt::format("{:02}:{:02}:{:02}{}{:03}", ms / 3'600'000, ms / 60'000 % 60, ms / 1000 % 60, point,
                     ms % 1000);
}

// A line break inside a cue's text would end the cue.
std::string OneLine(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return line;
}

std::string EscapeVtt(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// The name of a cue's speaker, which is there.
std::string NameOf(int speaker, const SubtitleOptions& options) {
  const auto index = static_cast<std::size_t>(speaker);
  return index < options.speaker_names.size() ? OneLine(options.speaker_names[index]) : SpeakerName(speaker);
}

std::vector<Cue> CuesOf(const vocabulary::Transcript& transcript, const SubtitleOptions& options) {
  std::vector<Cue> cues;
  for (const vocabulary::Segment& segment : transcript.segments) {
    if (segment.words.empty()) {
      // A recogniser without word times: the segment is one cue.
      if (!segment.text.empty())
        cues.push_back({segment.start_s, segment.end_s, segment.speaker, OneLine(segment.text)});
      continue;
    }
    bool open = false;
    for (const vocabulary::Word& word : segment.words) {
      const bool fits = open && cues.back().text.size() + 1 + word.text.size() <= options.max_characters &&
                        word.end_s - cues.back().start_s <= options.max_seconds;
      if (fits) {
        cues.back().text += (word.is_attached ? "" : " ") + OneLine(word.text);
        cues.back().end_s = word.end_s;
      } else {
        cues.push_back({word.start_s, word.end_s, segment.speaker, OneLine(word.text)});
        open = true;
      }
    }
  }
  return cues;
}

}  // namespace

std::string SpeakerName(int speaker) {
  std::string name;
  for (int rest = speaker; rest >= 0; rest = rest / 26 - 1)
    name.insert(name.begin(), static_cast<char>('A' + rest % 26));
  return name;
}

std::string EncodeSrt(const vocabulary::Transcript& transcript, const SubtitleOptions& options) {
  std::string out;
  std::size_t number = 0;
  for (const Cue& cue : CuesOf(transcript, options)) {
    const std::string speaker =
        cue.speaker == vocabulary::kNoSpeaker ? "" : NameOf(cue.speaker, options) + ": ";
    out += fmt::format("{}\n{} --> {}\n{}{}\n\n", ++number, Timestamp(cue.start_s, ','),
                       Timestamp(cue.end_s, ','), speaker, cue.text);
  }
  return out;
}

std::string EncodeVtt(const vocabulary::Transcript& transcript, const SubtitleOptions& options) {
  std::string out = "WEBVTT\n\n";
  for (const Cue& cue : CuesOf(transcript, options)) {
    const std::string speaker =
        cue.speaker == vocabulary::kNoSpeaker ? "" : "<v " + EscapeVtt(NameOf(cue.speaker, options)) + ">";
    out += fmt::format("{} --> {}\n{}{}\n\n", Timestamp(cue.start_s, '.'), Timestamp(cue.end_s, '.'), speaker,
                       EscapeVtt(cue.text));
  }
  return out;
}

}  // namespace blindai::wire
