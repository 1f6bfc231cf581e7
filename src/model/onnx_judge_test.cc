// The rules of a whole model that need more than one node; inspect_onnx_hostile_test.cc has one story for
// each code.
#include "model/onnx_judge.h"

#include <gtest/gtest.h>

#include "model/onnx_reader.h"
#include "support/onnx_builder.h"

namespace blindai::model::onnx {
namespace {

using namespace tests;

base::Result<OnnxSummary> Judged(const OnnxGraph& graph, const InspectLimits& limits = {}) {
  Reader reader(limits);
  BLINDAI_RETURN_IF_ERROR(reader.Feed(OnnxModel(graph).Bytes()));
  BLINDAI_RETURN_IF_ERROR(reader.End());
  return JudgeModel(reader.facts(), limits);
}

OnnxGraph TwoValues() {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {4}).Output("y", kOnnxFloat, {4});
  return graph;
}

TEST(OnnxJudge, TellsACycleFromAWrongOrder) {
  OnnxGraph unsorted = TwoValues(), cycle = TwoValues();
  unsorted.Node(OnnxNode("Relu", {"a"}, {"y"})).Node(OnnxNode("Relu", {"x"}, {"a"}));
  cycle.Node(OnnxNode("Add", {"x", "b"}, {"a"})).Node(OnnxNode("Relu", {"a"}, {"b"}));
  cycle.Node(OnnxNode("Relu", {"b"}, {"y"}));
  EXPECT_EQ(Judged(unsorted).error().code, "node-order");
  EXPECT_EQ(Judged(cycle).error().code, "graph-cycle");
}

TEST(OnnxJudge, CountsNodesOfTheLimitItself) {
  OnnxGraph graph = TwoValues();
  graph.Node(OnnxNode("Relu", {"x"}, {"a"})).Node(OnnxNode("Relu", {"a"}, {"y"}));
  EXPECT_TRUE(Judged(graph, {.max_nodes = 2}).ok());
  EXPECT_EQ(Judged(graph, {.max_nodes = 1}).error().code, "model-too-complex");
}

TEST(OnnxJudge, LetsSiblingBranchesUseTheSameNames) {
  OnnxGraph yes, no, graph = TwoValues();
  yes.Output("b", kOnnxFloat, {4}).Node(OnnxNode("Relu", {"x"}, {"b"}));
  no.Output("b", kOnnxFloat, {4}).Node(OnnxNode("Neg", {"x"}, {"b"}));
  graph.Input("c", kOnnxBool, {});
  graph.Node(OnnxNode("If", {"c"}, {"y"}).Graph("then_branch", yes).Graph("else_branch", no));
  const auto summary = Judged(graph, {.allow_control_flow = true});
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_EQ(summary->nodes, 3u);
}

TEST(OnnxJudge, LetsNoNameOfABranchOut) {
  OnnxGraph yes, no, graph = TwoValues();
  yes.Output("b", kOnnxFloat, {4}).Node(OnnxNode("Relu", {"x"}, {"b"}));
  no.Output("d", kOnnxFloat, {4}).Node(OnnxNode("Neg", {"x"}, {"d"}));
  graph.Input("c", kOnnxBool, {});
  graph.Node(OnnxNode("If", {"c"}, {"z"}).Graph("then_branch", yes).Graph("else_branch", no));
  graph.Node(OnnxNode("Relu", {"b"}, {"y"}));
  EXPECT_EQ(Judged(graph, {.allow_control_flow = true}).error().code, "name-undefined");
}

TEST(OnnxJudge, AddsUpWhatFollowsFromWeightsAlone) {
  OnnxGraph graph = TwoValues();
  graph.Initializer(FloatTensor("w", {4}, {1, 2, 3, 4}));
  graph.Node(OnnxNode("Relu", {"w"}, {"a"})).Node(OnnxNode("Relu", {"a"}, {"b"}));
  graph.Node(OnnxNode("Add", {"x", "b"}, {"y"}));
  EXPECT_TRUE(Judged(graph, {.max_constant_bytes = 48}).ok());
  EXPECT_EQ(Judged(graph, {.max_constant_bytes = 47}).error().code, "constants-too-large");
}

TEST(OnnxJudge, BoundsEachTensorOfKnownSize) {
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {8, 1}).Output("y", kOnnxFloat, {8, 8});
  graph.Node(OnnxNode("Transpose", {"x"}, {"t"}).Ints("perm", {1, 0}))
      .Node(OnnxNode("MatMul", {"x", "t"}, {"y"}));
  EXPECT_TRUE(Judged(graph, {.max_tensor_bytes = 256}).ok());
  EXPECT_EQ(Judged(graph, {.max_tensor_bytes = 255}).error().code, "tensor-too-large");
}

}  // namespace
}  // namespace blindai::model::onnx
