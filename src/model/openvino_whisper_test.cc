// Whisper models in the real worker: one in miniature, and the real one where it has been made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "model/inspect_onnx.h"
#include "model/model_bundle.h"
#include "model/whisper_run.h"
#include "support/onnx_builder.h"
#include "support/toy_whisper.h"
#include "support/worker_fixture.h"

namespace blindai::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using tests::HelloChain;
using tests::MakeToyWhisper;
using tests::RunOn;
using tests::StartHost;
using tests::ToyBundle;

constexpr WhisperDimensions kToy{.bins = 80, .frames = 3'000, .vocabulary = 1'769, .aligns = true};
constexpr int kFirstTimestamp = 268;

WhisperRules Rules() {
  WhisperRules rules;
  rules.prompt = {261};
  rules.end_of_text = 260;
  rules.first_timestamp = kFirstTimestamp;
  rules.last_initial_timestamp = 50;
  rules.most_tokens = 20;
  return rules;
}

std::vector<float> Features(float value) { return std::vector<float>(80 * 3'000, value); }
constexpr float kSound = 0.5F;
constexpr float kSilence = -1.5F;

base::Result<WhisperText> Ask(ModelHost& host, const WhisperRules& rules, float features = kSound) {
  BLINDAI_TRY(const RunAnswer answer, RunOn(host, WhisperInputs(kToy, Features(features), rules)));
  return WhisperTextOf(answer.outputs, kToy);
}

std::string CodeOf(const auto& result) { return result.ok() ? "" : result.error().code; }

TEST(OpenVinoWhisper, TheMiniaturePassesTheGate) {
  const tests::ToyWhisper toy = MakeToyWhisper(HelloChain());
  for (const base::Bytes& file : {toy.encoder, toy.decoder, toy.decoder_with_past}) {
    const auto passed = InspectOnnx(file);
    EXPECT_TRUE(passed.ok()) << passed.error().message;
  }
}

TEST(OpenVinoWhisper, IsOneModelFromOutside) {
  const auto host = StartHost(ToyBundle(MakeToyWhisper(HelloChain())));
  ASSERT_TRUE(host.ok()) << host.error().message;
  const auto dimensions = WhisperDimensionsOf((*host)->signature());
  ASSERT_TRUE(dimensions);
  EXPECT_EQ(dimensions->bins, 80);
  EXPECT_EQ(dimensions->vocabulary, 1'769);
}

TEST(OpenVinoWhisper, SaysItsTextWithAndWithoutACache) {
  for (const bool with_past : {true, false}) {
    const auto host = *StartHost(ToyBundle(MakeToyWhisper(HelloChain()), with_past));
    for (int run = 0; run < 3; ++run) {
      const auto text = Ask(*host, Rules());
      ASSERT_TRUE(text.ok());
      EXPECT_THAT(text->tokens, ElementsAre(268, 259, 'o', 268 + 75));
      EXPECT_EQ(text->log_probabilities.size(), 5U);
      EXPECT_LT(text->start_probabilities[266], 0.01F);
    }
  }
}

TEST(OpenVinoWhisper, ABeamSaysTheSame) {
  for (const bool with_past : {true, false}) {
    const auto host = *StartHost(ToyBundle(MakeToyWhisper(HelloChain()), with_past));
    WhisperRules rules = Rules();
    for (const std::int32_t beams : {2, 5, 1}) {
      rules.beams = beams;
      const auto text = Ask(*host, rules);
      ASSERT_TRUE(text.ok());
      EXPECT_THAT(text->tokens, ElementsAre(268, 259, 'o', 268 + 75)) << beams;
    }
  }
}

TEST(OpenVinoWhisper, SaysWhenItsTokensWereSaidWithAndWithoutACacheAndByBeam) {
  for (const bool with_past : {true, false}) {
    const auto host = *StartHost(ToyBundle(MakeToyWhisper(HelloChain()), with_past));
    WhisperRules rules = Rules();
    for (const std::int32_t beams : {1, 3, 1}) {
      rules.beams = beams;
      rules.aligned_positions = 80;
      rules.alignment_heads = {};
      EXPECT_THAT(Ask(*host, rules)->token_starts, ElementsAre(0, 25, 50));
      rules.alignment_heads = {{0, 0}};
      EXPECT_THAT(Ask(*host, rules)->token_starts, ElementsAre(0, 25, 50));
      rules.aligned_positions = 40;
      EXPECT_THAT(Ask(*host, rules)->token_starts, ElementsAre(0, 25, testing::Ge(25)));
      rules.aligned_positions = 0;
      EXPECT_THAT(Ask(*host, rules)->token_starts, IsEmpty());
    }
  }
}

TEST(OpenVinoWhisper, ALongerPromptAndNoTokensAreRuns) {
  const auto host = *StartHost(ToyBundle(MakeToyWhisper(HelloChain())));
  WhisperRules rules = Rules();
  rules.prompt = {265, 'a', 'b', 'c', 261};
  rules.start_position = 4;
  EXPECT_THAT(Ask(*host, rules)->tokens, ElementsAre(268, 259, 'o', 268 + 75));
  rules.most_tokens = 0;
  EXPECT_THAT(Ask(*host, rules)->tokens, IsEmpty());
}

TEST(OpenVinoWhisper, SilenceIsSaid) {
  const auto host = *StartHost(ToyBundle(MakeToyWhisper(HelloChain())));
  EXPECT_GT(Ask(*host, Rules(), kSilence)->start_probabilities[266], 0.9F);
}

TEST(OpenVinoWhisper, RulesThatCannotBeMeantAreRefusedAndTheModelGoesOn) {
  const auto host = *StartHost(ToyBundle(MakeToyWhisper(HelloChain())));
  WhisperRules rules = Rules();
  rules.prompt = {1'769};
  EXPECT_EQ(CodeOf(Ask(*host, rules)), "run-failed");
  EXPECT_TRUE(Ask(*host, Rules()).ok());
}

TEST(OpenVinoWhisper, ABundleOfOtherNetworksIsRefused) {
  tests::ToyWhisper toy = MakeToyWhisper(HelloChain());
  toy.decoder = tests::IdentityModel();
  EXPECT_EQ(CodeOf(StartHost(ToyBundle(toy))), "model-unsupported");
  toy = MakeToyWhisper(HelloChain());
  toy.encoder = tests::IdentityModel();
  EXPECT_EQ(CodeOf(StartHost(ToyBundle(toy))), "model-unsupported");
  toy = MakeToyWhisper(HelloChain());
  toy.decoder_with_past = toy.encoder;
  EXPECT_EQ(CodeOf(StartHost(ToyBundle(toy))), "model-unsupported");
}

TEST(OpenVinoWhisper, ABrokenBundleIsRefused) {
  base::Bytes file = ToyBundle(MakeToyWhisper(HelloChain()));
  file.resize(file.size() - 1);
  EXPECT_EQ(CodeOf(StartHost(file)), "model-unsupported");
  EXPECT_EQ(CodeOf(StartHost(BundleLayout::Begin())), "model-unsupported");
}

}  // namespace
}  // namespace blindai::model
