#include "vocabulary/transcript.h"

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

}  // namespace blindai::vocabulary
