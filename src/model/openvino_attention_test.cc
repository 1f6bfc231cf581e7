// Which decoders' attention is seen, in the real worker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/inspect_onnx.h"
#include "model/whisper_run.h"
#include "support/toy_whisper.h"
#include "support/worker_fixture.h"

namespace blindai::model {
namespace {

using testing::ElementsAre;
using tests::HelloChain;
using tests::MakeToyWhisper;
using tests::RunOn;
using tests::StartHost;
using tests::ToyAttention;
using tests::ToyBundle;

WhisperRules Rules(std::vector<AttentionHead> heads = {}) {
  WhisperRules rules;
  rules.prompt = {261};
  rules.end_of_text = 260;
  rules.first_timestamp = 268;
  rules.last_initial_timestamp = 50;
  rules.most_tokens = 20;
  rules.aligned_positions = 80;
  rules.alignment_heads = std::move(heads);
  return rules;
}

class OpenVinoAttention : public testing::Test {
 protected:
  explicit OpenVinoAttention(ToyAttention attention = ToyAttention::kByHead)
      : toy_(MakeToyWhisper(HelloChain(), 1'769, 266, attention)), host_(*StartHost(ToyBundle(toy_))) {}

  WhisperDimensions Dimensions() const { return WhisperDimensionsOf(host_->signature()).value(); }
  WhisperText Ask(const WhisperRules& rules) {
    const std::vector<float> sound(80 * 3'000, 0.5F);
    const auto answer = RunOn(*host_, WhisperInputs(Dimensions(), sound, rules));
    return WhisperTextOf(answer.value().outputs, Dimensions()).value();
  }

  const tests::ToyWhisper toy_;
  const std::shared_ptr<ModelHost> host_;
};

class Written : public OpenVinoAttention, public testing::WithParamInterface<ToyAttention> {
 protected:
  Written() : OpenVinoAttention(GetParam()) {}
};

TEST_P(Written, CrossAttentionIsFoundHoweverItIsWritten) {
  const auto passed = InspectOnnx(toy_.decoder);
  EXPECT_TRUE(passed.ok()) << passed.error().message;
  EXPECT_TRUE(Dimensions().aligns);
  EXPECT_THAT(Ask(Rules()).token_starts, ElementsAre(0, 25, 50));
  EXPECT_THAT(Ask(Rules({{0, 0}})).token_starts, ElementsAre(0, 25, 50));
}

INSTANTIATE_TEST_SUITE_P(OpenVinoAttention, Written,
                         testing::Values(ToyAttention::kByHead, ToyAttention::kFlat, ToyAttention::kGuarded));

TEST_F(OpenVinoAttention, HeadsThatDoNotExistAreOutlived) {
  EXPECT_THAT(Ask(Rules({{0, 1'000'000}, {3, 0}})).token_starts, ElementsAre(0, 25, 50));
  // None of them does: then it is as without a list.
  EXPECT_THAT(Ask(Rules({{3, 0}})).token_starts, ElementsAre(0, 25, 50));
}

class WithoutAttention : public OpenVinoAttention {
 protected:
  WithoutAttention() : OpenVinoAttention(ToyAttention::kNone) {}
};

TEST_F(WithoutAttention, ADecoderSaysItsTextAndNoTimes) {
  EXPECT_FALSE(Dimensions().aligns);
  EXPECT_THAT(Ask(Rules()).tokens, ElementsAre(268, 259, 'o', 268 + 75));
}

}  // namespace
}  // namespace blindai::model
