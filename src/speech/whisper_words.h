// Words with their times from the tokens of a Whisper text whose starts are known (model/whisper_alignment.h).
//
// A word is what stands between two spaces, with the marks around it; in languages that are written without spaces it
// is a character. Cross-attention puts a pause into the word before or behind it, so words are cut back to where it is
// loud, and those that are still longer than words are cut at the pause that their sentence ends or begins with, as the
// model's makers do it. https://github.com/openai/whisper/blob/main/whisper/timing.py (add_word_timestamps)
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "speech/whisper_tokens.h"
#include "vocabulary/transcript.h"

namespace blindai::speech {

// A text token and when it was said.
struct SaidToken {
  int token = 0;
  double start_s = 0;
  double end_s = 0;
  double probability = 0;
};

// Of ISO 639-1; unknown languages are.
bool IsWrittenWithSpaces(std::string_view language);

// All the words of a text, in order; together they are its text, but for spaces at its ends. Times are the tokens'; the
// confidence is the mean of their probabilities.
std::vector<vocabulary::Word> WordsOf(const WhisperTokens& tokens, std::span<const SaidToken> said,
                                      bool with_spaces);

// Which frames of some sound hold what the words are said in: louder than silence and than most of the noise between
// words. Frames of kSoundFrame samples.
constexpr std::int64_t kSoundFrame = 320;
std::vector<bool> SoundingFrames(std::span<const float> samples);

// Cuts the words of some segments back. Times count from the first frame. Only a word of no length becomes longer, by
// a frame of its neighbour's.
void CutBack(std::span<std::vector<vocabulary::Word>> segments, const std::vector<bool>& sounding);

// Dots, dashes and notes are what the model writes for sounds that are no speech.
bool HasLetters(std::string_view text);

}  // namespace blindai::speech
