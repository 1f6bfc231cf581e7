// Which words of an utterance may be told for good while it goes on: those that two successive looks at it agree in, so
// long as they are not too near to where the sound ends (local agreement, https://arxiv.org/abs/2307.14743). What was
// told never changes: where a later look hears something else at its place, the told words stand.
#pragma once

#include <vector>

#include "vocabulary/transcript.h"

namespace blindai::speech {

class Agreement {
 public:
  // Words that end less than this before the end of the sound are not told yet.
  explicit Agreement(double hold_s) : hold_s_(hold_s) {}
  ~Agreement();
  Agreement(const Agreement&) = delete;
  Agreement& operator=(const Agreement&) = delete;

  // What is heard of an utterance that goes on; the sound ends at `end_s`. Puts the told words into it, and gives those
  // that are told now.
  std::vector<vocabulary::Word> Look(vocabulary::Transcript& heard, double end_s);
  // The utterance is complete: puts the told words into it.
  void Keep(vocabulary::Transcript& heard) const;

 private:
  const double hold_s_;
  std::vector<vocabulary::Word> told_;
  std::vector<vocabulary::Word> before_;  // all words of the look before
};

}  // namespace blindai::speech
