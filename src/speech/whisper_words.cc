#include "speech/whisper_words.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "base/secret.h"
#include "encoding/utf8.h"
#include "speech/loudness.h"

namespace blindai::speech {
namespace {

using vocabulary::Word;

constexpr double kFrameS = 0.02;
// Of the median word, and of any.
constexpr double kLongestOfMedian = 2;
constexpr double kLongestMedianS = 0.7;
constexpr std::string_view kSentenceEnds[] = {".", "!", "?", "。", "！", "？"};
// Marks that belong to the word behind them.
constexpr std::string_view kOpening[] = {"\"", "'", "“", "¿", "¡", "(", "[", "{", "-", "「", "『", "（"};

// Or a digit.
bool IsAsciiLetter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsAnyOf(std::string_view text, std::span<const std::string_view> marks) {
  return std::ranges::find(marks, text) != marks.end();
}

bool EndsSentence(std::string_view text) {
  return std::ranges::any_of(kSentenceEnds, [text](std::string_view mark) { return text.ends_with(mark); });
}

// A word under construction: its bytes, with the spaces before it.
struct Draft {
  std::string text;
  double start_s = 0;
  double end_s = 0;
  double probabilities = 0;
  std::size_t tokens = 0;
  bool after_space = false;

  void Append(const Draft& more) {
    text += more.text;
    end_s = more.end_s;
    probabilities += more.probabilities;
    tokens += more.tokens;
  }
};

// Tokens that form characters together.
std::vector<Draft> CharactersOf(const WhisperTokens& tokens, std::span<const SaidToken> said) {
  std::vector<Draft> drafts;
  Draft open;
  std::vector<int> ids;
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (ids.empty()) open = Draft{.text = {}, .start_s = said[i].start_s};
    ids.push_back(said[i].token);
    open.end_s = said[i].end_s;
    open.probabilities += said[i].probability;
    ++open.tokens;
    if (!tokens.FormCharacters(ids) && i + 1 < said.size()) continue;
    open.text = tokens.Decode(ids);
    open.after_space = open.text.starts_with(' ');
    drafts.push_back(std::move(open));
    open = Draft();
    ids.clear();
  }
  return drafts;
}

void WipeTexts(std::vector<Draft>& drafts) {
  for (Draft& draft : drafts) base::Wipe(draft.text.data(), draft.text.size());
}

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// What stands between two spaces, or each character, with the spaces before it; ASCII letters stay together.
std::vector<Draft> PartsOf(std::span<const Draft> characters, bool with_spaces) {
  std::vector<Draft> parts;
  bool blank = false;  // so far the last one is
  for (const Draft& character : characters) {
    const std::string_view text = Trimmed(character.text);
    const bool goes_on = with_spaces || (!parts.empty() && !text.empty() && IsAsciiLetter(text.front()) &&
                                         IsAsciiLetter(parts.back().text.back()));
    const bool begins = parts.empty() || (!blank && (character.after_space || !goes_on));
    begins ? parts.push_back(character) : parts.back().Append(character);
    blank = text.empty() && (begins || blank);
  }
  return parts;
}

// Marks go to the word before them, those that open something to the word behind them.
std::vector<Draft> WithMarks(std::span<const Draft> parts) {
  std::vector<Draft> words;
  bool opened = false;  // so far the last one has marks only, which belong to what comes
  for (const Draft& part : parts) {
    const std::string_view text = Trimmed(part.text);
    const bool marks = !HasLetters(text);
    const bool opens = marks && (words.empty() || IsAnyOf(text, kOpening));
    const bool joins = !words.empty() && (opened || (marks && !opens));
    joins ? words.back().Append(part) : words.push_back(part);
    opened = marks && (opens || opened);
  }
  return words;
}

// A word longer than this is no word alone.
double LongestOf(std::span<const std::vector<Word>> segments) {
  std::vector<double> lengths;
  for (const auto& words : segments) {
    for (const Word& word : words) lengths.push_back(word.end_s - word.start_s);
  }
  if (lengths.empty()) return 0;
  const auto middle = lengths.begin() + std::ssize(lengths) / 2;
  std::ranges::nth_element(lengths, middle);
  return kLongestOfMedian * std::min(kLongestMedianS, *middle);
}

// A word of no length gets a frame of the word behind it or before it.
void GiveLengths(std::vector<Word>& words) {
  const auto may_give = [&words](std::size_t i) {
    return i < words.size() && words[i].end_s - words[i].start_s > 1.5 * kFrameS;
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].end_s - words[i].start_s > kFrameS / 2) continue;
    if (may_give(i + 1)) {
      words[i].end_s = words[i + 1].start_s += kFrameS;
    } else if (i > 0 && may_give(i - 1)) {
      words[i].start_s = words[i - 1].end_s -= kFrameS;
    }
  }
}

// What of a word was cut.
struct Cut {
  bool start = false;
  bool end = false;
};

Cut CutToSound(Word& word, const std::vector<bool>& sounding) {
  const auto frame_of = [&](double time_s) {
    return std::clamp<std::int64_t>(std::llround(time_s / kFrameS), 0, std::ssize(sounding));
  };
  std::int64_t first = frame_of(word.start_s);
  std::int64_t last = frame_of(word.end_s);
  const auto sounds = [&](std::int64_t frame) { return sounding[static_cast<std::size_t>(frame)]; };
  while (first < last && !sounds(first)) ++first;
  if (first == last) return {};  // nothing in it is loud: then loudness says nothing
  while (!sounds(last - 1)) --last;
  const double start_s = word.start_s;
  const double end_s = word.end_s;
  word.start_s = std::max(word.start_s, static_cast<double>(first) * kFrameS);
  word.end_s = std::min(word.end_s, static_cast<double>(last) * kFrameS);
  return {word.start_s > start_s, word.end_s < end_s};
}

}  // namespace

bool HasLetters(std::string_view text) {
  // Everything that is not ASCII is a letter, but for general punctuation, notes, and the marks of the East.
  constexpr std::string_view kBlocks[] = {"\xe2\x80", "\xe2\x99"};
  constexpr std::string_view kMarks[] = {"。", "，", "！", "？", "：", "；", "、", "・", "¿",
                                         "¡",  "「", "」", "『", "』", "（", "）", "«",  "»"};
  while (!text.empty()) {
    if (IsAsciiLetter(text.front())) return true;
    const auto starts = [text](std::string_view mark) { return text.starts_with(mark); };
    std::size_t size = 1;
    if (static_cast<unsigned char>(text.front()) >= 0x80) {
      const auto mark = std::ranges::find_if(kMarks, starts);
      if (mark == std::end(kMarks) && !std::ranges::any_of(kBlocks, starts)) return true;
      size = mark == std::end(kMarks) ? 3 : mark->size();
    }
    text.remove_prefix(std::min(size, text.size()));
  }
  return false;
}

bool IsWrittenWithSpaces(std::string_view language) {
  constexpr std::string_view kWithout[] = {"zh", "ja", "th", "lo", "my", "yue"};
  return !IsAnyOf(language, kWithout);
}

std::vector<Word> WordsOf(const WhisperTokens& tokens, std::span<const SaidToken> said, bool with_spaces) {
  std::vector<Draft> characters = CharactersOf(tokens, said);
  std::vector<Draft> parts = PartsOf(characters, with_spaces);
  std::vector<Draft> drafts = WithMarks(parts);
  WipeTexts(characters);
  WipeTexts(parts);
  std::vector<Word> words;
  for (const Draft& draft : drafts) {
    Word word;
    word.text = Trimmed(draft.text);
    word.start_s = draft.start_s;
    word.end_s = draft.end_s;
    word.confidence = draft.probabilities / static_cast<double>(draft.tokens);
    word.is_attached = !words.empty() && !draft.after_space;
    if (!word.text.empty()) words.push_back(std::move(word));
  }
  WipeTexts(drafts);
  return words;
}

std::vector<bool> SoundingFrames(std::span<const float> samples) {
  std::vector<double> powers;
  for (std::size_t at = 0; at < samples.size(); at += kSoundFrame)
    powers.push_back(Power(samples.subspan(at, std::min<std::size_t>(kSoundFrame, samples.size() - at))));
  std::vector<double> sorted = powers;
  std::ranges::sort(sorted);
  const auto share = [&sorted](double part) {
    return sorted.empty() ? 0
                          : sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
  };
  // Between the noise and the voice, in decibels, nearer to the noise.
  constexpr double kQuietShare = 0.1;
  constexpr double kLoudShare = 0.98;
  constexpr double kNearer = 0.3;
  constexpr double kSilence = double{kSilentFrame} * kSilentFrame;
  const double noise = std::max(share(kQuietShare), kSilence);
  const double voice = std::max(share(kLoudShare), noise);
  const double bar = noise * std::pow(voice / noise, kNearer);
  std::vector<bool> sounding;
  sounding.reserve(powers.size());
  for (const double power : powers) sounding.push_back(power >= bar);
  return sounding;
}

void CutBack(std::span<std::vector<Word>> segments, const std::vector<bool>& sounding) {
  std::vector<Cut> cuts;
  for (auto& words : segments) {
    GiveLengths(words);
    for (Word& word : words) cuts.push_back(CutToSound(word, sounding));
  }
  const double longest_s = LongestOf(segments);
  if (longest_s < kFrameS) return;
  auto cut = cuts.begin();
  for (auto& words : segments) {
    for (std::size_t i = 0; i < words.size(); ++i, ++cut) {
      Word& word = words[i];
      if (word.end_s - word.start_s <= longest_s) continue;
      const bool begins = i == 0 || EndsSentence(words[i - 1].text);
      const bool ends = i + 1 == words.size() || EndsSentence(word.text);
      if (begins && !cut->start) {
        word.start_s = word.end_s - longest_s;
      } else if (ends && !cut->end) {
        word.end_s = word.start_s + longest_s;
      }
    }
  }
}

}  // namespace blindai::speech
