#include "protocols/wire/open_inference_grpc/infer_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

namespace blindai::wire {
namespace {

using inference::ModelInferRequest;
using ::testing::Each;
using ::testing::HasSubstr;

ModelInferRequest::InferInputTensor& AddInput(ModelInferRequest& message, const std::string& name,
                                              const std::string& datatype,
                                              const std::vector<std::int64_t>& shape) {
  auto& input = *message.add_inputs();
  input.set_name(name);
  input.set_datatype(datatype);
  for (const std::int64_t dimension : shape) input.add_shape(dimension);
  return input;
}

std::string CodeOf(const ModelInferRequest& message, const InferLimits& limits = {}) {
  const auto request = DecodeInferMessage(message, limits);
  return request.ok() ? "" : request.error().code;
}

TEST(InferMessage, RawContentsAreBorrowedInTheOrderOfTheInputs) {
  ModelInferRequest message;
  message.set_id("7");
  (*message.mutable_parameters())["timeout"].set_int64_param(5000);
  AddInput(message, "a", "FP16", {2});
  AddInput(message, "b", "BF16", {1});
  message.add_raw_input_contents("abcd");
  message.add_raw_input_contents("ef");
  auto& output = *message.add_outputs();
  output.set_name("y");
  const auto request = DecodeInferMessage(message);
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request->id, "7");
  EXPECT_EQ(TimeoutOf(*request), std::chrono::microseconds(5000));
  ASSERT_EQ(request->inputs.size(), 2u);
  EXPECT_EQ(base::AsText(request->inputs[1].tensor.data), "ef");
  EXPECT_EQ(reinterpret_cast<const char*>(request->inputs[0].tensor.data.data()),
            message.raw_input_contents(0).data());
  EXPECT_EQ(request->outputs[0].name, "y");
}

TEST(InferMessage, TypedContentsBecomeLittleEndianBytes) {
  ModelInferRequest message;
  AddInput(message, "bool", "BOOL", {2}).mutable_contents()->mutable_bool_contents()->Add(true);
  message.mutable_inputs(0)->mutable_contents()->add_bool_contents(false);
  for (const char* name : {"INT8", "INT16", "INT32"})
    AddInput(message, name, name, {1}).mutable_contents()->add_int_contents(-2);
  for (const char* name : {"UINT8", "UINT16", "UINT32"})
    AddInput(message, name, name, {1}).mutable_contents()->add_uint_contents(200);
  AddInput(message, "INT64", "INT64", {1})
      .mutable_contents()
      ->add_int64_contents(std::numeric_limits<std::int64_t>::min() + 1);
  AddInput(message, "UINT64", "UINT64", {1})
      .mutable_contents()
      ->add_uint64_contents(std::numeric_limits<std::uint64_t>::max() - 1);
  AddInput(message, "FP32", "FP32", {1}).mutable_contents()->add_fp32_contents(1.5F);
  AddInput(message, "FP64", "FP64", {1}).mutable_contents()->add_fp64_contents(-2.5);
  AddInput(message, "BYTES", "BYTES", {2}).mutable_contents()->add_bytes_contents("hi");
  message.mutable_inputs(message.inputs_size() - 1)->mutable_contents()->add_bytes_contents("");
  const auto request = DecodeInferMessage(message);
  ASSERT_TRUE(request.ok()) << request.error().message;
  const std::vector<base::Bytes> wanted = {{1, 0},
                                           {0xfe},
                                           {0xfe, 0xff},
                                           {0xfe, 0xff, 0xff, 0xff},
                                           {200},
                                           {200, 0},
                                           {200, 0, 0, 0},
                                           {1, 0, 0, 0, 0, 0, 0, 0x80},
                                           {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                                           {0, 0, 0xc0, 0x3f},
                                           {0, 0, 0, 0, 0, 0, 4, 0xc0},
                                           {2, 0, 0, 0, 'h', 'i', 0, 0, 0, 0}};
  ASSERT_EQ(request->inputs.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_EQ(base::CopyBytes(request->inputs[i].tensor.data), wanted[i])
        << message.inputs(static_cast<int>(i)).name();
}

TEST(InferMessage, ElementsThatTheirDatatypeCannotHoldAreRefused) {
  for (const auto& [datatype, value] : {std::pair("INT8", 128), {"INT8", -129}, {"INT16", 32768}}) {
    ModelInferRequest message;
    AddInput(message, "x", datatype, {1}).mutable_contents()->add_int_contents(value);
    EXPECT_EQ(CodeOf(message), "tensor-element") << datatype << value;
  }
  for (const auto& [datatype, value] : {std::pair("UINT8", 256U), {"UINT16", 65536U}}) {
    ModelInferRequest message;
    AddInput(message, "x", datatype, {1}).mutable_contents()->add_uint_contents(value);
    EXPECT_EQ(CodeOf(message), "tensor-element") << datatype << value;
  }
}

TEST(InferMessage, RawAndTypedContentsExcludeEachOther) {
  ModelInferRequest message;
  AddInput(message, "x", "FP32", {1}).mutable_contents()->add_fp32_contents(1);
  message.add_raw_input_contents("abcd");
  EXPECT_EQ(CodeOf(message), "infer-contents");
  message.mutable_inputs(0)->clear_contents();
  EXPECT_EQ(CodeOf(message), "");
  message.add_raw_input_contents("efgh");
  EXPECT_EQ(CodeOf(message), "infer-contents");
}

TEST(InferMessage, ContentsOfAnotherDatatypeAreRefused) {
  ModelInferRequest message;
  AddInput(message, "x", "FP32", {1}).mutable_contents()->add_fp64_contents(1);
  EXPECT_EQ(CodeOf(message), "infer-contents");
  message.mutable_inputs(0)->set_datatype("FP64");
  EXPECT_EQ(CodeOf(message), "");
  message.mutable_inputs(0)->set_datatype("FP16");
  EXPECT_EQ(CodeOf(message), "infer-contents");
  message.mutable_inputs(0)->set_datatype("fp64");
  EXPECT_EQ(CodeOf(message), "tensor-dtype");
}

TEST(InferMessage, ShapesMustHoldTheirElements) {
  ModelInferRequest message;
  auto& input = AddInput(message, "x", "FP32", {3});
  input.mutable_contents()->add_fp32_contents(1);
  EXPECT_EQ(CodeOf(message), "tensor-size");
  input.set_shape(0, -1);
  EXPECT_EQ(CodeOf(message), "tensor-shape");
  input.set_shape(0, std::int64_t{1} << 62);
  input.add_shape(4);
  EXPECT_EQ(CodeOf(message), "tensor-shape");
  input.clear_shape();
  EXPECT_EQ(CodeOf(message), "");
  for (int i = 0; i < 33; ++i) input.add_shape(1);
  EXPECT_EQ(CodeOf(message), "infer-field");
}

TEST(InferMessage, WhatWouldMakeTheAnswerWrongIsRefused) {
  for (const char* name : {"shared_memory_region", "classification", "sequence_start"}) {
    ModelInferRequest message;
    (*message.mutable_parameters())[name].set_string_param("x");
    EXPECT_EQ(CodeOf(message), "infer-parameter") << name;
  }
  ModelInferRequest message;
  (*message.mutable_parameters())["sequence_id"].set_uint64_param(0);
  EXPECT_EQ(CodeOf(message), "");
  (*message.mutable_parameters())["sequence_id"].set_uint64_param(1);
  EXPECT_EQ(CodeOf(message), "infer-parameter");
  message.clear_parameters();
  (*message.mutable_parameters())["empty"];
  EXPECT_EQ(CodeOf(message), "infer-field");
}

TEST(InferMessage, TensorsOverTheLimitAndTwiceAreRefused) {
  ModelInferRequest message;
  AddInput(message, "x", "UINT8", {3});
  AddInput(message, "x", "UINT8", {3});
  message.add_raw_input_contents("abc");
  message.add_raw_input_contents("abc");
  EXPECT_EQ(CodeOf(message, {.tensor_bytes = 5}), "tensors-too-large");
  EXPECT_EQ(CodeOf(message), "infer-field");
  message.clear_raw_input_contents();
  for (auto& input : *message.mutable_inputs()) {
    input.set_datatype("BYTES");
    input.set_shape(0, 1);
    input.mutable_contents()->add_bytes_contents("abc");
  }
  EXPECT_EQ(CodeOf(message, {.tensor_bytes = 13}), "tensors-too-large");
  for (int i = 0; i < 1024; ++i) AddInput(message, std::to_string(i), "FP32", {0});
  EXPECT_THAT(DecodeInferMessage(message).error().message, HasSubstr("too many"));
}

TEST(InferMessage, AnAnswerIsRaw) {
  InferResponse response;
  const base::Bytes bytes = {1, 2, 3, 4};
  response.model_name = "m";
  response.model_version = "2";
  response.id = "7";
  response.outputs.push_back({{"y", vocabulary::Datatype::kFp32, {1}, bytes}, true, {}});
  inference::ModelInferResponse message;
  EncodeInferMessage(response, message);
  EXPECT_EQ(message.model_name() + message.model_version() + message.id(), "m27");
  ASSERT_EQ(message.outputs_size(), 1);
  EXPECT_EQ(message.outputs(0).datatype(), "FP32");
  EXPECT_EQ(message.raw_output_contents(0), std::string("\1\2\3\4"));
  WipeMessage(message);
  EXPECT_THAT(message.raw_output_contents(0), Each('\0'));
}

TEST(InferMessage, NothingOfTheElementsIsLeftAfterWiping) {
  ModelInferRequest message;
  auto& contents = *AddInput(message, "x", "FP32", {1}).mutable_contents();
  contents.add_fp32_contents(1.5F);
  contents.add_int64_contents(7);
  contents.add_bytes_contents("secret");
  message.add_raw_input_contents("secret");
  WipeMessage(message);
  EXPECT_EQ(contents.fp32_contents(0), 0);
  EXPECT_EQ(contents.int64_contents(0), 0);
  EXPECT_THAT(contents.bytes_contents(0), Each('\0'));
  EXPECT_THAT(message.raw_input_contents(0), Each('\0'));
}

}  // namespace
}  // namespace blindai::wire
