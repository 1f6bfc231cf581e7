#include "protocols/wire/open_inference_v2.h"

#include <cstring>

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using base::AsBytes;
using base::Bytes;
using vocabulary::Datatype;
using vocabulary::TensorSpec;

template <typename T>
Bytes BytesOf(std::vector<T> values) {
  Bytes bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

base::Result<InferRequest> DecodeJson(std::string_view text, const InferLimits& limits = {}) {
  return DecodeInferRequest(AsBytes(text), std::nullopt, {}, limits);
}

// The code of the refusal, or "accepted".
std::string Code(std::string_view text) {
  const auto request = DecodeJson(text);
  return request.ok() ? "accepted" : request.error().code;
}

// A JSON part and blobs, with the header that says where the first ends.
base::Result<InferRequest> DecodeBinary(std::string_view json, const Bytes& blobs) {
  Bytes body(json.begin(), json.end());
  body.insert(body.end(), blobs.begin(), blobs.end());
  auto request = DecodeInferRequest(body, json.size(), {});
  // The tensors borrow from `body`, which ends here: keep what they hold.
  if (request.ok()) {
    for (InferTensor& input : request->inputs) {
      request->storage.push_back(base::CopyBytes(input.tensor.data));
      input.tensor.data = request->storage.back();
    }
  }
  return request;
}

std::string BinaryCode(std::string_view json, const Bytes& blobs) {
  const auto request = DecodeBinary(json, blobs);
  return request.ok() ? "accepted" : request.error().code;
}

// The JSON part without the spaces that align the blobs behind it.
std::string Trimmed(const InferBody& body) {
  return body.json.substr(0, body.json.find_last_not_of(' ') + 1);
}

Bytes DataOf(const InferRequest& request, std::size_t index = 0) {
  return base::CopyBytes(request.inputs.at(index).tensor.data);
}

TEST(InferRequestJson, NestedAndFlatDataAreTheSame) {
  const Bytes wanted = BytesOf<float>({1, 2.5, -3, 4});
  for (const char* data : {"[[1,2.5],[-3,4]]", "[1,2.5,-3,4]", "[[[1],[2.5]],[[-3],[4]]]"}) {
    const auto request =
        DecodeJson(std::string(R"({"id":"7","inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":)") +
                   data + "}]}");
    ASSERT_TRUE(request.ok()) << request.error().message;
    EXPECT_EQ(DataOf(*request), wanted);
    EXPECT_EQ(request->id, "7");
    EXPECT_FALSE(request->inputs[0].binary);
  }
}

TEST(InferRequestJson, TheOrderOfTheFieldsDoesNotMatter) {
  const auto request =
      DecodeJson(R"({"inputs":[{"data":[1,9007199254740993],"shape":[2],"name":"a","datatype":"INT64"},)"
                 R"({"data":["x","é"],"datatype":"BYTES","shape":[2],"name":"b"}]})");
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(DataOf(*request), BytesOf<std::int64_t>({1, 9007199254740993}));
  EXPECT_EQ(DataOf(*request, 1), (Bytes{1, 0, 0, 0, 'x', 2, 0, 0, 0, 0xC3, 0xA9}));
}

TEST(InferRequestJson, EveryDatatypeWithAJsonFormIsRead) {
  for (const char* datatype :
       {"UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP32", "FP64"}) {
    EXPECT_EQ(Code(std::string(R"({"inputs":[{"name":"x","shape":[2],"datatype":")") + datatype +
                   R"(","data":[1,0]}]})"),
              "accepted")
        << datatype;
  }
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[2],"datatype":"BOOL","data":[true,false]}]})"),
            "accepted");
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[],"datatype":"FP32","data":[1]}]})"), "accepted");
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[0,3],"datatype":"FP32","data":[]}]})"), "accepted");
  EXPECT_EQ(Code(R"({"inputs":[]})"), "accepted");
}

TEST(InferRequestJson, ShortFloatsHaveNoJsonForm) {
  for (const char* datatype : {"FP16", "BF16"}) {
    const auto request = DecodeJson(std::string(R"({"inputs":[{"name":"x","shape":[1],"datatype":")") +
                                    datatype + R"(","data":[1]}]})");
    ASSERT_FALSE(request.ok());
    EXPECT_EQ(request.error().code, "tensor-json");
    EXPECT_EQ(request.error().message,
              "inputs[0] is " + std::string(datatype) +
                  ", which has no JSON form; send it as binary tensor data (binary_data_size)");
  }
}

TEST(InferRequestJson, NotANumberGetsAClearError) {
  for (const char* token : {"NaN", "nan", "Infinity", "-Infinity", "inf"}) {
    const auto request = DecodeJson(
        std::string(R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[)") + token + "]}]}");
    ASSERT_FALSE(request.ok());
    EXPECT_EQ(request.error().code, "tensor-json") << token;
    EXPECT_EQ(request.error().message,
              "NaN or Infinity at byte 61 of the JSON part: JSON has no such numbers; send the tensor as "
              "binary tensor data");
  }
}

TEST(InferRequestJson, TheElementCountMustMatchTheShape) {
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[3],"datatype":"BOOL","data":[true]}]})"), "tensor-size");
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,2,3]}]})"),
            "tensor-size");
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":["a","b"]}]})"),
            "tensor-size");
}

TEST(InferRequestJson, ElementsOfAnotherTypeAreRefused) {
  for (const char* data :
       {"[1.5]", "[true]", "[null]", "[\"1\"]", "[{}]", "[[{\"a\":1}]]", "[256]", "[-1]"}) {
    EXPECT_EQ(
        Code(std::string(R"({"inputs":[{"name":"x","shape":[1],"datatype":"UINT8","data":)") + data + "}]}"),
        "tensor-element")
        << data;
  }
  const auto request =
      DecodeJson(R"({"inputs":[{"name":"x","shape":[3],"datatype":"UINT8","data":[1,2,4711]}]})");
  EXPECT_EQ(request.error().message,
            "inputs[0] data, element 2: not a whole number of 0 or more in its range, which UINT8 wants");
}

TEST(InferRequestJson, FieldsThatAreMissingOrWrongAreNamed) {
  EXPECT_EQ(Code("{}"), "infer-field");
  EXPECT_EQ(Code("[]"), "infer-json");
  EXPECT_EQ(Code("7"), "infer-json");
  EXPECT_EQ(Code(R"({"inputs":7})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[7]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[[1]]})"), "infer-field");
  EXPECT_EQ(Code(R"({"id":7,"inputs":[]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[{"shape":[1],"datatype":"INT8","data":[1]}]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","datatype":"INT8","data":[1]}]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[-1],"datatype":"INT8","data":[1]}]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[1.0],"datatype":"INT8","data":[1]}]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[1],"data":[1]}]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[1],"datatype":"INT8"}]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[1],"datatype":"INT8","data":1}]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[1],"datatype":"INT7","data":[1]}]})"), "tensor-dtype");
  EXPECT_EQ(Code(R"({"inputs":[{"name":"x","shape":[1],"datatype":7,"data":[1]}]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[],"outputs":[{}]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[],"outputs":7})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[],"parameters":{"a":[]}})"), "infer-field");
}

TEST(InferRequestJson, TheSameFieldTwiceIsRefused) {
  const std::string tensor = R"("name":"x","shape":[1],"data":[1])";
  EXPECT_EQ(Code(R"({"inputs":[],"inputs":[]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[{"datatype":"INT8",)" + tensor + R"(,"data":[1]}]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[{)" + tensor + R"(,"data":[1],"datatype":"INT8"}]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[{"datatype":"FP32",)" + tensor + R"(,"datatype":"INT32"}]})"), "infer-field");
  EXPECT_EQ(Code(R"({"inputs":[{"datatype":"INT8",)" + tensor + R"(},{"datatype":"INT8",)" + tensor + "}]}"),
            "infer-field");
}

TEST(InferRequestJson, BrokenJsonSaysWhere) {
  EXPECT_EQ(DecodeJson(R"({"inputs":[)").error().message, "the JSON part is not valid JSON at byte 11");
  for (const char* text : {"", "{", "{}}", "{\"a\":01}", "\xFF", "{'a':1}", "nul"})
    EXPECT_EQ(Code(text), "infer-json") << text;
  EXPECT_EQ(Code(std::string(5000, '[')), "infer-json");
}

TEST(InferRequestJson, MemoryIsBoundedByTheLimits) {
  InferLimits limits;
  limits.tensor_bytes = 16;
  const std::string four = R"({"inputs":[{"name":"x","shape":[4],"datatype":"FP32","data":[1,2,3,4]}]})";
  const std::string five = R"({"inputs":[{"name":"x","shape":[5],"datatype":"FP32","data":[1,2,3,4,5]}]})";
  EXPECT_TRUE(DecodeJson(four, limits).ok());
  EXPECT_EQ(DecodeJson(five, limits).error().code, "tensors-too-large");
  limits.json_values = 10;
  EXPECT_EQ(DecodeJson(R"({"inputs":[],"x":[1,2,3,4,5,6,7,8,9,10]})", limits).error().kind,
            base::ErrorKind::kTooLarge);
}

TEST(InferRequestParameters, AreKeptAndOursAreTakenOut) {
  const auto request = DecodeJson(
      R"({"parameters":{"binary_data_output":true,"priority":3,"big":18446744073709551615,"note":"n","r":0.5,"f":false},
          "inputs":[{"name":"x","shape":[1],"datatype":"INT8","parameters":{"hint":1},"data":[1]}],
          "outputs":[{"name":"y","parameters":{"binary_data":false}},{"name":"z"}]})");
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request->parameters.size(), 5u);
  EXPECT_EQ(std::get<std::int64_t>(request->parameters.at("priority")), 3);
  EXPECT_EQ(std::get<std::uint64_t>(request->parameters.at("big")), 18446744073709551615u);
  EXPECT_EQ(request->inputs[0].parameters.size(), 1u);
  EXPECT_FALSE(WantsBinary(*request, "y"));
  EXPECT_TRUE(WantsBinary(*request, "z"));
  EXPECT_TRUE(WantsBinary(*request, "not named"));
}

TEST(InferRequestParameters, WhatWouldChangeTheAnswerIsRefused) {
  for (const char* parameter : {R"("sequence_id":5)", R"("sequence_id":"s")", R"("sequence_start":true)",
                                R"("shared_memory_region":"r")"}) {
    EXPECT_EQ(Code(std::string(R"({"inputs":[],"parameters":{)") + parameter + "}}"), "infer-parameter")
        << parameter;
  }
  for (const char* parameter : {R"("sequence_id":0)", R"("sequence_id":"")", R"("sequence_start":false)"}) {
    EXPECT_EQ(Code(std::string(R"({"inputs":[],"parameters":{)") + parameter + "}}"), "accepted")
        << parameter;
  }
  EXPECT_EQ(Code(R"({"inputs":[],"outputs":[{"name":"y","parameters":{"classification":3}}]})"),
            "infer-parameter");
  EXPECT_EQ(Code(R"({"inputs":[],"parameters":{"binary_data_output":1}})"), "infer-parameter");
}

TEST(InferRequestBinary, BlobsFollowInTensorOrder) {
  const auto request = DecodeBinary(
      R"({"inputs":[{"name":"a","shape":[2],"datatype":"BF16","parameters":{"binary_data_size":4}},)"
      R"({"name":"b","shape":[1],"datatype":"INT8","data":[7]},{"name":"c","shape":[2],)"
      R"("datatype":"BOOL","parameters":{"binary_data_size":2}}]})",
      {1, 2, 3, 4, 1, 0});
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(DataOf(*request, 0), (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(DataOf(*request, 1), (Bytes{7}));
  EXPECT_EQ(DataOf(*request, 2), (Bytes{1, 0}));
  EXPECT_TRUE(request->inputs[0].binary);
  EXPECT_TRUE(request->inputs[0].parameters.empty());
}

TEST(InferRequestBinary, TheSizeMayBeLeftOutWhereTheShapeGivesIt) {
  EXPECT_EQ(BinaryCode(R"({"inputs":[{"name":"a","shape":[2],"datatype":"FP16"}]})", {1, 2, 3, 4}),
            "accepted");
  EXPECT_EQ(BinaryCode(R"({"inputs":[{"name":"a","shape":[1],"datatype":"BYTES"}]})", {0, 0, 0, 0}),
            "infer-field");
  EXPECT_EQ(BinaryCode(R"({"inputs":[{"name":"a","shape":[9223372036854775807],"datatype":"FP32"}]})", {}),
            "tensor-shape");
  EXPECT_EQ(BinaryCode(R"({"inputs":[{"name":"a","shape":[4611686018427387904],"datatype":"FP32"}]})", {}),
            "infer-field");
}

TEST(InferRequestBinary, LengthsThatDoNotAgreeAreRefused) {
  const std::string json =
      R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}]})";
  EXPECT_EQ(BinaryCode(json, {1, 2, 3, 4}), "accepted");
  EXPECT_EQ(BinaryCode(json, {1, 2, 3}), "infer-binary-size");
  EXPECT_EQ(BinaryCode(json, {1, 2, 3, 4, 5}), "infer-binary-size");
  EXPECT_EQ(BinaryCode(R"({"inputs":[]})", {1}), "infer-binary-size");
  EXPECT_EQ(
      BinaryCode(
          R"({"inputs":[{"name":"a","shape":[2],"datatype":"FP32","parameters":{"binary_data_size":4}}]})",
          {1, 2, 3, 4}),
      "tensor-size");
  EXPECT_EQ(
      BinaryCode(
          R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":-4}}]})",
          {}),
      "infer-parameter");
  EXPECT_EQ(BinaryCode(R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP32",)"
                       R"("parameters":{"binary_data_size":18446744073709551615}}]})",
                       {1}),
            "infer-binary-size");
  EXPECT_EQ(BinaryCode(
                R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4},)"
                R"("data":[1]}]})",
                {}),
            "infer-field");
  EXPECT_EQ(Code(json), "infer-header-length");
  EXPECT_EQ(DecodeInferRequest(AsBytes(json), json.size() + 1, {}).error().code, "infer-header-length");
}

TEST(InferRequestRaw, TheModelGivesNameTypeAndShape) {
  const Bytes body = BytesOf<float>({1, 2, 3, 4, 5, 6});
  struct Case {
    vocabulary::Shape declared, wanted;
  };
  for (const Case& c : {Case{{-1, -1}, {1, 6}}, Case{{1, -1}, {1, 6}}, Case{{-1}, {6}}, Case{{-1, 3}, {2, 3}},
                        Case{{2, 3}, {2, 3}}}) {
    const TensorSpec spec{"audio", Datatype::kFp32, c.declared};
    const auto request = DecodeInferRequest(body, 0, {&spec, 1});
    ASSERT_TRUE(request.ok()) << request.error().message;
    EXPECT_EQ(request->inputs[0].tensor.name, "audio");
    EXPECT_EQ(request->inputs[0].tensor.shape, c.wanted);
    EXPECT_EQ(request->inputs[0].tensor.data.data(), body.data());
    EXPECT_TRUE(WantsBinary(*request, "any"));
  }
}

TEST(InferRequestRaw, ABodyThatDoesNotFitIsRefused) {
  const Bytes body = BytesOf<float>({1, 2, 3, 4, 5});
  for (const vocabulary::Shape& declared : {vocabulary::Shape{-1, 3}, {-1, -1, -1}, {2, -1, -1}, {-1, 0}}) {
    const TensorSpec spec{"x", Datatype::kFp32, declared};
    EXPECT_EQ(DecodeInferRequest(body, 0, {&spec, 1}).error().code, "infer-raw")
        << vocabulary::ShapeText(declared);
  }
  const TensorSpec fixed{"x", Datatype::kFp32, {6}};
  EXPECT_EQ(DecodeInferRequest(body, 0, {&fixed, 1}).error().code, "tensor-size");
  const TensorSpec variable{"x", Datatype::kFp32, {1, -1}};
  EXPECT_EQ(DecodeInferRequest({}, 0, {&variable, 1}).error().code, "infer-raw");
  EXPECT_EQ(DecodeInferRequest(Bytes(3), 0, {&variable, 1}).error().code, "infer-raw");
  const std::vector<TensorSpec> two = {fixed, fixed};
  EXPECT_EQ(DecodeInferRequest(body, 0, two).error().message,
            "a raw body (Inference-Header-Content-Length: 0) needs a model with one input; this one has 2");
}

TEST(InferRequestRaw, ARawStringIsOneElement) {
  const TensorSpec spec{"s", Datatype::kBytes, {-1}};
  const auto request = DecodeInferRequest(AsBytes("hi"), 0, {&spec, 1});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(DataOf(*request), (Bytes{2, 0, 0, 0, 'h', 'i'}));
  const TensorSpec many{"s", Datatype::kBytes, {2}};
  EXPECT_EQ(DecodeInferRequest(AsBytes("hi"), 0, {&many, 1}).error().code, "infer-raw");
}

TEST(InferRequest, WhatIsEncodedIsReadBack) {
  const Bytes floats = BytesOf<float>({1, 2});
  const Bytes halves = {1, 2, 3, 4};
  InferRequest request;
  request.id = "a \"quoted\" id";
  request.binary_data_output = true;
  request.parameters["timeout"] = std::int64_t{5000};
  request.inputs.push_back({{"x", Datatype::kFp32, {2}, floats}, false, {}});
  request.inputs.push_back({{"h", Datatype::kFp16, {2}, halves}, true, {{"hint", true}}});
  request.outputs.push_back({"y", false, {}});
  const auto body = EncodeInferRequest(request);
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(Trimmed(*body),
            R"({"id":"a \"quoted\" id","inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1,2]},)"
            R"({"name":"h","datatype":"FP16","shape":[2],"parameters":{"binary_data_size":4,"hint":true}}],)"
            R"("outputs":[{"name":"y","parameters":{"binary_data":false}}],)"
            R"("parameters":{"binary_data_output":true,"timeout":5000}})");
  EXPECT_EQ(body->header_length, body->json.size());
  EXPECT_EQ(body->json.size() % 16, 0u);
  EXPECT_EQ(body->blobs.size(), 1u);
  EXPECT_EQ(body->blobs[0].data(), halves.data());
  EXPECT_EQ(body->content_type(), "application/octet-stream");
  const Bytes joined = body->Joined();
  EXPECT_EQ(body->size(), joined.size());
  const auto read = DecodeInferRequest(joined, body->header_length, {});
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(EncodeInferRequest(*read)->Joined(), joined);
}

TEST(InferResponse, JsonAndBinaryOutputsAreReadBack) {
  const Bytes ids = BytesOf<std::int64_t>({9007199254740993, -1});
  const Bytes scores = BytesOf<float>({0.5});
  InferResponse response;
  response.model_name = "m";
  response.model_version = "1";
  response.id = "";
  response.outputs.push_back({{"ids", Datatype::kInt64, {1, 2}, ids}, false, {}});
  response.outputs.push_back({{"scores", Datatype::kFp32, {1}, scores}, true, {}});
  const auto body = EncodeInferResponse(response);
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(Trimmed(*body),
            R"({"model_name":"m","model_version":"1","id":"","outputs":[{"name":"ids","datatype":"INT64",)"
            R"("shape":[1,2],"data":[9007199254740993,-1]},)"
            R"({"name":"scores","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]})");
  const Bytes joined = body->Joined();
  const auto read = DecodeInferResponse(joined, body->header_length);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->id, "");
  EXPECT_EQ(base::CopyBytes(read->outputs[0].tensor.data), ids);
  EXPECT_EQ(base::CopyBytes(read->outputs[1].tensor.data), scores);
}

TEST(InferResponse, AllInJsonHasNoHeaderLength) {
  InferResponse response;
  response.model_name = "m";
  const auto body = EncodeInferResponse(response);
  EXPECT_EQ(body->json, R"({"model_name":"m","outputs":[]})");
  EXPECT_FALSE(body->header_length.has_value());
  EXPECT_EQ(body->content_type(), "application/json");
}

TEST(InferResponse, ShortFloatsCannotBeAskedForAsJson) {
  const Bytes halves = {1, 2};
  InferResponse response;
  response.outputs.push_back({{"h", Datatype::kFp16, {1}, halves}, false, {}});
  EXPECT_EQ(EncodeInferResponse(response).error().message,
            "tensor 'h' is FP16, which JSON cannot carry; use binary tensor data (binary_data: true)");
}

TEST(InferResponse, ABodyOfAnotherShapeIsRefused) {
  for (const char* text : {"", "{}", R"({"model_name":"m"})", R"({"model_name":7,"outputs":[]})",
                           R"({"model_name":"m","outputs":[{}]})"}) {
    EXPECT_FALSE(DecodeInferResponse(AsBytes(text), std::nullopt).ok()) << text;
  }
}

TEST(InferBody, AMovedRequestKeepsItsElements) {
  auto request = DecodeJson(
      R"({"inputs":[{"name":"a","shape":[1],"datatype":"INT8","data":[1]},{"name":"b","shape":[1],)"
      R"("datatype":"INT8","data":[2]}]})");
  ASSERT_TRUE(request.ok());
  const InferRequest moved = *std::move(request);
  EXPECT_EQ(DataOf(moved, 0), (Bytes{1}));
  EXPECT_EQ(DataOf(moved, 1), (Bytes{2}));
}

TEST(OipInfer, ATimeoutIsInMicrosecondsAndZeroIsNone) {
  InferRequest request;
  EXPECT_FALSE(TimeoutOf(request));
  for (const ParameterValue& none : {ParameterValue(std::int64_t{0}), ParameterValue(std::int64_t{-1}),
                                     ParameterValue(std::string("5")), ParameterValue(true)}) {
    request.parameters["timeout"] = none;
    EXPECT_FALSE(TimeoutOf(request));
  }
  request.parameters["timeout"] = std::int64_t{5000};
  EXPECT_EQ(TimeoutOf(request), std::chrono::microseconds(5000));
}

}  // namespace
}  // namespace blindai::wire
