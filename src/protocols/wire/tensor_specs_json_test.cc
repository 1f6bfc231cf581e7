#include "protocols/wire/tensor_specs_json.h"

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using vocabulary::Datatype;

std::string CodeOf(std::string_view array) {
  const auto object = ParseSmallJsonObject(base::AsBytes("{\"inputs\":" + std::string(array) + "}"), "test");
  const auto specs = TensorSpecsFromJson(JsonFields(*object, "test"), "inputs", "test");
  return specs.ok() ? "accepted" : specs.error().message;
}

TEST(TensorSpecsJson, AreReadBack) {
  const std::vector<vocabulary::TensorSpec> specs = {{"x", Datatype::kFp16, {1, -1}},
                                                     {"y", Datatype::kBytes, {}}};
  const boost::json::object object{{"inputs", TensorSpecsToJson(specs)}};
  const auto read = TensorSpecsFromJson(JsonFields(object, "test"), "inputs", "test");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(TensorSpecsToJson(*read), TensorSpecsToJson(specs));
}

TEST(TensorSpecsJson, WhatIsWrongIsNamed) {
  EXPECT_EQ(CodeOf("[]"), "accepted");
  EXPECT_EQ(CodeOf("7"), "'inputs' is not an array");
  EXPECT_EQ(CodeOf("[7]"), "'inputs' has an entry that is not an object");
  EXPECT_EQ(CodeOf(R"([{"datatype":"FP32","shape":[]}])"), "inputs: 'name' is missing; a string is wanted");
  EXPECT_EQ(CodeOf(R"([{"name":"x","datatype":"FP8","shape":[]}])"),
            "inputs: 'datatype' is not a datatype of the Open Inference Protocol");
  EXPECT_EQ(CodeOf(R"([{"name":"x","datatype":"FP32","shape":[-2]}])"),
            "inputs: 'shape' has a dimension that is not a whole number of -1 or more");
}

}  // namespace
}  // namespace blindai::wire
