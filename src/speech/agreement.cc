#include "speech/agreement.h"

#include <algorithm>
#include <utility>

#include "base/secret.h"

namespace blindai::speech {
namespace {

using vocabulary::Segment;
using vocabulary::Transcript;
using vocabulary::Word;

bool SameWord(const Word& a, const Word& b) { return a.text == b.text && a.is_attached == b.is_attached; }

std::vector<Word> WordsOf(const Transcript& transcript) {
  std::vector<Word> words;
  for (const Segment& segment : transcript.segments)
    words.insert(words.end(), segment.words.begin(), segment.words.end());
  return words;
}

void Wipe(std::vector<Word>& words) {
  for (Word& word : words) base::Wipe(word.text.data(), word.text.size());
  words.clear();
}

}  // namespace

Agreement::~Agreement() {
  Wipe(told_);
  Wipe(before_);
}

void Agreement::Keep(Transcript& heard) const {
  if (told_.empty()) return;
  const std::vector<Word> words = WordsOf(heard);
  const bool same =
      words.size() >= told_.size() && std::equal(told_.begin(), told_.end(), words.begin(), SameWord);
  if (same) return;
  const double told_until_s = told_.back().end_s;
  const auto is_told = [told_until_s](const Word& word) {
    return (word.start_s + word.end_s) / 2 <= told_until_s;
  };
  Segment told;
  told.speaker = heard.segments.empty() ? vocabulary::kNoSpeaker : heard.segments.front().speaker;
  told.mean_log_probability = heard.segments.empty() ? 0 : heard.segments.front().mean_log_probability;
  told.words = told_;
  for (Segment& segment : heard.segments) {
    std::erase_if(segment.words, is_told);
    if (!segment.words.empty()) segment.words.front().is_attached = false;
    vocabulary::FitToWords(segment);
  }
  std::erase_if(heard.segments, [](const Segment& segment) { return segment.words.empty(); });
  vocabulary::FitToWords(told);
  heard.segments.insert(heard.segments.begin(), std::move(told));
}

std::vector<Word> Agreement::Look(Transcript& heard, double end_s) {
  Keep(heard);
  std::vector<Word> words = WordsOf(heard);
  std::size_t agreed = 0;
  while (agreed < std::min(words.size(), before_.size()) && SameWord(words[agreed], before_[agreed]) &&
         words[agreed].end_s <= end_s - hold_s_) {
    ++agreed;
  }
  std::vector<Word> news;
  for (std::size_t i = told_.size(); i < agreed; ++i) news.push_back(words[i]);
  told_.insert(told_.end(), news.begin(), news.end());
  Wipe(before_);
  before_ = std::move(words);
  return news;
}

}  // namespace blindai::speech
