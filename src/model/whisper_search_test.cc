#include "model/whisper_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace blindai::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Ten text tokens, the end, <|startoftranscript|>, <|notimestamps|>, and timestamps from 13 to 33.
constexpr std::int32_t kEnd = 10;
constexpr std::int32_t kStart = 11;
constexpr std::int32_t kFirstTime = 13;
constexpr std::size_t kVocabulary = 34;

// Scores by what has been said: those of the longest ending of the text that is listed, or zero.
class Script : public WhisperDecoder {
 public:
  using Said = std::vector<std::int32_t>;
  explicit Script(std::map<Said, std::map<std::int32_t, float>> scores) : scores_(std::move(scores)) {}

  std::size_t vocabulary() const override { return kVocabulary; }
  std::span<const float> Begin(std::span<const std::int32_t> prompt) override {
    alive_ = {{}};
    rows_.assign(prompt.size() * kVocabulary, 0);
    Write(prompt.size() - 1, {});
    return rows_;
  }
  std::span<const float> Next(std::span<const std::int32_t> parents,
                              std::span<const std::int32_t> tokens) override {
    ++steps_;
    std::vector<Said> next;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      next.push_back(alive_.at(static_cast<std::size_t>(parents[i])));
      next.back().push_back(tokens[i]);
    }
    alive_ = std::move(next);
    rows_.assign(alive_.size() * kVocabulary, 0);
    for (std::size_t i = 0; i < alive_.size(); ++i) Write(i, alive_[i]);
    return rows_;
  }
  int steps() const { return steps_; }

 private:
  void Write(std::size_t row, const Said& said) {
    for (std::size_t from = 0; from <= said.size(); ++from) {
      const auto found = scores_.find(Said(said.begin() + static_cast<std::ptrdiff_t>(from), said.end()));
      if (found == scores_.end()) continue;
      for (const auto& [token, score] : found->second)
        rows_[row * kVocabulary + static_cast<std::size_t>(token)] = score;
      return;
    }
  }

  std::map<Said, std::map<std::int32_t, float>> scores_;
  std::vector<Said> alive_;
  std::vector<float> rows_;
  int steps_ = 0;
};

WhisperRules Rules() {
  WhisperRules rules;
  rules.prompt = {kStart, 12};
  rules.end_of_text = kEnd;
  rules.first_timestamp = kFirstTime;
  rules.most_tokens = 20;
  return rules;
}

WhisperText Find(const WhisperRules& rules, Script script) {
  return FindWhisperText(rules, script, [] { return true; });
}

TEST(WhisperSearch, SaysTheLikeliestTokensUntilTheEnd) {
  const WhisperText text = Find(Rules(), Script({{{}, {{3, 9}}}, {{3}, {{4, 9}}}, {{4}, {{kEnd, 9}}}}));
  EXPECT_THAT(text.tokens, ElementsAre(3, 4));
  ASSERT_THAT(text.log_probabilities, SizeIs(3));
  // Eleven tokens may be said, and the end; the likeliest is e^9 of the sum. Timestamps, <|startoftranscript|> and
  // <|notimestamps|> are the caller's to forbid; the timestamps are.
  EXPECT_NEAR(text.log_probabilities[0], 9 - std::log(std::exp(9.0) + 12), 1e-4);
}

TEST(WhisperSearch, StopsAtTheMostTokens) {
  WhisperRules rules = Rules();
  rules.most_tokens = 3;
  const WhisperText text = Find(rules, Script({{{}, {{3, 9}}}}));
  EXPECT_THAT(text.tokens, ElementsAre(3, 3, 3));
  EXPECT_THAT(text.log_probabilities, SizeIs(3));
}

TEST(WhisperSearch, WithoutTokensOnlyTheStartIsJudged) {
  WhisperRules rules = Rules();
  rules.most_tokens = 0;
  Script script({{{}, {{3, 9}}}});
  const WhisperText text = FindWhisperText(rules, script, [] { return true; });
  EXPECT_THAT(text.tokens, IsEmpty());
  ASSERT_THAT(text.start_probabilities, SizeIs(kVocabulary));
  // The start stands before the last token of the prompt, where the script says nothing.
  EXPECT_NEAR(text.start_probabilities[3], 1.0 / kVocabulary, 1e-6);
  rules.start_position = 1;
  EXPECT_NEAR(Find(rules, script).start_probabilities[3], std::exp(9.0) / (std::exp(9.0) + 33), 1e-4);
}

TEST(WhisperSearch, NeverSaysWhatIsSuppressed) {
  WhisperRules rules = Rules();
  rules.suppressed = {3, -7, 9'999};
  EXPECT_THAT(Find(rules, Script({{{}, {{3, 9}, {5, 8}}}, {{5}, {{kEnd, 9}}}})).tokens, ElementsAre(5));
}

TEST(WhisperSearch, SuppressesAtTheBeginOnlyThere) {
  WhisperRules rules = Rules();
  rules.suppressed_at_begin = {3, kEnd};
  EXPECT_THAT(
      Find(rules, Script({{{}, {{kEnd, 9}, {3, 8}, {5, 7}}}, {{5}, {{3, 9}}}, {{3}, {{kEnd, 9}}}})).tokens,
      ElementsAre(5, 3));
}

TEST(WhisperSearch, ATextWithTimestampsBeginsWithAnEarlyOne) {
  WhisperRules rules = Rules();
  rules.last_initial_timestamp = 2;
  const WhisperText text =
      Find(rules, Script({{{}, {{3, 9}, {20, 8}, {15, 1}}}, {{15}, {{3, 9}}}, {{3}, {{kEnd, 9}}}}));
  EXPECT_THAT(text.tokens, ElementsAre(15, 3));
}

TEST(WhisperSearch, TimestampsNeverGoBackAndComeInPairs) {
  WhisperRules rules = Rules();
  rules.last_initial_timestamp = 5;
  // After text: an earlier time is likelier than a later one. After a closing time: text is likelier than a time.
  const WhisperText text = Find(rules, Script({{{}, {{15, 9}}},
                                               {{15}, {{3, 9}}},
                                               {{3}, {{14, 9}, {20, 8}}},
                                               {{20}, {{4, 9}, {20, 8}, {21, 1}}},
                                               {{20, 20}, {{14, 9}, {kEnd, 8}}}}));
  EXPECT_THAT(text.tokens, ElementsAre(15, 3, 20, 20));
}

TEST(WhisperSearch, ManyTimestampsTogetherOutweighALikelierWord) {
  WhisperRules rules = Rules();
  rules.last_initial_timestamp = 5;
  // Twenty times at 8 are more than one word at 9.
  std::map<std::int32_t, float> torn = {{4, 9}};
  for (std::int32_t time = kFirstTime; time < static_cast<std::int32_t>(kVocabulary); ++time) torn[time] = 8;
  const WhisperText text =
      Find(rules, Script({{{}, {{13, 9}}}, {{13}, {{3, 9}}}, {{3}, torn}, {{14}, {{kEnd, 9}}}}));
  EXPECT_THAT(text.tokens, ElementsAre(13, 3, 14));
}

TEST(WhisperSearch, WithoutTimestampsThereAreNone) {
  EXPECT_THAT(Find(Rules(), Script({{{}, {{20, 9}, {3, 1}}}, {{3}, {{kEnd, 9}}}})).tokens, ElementsAre(3));
}

TEST(WhisperSearch, EndsWhereNothingMayBeSaid) {
  WhisperRules rules = Rules();
  for (std::int32_t token = 0; token < kFirstTime; ++token) rules.suppressed.push_back(token);
  EXPECT_THAT(Find(rules, Script({})).tokens, IsEmpty());
}

TEST(WhisperSearch, ABeamFindsWhatTheFirstTokenHides) {
  WhisperRules rules = Rules();
  // 3 is likelier than 4 at first, but what follows 4 is certain.
  const Script script({{{}, {{3, 9}, {4, 8.9F}}},
                       {{3}, {{5, 1}, {6, 1}}},
                       {{4}, {{7, 20}}},
                       {{7}, {{kEnd, 20}}},
                       {{5}, {{kEnd, 9}}},
                       {{6}, {{kEnd, 9}}}});
  EXPECT_EQ(Find(rules, script).tokens.front(), 3);
  rules.beams = 3;
  EXPECT_THAT(Find(rules, script).tokens, ElementsAre(4, 7));
}

TEST(WhisperSearch, ABeamOfOneIsGreedy) {
  WhisperRules rules = Rules();
  const Script script({{{}, {{3, 9}}}, {{3}, {{4, 9}}}, {{4}, {{kEnd, 9}}}});
  const WhisperText greedy = Find(rules, script);
  rules.beams = 5;
  const WhisperText beam = Find(rules, script);
  EXPECT_EQ(beam.tokens, greedy.tokens);
  EXPECT_EQ(beam.log_probabilities, greedy.log_probabilities);
}

TEST(WhisperSearch, ADrawDependsOnTheSeedOnly) {
  WhisperRules rules = Rules();
  rules.temperature = 1;
  const Script script({{{}, {{3, 1}}}});
  rules.seed = 7;
  const WhisperText once = Find(rules, script);
  EXPECT_EQ(Find(rules, script).tokens, once.tokens);
  std::set<std::vector<std::int32_t>> seen;
  for (rules.seed = 0; rules.seed < 20; ++rules.seed) seen.insert(Find(rules, script).tokens);
  EXPECT_GT(seen.size(), 5U);
}

TEST(WhisperSearch, ALowTemperatureIsNearlyGreedy) {
  WhisperRules rules = Rules();
  rules.temperature = 0.01F;
  EXPECT_THAT(Find(rules, Script({{{}, {{3, 9}}}, {{3}, {{kEnd, 9}}}})).tokens, ElementsAre(3));
}

TEST(WhisperSearch, IsLeftWhenNobodyWaitsForIt) {
  Script script({{{}, {{3, 9}}}});
  int asked = 0;
  (void)FindWhisperText(Rules(), script, [&asked] { return ++asked < 4; });
  EXPECT_EQ(script.steps(), 3);
}

}  // namespace
}  // namespace blindai::model
