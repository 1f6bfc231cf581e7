#include "model/onnx_exact.h"

#include <gtest/gtest.h>

#include "model/inspect_onnx.h"
#include "support/onnx_builder.h"

namespace blindai::model {
namespace {

using base::Bytes;
using tests::AddModel;
using tests::Int64Tensor;
using tests::kOnnxBool;
using tests::kOnnxDouble;
using tests::kOnnxFloat;
using tests::kOnnxFloat16;
using tests::kOnnxInt64;
using tests::kOnnxUint64;
using tests::kOnnxUint8;
using tests::OnnxGraph;
using tests::OnnxModel;
using tests::OnnxNode;
using tests::RawTensor;

TEST(OnnxExact, Accepts64BitsWhereAllOperatorsMoveElementsOrComputeWithIntegers) {
  OnnxGraph graph;
  graph.Input("d", kOnnxDouble, {"n", 4}).Input("u", kOnnxUint64, {"n"}).Input("i", kOnnxInt64, {"n"});
  graph.Initializer(Int64Tensor("huge", {1}, {std::int64_t{1} << 40}));
  graph.Initializer(RawTensor("half", kOnnxDouble, {1, 4}, Bytes(32)));
  graph.Node(OnnxNode("Concat", {"d", "half"}, {"longer"}).Int("axis", 0));
  graph.Node(OnnxNode("Mul", {"u", "u"}, {"square"}));
  graph.Node(OnnxNode("Add", {"i", "huge"}, {"sum"}));
  graph.Output("longer", kOnnxDouble, {"m", 4})
      .Output("square", kOnnxUint64, {"n"})
      .Output("sum", kOnnxInt64, {"n"});
  const auto summary = InspectOnnx(OnnxModel(graph).Bytes());
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_EQ(summary->inputs[0].datatype, vocabulary::Datatype::kFp64);
  EXPECT_EQ(summary->outputs[1].datatype, vocabulary::Datatype::kUint64);
}

TEST(OnnxExact, Says64BitsNeedWhichOperatorDoesNotGiveThem) {
  const auto refused = InspectOnnx(AddModel(kOnnxDouble));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message.substr(0, 32), "value 'a' has elements of FP64; ");
  EXPECT_NE(refused.error().message.find("operator 'Add' does more"), std::string::npos);
}

// What the gate says of y = node(x), with y of another type.
std::string CodeOf(const OnnxNode& node, int from, int to) {
  OnnxGraph graph;
  graph.Input("x", from, {"n"}).Output("y", to, {"n"});
  const auto summary = InspectOnnx(OnnxModel(graph.Node(node)).Bytes());
  return summary.ok() ? "" : summary.error().code;
}

TEST(OnnxExact, AConversionIsExactUnlessItRoundsTo16Bits) {
  const auto cast = [](int from, int to) {
    return CodeOf(OnnxNode("Cast", {"x"}, {"y"}).Int("to", to), from, to);
  };
  EXPECT_EQ(cast(kOnnxDouble, kOnnxFloat), "");
  EXPECT_EQ(cast(kOnnxUint64, kOnnxDouble), "");
  EXPECT_EQ(cast(kOnnxBool, kOnnxDouble), "");
  EXPECT_EQ(cast(kOnnxFloat16, kOnnxDouble), "");
  EXPECT_EQ(cast(kOnnxDouble, kOnnxFloat16), "element-type");
}

TEST(OnnxExact, ArithmeticIsExactWithIntegersOf32And64BitsOnly) {
  const auto twice = [](int type) { return CodeOf(OnnxNode("Add", {"x", "x"}, {"y"}), type, type); };
  EXPECT_EQ(twice(kOnnxUint64), "");
  EXPECT_EQ(twice(kOnnxDouble), "element-type");
  OnnxGraph graph;
  graph.Input("x", kOnnxUint8, {"n"}).Input("u", kOnnxUint64, {"n"});
  graph.Output("y", kOnnxUint8, {"n"}).Output("v", kOnnxUint64, {"n"});
  graph.Node(OnnxNode("Add", {"x", "x"}, {"y"})).Node(OnnxNode("Identity", {"u"}, {"v"}));
  EXPECT_FALSE(InspectOnnx(OnnxModel(graph).Bytes()).ok());
}

TEST(OnnxExact, AWideConstantIsTakenWhereTheModelIsExact) {
  const auto model = [](const char* op) {
    OnnxGraph graph;
    graph.Input("x", kOnnxInt64, {"n"}).Output("y", kOnnxInt64, {"n"});
    graph.Initializer(Int64Tensor("w", {1}, {std::int64_t{1} << 40}));
    return OnnxModel(graph.Node(OnnxNode(op, {"x", "w"}, {"y"}))).Bytes();
  };
  EXPECT_TRUE(InspectOnnx(model("Mul")).ok());
  const auto refused = InspectOnnx(model("Div"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code,
            "integer-division");  // a constant that is not kept is not known to be fit to divide by
  const auto power = InspectOnnx(model("Pow"));
  ASSERT_FALSE(power.ok());
  EXPECT_EQ(power.error().code, "element-range");
  EXPECT_NE(power.error().message.find("1099511627776"), std::string::npos) << power.error().message;
}

}  // namespace
}  // namespace blindai::model
