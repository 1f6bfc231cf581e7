#include "model/check_run.h"

#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace blindai::model {
namespace {

using tests::Floats;
using tests::TensorOf;
using vocabulary::Datatype;
using vocabulary::Tensor;
using vocabulary::TensorView;

constexpr std::uint64_t kLimit = 1 << 20;

ModelSignature TwoInputs() {
  return {{{"x", Datatype::kFp32, {-1, 2}}, {"n", Datatype::kInt64, {2}}},
          {{"y", Datatype::kFp32, {-1, 2}}, {"z", Datatype::kInt64, {2}}}};
}

Tensor GoodX() { return Floats("x", {1, 2}, {1, 2}); }
Tensor GoodN() { return TensorOf<std::int64_t>("n", Datatype::kInt64, {2}, {3, -4}); }

base::Result<RunPlan> Plan(const std::vector<Tensor>& inputs, const std::vector<std::string>& outputs = {},
                           std::uint64_t limit = kLimit) {
  return PlanRun(TwoInputs(), {inputs.begin(), inputs.end()}, outputs, limit);
}

std::string CodeOf(const std::vector<Tensor>& inputs, const std::vector<std::string>& outputs = {},
                   std::uint64_t limit = kLimit) {
  const auto plan = Plan(inputs, outputs, limit);
  return plan.ok() ? "" : plan.error().code;
}

TEST(PlanRun, PlacesInputsInAnyOrderOneAfterTheOther) {
  const auto plan = Plan({GoodN(), GoodX()});
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->inputs.size(), 2u);
  EXPECT_EQ(plan->inputs[0].port, 1);
  EXPECT_EQ(plan->inputs[0].offset, 0u);
  EXPECT_EQ(plan->inputs[1].port, 0);
  EXPECT_EQ(plan->inputs[1].offset, kPlacement);
  EXPECT_EQ(plan->inputs[1].bytes, 8u);
  EXPECT_EQ(plan->region_bytes, 2 * kPlacement);
  EXPECT_EQ(plan->outputs, (std::vector<std::uint16_t>{0, 1}));
}

TEST(PlanRun, GivesTheWantedOutputsInTheWantedOrder) {
  EXPECT_EQ(Plan({GoodX(), GoodN()}, {"z"})->outputs, (std::vector<std::uint16_t>{1}));
  EXPECT_EQ(Plan({GoodX(), GoodN()}, {"z", "y"})->outputs, (std::vector<std::uint16_t>{1, 0}));
}

TEST(PlanRun, WrongNamesListTheWantedOnes) {
  Tensor wrong = GoodX();
  wrong.name = "q";
  const auto plan = Plan({wrong, GoodN()});
  EXPECT_EQ(plan.error().code, "tensor-name");
  EXPECT_EQ(plan.error().message,
            "an input has a name that the model does not know; the model's inputs are 'x', 'n'");
}

TEST(PlanRun, MissingAndRepeatedInputsAreNamed) {
  EXPECT_EQ(Plan({GoodX()}).error().message, "input 'n' is missing; the model's inputs are 'x', 'n'");
  EXPECT_EQ(Plan({GoodX(), GoodX(), GoodN()}).error().message,
            "input 'x' is given twice; the model's inputs are 'x', 'n'");
  EXPECT_EQ(CodeOf({}), "tensor-name");
}

TEST(PlanRun, DatatypeShapeAndSizeMustFit) {
  EXPECT_EQ(CodeOf({TensorOf<std::int32_t>("x", Datatype::kInt32, {1, 2}, {1, 2}), GoodN()}), "tensor-dtype");
  EXPECT_EQ(CodeOf({Floats("x", {1, 3}, {1, 2, 3}), GoodN()}), "tensor-shape");
  EXPECT_EQ(CodeOf({Floats("x", {2}, {1, 2}), GoodN()}), "tensor-shape");
  EXPECT_EQ(CodeOf({Floats("x", {1, 2}, {1}), GoodN()}), "tensor-size");
  EXPECT_EQ(CodeOf({Floats("x", {-1, 2}, {1, 2}), GoodN()}), "tensor-shape");
}

TEST(PlanRun, IntegersThatTheEngineWouldCutAreRefused) {
  const auto with = [](std::int64_t value) {
    return CodeOf({GoodX(), TensorOf<std::int64_t>("n", Datatype::kInt64, {2}, {0, value})});
  };
  EXPECT_EQ(with(2147483647), "");
  EXPECT_EQ(with(-2147483648LL), "");
  EXPECT_EQ(with(2147483648LL), "int64-range");
  EXPECT_EQ(with(-2147483649LL), "int64-range");
  EXPECT_EQ(with(std::int64_t{1} << 40), "int64-range");
}

TEST(PlanRun, AModelThatIsComputedExactlyTakesEveryInteger) {
  const ModelSignature exact{
      {{"n", Datatype::kInt64, {2}}, {"u", Datatype::kUint64, {1}}}, {{"y", Datatype::kUint64, {1}}}, true};
  const Tensor n = TensorOf<std::int64_t>("n", Datatype::kInt64, {2}, {INT64_MIN, INT64_MAX});
  const Tensor u = TensorOf<std::uint64_t>("u", Datatype::kUint64, {1}, {UINT64_MAX});
  EXPECT_TRUE(PlanRun(exact, {n, u}, {}, kLimit).ok());
}

TEST(PlanRun, TheMessageAboutAnIntegerDoesNotRepeatIt) {
  const auto plan = Plan({GoodX(), TensorOf<std::int64_t>("n", Datatype::kInt64, {2}, {0, 987654321012})});
  EXPECT_EQ(plan.error().message.find("987654321012"), std::string::npos);
}

TEST(PlanRun, BooleansAreZeroOrOne) {
  const ModelSignature model{{{"b", Datatype::kBool, {2}}}, {{"y", Datatype::kBool, {2}}}};
  const Tensor good = TensorOf<std::uint8_t>("b", Datatype::kBool, {2}, {0, 1});
  const Tensor bad = TensorOf<std::uint8_t>("b", Datatype::kBool, {2}, {0, 2});
  EXPECT_TRUE(PlanRun(model, {good}, {}, kLimit).ok());
  EXPECT_EQ(PlanRun(model, {bad}, {}, kLimit).error().code, "tensor-value");
}

TEST(PlanRun, InputsOverTheLimitTogetherAreRefused) {
  EXPECT_EQ(CodeOf({GoodX(), GoodN()}, {}, 24 + kPlacement), "");
  EXPECT_EQ(CodeOf({GoodX(), GoodN()}, {}, 23), "tensors-too-large");
}

TEST(PlanRun, UnknownAndRepeatedOutputsAreRefused) {
  EXPECT_EQ(CodeOf({GoodX(), GoodN()}, {"w"}), "output-name");
  EXPECT_EQ(CodeOf({GoodX(), GoodN()}, {"y", "y"}), "output-name");
}

// A worker's answer that fits, and one thing bent in it.
class CheckAnswerTest : public testing::Test {
 protected:
  CheckAnswerTest() { answer_.outputs = {{0, {3, 2}, 0, 24}, {1, {2}, 64, 16}}; }
  bool Accepted() const { return CheckAnswer(signature_, {0, 1}, answer_, kLimit, kLimit).ok(); }

  const ModelSignature signature_ = TwoInputs();
  RanMessage answer_;
};

TEST_F(CheckAnswerTest, AnAnswerThatFitsIsAccepted) { EXPECT_TRUE(Accepted()); }

TEST_F(CheckAnswerTest, MissingSurplusAndSwappedOutputsAreRefused) {
  answer_.outputs.pop_back();
  EXPECT_FALSE(Accepted());
  answer_.outputs = {{0, {3, 2}, 0, 24}, {1, {2}, 64, 16}, {1, {2}, 64, 16}};
  EXPECT_FALSE(Accepted());
  answer_.outputs = {{1, {2}, 64, 16}, {0, {3, 2}, 0, 24}};
  EXPECT_FALSE(Accepted());
  answer_.outputs = {{0, {3, 2}, 0, 24}, {9, {2}, 64, 16}};
  EXPECT_FALSE(Accepted());
}

TEST_F(CheckAnswerTest, ShapesOutsideTheSignatureAreRefused) {
  answer_.outputs[0].shape = {3, 3};
  answer_.outputs[0].bytes = 36;
  EXPECT_FALSE(Accepted());
  answer_.outputs[0].shape = {6};
  answer_.outputs[0].bytes = 24;
  EXPECT_FALSE(Accepted());
  answer_.outputs[0].shape = {std::int64_t{1} << 61, 2};
  answer_.outputs[0].bytes = 0;
  EXPECT_FALSE(Accepted());
}

TEST_F(CheckAnswerTest, LengthsThatDoNotFollowFromTheShapeAreRefused) {
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{23}, std::uint64_t{25}, ~std::uint64_t{0}}) {
    answer_.outputs[0].bytes = bytes;
    EXPECT_FALSE(Accepted()) << bytes;
  }
}

TEST_F(CheckAnswerTest, PlacesOutsideTheRegionAreRefused) {
  for (const std::uint64_t offset : {kLimit - 23, kLimit, ~std::uint64_t{0}, ~std::uint64_t{0} - 8}) {
    answer_.outputs[0].offset = offset;
    EXPECT_FALSE(Accepted()) << offset;
  }
  answer_.outputs[0].offset = kLimit - 24;
  EXPECT_TRUE(Accepted());
}

TEST_F(CheckAnswerTest, OverlappingOutputsCountTowardsTheLimit) {
  EXPECT_FALSE(CheckAnswer(signature_, {0, 1}, answer_, kLimit, 39).ok());
  EXPECT_TRUE(CheckAnswer(signature_, {0, 1}, answer_, kLimit, 40).ok());
}

TEST(CheckSignature, RepeatedNamesAndUnservedTypesAreRefused) {
  ModelSignature signature = TwoInputs();
  EXPECT_TRUE(CheckSignature(signature).ok());
  signature.inputs[1].name = "x";
  EXPECT_FALSE(CheckSignature(signature).ok());
  signature = TwoInputs();
  signature.outputs[0].datatype = Datatype::kBytes;
  EXPECT_FALSE(CheckSignature(signature).ok());
  signature = TwoInputs();
  signature.inputs[0].datatype = Datatype::kFp64;
  EXPECT_FALSE(CheckSignature(signature).ok());
  signature.outputs.clear();
  EXPECT_FALSE(CheckSignature(signature).ok());
}

TEST(OutputRegionBytes, IsExactForFixedShapesAndTheLimitOtherwise) {
  ModelSignature signature;
  signature.outputs = {{"a", Datatype::kFp32, {3}}, {"b", Datatype::kInt64, {2, 2}}};
  EXPECT_EQ(OutputRegionBytes(signature, kLimit), 2 * kPlacement);
  signature.outputs[0].shape = {-1};
  EXPECT_EQ(OutputRegionBytes(signature, kLimit), kLimit);
  signature.outputs[0].shape = {std::int64_t{1} << 40};
  EXPECT_EQ(OutputRegionBytes(signature, kLimit), kLimit);
  signature.outputs = {{"a", Datatype::kFp32, {0}}};
  EXPECT_EQ(OutputRegionBytes(signature, kLimit), kPlacement);
}

}  // namespace
}  // namespace blindai::model
