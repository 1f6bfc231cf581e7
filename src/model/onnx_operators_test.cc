#include "model/onnx_operators.h"

#include <gtest/gtest.h>

namespace blindai::model::onnx {
namespace {

TEST(OnnxOperators, HaveTheVersionThatAnOpsetUses) {
  EXPECT_EQ(FindOperator("Clip", 10)->since, 6);
  EXPECT_EQ(FindOperator("Clip", 11)->since, 11);
  EXPECT_EQ(FindOperator("Clip", 12)->since, 12);
  EXPECT_EQ(FindOperator("Clip", 17)->since, 13);
  EXPECT_EQ(FindOperator("Relu", kMinOpset)->name, "Relu");
  EXPECT_EQ(FindOperator("Relu", kMaxOpset)->name, "Relu");
}

TEST(OnnxOperators, DoNotExistBeforeTheyWereIntroducedOrAfterTheyAreGone) {
  EXPECT_EQ(FindOperator("Gelu", 19), nullptr);
  EXPECT_NE(FindOperator("Gelu", 20), nullptr);
  EXPECT_NE(FindOperator("Upsample", 9), nullptr);
  EXPECT_EQ(FindOperator("Upsample", 10), nullptr);
  EXPECT_TRUE(IsKnownOperator("Upsample"));
  EXPECT_FALSE(IsKnownOperator("FusedMatMul"));
  EXPECT_FALSE(IsKnownOperator(""));
  EXPECT_FALSE(IsKnownOperator("relu"));
}

TEST(OnnxOperators, KnowWhichInputsAreRequired) {
  const Operator& resize = *FindOperator("Resize", 17);
  EXPECT_EQ(resize.required, 0b1u);
  EXPECT_EQ(resize.max_inputs, 4u);
  const Operator& lstm = *FindOperator("LSTM", 17);
  EXPECT_EQ(lstm.required, 0b111u);
  EXPECT_EQ(lstm.max_inputs, 8u);
  EXPECT_EQ(FindOperator("Concat", 17)->max_inputs, kAnyNumber);
}

TEST(OnnxOperators, KnowTheirAttributes) {
  const Operator& conv = *FindOperator("Conv", 17);
  EXPECT_EQ(conv.AttributeType("group"), 'i');
  EXPECT_EQ(conv.AttributeType("strides"), 'I');
  EXPECT_EQ(conv.AttributeType("auto_pad"), 's');
  EXPECT_EQ(conv.AttributeType("auto"), std::nullopt);
  EXPECT_EQ(conv.AttributeType(""), std::nullopt);
  const Operator& cast = *FindOperator("Cast", 17);
  EXPECT_EQ(cast.MissingAttribute([](std::string_view) { return false; }), "to");
  EXPECT_EQ(cast.MissingAttribute([](std::string_view name) { return name == "to"; }), "");
}

TEST(OnnxOperators, ThatAreNeverAllowedAreNotInTheTable) {
  for (const char* name :
       {"ScatterElements", "GatherND", "RandomNormal", "StringConcat", "SequenceAt", "STFT", "Adam"}) {
    EXPECT_FALSE(WhyNever(name).empty()) << name;
    EXPECT_FALSE(IsKnownOperator(name)) << name;
  }
  for (const char* name : {"Conv", "MatMul", "ScatterND", "If"}) {
    EXPECT_TRUE(WhyNever(name).empty()) << name;
    EXPECT_TRUE(IsKnownOperator(name)) << name;
  }
}

}  // namespace
}  // namespace blindai::model::onnx
