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

void WipeTexts(Segment& segment) {
  base::Wipe(segment.text.data(), segment.text.size());
  for (Word& word : segment.words) base::Wipe(word.text.data(), word.text.size());
}

void WipeTexts(Transcript& transcript) {
  for (Segment& segment : transcript.segments) WipeTexts(segment);
}

}  // namespace blindai::vocabulary
