// What was said, by whom and when: plain nouns that speech, service and wire share. Times are seconds from
// the start of the recording, always of the recording as it was given: cutting at silence never moves them.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace blindai::vocabulary {

struct Word {
  std::string text;
  double start_s = 0;
  double end_s = 0;
  // Mean, over the frames that emitted the word's characters, of the model's probability for the emitted
  // character: 0 to 1. One definition for every decoder, format and test (speech/ctc_decoder.h). Of a Whisper model:
  // the mean of its tokens' probabilities (speech/whisper_words.h).
  double confidence = 0;
  // No space goes between it and the word before.
  bool is_attached = false;
};

constexpr int kNoSpeaker = -1;

// A stretch of speech between two silences.
struct Segment {
  double start_s = 0;
  double end_s = 0;
  int speaker = kNoSpeaker;  // 0, 1, …: the channel of a two-channel recording
  std::string text;
  std::vector<Word> words;
  double mean_log_probability = 0;  // natural logarithm, over the emitting frames or tokens
  // Of a decoder of windows, the same for all segments of one: what the text was drawn at (0: it is the likeliest),
  // what the model gave to nobody speaking, and how much smaller zlib makes all that was heard (0: not measured).
  double temperature = 0;
  double no_speech_probability = 0;
  double compression_ratio = 0;
};

// What became of each moment of the recording. The spans of one channel follow each other without gap or
// overlap and their lengths sum to the duration: nothing is dropped without a mark.
enum class CoverageKind { kTranscribed, kSilence, kLowConfidence };

struct CoverageSpan {
  double start_s = 0;
  double end_s = 0;
  CoverageKind kind = CoverageKind::kSilence;
  int speaker = kNoSpeaker;
};

struct Transcript {
  double duration_s = 0;
  std::string language;           // ISO 639-1, as the model says; empty when it does not
  std::vector<Segment> segments;  // by start
  std::vector<CoverageSpan> coverage;

  // The words of all segments in order, one space between segments.
  std::string Text() const;
};

// With one space before each word that is not attached, also before the first unless the text begins with it.
std::string TextOf(std::span<const Word> words, bool begins_text = true);
// Text, start and end become those of its words. Without words it is empty and keeps its times.
void FitToWords(Segment& segment);

// Overwrites all texts, when the last reader is done with them.
void WipeTexts(Transcript& transcript);
void WipeTexts(Segment& segment);

}  // namespace blindai::vocabulary
