// What is computed in 64 bits, seen through a host and its worker. tests/python/test_exact.py compares each operator
// with NumPy.

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "support/onnx_builder.h"
#include "support/worker_fixture.h"

namespace blindai::model {
namespace {

using tests::OnnxGraph;
using tests::OnnxModel;
using tests::OnnxNode;
using tests::RunOn;
using tests::StartHost;
using tests::TensorOf;
using tests::ValuesOf;
using vocabulary::Datatype;

TEST(ExactModel, AConstantThatItWouldCutIsRefusedAtLoad) {
  // Of more elements than the gate looks into.
  OnnxGraph graph;
  graph.Input("x", tests::kOnnxInt64, {1}).Output("y", tests::kOnnxInt64, {100});
  graph.Initializer(tests::Int64Tensor("c", {100}, std::vector<std::int64_t>(100, std::int64_t{1} << 40)));
  graph.Initializer(tests::Int64Tensor("three", {1}, {3}));
  graph.Node(OnnxNode("Div", {"c", "three"}, {"d"}));
  graph.Node(OnnxNode("Add", {"d", "x"}, {"y"}));
  EXPECT_EQ(StartHost(OnnxModel(graph).Bytes()).error().code, "model-unsupported");
}

// u·u + i·2^40 moved about, and doubles that only move.
base::Bytes MixedModel() {
  OnnxGraph graph;
  graph.Input("d", tests::kOnnxDouble, {"n", 2})
      .Input("u", tests::kOnnxUint64, {"n"})
      .Input("i", tests::kOnnxInt64, {"n"});
  graph.Initializer(tests::Int64Tensor("huge", {1}, {std::int64_t{1} << 40}));
  graph.Node(OnnxNode("Transpose", {"d"}, {"turned"}));
  graph.Node(OnnxNode("Mul", {"u", "u"}, {"square"}));
  graph.Node(OnnxNode("Mul", {"i", "huge"}, {"product"}));
  graph.Node(OnnxNode("ReduceSum", {"product"}, {"sum"}).Int("keepdims", 0));
  graph.Output("turned", tests::kOnnxDouble, {2, "n"}).Output("square", tests::kOnnxUint64, {"n"});
  return OnnxModel(graph.Output("sum", tests::kOnnxInt64, {})).Bytes();
}

TEST(ExactModel, ComputesIn64BitsWhereAllOperatorsMoveElementsOrComputeWithIntegers) {
  auto host = *StartHost(MixedModel());
  EXPECT_TRUE(host->signature().exact);
  for (const std::int64_t n : {1, 5, 0, 2}) {
    const auto size = static_cast<std::size_t>(n);
    std::vector<double> doubles(2 * size, 1 + 1e-15);
    if (n > 1) doubles[1] = -1e300;
    const std::vector<std::uint64_t> unsigneds(size, (std::uint64_t{1} << 33) + 1);
    const std::vector<std::int64_t> integers(size, -(std::int64_t{1} << 20));
    const auto answer = RunOn(*host, {TensorOf<double>("d", Datatype::kFp64, {n, 2}, doubles),
                                      TensorOf<std::uint64_t>("u", Datatype::kUint64, {n}, unsigneds),
                                      TensorOf<std::int64_t>("i", Datatype::kInt64, {n}, integers)});
    ASSERT_TRUE(answer.ok()) << n << " " << answer.error().code;
    std::vector<double> turned(2 * size, 1 + 1e-15);
    if (n > 1) turned[size] = -1e300;
    EXPECT_EQ(answer->outputs[0].shape, (vocabulary::Shape{2, n}));
    EXPECT_EQ(ValuesOf<double>(answer->outputs[0]), turned);
    // 2^66 does not fit and is dropped, as everywhere in 64 bits.
    EXPECT_EQ(ValuesOf<std::uint64_t>(answer->outputs[1]),
              std::vector<std::uint64_t>(size, (std::uint64_t{1} << 34) + 1));
    EXPECT_EQ(ValuesOf<std::int64_t>(answer->outputs[2]),
              (std::vector<std::int64_t>{-n * (std::int64_t{1} << 60)}));
  }
}

TEST(ExactModel, ShapesThatDoNotGoTogetherFailIn64BitsToo) {
  OnnxGraph graph;
  graph.Input("a", tests::kOnnxUint64, {"n"})
      .Input("b", tests::kOnnxUint64, {"m"})
      .Output("y", tests::kOnnxUint64, {"k"});
  graph.Node(OnnxNode("Add", {"a", "b"}, {"y"}));
  auto host = *StartHost(OnnxModel(graph).Bytes());
  const auto tensor = [](std::string name, const std::vector<std::uint64_t>& values) {
    return TensorOf<std::uint64_t>(std::move(name), Datatype::kUint64,
                                   {static_cast<std::int64_t>(values.size())}, values);
  };
  EXPECT_FALSE(RunOn(*host, {tensor("a", {1, 2}), tensor("b", {1, 2, 3})}).ok());
  const auto answer = RunOn(*host, {tensor("a", {1, 2}), tensor("b", {UINT64_MAX})});
  ASSERT_TRUE(answer.ok()) << answer.error().code;
  EXPECT_EQ(ValuesOf<std::uint64_t>(answer->outputs[0]), (std::vector<std::uint64_t>{0, 1}));
}

TEST(ExactModel, AModelThatNeedsNo64BitsIsComputedByTheKernels) {
  EXPECT_FALSE((*StartHost(tests::AddModel()))->signature().exact);
  EXPECT_FALSE((*StartHost(tests::ArgMaxModel()))->signature().exact);
}

TEST(ExactModel, WhereTheContentDecidesAShapeTheKernelsCompute) {
  OnnxGraph graph;
  graph.Input("x", tests::kOnnxInt64, {"n"})
      .Input("end", tests::kOnnxInt64, {1})
      .Output("y", tests::kOnnxInt64, {"m"});
  graph.Initializer(tests::Int64Tensor("zero", {1}, {0}));
  graph.Node(OnnxNode("Slice", {"x", "zero", "end"}, {"y"}));
  auto host = *StartHost(OnnxModel(graph).Bytes());
  EXPECT_FALSE(host->signature().exact);
  const auto integers = [](std::string name, const std::vector<std::int64_t>& values) {
    return TensorOf<std::int64_t>(std::move(name), Datatype::kInt64,
                                  {static_cast<std::int64_t>(values.size())}, values);
  };
  const auto answer = RunOn(*host, {integers("x", {5, 6, 7}), integers("end", {2})});
  ASSERT_TRUE(answer.ok()) << answer.error().code;
  EXPECT_EQ(ValuesOf<std::int64_t>(answer->outputs[0]), (std::vector<std::int64_t>{5, 6}));
  EXPECT_EQ(RunOn(*host, {integers("x", {5, INT64_MAX}), integers("end", {2})}).error().code, "int64-range");
}

#ifndef BLINDAI_SANITIZED  // no limit of address space there
TEST(ExactModel, MemoryThatIsNotThereIsAnError) {
  OnnxGraph graph;
  graph.Input("x", tests::kOnnxUint64, {"n"}).Output("y", tests::kOnnxUint64, {"m"});
  graph.Initializer(tests::Int64Tensor("times", {1}, {1 << 20}));
  graph.Node(OnnxNode("Tile", {"x", "times"}, {"y"}));
  auto host = *StartHost(OnnxModel(graph).Bytes());
  const std::vector<std::uint64_t> x(100'000, 1);
  const auto answer = RunOn(*host, {TensorOf<std::uint64_t>("x", Datatype::kUint64, {100'000}, x)});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, base::ErrorKind::kTooLarge) << answer.error().code;
}
#endif

}  // namespace
}  // namespace blindai::model
