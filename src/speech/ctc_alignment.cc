#include "speech/ctc_alignment.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

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
                    ids.size(), frames));
  }

  // score[s]: the best path that ends in state s at this frame; step: by how many states it came (0, 1 or 2).
  std::vector<double> score(states.count(), kImpossible);
  std::vector<double> before;
  std::vector<std::uint8_t> step(frames * states.count());
  for (std::size_t frame = 0; frame < frames; ++frame) {
    const std::span<const float> row = logits.Row(static_cast<std::int64_t>(frame));
    const double log_sum = logits.LogSum(static_cast<std::int64_t>(frame));
    before = score;
    for (std::size_t state = 0; state < states.count(); ++state) {
      // A path begins in the first blank or the first character.
      double best = frame == 0 ? (state <= 1 ? 0.0 : kImpossible) : before[state];
      std::uint8_t came_by = 0;
      if (frame > 0 && state >= 1 && before[state - 1] > best) {
        best = before[state - 1];
        came_by = 1;
      }
      if (frame > 0 && states.MaySkipBlankBefore(state) && before[state - 2] > best) {
        best = before[state - 2];
        came_by = 2;
      }
      score[state] = best + row[static_cast<std::size_t>(states.Id(state))] - log_sum;
      step[frame * states.count() + state] = came_by;
    }
  }

  // It ends in the last character or the blank behind it.
  std::size_t state = states.count() - 1;
  if (frames == 0 || (score[state] == kImpossible && score[state - 1] == kImpossible)) {
    return base::MakeError(
        base::ErrorKind::kInvalid, "alignment-impossible",
        fmt::format("{} characters need more than the {} frames there are", ids.size(), frames));
  }
  if (score[state - 1] > score[state]) --state;

  std::vector<CtcCharacter> characters(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) characters[i] = {ids[i], 0, 0, 0, 0};
  for (std::size_t frame = frames; frame-- > 0;) {
    if (!states.IsBlank(state)) {
      CtcCharacter& character = characters[state / 2];
      const auto at = static_cast<std::int64_t>(frame);
      const double log_probability =
          logits.Row(at)[static_cast<std::size_t>(character.id)] - logits.LogSum(at);
      if (character.frames() == 0) character.end_frame = at + 1;
      character.first_frame = at;
      character.log_probability += log_probability;
      character.probability += std::exp(log_probability);
    }
    state -= step[frame * states.count() + state];
  }
  return characters;
}

}  // namespace blindai::speech
