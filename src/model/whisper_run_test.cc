#include "model/whisper_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace blindai::model {
namespace {

using testing::ElementsAre;
using vocabulary::Tensor;

constexpr WhisperDimensions kDimensions{.bins = 80, .frames = 10, .vocabulary = 34};
constexpr WhisperDimensions kAligning{.bins = 80, .frames = 10, .vocabulary = 34, .aligns = true};

WhisperRules Rules() {
  WhisperRules rules;
  rules.prompt = {11, 12};
  rules.suppressed = {1, 2};
  rules.suppressed_at_begin = {3};
  rules.end_of_text = 10;
  rules.first_timestamp = 13;
  rules.last_initial_timestamp = 5;
  rules.start_position = 1;
  rules.most_tokens = 7;
  rules.aligned_positions = 4;
  rules.alignment_heads = {{1, 0}, {3, 5}};
  rules.temperature = 0.5F;
  rules.seed = 99;
  return rules;
}

std::optional<WhisperRules> Read(const std::vector<Tensor>& inputs) {
  std::vector<base::ByteView> views;
  for (const Tensor& tensor : inputs) views.emplace_back(tensor.data);
  return WhisperRulesOf(views, kDimensions.vocabulary);
}

std::vector<Tensor> Inputs(const WhisperRules& rules) {
  return WhisperInputs(kDimensions, std::vector<float>(800), rules);
}

std::vector<Tensor> Outputs(std::vector<std::int32_t> tokens, std::vector<float> log_probabilities,
                            std::optional<std::vector<std::int32_t>> starts = std::nullopt) {
  std::vector<float> start(34, 0.5F);
  const auto bytes = [](const auto& numbers) {
    base::Bytes out(numbers.size() * sizeof(numbers[0]));
    if (!out.empty()) std::memcpy(out.data(), numbers.data(), out.size());
    return out;
  };
  std::vector<Tensor> outputs = {
      {"tokens", vocabulary::Datatype::kInt32, {}, bytes(tokens)},
      {"log_probabilities", vocabulary::Datatype::kFp32, {}, bytes(log_probabilities)},
      {"start_probabilities", vocabulary::Datatype::kFp32, {}, bytes(start)}};
  if (starts) outputs.push_back({"token_starts", vocabulary::Datatype::kInt32, {}, bytes(*starts)});
  return outputs;
}

TEST(WhisperRun, TheSignatureSaysItsDimensions) {
  const auto dimensions =
      WhisperDimensionsOf(WhisperSignature({.bins = 128, .frames = 3'000, .vocabulary = 51'866}));
  ASSERT_TRUE(dimensions);
  EXPECT_EQ(dimensions->bins, 128);
  EXPECT_EQ(dimensions->frames, 3'000);
  EXPECT_EQ(dimensions->vocabulary, 51'866);
  EXPECT_FALSE(dimensions->aligns);
  EXPECT_TRUE(WhisperDimensionsOf(WhisperSignature(kAligning))->aligns);
}

TEST(WhisperRun, OtherSignaturesAreNoWhisperModel) {
  EXPECT_FALSE(WhisperDimensionsOf({}));
  ModelSignature other = WhisperSignature({.bins = 80, .frames = 3'000, .vocabulary = 51'864});
  other.inputs[kPrompt].name = "ids";
  EXPECT_FALSE(WhisperDimensionsOf(other));
  other = WhisperSignature({.bins = 80, .frames = 3'000, .vocabulary = 51'864});
  other.inputs[kFeatures].shape = {1, 80};
  EXPECT_FALSE(WhisperDimensionsOf(other));
}

TEST(WhisperRun, TheWorkerReadsTheRulesThatWereSent) {
  const auto rules = Read(Inputs(Rules()));
  ASSERT_TRUE(rules);
  EXPECT_THAT(rules->prompt, ElementsAre(11, 12));
  EXPECT_THAT(rules->suppressed, ElementsAre(1, 2));
  EXPECT_THAT(rules->suppressed_at_begin, ElementsAre(3));
  EXPECT_EQ(rules->end_of_text, 10);
  EXPECT_EQ(rules->first_timestamp, 13);
  EXPECT_EQ(rules->last_initial_timestamp, 5);
  EXPECT_EQ(rules->start_position, 1);
  EXPECT_EQ(rules->most_tokens, 7);
  EXPECT_EQ(rules->aligned_positions, 4);
  EXPECT_THAT(rules->alignment_heads, ElementsAre(AttentionHead{1, 0}, AttentionHead{3, 5}));
  EXPECT_EQ(rules->beams, 1);
  EXPECT_EQ(rules->temperature, 0.5F);
  EXPECT_EQ(rules->seed, 99U);
}

TEST(WhisperRun, TheInputsFitTheSignature) {
  const auto inputs = Inputs(Rules());
  const ModelSignature signature = WhisperSignature(kDimensions);
  ASSERT_EQ(inputs.size(), signature.inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(inputs[i].name, signature.inputs[i].name);
    EXPECT_TRUE(vocabulary::CheckAgainst(inputs[i], signature.inputs[i]).ok()) << inputs[i].name;
  }
}

TEST(WhisperRun, TheWorkerRefusesRulesThatCannotBeMeant) {
  const auto bend = [](auto change) {
    WhisperRules rules = Rules();
    change(rules);
    return Read(Inputs(rules)).has_value();
  };
  EXPECT_TRUE(bend([](WhisperRules&) {}));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.prompt.clear(); }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.prompt[0] = 34; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.prompt[0] = -1; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.start_position = 2; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.start_position = -1; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.end_of_text = -1; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.first_timestamp = 10; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.first_timestamp = 34; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.last_initial_timestamp = 34; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.most_tokens = -1; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.beams = 0; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.beams = 2; }));  // with a temperature
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.beams = 9; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.temperature = -1; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.temperature = NAN; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.aligned_positions = -1; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.alignment_heads[1].layer = -1; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.alignment_heads[1].head = -1; }));
  EXPECT_FALSE(bend([](WhisperRules& rules) { rules.alignment_heads.resize(kMostHeads + 1); }));
  EXPECT_FALSE(Read({}));
}

TEST(WhisperRun, TheAnswerIsTokensWithTheirProbabilities) {
  const auto text = WhisperTextOf(Outputs({3, 4}, {-1, -2, -3}), kDimensions);
  ASSERT_TRUE(text.ok());
  EXPECT_THAT(text->tokens, ElementsAre(3, 4));
  EXPECT_THAT(text->log_probabilities, ElementsAre(-1, -2, -3));
  EXPECT_TRUE(WhisperTextOf(Outputs({}, {}), kDimensions).ok());
}

TEST(WhisperRun, AModelThatAlignsSaysWhereItsTokensBegin) {
  const auto text = WhisperTextOf(Outputs({3, 4}, {-1, -2}, {{0, 2, 5}}), kAligning);
  ASSERT_TRUE(text.ok());
  EXPECT_THAT(text->token_starts, ElementsAre(0, 2, 5));
  EXPECT_TRUE(WhisperTextOf(Outputs({3, 4}, {-1, -2}, std::vector<std::int32_t>()), kAligning).ok());
  EXPECT_FALSE(WhisperTextOf(Outputs({3, 4}, {-1, -2}), kAligning).ok());
  EXPECT_FALSE(WhisperTextOf(Outputs({3, 4}, {-1, -2}, {{0, 2, 5}}), kDimensions).ok());
  EXPECT_FALSE(WhisperTextOf(Outputs({3, 4}, {-1, -2}, {{0, 2, 6}}), kAligning).ok());
  EXPECT_FALSE(WhisperTextOf(Outputs({3, 4}, {-1, -2}, {{-1, 2, 5}}), kAligning).ok());
  EXPECT_FALSE(WhisperTextOf(Outputs({3, 4}, {-1, -2}, {{0, 3, 2}}), kAligning).ok());
}

TEST(WhisperRun, AnAnswerThatDoesNotGoTogetherIsRefused) {
  EXPECT_FALSE(WhisperTextOf({}, kDimensions).ok());
  EXPECT_FALSE(WhisperTextOf(Outputs({34}, {-1}), kDimensions).ok());
  EXPECT_FALSE(WhisperTextOf(Outputs({-1}, {-1}), kDimensions).ok());
  EXPECT_FALSE(WhisperTextOf(Outputs({1, 2, 3}, {-1}), kDimensions).ok());
  EXPECT_FALSE(WhisperTextOf(Outputs({1}, {-INFINITY}), kDimensions).ok());
  EXPECT_FALSE(WhisperTextOf(Outputs({1}, {NAN}), kDimensions).ok());
  EXPECT_FALSE(WhisperTextOf(Outputs({1}, {-1}), {.bins = 80, .frames = 10, .vocabulary = 35}).ok());
}

}  // namespace
}  // namespace blindai::model
