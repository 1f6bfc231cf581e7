#include "vocabulary/tensor.h"

#include <gtest/gtest.h>

namespace blindai::vocabulary {
namespace {

Tensor Floats(Shape shape, std::size_t bytes) {
  return {"x", Datatype::kFp32, std::move(shape), base::Bytes(bytes)};
}

TEST(Tensor, EveryDatatypeNameIsReadBack) {
  for (int i = 0; i <= static_cast<int>(Datatype::kBytes); ++i) {
    const auto datatype = static_cast<Datatype>(i);
    EXPECT_EQ(DatatypeFromName(DatatypeName(datatype)), datatype);
  }
  EXPECT_FALSE(DatatypeFromName("FP31").has_value());
}

TEST(Tensor, CountsElements) {
  EXPECT_EQ(*ElementCount({2, 3, 4}), 24u);
  EXPECT_EQ(*ElementCount({}), 1u);
  EXPECT_EQ(*ElementCount({5, 0, 1LL << 40}), 0u);
}

TEST(Tensor, HugeShapesDoNotWrap) {
  EXPECT_EQ(ElementCount({1LL << 32, 1LL << 32}).error().code, "tensor-shape");
  EXPECT_EQ(ElementCount({-1}).error().code, "tensor-shape");
}

TEST(Tensor, BytesMustMatchTheShape) {
  EXPECT_TRUE(CheckTensor(Floats({2, 2}, 16)).ok());
  EXPECT_EQ(CheckTensor(Floats({2, 2}, 15)).error().code, "tensor-size");
  EXPECT_EQ(CheckTensor(Floats({2, 2}, 20)).error().code, "tensor-size");
  EXPECT_EQ(CheckTensor(Floats(Shape(33, 1), 4)).error().code, "tensor-shape");
}

TEST(Tensor, ByteElementsAreWalked) {
  const Tensor good{"b", Datatype::kBytes, {2}, {1, 0, 0, 0, 'a', 0, 0, 0, 0}};
  EXPECT_TRUE(CheckTensor(good).ok());
  for (std::size_t cut = 0; cut < good.data.size(); ++cut) {
    Tensor bad = good;
    bad.data.resize(cut);
    EXPECT_EQ(CheckTensor(bad).error().code, "tensor-size") << cut;
  }
  Tensor longer = good;
  longer.data.push_back(0);
  EXPECT_EQ(CheckTensor(longer).error().code, "tensor-size");
}

TEST(Tensor, FitsASpecificationWithFreeDimensions) {
  const TensorSpec spec{"x", Datatype::kFp32, {1, kAnyDimension}};
  EXPECT_TRUE(CheckAgainst(Floats({1, 7}, 28), spec).ok());
  EXPECT_EQ(CheckAgainst(Floats({2, 7}, 56), spec).error().message,
            "tensor 'x' has shape [2, 7], the model wants [1, -1] (-1 = any)");
  EXPECT_EQ(CheckAgainst(Floats({7}, 28), spec).error().code, "tensor-shape");
  const Tensor ints{"x", Datatype::kInt32, {1, 7}, base::Bytes(28)};
  EXPECT_EQ(CheckAgainst(ints, spec).error().message, "tensor 'x' is INT32, the model wants FP32");
}

}  // namespace
}  // namespace blindai::vocabulary
