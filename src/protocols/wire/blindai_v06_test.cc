#include "protocols/wire/blindai_v06.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "encoding/cbor.h"
#include "encoding/hex.h"

namespace blindai::wire::v06 {
namespace {

using base::Bytes;
using base::ByteView;
using encoding::CborWriter;
using ::testing::ElementsAre;
using vocabulary::Datatype;

Bytes AllByteValues() {
  Bytes bytes(256);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

// What the published client sends, in its order.
CborWriter UploadStart(std::uint64_t fields = 5) {
  CborWriter writer;
  writer.Map(fields).Text("model");
  return writer;
}
CborWriter& WithArray(CborWriter& writer, const Bytes& model) {
  writer.Array(model.size());
  for (const std::uint8_t byte : model) writer.Unsigned(byte);
  return writer;
}
CborWriter& WithRest(CborWriter& writer, std::uint64_t length) {
  writer.Text("length").Unsigned(length).Text("model_name").Text("a.onnx").Text("optimize").Bool(true);
  return writer.Text("client_info").Map(2).Text("uid").Text("ab").Text("is_colab").Bool(false);
}
Bytes ClientUpload(const Bytes& model) {
  CborWriter writer = UploadStart();
  WithRest(WithArray(writer, model), model.size());
  return std::move(writer).Take();
}
Bytes Hex(std::string_view digits) { return *encoding::HexDecode(digits); }

// Receives an upload: what began, what came, and the code of its end.
struct Received {
  int begun = 0;
  std::optional<std::uint64_t> announced;
  Bytes model;
  std::string code = "ok";
};
Received Decode(ByteView body, std::size_t piece = 1 << 20) {
  Received received;
  UploadDecoder decoder({[&](std::optional<std::uint64_t> bytes) {
                           ++received.begun;
                           received.announced = bytes;
                           return base::Ok();
                         },
                         [&](ByteView bytes) {
                           EXPECT_EQ(received.begun, 1);
                           received.model.insert(received.model.end(), bytes.begin(), bytes.end());
                           return base::Ok();
                         }});
  while (!body.empty()) {
    const ByteView chunk = body.first(std::min(piece, body.size()));
    body = body.subspan(chunk.size());
    if (const base::Status fed = decoder.Feed(chunk); !fed.ok()) {
      received.code = fed.error().code;
      return received;
    }
  }
  if (const base::Status whole = decoder.Finish(); !whole.ok()) received.code = whole.error().code;
  return received;
}

TEST(BlindaiV06Upload, AnArrayOfIntegersIsTheModel) {
  const Bytes model = AllByteValues();
  const Received received = Decode(ClientUpload(model));
  EXPECT_EQ(received.code, "ok");
  EXPECT_EQ(received.model, model);
  EXPECT_EQ(received.announced, 256u);
}

TEST(BlindaiV06Upload, WhereThePiecesAreCutMakesNoDifference) {
  const Bytes model = AllByteValues();
  const Bytes body = ClientUpload(model);
  for (std::size_t piece = 1; piece < 40; ++piece) {
    const Received received = Decode(body, piece);
    EXPECT_EQ(received.code, "ok") << piece;
    EXPECT_EQ(received.model, model) << piece;
  }
}

TEST(BlindaiV06Upload, AByteStringIsTheModelToo) {
  CborWriter writer = UploadStart();
  writer.Bytes(AllByteValues());
  const Bytes body = std::move(WithRest(writer, 256)).Take();
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, body.size()}) {
    const Received received = Decode(body, piece);
    EXPECT_EQ(received.code, "ok");
    EXPECT_EQ(received.model, AllByteValues());
  }
}

TEST(BlindaiV06Upload, IndefiniteLengthsAreRead) {
  // {_ "model": [_ 1, 255]} and {_ "model": (_ h'01', h'', h'02')}, and one with its length afterwards.
  for (const char* digits : {"bf656d6f64656c9f0118ffffff", "bf656d6f64656c5f4101404118ffff"}) {
    for (std::size_t piece = 1; piece < 5; ++piece) {
      const Received received = Decode(Hex(digits), piece);
      EXPECT_EQ(received.code, "ok") << digits;
      EXPECT_EQ(received.model.size(), 2u) << digits;
      EXPECT_FALSE(received.announced) << digits;
    }
  }
  EXPECT_EQ(Decode(Hex("bf656d6f64656c9f0118ffff666c656e67746802ff")).code, "ok");
}

TEST(BlindaiV06Upload, FieldsMayComeInAnyOrderAndUnknownOnesAreIgnored) {
  CborWriter writer;
  writer.Map(4).Text("colour").Array(2).Null().Double(1.5).Text("length").Unsigned(3);
  writer.Text("model").Array(3).Unsigned(1).Unsigned(2).Unsigned(200).Text("more").Bytes(Bytes(100));
  const Received received = Decode(std::move(writer).Take());
  EXPECT_EQ(received.code, "ok");
  EXPECT_THAT(received.model, ElementsAre(1, 2, 200));
}

// Fault 2 of the original: declared and received differ.
TEST(BlindaiV06Upload, AModelThatIsNotAsLongAsDeclaredIsRefused) {
  for (const std::uint64_t length : {0, 255, 257}) {
    CborWriter writer = UploadStart();
    WithRest(WithArray(writer, AllByteValues()), length);
    EXPECT_EQ(Decode(std::move(writer).Take()).code, "upload-length") << length;
  }
}

// Fault 1: a huge declaration is refused before anything is stored; here the array itself contradicts it.
TEST(BlindaiV06Upload, ADeclarationThatTheArrayContradictsIsRefusedBeforeTheModelBegins) {
  CborWriter writer;
  writer.Map(2).Text("length").Unsigned(~std::uint64_t{0}).Text("model").Array(1).Unsigned(1);
  const Received received = Decode(std::move(writer).Take());
  EXPECT_EQ(received.code, "upload-length");
  EXPECT_EQ(received.begun, 0);
}

TEST(BlindaiV06Upload, AnArrayThatPromisesMoreThanComesReservesNothing) {
  CborWriter writer = UploadStart();
  writer.Array(~std::uint64_t{0}).Unsigned(1);
  const Received received = Decode(std::move(writer).Take());
  EXPECT_EQ(received.code, "cbor-ends-early");
  EXPECT_EQ(received.announced, ~std::uint64_t{0});
}

TEST(BlindaiV06Upload, AnEmptyFileIsAnEmptyModel) {
  const Received received = Decode(ClientUpload({}));
  EXPECT_EQ(received.code, "ok");
  EXPECT_EQ(received.announced, 0u);
  EXPECT_TRUE(received.model.empty());
}

TEST(BlindaiV06Upload, TheSinkEndsTheUpload) {
  UploadDecoder decoder({[](std::optional<std::uint64_t>) -> base::Status {
                           return base::MakeError(base::ErrorKind::kTooLarge, "model-too-large", "no");
                         },
                         [](ByteView) { return base::Ok(); }});
  EXPECT_EQ(decoder.Feed(ClientUpload(AllByteValues())).error().code, "model-too-large");
}

TEST(BlindaiV06Upload, WhatIsNoUploadIsRefused) {
  struct Row {
    const char* digits;
    const char* code;
  };
  for (const Row& row : {
           Row{"", "cbor-ends-early"}, Row{"01", "wrong-type"},    // not a map
           Row{"a0", "missing-field"},                             // no model
           Row{"a1656d6f64656c820119", "wrong-type"},              // an element of two bytes
           Row{"a1656d6f64656c820120", "wrong-type"},              // a negative element
           Row{"a1656d6f64656c81f5", "wrong-type"},                // true
           Row{"a1656d6f64656c01", "wrong-type"},                  // model: 1
           Row{"a1656d6f64656c6161", "wrong-type"},                // model: text
           Row{"a1656d6f64656c810102", "bad-cbor"},                // bytes follow
           Row{"a2656d6f64656c8101656d6f64656c8101", "bad-cbor"},  // twice
           Row{"a10102", "wrong-type"},                            // a key that is no text
           Row{"a1666c656e67746820", "wrong-type"},                // length: -1
           Row{"bf656d6f64656c5f6101ffff", "bad-cbor"},            // a chunk of text
           Row{"a1656d6f64656c81ff", "wrong-type"},                // a break in an array of known length
       }) {
    EXPECT_EQ(Decode(Hex(row.digits)).code, row.code) << row.digits;
    EXPECT_EQ(Decode(Hex(row.digits), 1).code, row.code) << row.digits;
  }
}

TEST(BlindaiV06Upload, WhatStandsBesideTheModelIsBounded) {
  CborWriter large;
  large.Map(1).Text("client_info").Bytes(Bytes(1 << 20));
  EXPECT_EQ(Decode(std::move(large).Take()).code, "too-large");
  CborWriter many;
  many.Map(1000);
  for (int i = 0; i < 1000; ++i) many.Text(std::to_string(i)).Null();
  EXPECT_EQ(Decode(std::move(many).Take()).code, "too-large");
  EXPECT_EQ(Decode(Bytes(1000, 0xa1)).code, "too-large");
}

TEST(BlindaiV06Upload, TheReplyIsTheHashAndTheId) {
  const auto reply = encoding::ParseCbor(EncodeUploadReply(std::string(64, 'a'), "m"));
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(*CborBytesField(*reply, "hash"), Bytes(32, 0xaa));
  EXPECT_EQ(*CborTextField(*reply, "model_id"), "m");
}

// --- run ---

struct Input {
  std::vector<std::uint64_t> fact;
  std::uint64_t datum_type = 0;
  std::string node_name;
  Bytes data;
};
void Write(CborWriter& writer, const Input& input) {
  writer.Map(2).Text("info").Map(3).Text("fact").Array(input.fact.size());
  for (const std::uint64_t dimension : input.fact) writer.Unsigned(dimension);
  writer.Text("datum_type").Unsigned(input.datum_type).Text("node_name");
  if (input.node_name.empty()) {
    writer.Null();
  } else {
    writer.Text(input.node_name);
  }
  writer.Text("bytes_data").Bytes(input.data);
}
Bytes RunBody(const std::string& id, const std::string& hash, const std::vector<Input>& inputs) {
  CborWriter writer;
  writer.Map(4).Text("model_id").Text(id).Text("model_hash").Text(hash).Text("inputs").Array(inputs.size());
  for (const Input& input : inputs) Write(writer, input);
  writer.Text("client_info").Map(0);
  return std::move(writer).Take();
}
std::string CodeOf(const Bytes& body) {
  const auto request = DecodeRunRequest(body);
  return request.ok() ? "ok" : request.error().code;
}

TEST(BlindaiV06Run, InputsKeepNameTypeShapeAndBytes) {
  const Bytes body = RunBody("m", "", {{{1, 2}, 0, "left", Bytes(8, 1)}, {{3}, 10, "", Bytes(3)}});
  const auto request = DecodeRunRequest(body);
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request->model_id, "m");
  ASSERT_EQ(request->inputs.size(), 2u);
  EXPECT_EQ(request->inputs[0].name, "left");
  EXPECT_EQ(request->inputs[0].datatype, Datatype::kFp32);
  EXPECT_THAT(request->inputs[0].shape, ElementsAre(1, 2));
  EXPECT_EQ(request->inputs[0].data.size(), 8u);
  EXPECT_GE(request->inputs[0].data.data(), body.data());  // a view, not a copy
  EXPECT_LT(request->inputs[0].data.data(), body.data() + body.size());
  EXPECT_EQ(request->inputs[1].name, "");
  EXPECT_EQ(request->inputs[1].datatype, Datatype::kBool);
}

TEST(BlindaiV06Run, AScalarHasNoDimensionsAndAnEmptyTensorNoBytes) {
  EXPECT_EQ(CodeOf(RunBody("m", "", {{{}, 0, "", Bytes(4)}})), "ok");
  EXPECT_EQ(CodeOf(RunBody("m", "", {{{0, 5}, 0, "", {}}})), "ok");
}

TEST(BlindaiV06Run, TheHashMayBeInEitherCase) {
  const std::string digits = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789";
  const Bytes body = RunBody("", digits, {});
  const auto request = DecodeRunRequest(body);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->model_sha256, "0123456789abcdefabcdef0123456789abcdef0123456789abcdef0123456789");
}

// Fault 17: it crashed the original.
TEST(BlindaiV06Run, AHashThatIsNot64HexDigitsIsRefused) {
  for (const std::string& hash :
       {std::string("not a digest"), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g')})
    EXPECT_EQ(CodeOf(RunBody("", hash, {})), "model-hash") << hash;
}

TEST(BlindaiV06Run, ExactlyOneOfIdAndHashIsWanted) {
  EXPECT_EQ(CodeOf(RunBody("", "", {})), "model-choice");
  EXPECT_EQ(CodeOf(RunBody("m", std::string(64, 'a'), {})), "model-choice");
}

// Fault 18: the published client sends `fact` as one integer for a flat list with shapes=[1, 2].
TEST(BlindaiV06Run, AFactThatIsOneIntegerIsRefused) {
  CborWriter writer;
  writer.Map(2).Text("model_id").Text("m").Text("inputs").Array(1);
  writer.Map(2).Text("info").Map(2).Text("fact").Unsigned(1).Text("datum_type").Unsigned(0);
  writer.Text("bytes_data").Bytes(Bytes(4));
  const auto request = DecodeRunRequest(std::move(writer).Take());
  ASSERT_FALSE(request.ok());
  EXPECT_EQ(request.error().code, "wrong-type");
  EXPECT_EQ(request.error().param, "fact");
}

// Fault 15: dims that are negative, huge, overflowing, or do not fit the bytes; a missing info.
TEST(BlindaiV06Run, DimensionsThatCannotBeAreRefused) {
  EXPECT_EQ(CodeOf(RunBody("m", "", {{{~std::uint64_t{0}}, 0, "", Bytes(4)}})), "tensor-shape");
  EXPECT_EQ(CodeOf(RunBody("m", "", {{{1ull << 40, 1ull << 40}, 0, "", Bytes(4)}})), "tensor-shape");
  EXPECT_EQ(CodeOf(RunBody("m", "", {{{1, 2}, 0, "", Bytes(7)}})), "tensor-size");
  EXPECT_EQ(CodeOf(RunBody("m", "", {{{2}, 11, "", Bytes(8)}})), "tensor-dtype");
  EXPECT_EQ(CodeOf(RunBody("m", "", {{std::vector<std::uint64_t>(33, 1), 0, "", Bytes(4)}})), "too-large");
  // {"model_id": "m", "inputs": [{"info": {"fact": [-1], "datum_type": 0}, "bytes_data": h''}]}
  EXPECT_EQ(CodeOf(Hex("a2686d6f64656c5f6964616d66696e7075747381a264696e666fa264666163748120"
                       "6a646174756d5f74797065006a62797465735f6461746140")),
            "wrong-type");
  // {"model_id": "m", "inputs": [{"bytes_data": h''}]}, and an input without bytes
  EXPECT_EQ(CodeOf(Hex("a2686d6f64656c5f6964616d66696e7075747381a16a62797465735f6461746140")),
            "missing-field");
  EXPECT_EQ(CodeOf(Hex("a2686d6f64656c5f6964616d66696e7075747381a0")), "missing-field");
}

TEST(BlindaiV06Run, WhatIsNoRequestIsRefused) {
  EXPECT_EQ(CodeOf({}), "cbor-ends-early");
  EXPECT_EQ(CodeOf(Hex("80")), "wrong-type");
  EXPECT_EQ(CodeOf(Hex("a0")), "missing-field");
  const Bytes good = RunBody("m", "", {{{2}, 0, "x", Bytes(8)}});
  ASSERT_EQ(CodeOf(good), "ok");
  for (std::size_t cut = 0; cut < good.size(); ++cut)
    EXPECT_EQ(CodeOf(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut))), "cbor-ends-early")
        << cut;
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(CodeOf(longer), "bad-cbor");
  // {"model_id": "m", "model_id": "m"}
  EXPECT_EQ(CodeOf(Hex("a2686d6f64656c5f6964616d686d6f64656c5f6964616d")), "bad-cbor");
}

TEST(BlindaiV06Run, TheReplyCarriesTrueShapesAndByteStrings) {
  const std::vector<vocabulary::Tensor> outputs = {{"y", Datatype::kInt64, {1, 2}, Bytes(16, 3)},
                                                   {"z", Datatype::kFp32, {0}, {}}};
  const auto heads = EncodeRunReply(outputs);
  ASSERT_TRUE(heads.ok());
  ASSERT_EQ(heads->size(), 2u);
  Bytes body;
  for (std::size_t i = 0; i < 2; ++i) {
    body.insert(body.end(), (*heads)[i].begin(), (*heads)[i].end());
    body.insert(body.end(), outputs[i].data.begin(), outputs[i].data.end());
  }
  const auto reply = encoding::ParseCbor(body);
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  const auto* list = reply->Find("outputs");
  ASSERT_NE(list, nullptr);
  ASSERT_EQ(list->items.size(), 2u);
  const auto* info = list->items[0].Find("info");
  EXPECT_EQ(info->items.size(), 6u);  // the client refuses keys that it does not know
  EXPECT_EQ(*CborTextField(*info, "datum_type"), "I64");
  EXPECT_EQ(*CborTextField(*info, "node_name"), "y");
  EXPECT_EQ(info->Find("fact")->items[1].number, 2u);
  EXPECT_EQ(*CborBytesField(list->items[0], "bytes_data"), Bytes(16, 3));
  EXPECT_TRUE(CborBytesField(list->items[1], "bytes_data")->empty());
}

TEST(BlindaiV06Run, OutputsThatTheProtocolCannotCarryAreAnError) {
  EXPECT_EQ(EncodeRunReply({{"y", Datatype::kBf16, {1}, Bytes(2)}}).error().code, "output-datatype");
  const auto none = EncodeRunReply({});
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(encoding::ParseCbor(none->at(0)).ok());
}

TEST(BlindaiV06, DeleteNamesAModel) {
  EXPECT_EQ(*DecodeDeleteRequest(Hex("a1686d6f64656c5f6964616d")), "m");
  EXPECT_EQ(DecodeDeleteRequest(Hex("a0")).error().code, "missing-field");
  EXPECT_EQ(DecodeDeleteRequest(Hex("a1686d6f64656c5f696401")).error().code, "wrong-type");
  EXPECT_EQ(DecodeDeleteRequest(Hex("a1686d6f64656c5f6964616d00")).error().code, "bad-cbor");
}

TEST(BlindaiV06, CollateralHasExactlyTheTenKeysOfTheClient) {
  vocabulary::SgxCollateral collateral;
  collateral.pck_signing_chain = "chain";
  const auto map = encoding::ParseCbor(EncodeCollateral(collateral));
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map->items.size(), 20u);
  EXPECT_EQ(*CborUnsignedField(*map, "version"), 3u);
  EXPECT_EQ(*CborTextField(*map, "pck_signing_chain"), "chain");
  for (const char* key : {"pck_crl_issuer_chain", "root_ca_crl", "pck_crl", "tcb_info_issuer_chain",
                          "tcb_info", "qe_identity_issuer_chain", "qe_identity", "pck_certificate"})
    EXPECT_TRUE(CborTextField(*map, key).ok()) << key;
}

TEST(BlindaiV06, AFailureIsOneText) {
  const auto text = encoding::ParseCbor(
      EncodeFailure(base::MakeError(base::ErrorKind::kNotFound, "model-not-found", "no model")));
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(text->text(), "model-not-found: no model");
}

}  // namespace
}  // namespace blindai::wire::v06
