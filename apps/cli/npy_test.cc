#include "npy.h"

#include <gtest/gtest.h>

namespace blindai::cli {
namespace {

using base::Bytes;
using vocabulary::Datatype;

// What numpy.save writes for numpy.array([[1, 2], [3, 4]], dtype) with this header.
Bytes File(const std::string& descr, const std::string& shape, std::size_t data,
           const std::string& order = "False") {
  std::string header = "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  Bytes file = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<std::uint8_t>(header.size()), 0};
  file.insert(file.end(), header.begin(), header.end());
  file.resize(file.size() + data, 7);
  return file;
}

TEST(Npy, ArraysAreRead) {
  const auto matrix = DecodeNpy("x", File("<f4", "(2, 2)", 16));
  ASSERT_TRUE(matrix.ok()) << matrix.error().message;
  EXPECT_EQ(matrix->name, "x");
  EXPECT_EQ(matrix->datatype, Datatype::kFp32);
  EXPECT_EQ(matrix->shape, (vocabulary::Shape{2, 2}));
  EXPECT_EQ(matrix->data, Bytes(16, 7));
  EXPECT_EQ(DecodeNpy("x", File("|b1", "(3,)", 3))->shape, (vocabulary::Shape{3}));
  EXPECT_EQ(DecodeNpy("x", File("<i8", "()", 8))->shape, vocabulary::Shape{});
}

TEST(Npy, WhatIsNoTensorIsRefused) {
  EXPECT_FALSE(DecodeNpy("x", {}).ok());
  EXPECT_FALSE(DecodeNpy("x", Bytes(200, 'x')).ok());
  EXPECT_FALSE(DecodeNpy("x", File(">f4", "(1,)", 4)).ok());
  EXPECT_FALSE(DecodeNpy("x", File("|O", "(1,)", 4)).ok());
  EXPECT_FALSE(DecodeNpy("x", File("<f4", "(2,)", 4)).ok());
  EXPECT_FALSE(DecodeNpy("x", File("<f4", "(-1,)", 4)).ok());
  EXPECT_FALSE(DecodeNpy("x", File("<f4", "(1,", 4)).ok());
  EXPECT_FALSE(DecodeNpy("x", File("<f4", "(9223372036854775807, 9223372036854775807)", 4)).ok());
  EXPECT_EQ(DecodeNpy("x", File("<f4", "(2, 2)", 16, "True")).error().message,
            "the .npy file is in Fortran order; save a C-ordered array (numpy.ascontiguousarray)");
}

TEST(Npy, EveryCutIsRefused) {
  const Bytes whole = File("<f4", "(1,)", 4);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(DecodeNpy("x", base::ByteView(whole).first(size)).ok()) << size;
  }
}

TEST(Npy, WhatIsWrittenIsReadBack) {
  for (int d = 0; d < static_cast<int>(Datatype::kBytes); ++d) {
    const auto datatype = static_cast<Datatype>(d);
    if (datatype == Datatype::kBf16) continue;
    const vocabulary::Tensor tensor{"x", datatype, {2, 3}, Bytes(6 * vocabulary::ElementSize(datatype), 1)};
    const auto file = EncodeNpy(tensor);
    ASSERT_TRUE(file.ok());
    const auto read = DecodeNpy("x", *file);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(read->datatype, datatype);
    EXPECT_EQ(read->shape, tensor.shape);
    EXPECT_EQ(read->data, tensor.data);
    EXPECT_EQ((file->size() - tensor.data.size()) % 64, 0u);
  }
}

TEST(Npy, Bf16IsWidenedAndBytesHaveNoForm) {
  const vocabulary::Tensor one{"x", Datatype::kBf16, {1}, {0x80, 0x3F}};
  const auto read = DecodeNpy("x", *EncodeNpy(one));
  EXPECT_EQ(read->datatype, Datatype::kFp32);
  EXPECT_EQ(read->data, (Bytes{0, 0, 0x80, 0x3F}));
  EXPECT_FALSE(EncodeNpy(vocabulary::Tensor{"x", Datatype::kBytes, {0}, {}}).ok());
}

}  // namespace
}  // namespace blindai::cli
