#include "protocols/wire/infer_json.h"

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using base::AsBytes;

base::Result<InferJson> Parse(std::string_view text) { return ParseInferJson(AsBytes(text), "inputs", {}); }

TEST(InferJson, DataBecomesBytesAndNotATree) {
  const auto parsed = Parse(
      R"({"inputs":[{"datatype":"UINT8","data":[[1],[2]],"name":"x"},{"datatype":"FP32","name":"y"}]})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(boost::json::serialize(parsed->tree),
            R"({"inputs":[{"datatype":"UINT8","data":null,"name":"x"},{"datatype":"FP32","name":"y"}]})");
  ASSERT_EQ(parsed->data.size(), 2u);
  EXPECT_EQ(parsed->data[0]->bytes, (base::Bytes{1, 2}));
  EXPECT_FALSE(parsed->data[1].has_value());
}

TEST(InferJson, OnlyTheTensorsOfTheGivenKeyCarryData) {
  const auto parsed =
      Parse(R"({"outputs":[{"datatype":"UINT8","data":[1]}],"data":[2],"inputs":[],"x":{"y":{"data":[3]}}})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_TRUE(parsed->data.empty());
  EXPECT_EQ(parsed->tree.at("data").at(0).as_int64(), 2);
}

TEST(InferJson, ArraysInPlaceOfTensorsAreNotData) {
  EXPECT_TRUE(Parse(R"({"inputs":[[["data",1]],["datatype","FP32"]]})").ok());
  EXPECT_EQ(Parse(R"({"inputs":[{"datatype":"INT8","data":[1]},[[1]]]})").error().code, "infer-field");
}

TEST(InferJson, DataBeforeItsDatatypeIsReadInASecondPass) {
  const auto parsed =
      Parse(R"({"inputs":[{"data":[1],"datatype":"UINT8"},{"datatype":"BOOL","data":[true]}]})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->data[0]->bytes, (base::Bytes{1}));
  EXPECT_EQ(parsed->data[1]->bytes, (base::Bytes{1}));
  EXPECT_EQ(Parse(R"({"inputs":[{"data":["x"],"datatype":"UINT8"}]})").error().code, "tensor-element");
  EXPECT_EQ(Parse(R"({"inputs":[{"data":[1]}]})").error().message, "inputs[0]: 'datatype' is missing");
}

TEST(InferJson, EscapedStringsArriveWhole) {
  const auto parsed = Parse(R"({"inp\u0075ts":[{"datatype":"BY\u0054ES","d\u0061ta":["a\n\u00e9b"]}]})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->data[0]->bytes, (base::Bytes{5, 0, 0, 0, 'a', '\n', 0xC3, 0xA9, 'b'}));
}

}  // namespace
}  // namespace blindai::wire
