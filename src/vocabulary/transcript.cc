#include "vocabulary/transcript.h"

#include "base/secret.h"

namespace blindai::vocabulary {

std::string Transcript::Text() const {
  std::string text;
  for (const Segment& segment : segments) {
    if (segment.text.empty()) continue;
    if (!text.empty()) text += ' ';
    text += segment.text;
  }
  return text;
}

std::string TextOf(std::span<const Word> words, bool begins_text) {
  std::string text;
  for (const Word& word : words) {
    const bool spaced = !word.is_attached && !(begins_text && text.empty());
    text += (spaced ? " " : "") + word.text;
  }
  return text;
}

void FitToWords(Segment& segment) {
  base::Wipe(segment.text.data(), segment.text.size());
  segment.text = TextOf(segment.words);
  if (segment.words.empty()) return;
  segment.start_s = segment.words.front().start_s;
  segment.end_s = segment.words.back().end_s;
}

void WipeTexts(Segment& segment) {
  base::Wipe(segment.text.data(), segment.text.size());
  for (Word& word : segment.words) base::Wipe(word.text.data(), word.text.size());
}

void WipeTexts(Transcript& transcript) {
  for (Segment& segment : transcript.segments) WipeTexts(segment);
}

}  // namespace blindai::vocabulary
