#include "model/onnx_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/onnx_builder.h"

namespace blindai::model::onnx {
namespace {

using namespace tests;
using base::Bytes;

// A reader that has read a model with one weight.
std::unique_ptr<Reader> ReadWeight(const OnnxTensor& weight) {
  static const InspectLimits limits;
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {"batch", 3}).Output("y", kOnnxFloat, {4}).Initializer(weight);
  graph.Node(OnnxNode("Softmax", {"x"}, {"y"}).Int("axis", -1));
  auto reader = std::make_unique<Reader>(limits);
  const auto fed = reader->Feed(OnnxModel(graph).Bytes());
  EXPECT_TRUE(fed.ok()) << (fed.ok() ? "" : fed.error().message);
  EXPECT_TRUE(reader->End().ok());
  return reader;
}
TensorFacts FactsOf(const OnnxTensor& weight) {
  const auto reader = ReadWeight(weight);
  return reader->facts().graphs.front().initializers.at(0);
}

TEST(OnnxReader, KeepsTheGraph) {
  const auto reader = ReadWeight(FloatTensor("w", {1}, {0.5F}));
  const ModelFacts& facts = reader->facts();
  const GraphFacts& graph = facts.graphs.front();
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].op_type, "Softmax");
  EXPECT_EQ(facts.names.Text(graph.nodes[0].inputs.at(0)), "x");
  EXPECT_EQ(facts.names.Text(graph.nodes[0].outputs.at(0)), "y");
  EXPECT_EQ(graph.nodes[0].Integer("axis", 7), -1);
  EXPECT_EQ(graph.nodes[0].Integer("other", 7), 7);
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.inputs[0].dims, (Dims{kUnknownDim, 3}));
  EXPECT_EQ(facts.ir_version, 8);
  ASSERT_EQ(facts.opsets.size(), 1u);
  EXPECT_EQ(facts.opsets[0].version, 17);
}

TEST(OnnxReader, KeepsSmallConstantsOfEveryType) {
  EXPECT_EQ(FactsOf(Int64Tensor("w", {2, 1}, {-1, 7})).integers, (std::vector<std::int64_t>{-1, 7}));
  EXPECT_EQ(FactsOf(RawTensor("w", kOnnxInt8, {2}, Bytes{0xff, 1})).integers,
            (std::vector<std::int64_t>{-1, 1}));
  EXPECT_EQ(FactsOf(RawTensor("w", kOnnxUint16, {1}, Bytes{0xff, 0xff})).integers,
            (std::vector<std::int64_t>{65535}));
  EXPECT_EQ(FactsOf(RawTensor("w", kOnnxBool, {1}, Bytes{1})).integers, (std::vector<std::int64_t>{1}));
  EXPECT_EQ(FactsOf(FloatTensor("w", {}, {-2.5F})).reals, (std::vector<double>{-2.5}));
  EXPECT_EQ(FactsOf(RawTensor("w", kOnnxFloat16, {2}, Bytes{0x00, 0x3c, 0x01, 0x80})).reals,
            (std::vector<double>{1, -std::ldexp(1, -24)}));
  EXPECT_EQ(FactsOf(RawTensor("w", kOnnxBfloat16, {1}, Bytes{0x80, 0x3f})).reals, (std::vector<double>{1}));
}

TEST(OnnxReader, KeepsSmallConstantsInEveryField) {
  OnnxTensor packed{"w", kOnnxInt64, {3}, {}};
  packed.proto.Packed(7, {1, -2, 300});
  EXPECT_EQ(FactsOf(packed).integers, (std::vector<std::int64_t>{1, -2, 300}));
  OnnxTensor one_by_one{"w", kOnnxInt64, {2}, {}};
  one_by_one.proto.Varint(7, 5).Varint(7, 6);
  EXPECT_EQ(FactsOf(one_by_one).integers, (std::vector<std::int64_t>{5, 6}));
  OnnxTensor floats{"w", kOnnxFloat, {2}, {}};
  floats.proto.Float(4, 1.5F).Float(4, -1);
  EXPECT_EQ(FactsOf(floats).reals, (std::vector<double>{1.5, -1}));
  OnnxTensor halves{"w", kOnnxFloat16, {1}, {}};
  halves.proto.Packed(5, {0x3c00});
  EXPECT_EQ(FactsOf(halves).reals, (std::vector<double>{1}));
  OnnxTensor bytes{"w", kOnnxInt8, {1}, {}};
  bytes.proto.Packed(5, {-3});
  EXPECT_EQ(FactsOf(bytes).integers, (std::vector<std::int64_t>{-3}));
}

TEST(OnnxReader, CountsLargeWeightsInEveryFieldWithoutKeepingThem) {
  const std::vector<std::int64_t> many(1'000, 300);
  OnnxTensor packed{"w", kOnnxInt64, {10, 100}, {}};
  packed.proto.Packed(7, many);
  OnnxTensor floats{"w", kOnnxFloat, {10, 100}, {}};
  floats.proto.Data(4, Bytes(4'000));
  for (const OnnxTensor& weight : {packed, floats, RawTensor("w", kOnnxFloat, {10, 100}, Bytes(4'000))}) {
    const TensorFacts facts = FactsOf(weight);
    EXPECT_EQ(facts.elements, 1'000u);
    EXPECT_FALSE(facts.has_values);
    EXPECT_TRUE(facts.integers.empty());
    EXPECT_TRUE(facts.reals.empty());
  }
}

TEST(OnnxReader, SaysWhereTheRawDataOfAWeightLies) {
  const Bytes weights(4'000, 0x3f);
  const auto reader = ReadWeight(RawTensor("w", kOnnxFloat, {10, 100}, weights));
  const TensorFacts facts = reader->facts().graphs.front().initializers.at(0);
  OnnxGraph graph;
  graph.Input("x", kOnnxFloat, {"batch", 3}).Output("y", kOnnxFloat, {4});
  graph.Initializer(RawTensor("w", kOnnxFloat, {10, 100}, weights));
  graph.Node(OnnxNode("Softmax", {"x"}, {"y"}).Int("axis", -1));
  const Bytes file = OnnxModel(graph).Bytes();
  const auto begin = std::ranges::search(file, weights).begin();
  EXPECT_EQ(facts.raw_bytes, weights.size());
  EXPECT_EQ(facts.raw_offset, static_cast<std::uint64_t>(begin - file.begin()));
  OnnxTensor in_fields{"w", kOnnxFloat, {2}, {}};
  in_fields.proto.Float(4, 1.5F).Float(4, -1);
  EXPECT_EQ(FactsOf(in_fields).raw_bytes, 0u);
}

TEST(OnnxReader, TakesAnEmptyWeight) {
  const TensorFacts facts = FactsOf({"w", kOnnxFloat, {0, 4}, {}});
  EXPECT_EQ(facts.elements, 0u);
  EXPECT_TRUE(facts.has_values);
}

TEST(OnnxReader, SaysWhereAFileIsDamaged) {
  Bytes file = IdentityModel();
  file.push_back(0x0f);
  const InspectLimits limits;
  Reader reader(limits);
  const auto fed = reader.Feed(file);
  ASSERT_FALSE(fed.ok());
  EXPECT_EQ(fed.error().code, "model-malformed");
  EXPECT_NE(fed.error().message.find("byte " + std::to_string(file.size())), std::string::npos)
      << fed.error().message;
}

}  // namespace
}  // namespace blindai::model::onnx
