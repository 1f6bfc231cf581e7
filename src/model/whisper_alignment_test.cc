#include "model/whisper_alignment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>

namespace blindai::model {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

// Heads that look, while a row is read, from its begin to the end of its stretch, and a little everywhere else.
struct Stretch {
  std::size_t begin;
  std::size_t end;
};

class Looking {
 public:
  Looking(std::size_t heads, const std::vector<Stretch>& rows, std::size_t positions)
      : heads_(heads), rows_(rows.size()), positions_(positions) {
    for (std::size_t head = 0; head < heads; ++head) {
      for (const Stretch& row : rows) {
        const std::size_t first = weights_.size();
        weights_.resize(first + positions, 0.1F / static_cast<float>(positions));
        for (std::size_t i = row.begin; i < std::min(row.end, positions); ++i)
          weights_[first + i] += 0.9F / static_cast<float>(row.end - row.begin);
      }
    }
  }

  std::vector<std::int32_t> Starts(std::size_t first_row, std::size_t sounding) const {
    return TokenStarts({weights_, heads_, rows_, positions_}, first_row, sounding);
  }
  std::vector<float>& weights() { return weights_; }

 private:
  const std::size_t heads_;
  const std::size_t rows_;
  const std::size_t positions_;
  std::vector<float> weights_;
};

TEST(WhisperAlignment, ATokenBeginsWhereTheDecoderBeginsToLook) {
  // Two rows of the prompt, three tokens, and the end.
  const Looking looking(2, {{0, 9}, {0, 40}, {40, 90}, {90, 110}, {110, 120}, {0, 9}}, 120);
  EXPECT_THAT(looking.Starts(1, 120), ElementsAre(0, 40, 90, 110));
}

TEST(WhisperAlignment, StartsNeverGoBack) {
  const Looking looking(1, {{0, 30}, {80, 100}, {20, 40}, {100, 120}, {60, 80}, {0, 9}}, 120);
  const auto starts = looking.Starts(0, 120);
  ASSERT_EQ(starts.size(), 5U);
  EXPECT_TRUE(std::ranges::is_sorted(starts));
}

TEST(WhisperAlignment, NothingIsFoundBehindTheSound) {
  const Looking looking(1, {{0, 40}, {40, 80}, {80, 120}, {0, 9}}, 120);
  const auto starts = looking.Starts(0, 60);
  ASSERT_EQ(starts.size(), 3U);
  EXPECT_THAT(starts, Each(testing::Lt(60)));
  EXPECT_EQ(starts[1], 40);
}

TEST(WhisperAlignment, AStainOfOnePositionMovesNothing) {
  Looking looking(1, {{0, 40}, {40, 90}, {90, 120}, {0, 9}}, 120);
  looking.weights()[1 * 120 + 110] = 0.9F;
  EXPECT_THAT(looking.Starts(0, 120), ElementsAre(0, 40, 90));
}

TEST(WhisperAlignment, MorePiecesThanPositionsAreStillInOrder) {
  const Looking looking(1, std::vector<Stretch>(20, Stretch{0, 2}), 4);
  const auto starts = looking.Starts(0, 4);
  ASSERT_EQ(starts.size(), 19U);
  EXPECT_TRUE(std::ranges::is_sorted(starts));
  EXPECT_LT(starts.back(), 4);
}

TEST(WhisperAlignment, WithoutHeadsRowsOrSoundThereIsNothing) {
  const Looking looking(1, {{0, 40}, {40, 90}, {90, 120}}, 120);
  EXPECT_THAT(looking.Starts(0, 0), IsEmpty());
  EXPECT_THAT(looking.Starts(2, 120), IsEmpty());
  EXPECT_THAT(TokenStarts({}, 0, 10), IsEmpty());
}

TEST(WhisperAlignment, WeightsOfNothingButZerosAreOutlived) {
  const std::vector<float> zeros(3 * 50);
  const auto starts = TokenStarts({zeros, 1, 3, 50}, 0, 50);
  ASSERT_EQ(starts.size(), 2U);
  EXPECT_TRUE(std::ranges::is_sorted(starts));
}

}  // namespace
}  // namespace blindai::model
