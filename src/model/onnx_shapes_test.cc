#include "model/onnx_shapes.h"

#include <gtest/gtest.h>

#include <string>

#include "model/onnx_shape_context.h"
#include "model/onnx_shape_kernels.h"
#include "model/onnx_shape_layout.h"

namespace blindai::model::onnx {
namespace {

constexpr std::int64_t kOpset = 17;

Value Tensor(Dims dims, std::int64_t type = kFloat, Origin origin = Origin::kContent) {
  Value value;
  value.type = type;
  value.has_shape = true;
  value.dims = std::move(dims);
  value.origin = origin;
  return value;
}
Value Constant(const std::vector<std::int64_t>& elements) {
  Value value = Tensor({static_cast<std::int64_t>(elements.size())}, kInt64, Origin::kFile);
  value.integers.emplace(elements.begin(), elements.end());
  return value;
}
Value Reals(const std::vector<double>& elements) {
  Value value = Tensor({static_cast<std::int64_t>(elements.size())}, kFloat, Origin::kFile);
  value.reals = elements;
  return value;
}

// A node in the making: Node("Conv").Int("group", 2).Of({x, w}).
class Node {
 public:
  explicit Node(std::string op, std::size_t outputs = 1) {
    facts_.op_type = std::move(op);
    facts_.outputs.assign(outputs, 1);
  }
  Node& Int(std::string name, std::int64_t value) {
    AttributeFacts attribute;
    attribute.name = std::move(name);
    attribute.type = kAttributeInt;
    attribute.integer = value;
    facts_.attributes.push_back(std::move(attribute));
    return *this;
  }
  Node& Ints(std::string name, std::vector<std::int64_t> values) {
    AttributeFacts attribute;
    attribute.name = std::move(name);
    attribute.type = kAttributeInts;
    attribute.integers = std::move(values);
    facts_.attributes.push_back(std::move(attribute));
    return *this;
  }
  Node& Text(std::string name, std::string value) {
    AttributeFacts attribute;
    attribute.name = std::move(name);
    attribute.type = kAttributeString;
    attribute.text = std::move(value);
    facts_.attributes.push_back(std::move(attribute));
    return *this;
  }
  base::Result<std::vector<Value>> Infer(const std::vector<Value>& inputs,
                                         std::int64_t opset = kOpset) const {
    std::vector<const Value*> pointers;
    for (const Value& input : inputs) pointers.push_back(&input);
    return InferNode(facts_, *FindOperator(facts_.op_type, opset), opset, pointers, {});
  }
  Value Of(const std::vector<Value>& inputs, std::int64_t opset = kOpset) const {
    const auto results = Infer(inputs, opset);
    EXPECT_TRUE(results.ok()) << (results.ok() ? "" : results.error().message);
    return results.ok() ? results->front() : Value{};
  }

 private:
  NodeFacts facts_;
};

Dims KnownElements(const Value& value) {
  Dims elements;
  if (!value.integers) return elements;
  for (const auto& element : *value.integers) elements.push_back(element.value_or(-999));
  return elements;
}

TEST(OnnxShapes, CountAxesFromBothEnds) {
  EXPECT_EQ(Axis(1, 3), 1u);
  EXPECT_EQ(Axis(-1, 3), 2u);
  EXPECT_EQ(Axis(3, 3), std::nullopt);
  EXPECT_EQ(Axis(-4, 3), std::nullopt);
  EXPECT_EQ(Axis(0, 0), std::nullopt);
  EXPECT_EQ(Count({2, 3}), 6u);
  EXPECT_GT(Count({kUnknownDim}), kMaxKeptElements);
  EXPECT_GT(Count({INT64_MAX, INT64_MAX}), kMaxKeptElements);
}

TEST(OnnxShapes, BroadcastLikeNumpy) {
  EXPECT_EQ(Node("Add").Of({Tensor({4, 1, 3}), Tensor({5, 1})}).dims, (Dims{4, 5, 3}));
  EXPECT_EQ(Node("Add").Of({Tensor({kUnknownDim, 3}), Tensor({1})}).dims, (Dims{kUnknownDim, 3}));
  EXPECT_EQ(Node("Add").Of({Tensor({kUnknownDim}), Tensor({7})}).dims, (Dims{7}));
  EXPECT_FALSE(Node("Add").Infer({Tensor({3}), Tensor({4})}).ok());
}

TEST(OnnxShapes, OfProductsAndConvolutions) {
  EXPECT_EQ(Node("MatMul").Of({Tensor({8, 2, 3}), Tensor({3, 5})}).dims, (Dims{8, 2, 5}));
  EXPECT_EQ(Node("MatMul").Of({Tensor({3}), Tensor({3, 5})}).dims, (Dims{5}));
  EXPECT_EQ(Node("Gemm").Int("transB", 1).Of({Tensor({2, 3}), Tensor({5, 3}), Tensor({5})}).dims,
            (Dims{2, 5}));
  EXPECT_EQ(Node("Conv").Ints("strides", {5}).Of({Tensor({1, 1, 16'000}), Tensor({512, 1, 10})}).dims,
            (Dims{1, 512, 3199}));
  EXPECT_EQ(Node("Conv")
                .Text("auto_pad", "SAME_UPPER")
                .Ints("strides", {2})
                .Of({Tensor({1, 1, 9}), Tensor({4, 1, 3})})
                .dims,
            (Dims{1, 4, 5}));
  EXPECT_EQ(Node("ConvTranspose").Ints("strides", {2}).Of({Tensor({1, 4, 9}), Tensor({4, 2, 3})}).dims,
            (Dims{1, 2, 19}));
  EXPECT_EQ(Node("MaxPool")
                .Ints("kernel_shape", {3})
                .Ints("strides", {2})
                .Int("ceil_mode", 1)
                .Of({Tensor({1, 4, 8})})
                .dims,
            (Dims{1, 4, 4}));
}

TEST(OnnxShapes, OfRearrangements) {
  EXPECT_EQ(Node("Transpose").Ints("perm", {2, 0, 1}).Of({Tensor({4, 5, 6})}).dims, (Dims{6, 4, 5}));
  EXPECT_EQ(Node("Reshape").Of({Tensor({4, 6}), Constant({0, -1, 2})}).dims, (Dims{4, 3, 2}));
  EXPECT_EQ(Node("Flatten").Int("axis", 2).Of({Tensor({2, 3, 4, 5})}).dims, (Dims{6, 20}));
  EXPECT_EQ(Node("Unsqueeze").Of({Tensor({4, 5}), Constant({0, -1})}).dims, (Dims{1, 4, 5, 1}));
  EXPECT_EQ(Node("Squeeze").Of({Tensor({1, 4, 1}), Constant({0})}).dims, (Dims{4, 1}));
  EXPECT_EQ(Node("Concat").Int("axis", -1).Of({Tensor({2, 3}), Tensor({2, 4})}).dims, (Dims{2, 7}));
  EXPECT_EQ(Node("Gather").Int("axis", 1).Of({Tensor({2, 9, 4}), Tensor({5, 6}, kInt64)}).dims,
            (Dims{2, 5, 6, 4}));
  EXPECT_EQ(Node("Slice")
                .Of({Tensor({10, 4}), Constant({1}), Constant({INT64_MAX}), Constant({0}), Constant({3})})
                .dims,
            (Dims{3, 4}));
  EXPECT_EQ(Node("Pad").Of({Tensor({4}), Constant({2, 3})}).dims, (Dims{9}));
  EXPECT_EQ(Node("Tile").Of({Tensor({4, 2}), Constant({3, 1})}).dims, (Dims{12, 2}));
  EXPECT_EQ(Node("ReduceSum").Int("keepdims", 0).Of({Tensor({4, 2, 3}), Constant({1})}).dims, (Dims{4, 3}));
  EXPECT_EQ(Node("ArgMax").Int("axis", -1).Of({Tensor({4, 2, 3})}).dims, (Dims{4, 2, 1}));
  EXPECT_EQ(Node("Resize").Of({Tensor({1, 1, 4}), Value{}, Reals({1, 1, 2.5})}).dims, (Dims{1, 1, 10}));
  const auto parts = Node("Split", 2).Int("axis", 0).Infer({Tensor({5})}, 18);
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ((*parts)[0].dims, (Dims{3}));
  EXPECT_EQ((*parts)[1].dims, (Dims{2}));
}

TEST(OnnxShapes, OfRecurrentNodes) {
  const Value x = Tensor({7, 2, 3}), w = Tensor({2, 16, 3}), r = Tensor({2, 16, 4});
  const auto results =
      Node("LSTM", 3).Int("hidden_size", 4).Text("direction", "bidirectional").Infer({x, w, r});
  ASSERT_TRUE(results.ok());
  EXPECT_EQ((*results)[0].dims, (Dims{7, 2, 2, 4}));
  EXPECT_EQ((*results)[2].dims, (Dims{2, 2, 4}));
}

TEST(OnnxShapes, FollowSmallConstants) {
  const Value shape = Node("Shape").Of({Tensor({kUnknownDim, 4})});
  EXPECT_EQ(KnownElements(shape), (Dims{-999, 4}));
  EXPECT_EQ(KnownElements(Node("Gather").Of({shape, Constant({-1})})), (Dims{4}));
  EXPECT_EQ(KnownElements(Node("Mul").Of({Constant({2, 3}), Constant({5})})), (Dims{10, 15}));
  EXPECT_EQ(KnownElements(Node("Div").Of({Constant({9, -9}), Constant({2})})), (Dims{4, -4}));
  EXPECT_EQ(KnownElements(Node("Concat").Int("axis", 0).Of({Constant({1}), Constant({2, 3})})),
            (Dims{1, 2, 3}));
  EXPECT_EQ(KnownElements(Node("Range").Of({Constant({1}), Constant({8}), Constant({3})})), (Dims{1, 4, 7}));
  const Value square = Node("Reshape").Of({Constant({1, 2, 3, 4}), Constant({2, 2})});
  EXPECT_EQ(KnownElements(Node("Transpose").Of({square})), (Dims{1, 3, 2, 4}));
  const Value backwards =
      Node("Slice").Of({square, Constant({-1}), Constant({INT64_MIN + 1}), Constant({0}), Constant({-1})});
  EXPECT_EQ(KnownElements(backwards), (Dims{3, 4, 1, 2}));
  const Value cast = Node("Cast").Int("to", kInt64).Of({Reals({2.9, -2.9})});
  EXPECT_EQ(KnownElements(cast), (Dims{2, -2}));
  Value most = Constant({INT64_MAX});
  EXPECT_EQ(KnownElements(Node("Add").Of({most, Constant({1})})), (Dims{-999}));
}

TEST(OnnxShapes, RememberWhereAValueComesFrom) {
  const Value x = Tensor({kUnknownDim, 4});
  EXPECT_EQ(Node("Relu").Of({x}).origin, Origin::kContent);
  const Value shape = Node("Shape").Of({x});
  EXPECT_EQ(shape.origin, Origin::kShapes);
  EXPECT_EQ(Node("Add").Of({shape, Constant({1})}).origin, Origin::kShapes);
  EXPECT_EQ(Node("Add").Of({Constant({1}), Constant({1})}).origin, Origin::kFile);
  EXPECT_TRUE(Node("ConstantOfShape").Infer({shape}).ok());
  const auto chosen = Node("ConstantOfShape").Infer({Node("Cast").Int("to", kInt64).Of({x})});
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().code, "size-from-data");
}

TEST(OnnxShapes, KnowTypes) {
  EXPECT_EQ(Node("ArgMax").Of({Tensor({4})}).type, kInt64);
  EXPECT_EQ(Node("Equal").Of({Tensor({4}), Tensor({4})}).type, kBool);
  EXPECT_EQ(Node("Relu").Of({Tensor({4}, kFloat16)}).type, kFloat16);
  EXPECT_EQ(Node("Cast").Int("to", kInt32).Of({Tensor({4})}).type, kInt32);
  EXPECT_EQ(Node("Where").Of({Tensor({4}, kBool), Tensor({4}, kBfloat16), Tensor({4}, kBfloat16)}).type,
            kBfloat16);
}

TEST(OnnxShapes, HaveSizesThatDoNotWrap) {
  EXPECT_EQ(SizeOf(Tensor({3, 5})), 60u);
  EXPECT_EQ(SizeOf(Tensor({})), 4u);
  EXPECT_EQ(SizeOf(Tensor({0, 1 << 30})), 0u);
  EXPECT_EQ(SizeOf(Tensor({kUnknownDim, 5})), std::nullopt);
  EXPECT_EQ(SizeOf(Tensor({INT64_MAX, INT64_MAX})), std::uint64_t{1} << 63);
}

}  // namespace
}  // namespace blindai::model::onnx
