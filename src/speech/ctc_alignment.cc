#include "speech/ctc_alignment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace blindai::speech {
namespace {

constexpr double kImpossible = -std::numeric_limits<double>::infinity();

// The states of a text: blank, first id, blank, second id, …, blank.
class States {
 public:
  States(std::span<const int> ids, int blank) : ids_(ids), blank_(blank) {}
  std::size_t count() const { return 2 * ids_.size() + 1; }
  bool IsBlank(std::size_t state) const { return state % 2 == 0; }
  int Id(std::size_t state) const { return IsBlank(state) ? blank_ : ids_[state / 2]; }
  // A path may leave out the blank between two different ids, and must not between equal ones.
  bool MaySkipBlankBefore(std::size_t state) const {
    return !IsBlank(state) && state >= 2 && Id(state) != Id(state - 2);
  }

 private:
  std::span<const int> ids_;
  int blank_;
};

// By how many states a path came, 0 to 2, four of them in a byte.
class Steps {
 public:
  explicit Steps(std::size_t count) : bytes_((count + 3) / 4) {}
  void Set(std::size_t at, unsigned step) {
    bytes_[at / 4] = static_cast<std::uint8_t>(bytes_[at / 4] | step << 2 * (at % 4));
  }
  unsigned Get(std::size_t at) const { return bytes_[at / 4] >> 2 * (at % 4) & 3U; }

 private:
  std::vector<std::uint8_t> bytes_;
};

// The score of kAnyCharacter.
float BestCharacter(std::span<const float> row, const CtcVocabulary& vocabulary) {
  float best = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < row.size(); ++i) {
    const int id = static_cast<int>(i);
    if (id == vocabulary.blank() || id == vocabulary.delimiter() || vocabulary.IsSpecial(id)) continue;
    best = std::max(best, row[i]);
  }
  return best;
}

bool IsPunctuation(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return std::ispunct(static_cast<unsigned char>(c)) != 0; });
}

}  // namespace

base::Result<std::vector<CtcCharacter>> Align(const Logits& logits, std::span<const int> ids,
                                              const CtcVocabulary& vocabulary) {
  if (ids.empty()) return std::vector<CtcCharacter>();
  const States states(ids, vocabulary.blank());
  const auto frames = static_cast<std::size_t>(logits.frames());
  if (frames > kMaxAlignmentCells / states.count()) {
    return base::MakeError(
        base::ErrorKind::kTooLarge, "alignment-too-large",
        fmt::format("{} characters over {} frames are too many to align at once; send a shorter piece",
                    ids.size(), frames),
        "prompt");
  }

  const bool any = std::ranges::find(ids, kAnyCharacter) != ids.end();
  // score[s]: the best path that ends in state s at this frame.
  std::vector<double> score(states.count(), kImpossible);
  std::vector<double> before;
  Steps steps(frames * states.count());
  for (std::size_t frame = 0; frame < frames; ++frame) {
    const std::span<const float> row = logits.Row(static_cast<std::int64_t>(frame));
    const double log_sum = logits.LogSum(static_cast<std::int64_t>(frame));
    const float best_character = any ? BestCharacter(row, vocabulary) : 0;
    before = score;
    for (std::size_t state = 0; state < states.count(); ++state) {
      // A path begins in the first blank or the first character.
      double best = frame == 0 ? (state <= 1 ? 0.0 : kImpossible) : before[state];
      unsigned came_by = 0;
      if (frame > 0 && state >= 1 && before[state - 1] > best) {
        best = before[state - 1];
        came_by = 1;
      }
      if (frame > 0 && states.MaySkipBlankBefore(state) && before[state - 2] > best) {
        best = before[state - 2];
        came_by = 2;
      }
      const int id = states.Id(state);
      score[state] =
          best + (id == kAnyCharacter ? best_character : row[static_cast<std::size_t>(id)]) - log_sum;
      steps.Set(frame * states.count() + state, came_by);
    }
  }

  // It ends in the last character or the blank behind it.
  std::size_t state = states.count() - 1;
  if (frames == 0 || (score[state] == kImpossible && score[state - 1] == kImpossible)) {
    return base::MakeError(
        base::ErrorKind::kInvalid, "alignment-impossible",
        fmt::format("{} characters need more than the {} frames there are", ids.size(), frames), "prompt");
  }
  if (score[state - 1] > score[state]) --state;

  std::vector<CtcCharacter> characters(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) characters[i] = {ids[i], 0, 0, 0, 0};
  for (std::size_t frame = frames; frame-- > 0;) {
    if (!states.IsBlank(state)) {
      CtcCharacter& character = characters[state / 2];
      const auto at = static_cast<std::int64_t>(frame);
      const std::span<const float> row = logits.Row(at);
      const double log_probability =
          (character.id == kAnyCharacter ? BestCharacter(row, vocabulary)
                                         : row[static_cast<std::size_t>(character.id)]) -
          logits.LogSum(at);
      if (character.frames() == 0) character.end_frame = at + 1;
      character.first_frame = at;
      character.log_probability += log_probability;
      character.probability += std::exp(log_probability);
    }
    state -= steps.Get(frame * states.count() + state);
  }
  return characters;
}

base::Result<std::vector<AlignedWord>> AlignWords(const Logits& logits, std::string_view text,
                                                  const CtcVocabulary& vocabulary, double offset_s) {
  std::vector<AlignedWord> words;
  std::vector<int> ids;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
    const std::string_view token = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (token.empty()) continue;
    std::vector<int> letters = vocabulary.EncodeKnown(token);
    std::erase(letters, vocabulary.delimiter());
    if (letters.empty() && IsPunctuation(token)) {
      if (!words.empty()) words.back().word.text += " " + std::string(token);
      continue;
    }
    if (letters.empty()) letters = {kAnyCharacter};
    if (!ids.empty()) ids.push_back(vocabulary.delimiter());
    ids.insert(ids.end(), letters.begin(), letters.end());
    words.emplace_back().word.text = token;
  }
  if (words.empty()) {
    return base::MakeError(base::ErrorKind::kInvalid, "alignment-empty",
                           "the text to align has no word; send what was said", "prompt");
  }
  BLINDAI_TRY(const std::vector<CtcCharacter> characters, Align(logits, ids, vocabulary));
  auto aligned = words.begin();
  for (const CtcCharacter& character : characters) {
    if (character.id == vocabulary.delimiter()) {
      ++aligned;
      continue;
    }
    vocabulary::Word& word = aligned->word;
    if (aligned->frames == 0) {
      word.start_s = offset_s + static_cast<double>(character.first_frame) * kSecondsPerFrame;
    }
    word.end_s = offset_s + static_cast<double>(character.end_frame) * kSecondsPerFrame;
    word.confidence += character.probability;
    aligned->log_probability += character.log_probability;
    aligned->frames += character.frames();
  }
  for (AlignedWord& word : words) word.word.confidence /= static_cast<double>(word.frames);
  return words;
}

}  // namespace blindai::speech
