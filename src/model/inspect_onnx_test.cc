#include "model/inspect_onnx.h"

#include <gtest/gtest.h>

#include "support/onnx_builder.h"
#include "support/paths.h"

namespace blindai::model {
namespace {

using namespace tests;

TEST(InspectOnnx, ReadsTheSignatureOfASmallModel) {
  const auto summary = InspectOnnx(MatMulModel(4, 2));
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  ASSERT_EQ(summary->inputs.size(), 1u);
  EXPECT_EQ(summary->inputs[0].name, "x");
  EXPECT_EQ(summary->inputs[0].datatype, vocabulary::Datatype::kFp32);
  EXPECT_EQ(summary->inputs[0].shape, (vocabulary::Shape{vocabulary::kAnyDimension, 4}));
  ASSERT_EQ(summary->outputs.size(), 1u);
  EXPECT_EQ(summary->outputs[0].name, "y");
  EXPECT_EQ(summary->outputs[0].shape, (vocabulary::Shape{vocabulary::kAnyDimension, 2}));
  EXPECT_EQ(summary->opset, 17);
  EXPECT_EQ(summary->nodes, 1u);
  EXPECT_EQ(summary->parameters, 8u);
}

}  // namespace
}  // namespace blindai::model
