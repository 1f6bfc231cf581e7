#include "protocols/wire/tensor_json.h"

#include <cstring>
#include <limits>

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using vocabulary::Datatype;

// The bytes of one number, or the code of its refusal in hexadecimal's place.
std::string Number(Datatype datatype, std::string_view text) {
  base::Bytes bytes;
  const base::Status status = AppendNumber(datatype, text, bytes);
  if (!status.ok()) return status.error().code;
  std::string hex;
  for (const std::uint8_t byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

template <typename T>
base::Bytes BytesOf(std::vector<T> values) {
  base::Bytes bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::string Text(Datatype datatype, vocabulary::Shape shape, const base::Bytes& data) {
  std::string out;
  const base::Status status = AppendJsonData({"x", datatype, std::move(shape), data}, out);
  return status.ok() ? out : status.error().code;
}

TEST(TensorJson, IntegersBeyondDoublePrecisionAreExact) {
  EXPECT_EQ(Number(Datatype::kInt64, "9007199254740993"), "0100000000002000");
  EXPECT_EQ(Number(Datatype::kInt64, "-9223372036854775808"), "0000000000000080");
  EXPECT_EQ(Number(Datatype::kUint64, "18446744073709551615"), "ffffffffffffffff");
  EXPECT_EQ(Text(Datatype::kInt64, {1}, BytesOf<std::int64_t>({9007199254740993})), "[9007199254740993]");
  EXPECT_EQ(Text(Datatype::kUint64, {1}, BytesOf<std::uint64_t>({18446744073709551615u})),
            "[18446744073709551615]");
}

TEST(TensorJson, IntegersMustFitTheirDatatype) {
  EXPECT_EQ(Number(Datatype::kInt8, "-128"), "80");
  EXPECT_EQ(Number(Datatype::kInt8, "128"), "tensor-element");
  EXPECT_EQ(Number(Datatype::kUint8, "255"), "ff");
  EXPECT_EQ(Number(Datatype::kUint8, "256"), "tensor-element");
  EXPECT_EQ(Number(Datatype::kUint16, "-1"), "tensor-element");
  EXPECT_EQ(Number(Datatype::kUint32, "-0"), "00000000");
  EXPECT_EQ(Number(Datatype::kInt64, "9223372036854775808"), "tensor-element");
  EXPECT_EQ(Number(Datatype::kUint64, "18446744073709551616"), "tensor-element");
  EXPECT_EQ(Number(Datatype::kInt32, "1.0"), "tensor-element");
  EXPECT_EQ(Number(Datatype::kInt32, "1e3"), "tensor-element");
}

TEST(TensorJson, FloatsAreTheNearestOnes) {
  EXPECT_EQ(Number(Datatype::kFp32, "1"), "0000803f");
  EXPECT_EQ(Number(Datatype::kFp32, "-0"), "00000080");
  EXPECT_EQ(Number(Datatype::kFp32, "0.1"), "cdcccc3d");
  EXPECT_EQ(Number(Datatype::kFp32, "16777217"), "0000804b");
  EXPECT_EQ(Number(Datatype::kFp64, "0.1"), "9a9999999999b93f");
  EXPECT_EQ(Number(Datatype::kFp64, "2.2250738585072011e-308"), "ffffffffffff0f00");
}

TEST(TensorJson, TooLargeIsRefusedAndTooSmallIsZero) {
  EXPECT_EQ(Number(Datatype::kFp32, "1e39"), "tensor-element");
  EXPECT_EQ(Number(Datatype::kFp32, "-340282366920938463463374607431768211456"), "tensor-element");
  EXPECT_EQ(Number(Datatype::kFp64, "1e309"), "tensor-element");
  EXPECT_EQ(Number(Datatype::kFp64, "0.1e400"), "tensor-element");
  EXPECT_EQ(Number(Datatype::kFp64, std::string(400, '9') + "e-1"), "tensor-element");
  EXPECT_EQ(Number(Datatype::kFp32, "1e-60"), "00000000");
  EXPECT_EQ(Number(Datatype::kFp32, "-1e-60"), "00000080");
  EXPECT_EQ(Number(Datatype::kFp64, "0." + std::string(400, '0') + "1"), "0000000000000000");
  EXPECT_EQ(Number(Datatype::kFp64, "100e-99999999999999999999"), "0000000000000000");
  EXPECT_EQ(Number(Datatype::kFp64, "1e99999999999999999999"), "tensor-element");
}

TEST(TensorJson, FloatsAreWrittenSoThatTheyReadBack) {
  EXPECT_EQ(Text(Datatype::kFp32, {3}, BytesOf<float>({0.1f, 1e20f, -0.0f})), "[0.1,1e+20,-0]");
  EXPECT_EQ(Text(Datatype::kFp64, {2}, BytesOf<double>({0.1, 5e-324})), "[0.1,5e-324]");
}

TEST(TensorJson, WhatJsonCannotCarryIsRefused) {
  EXPECT_EQ(Text(Datatype::kFp32, {1}, BytesOf<float>({std::numeric_limits<float>::quiet_NaN()})),
            "tensor-json");
  EXPECT_EQ(Text(Datatype::kFp64, {1}, BytesOf<double>({-std::numeric_limits<double>::infinity()})),
            "tensor-json");
  EXPECT_EQ(Text(Datatype::kFp16, {1}, {0, 0}), "tensor-json");
  EXPECT_EQ(Text(Datatype::kBf16, {1}, {0, 0}), "tensor-json");
  EXPECT_EQ(Text(Datatype::kBytes, {1}, {1, 0, 0, 0, 0xFF}), "tensor-json");
}

TEST(TensorJson, TruthValuesAndStringsKeepToTheirDatatypes) {
  base::Bytes out;
  EXPECT_TRUE(AppendBool(Datatype::kBool, true, out).ok());
  EXPECT_TRUE(AppendString(Datatype::kBytes, "ab", out).ok());
  EXPECT_EQ(out, (base::Bytes{1, 2, 0, 0, 0, 'a', 'b'}));
  EXPECT_FALSE(AppendBool(Datatype::kFp32, true, out).ok());
  EXPECT_FALSE(AppendString(Datatype::kInt32, "1", out).ok());
  EXPECT_FALSE(AppendNumber(Datatype::kBool, "1", out).ok());
  EXPECT_FALSE(AppendNumber(Datatype::kBytes, "1", out).ok());
  EXPECT_FALSE(AppendNumber(Datatype::kFp16, "1", out).ok());
  EXPECT_EQ(Text(Datatype::kBool, {2}, {1, 0}), "[true,false]");
  EXPECT_EQ(Text(Datatype::kBytes, {2}, {1, 0, 0, 0, '"', 0, 0, 0, 0}), R"(["\"",""])");
}

TEST(TensorJson, TheRefusalDoesNotRepeatTheElement) {
  base::Bytes out;
  EXPECT_EQ(AppendNumber(Datatype::kInt8, "4711", out).error().message.find("4711"), std::string::npos);
}

}  // namespace
}  // namespace blindai::wire
