#include "protocols/endpoints/blindai_v06.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <optional>

#include "encoding/cbor.h"
#include "encoding/hex.h"
#include "support/fake_exchange.h"
#include "support/onnx_builder.h"
#include "support/served_models.h"

namespace blindai::endpoints {
namespace {

using base::Bytes;
using encoding::CborValue;
using encoding::CborWriter;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using tests::FakeAnswer;
using tests::FakeExchange;

Bytes DifferenceModel() {
  tests::OnnxGraph graph;
  graph.Input("left", tests::kOnnxFloat, {2}).Input("right", tests::kOnnxFloat, {2});
  graph.Output("y", tests::kOnnxFloat, {2}).Node(tests::OnnxNode("Sub", {"left", "right"}, {"y"}));
  return tests::OnnxModel(graph).Opset(17).Bytes();
}

Bytes UploadOf(const Bytes& model, std::optional<std::uint64_t> length = std::nullopt) {
  CborWriter writer;
  writer.Map(3).Text("model").Array(model.size());
  for (const std::uint8_t byte : model) writer.Unsigned(byte);
  writer.Text("length").Unsigned(length.value_or(model.size())).Text("optimize").Bool(true);
  return std::move(writer).Take();
}

struct Input {
  std::string name;  // empty: by position
  std::vector<float> values;
};
Bytes RunOf(const std::string& id, const std::string& hash, const std::vector<Input>& inputs) {
  CborWriter writer;
  writer.Map(3).Text("model_id").Text(id).Text("model_hash").Text(hash).Text("inputs").Array(inputs.size());
  for (const Input& input : inputs) {
    writer.Map(2).Text("info").Map(3).Text("fact").Array(1).Unsigned(input.values.size());
    writer.Text("datum_type").Unsigned(0).Text("node_name");
    if (input.name.empty()) {
      writer.Null();
    } else {
      writer.Text(input.name);
    }
    const auto* first = reinterpret_cast<const std::uint8_t*>(input.values.data());
    writer.Text("bytes_data").Bytes(base::ByteView(first, input.values.size() * sizeof(float)));
  }
  return std::move(writer).Take();
}

class BlindaiV06Test : public ::testing::Test {
 protected:
  using Port = net::Task<void> (BlindaiV06::*)(net::HttpExchange&) const;
  struct Handler {
    const BlindaiV06& endpoint;
    Port port;
    net::Task<void> Handle(net::HttpExchange& exchange) const { return (endpoint.*port)(exchange); }
  };

  BlindaiV06Test() {
    options_.certificate_der = {0x30, 0x00};
    options_.upload = models_.upload();
    options_.max_tensor_bytes = 1024;
  }
  FakeAnswer Ask(Port port, const std::string& request, Bytes body = {}) {
    const BlindaiV06 endpoint(models_.catalogue(), genuine_ ? sgx_ : no_sgx_, options_, identify_);
    const Handler handler{endpoint, port};
    FakeExchange exchange(request, std::move(body));
    return tests::Serve(handler, exchange);
  }
  FakeAnswer Upload(const Bytes& body) { return Ask(&BlindaiV06::Management, "POST /upload", body); }
  FakeAnswer Run(const Bytes& body) { return Ask(&BlindaiV06::Attested, "POST /run", body); }
  FakeAnswer Delete(const std::string& id) {
    CborWriter writer;
    writer.Map(1).Text("model_id").Text(id);
    return Ask(&BlindaiV06::Management, "POST /delete", std::move(writer).Take());
  }

  struct Model {
    std::string id;
    std::string hash;
  };
  Model Uploaded(const Bytes& model) {
    const FakeAnswer answer = Upload(UploadOf(model));
    EXPECT_EQ(answer.status, 200) << answer.body;
    const auto reply = encoding::ParseCbor(base::AsBytes(answer.body));
    BLINDAI_CHECK(reply.ok());
    return {*CborTextField(*reply, "model_id"), encoding::HexEncode(*CborBytesField(*reply, "hash"))};
  }
  std::vector<float> Output(const FakeAnswer& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body;
    const auto reply = encoding::ParseCbor(base::AsBytes(answer.body));
    if (!reply.ok()) return {};
    const Bytes data = *CborBytesField(reply->Find("outputs")->items.at(0), "bytes_data");
    std::vector<float> values(data.size() / sizeof(float));
    std::memcpy(values.data(), data.data(), data.size());
    return values;
  }
  // The text of a failure.
  std::string Failure(const FakeAnswer& answer, int status) {
    EXPECT_EQ(answer.status, status) << answer.body;
    const auto text = encoding::ParseCbor(base::AsBytes(answer.body));
    return text.ok() ? std::string(text->text()) : "no CBOR text";
  }

  tests::ServedModels models_;
  BlindaiV06Options options_;
  IdentifyCaller identify_ = tests::EverybodyMay;
  service::AttestationQueue queue_{{}};
  service::LegacyEvidence no_sgx_{{}, std::chrono::seconds(60), queue_};
  bool genuine_ = false;
  bool quote_fails_ = false;
  service::LegacyEvidence sgx_{
      [this](service::AttestationQueue::Deadline) -> base::Result<service::LegacyQuote> {
        if (quote_fails_)
          return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable", "the device is busy");
        service::LegacyQuote quote;
        quote.quote = {1, 2, 3};
        quote.collateral.tcb_info = "{}";
        return quote;
      },
      std::chrono::seconds(60), queue_};
};

TEST_F(BlindaiV06Test, AModelIsUploadedRunByIdAndByHashAndDeleted) {
  const Model model = Uploaded(DifferenceModel());
  EXPECT_EQ(model.id.size(), 36u);
  EXPECT_EQ(model.id[14], '4');  // a UUID of version 4
  EXPECT_THAT(Output(Run(RunOf(model.id, "", {{"", {3, 5}}, {"", {1, 1}}}))), ElementsAre(2, 4));
  EXPECT_THAT(Output(Run(RunOf("", model.hash, {{"", {3, 5}}, {"", {1, 1}}}))), ElementsAre(2, 4));
  EXPECT_EQ(Delete(model.id).status, 200);
  EXPECT_THAT(Failure(Run(RunOf(model.id, "", {})), 404), HasSubstr("model-not-found"));
  EXPECT_THAT(Failure(Run(RunOf("", model.hash, {})), 404), HasSubstr("model-not-found"));
}

// Fault 16 of the original.
TEST_F(BlindaiV06Test, NamedInputsWorkInAnyOrderAndWrongNamesAreRefused) {
  const Model model = Uploaded(DifferenceModel());
  const auto run = [&](const std::vector<Input>& inputs) { return Run(RunOf(model.id, "", inputs)); };
  EXPECT_THAT(Output(run({{"left", {3, 5}}, {"right", {1, 1}}})), ElementsAre(2, 4));
  EXPECT_THAT(Output(run({{"right", {1, 1}}, {"left", {3, 5}}})), ElementsAre(2, 4));
  EXPECT_THAT(Failure(run({{"left", {3, 5}}, {"centre", {1, 1}}}), 400), HasSubstr("tensor-name"));
  EXPECT_THAT(Failure(run({{"left", {3, 5}}, {"left", {1, 1}}}), 400), HasSubstr("tensor-name"));
  EXPECT_THAT(Failure(run({{"left", {3, 5}}}), 400), HasSubstr("tensor-name"));
  EXPECT_THAT(Failure(run({{"", {3, 5}}}), 400), HasSubstr("tensor-count"));
  EXPECT_THAT(Failure(run({{"left", {3, 5}}, {"", {1, 1}}}), 400), HasSubstr("tensor-name"));
}

TEST_F(BlindaiV06Test, AModelOfAnotherClientRunsHereToo) {
  auto upload = service::ModelUpload::Begin(
      models_.catalogue(), models_.upload(), service::Caller::AnonymousWithAllRights(),
      {.id = *vocabulary::ModelId::Parse("native"), .content_length = {}});
  ASSERT_TRUE(upload.ok());
  ASSERT_TRUE((*upload)->Feed(DifferenceModel()).ok());
  std::promise<bool> done;
  service::ModelUpload::Finish(std::move(upload).value(), [&](auto record) { done.set_value(record.ok()); });
  ASSERT_TRUE(done.get_future().get());
  EXPECT_THAT(Output(Run(RunOf("native", "", {{"", {3, 5}}, {"", {1, 1}}}))), ElementsAre(2, 4));
}

TEST_F(BlindaiV06Test, ABareIdAndOneWithItsOwnersNameFindTheSameModel) {
  const Model model = Uploaded(DifferenceModel());
  const std::vector<Input> inputs = {{"", {3, 5}}, {"", {1, 1}}};
  EXPECT_THAT(Output(Run(RunOf("anonymous/" + model.id, "", inputs))), ElementsAre(2, 4));
  EXPECT_THAT(Failure(Run(RunOf("clinic/" + model.id, "", inputs)), 404), HasSubstr("model-not-found"));
}

TEST_F(BlindaiV06Test, TheSameModelTwiceHasTwoIdsAndDeletingOneLeavesTheOther) {
  const Model one = Uploaded(DifferenceModel());
  const Model two = Uploaded(DifferenceModel());
  EXPECT_NE(one.id, two.id);
  EXPECT_EQ(one.hash, two.hash);
  EXPECT_EQ(Delete(two.id).status, 200);
  EXPECT_EQ(Run(RunOf("", one.hash, {{"", {3, 5}}, {"", {1, 1}}})).status, 200);
}

// Fault 10: deleting an unknown model reports an error.
TEST_F(BlindaiV06Test, DeletingAnUnknownModelIsAnError) {
  EXPECT_THAT(Failure(Delete("nobody"), 404), HasSubstr("model-not-found"));
  EXPECT_THAT(Failure(Delete("../secret"), 400), HasSubstr("model-id"));
}

// The same status, text and header after the same steps, by each name of the model.
TEST_F(BlindaiV06Test, WhatIsNotTheirsIsAnsweredAsWhatDoesNotExist) {
  auto upload = service::ModelUpload::Begin(
      models_.catalogue(), models_.upload(), {"anna", 1, true, true},
      {.id = *vocabulary::ModelId::Parse("secret"), .visibility = service::Visibility::kPrivate});
  ASSERT_TRUE(upload.ok());
  ASSERT_TRUE((*upload)->Feed(DifferenceModel()).ok());
  std::promise<std::string> done;
  service::ModelUpload::Finish(std::move(upload).value(),
                               [&](auto record) { done.set_value(record.ok() ? record->sha256 : ""); });
  const std::string hash = done.get_future().get();
  ASSERT_EQ(hash.size(), 64u);
  identify_ = [](const net::RequestHead&) -> base::Result<service::Caller> {
    return service::Caller{"bert", 2, true, true};
  };

  const auto expect_same = [&](const std::string& theirs, const std::string& unknown, const auto& ask) {
    const int start = models_.lookups();
    FakeAnswer one = ask(theirs);
    const int between = models_.lookups();
    const FakeAnswer other = ask(unknown);
    EXPECT_EQ(between - start, models_.lookups() - between) << theirs;
    EXPECT_EQ(one.status, 404) << theirs;
    EXPECT_EQ(other.status, 404) << theirs;
    const std::size_t at = one.body.find(theirs);
    if (at != std::string::npos) one.body.replace(at, theirs.size(), unknown);
    EXPECT_EQ(one.body, other.body);
    EXPECT_EQ(one.headers.fields(), other.headers.fields());
  };
  const std::vector<Input> inputs = {{"", {3, 5}}, {"", {1, 1}}};
  const auto run = [&](const std::string& id) { return Run(RunOf(id, "", inputs)); };
  const auto run_by_hash = [&](const std::string& sha256) { return Run(RunOf("", sha256, inputs)); };
  const auto remove = [&](const std::string& id) { return Delete(id); };
  for (const std::string user : {"", "anna/", "bert/"}) {
    expect_same(user + "secret", user + "xxxxxx", run);
    expect_same(user + "secret", user + "xxxxxx", remove);
  }
  expect_same(hash, std::string(64, '0'), run_by_hash);
}

TEST_F(BlindaiV06Test, AnOwnerDeletesByABareIdAndByOneWithItsName) {
  const Model one = Uploaded(DifferenceModel());
  EXPECT_THAT(Failure(Delete("clinic/" + one.id), 404), HasSubstr("model-not-found"));
  EXPECT_EQ(Delete("anonymous/" + one.id).status, 200);
  EXPECT_EQ(Delete(one.id).status, 404);
}

// Faults 1 and 3: what is declared and what arrives are both held to the limit, before memory is used for it.
TEST_F(BlindaiV06Test, OneByteOverTheModelLimitIsRefusedAndLeavesNothing) {
  const Bytes model = DifferenceModel();
  options_.upload.max_model_bytes = model.size() - 1;
  EXPECT_THAT(Failure(Upload(UploadOf(model)), 413), HasSubstr("model-too-large"));
  CborWriter huge;
  huge.Map(1).Text("model").Array(std::uint64_t{1} << 60).Unsigned(1);
  EXPECT_THAT(Failure(Upload(std::move(huge).Take()), 413), HasSubstr("model-too-large"));
  EXPECT_EQ(models_.catalogue().uploads(), 0u);
  options_.upload.max_model_bytes = model.size();
  EXPECT_EQ(Upload(UploadOf(model)).status, 200);
}

// Fault 2.
TEST_F(BlindaiV06Test, AnUploadThatIsNotAsLongAsDeclaredIsRefusedAndStoresNothing) {
  const Bytes model = DifferenceModel();
  for (const std::uint64_t length : {std::uint64_t{0}, model.size() - 1, model.size() + 1})
    EXPECT_THAT(Failure(Upload(UploadOf(model, length)), 400), HasSubstr("upload-length"));
  EXPECT_EQ(models_.catalogue().size() + models_.catalogue().uploads(), 0u);
}

// Faults 7 and 20: a broken file leaves nothing behind, and no answer carries the engine's words.
TEST_F(BlindaiV06Test, ABrokenModelLeavesNothingAndTheAnswerIsOneShortText) {
  const FakeAnswer answer = Upload(UploadOf(Bytes(50'000, 0x41)));
  const std::string text = Failure(answer, 400);
  EXPECT_THAT(text, Not(HasSubstr("/")));
  EXPECT_LT(text.size(), 300u);
  EXPECT_THAT(Failure(Upload(UploadOf({})), 400), Not(HasSubstr("/")));
  EXPECT_EQ(models_.catalogue().size() + models_.catalogue().uploads(), 0u);
}

// Fault 4: the limit counts the whole request.
TEST_F(BlindaiV06Test, ARequestOverTheTensorLimitIsRefused) {
  EXPECT_THAT(Failure(Run(Bytes((1 << 20) + 1025)), 413), HasSubstr("too-large"));
}

// Fault 29: "mock" exactly when there is no genuine quote.
TEST_F(BlindaiV06Test, TheServerHeaderSaysMockExactlyWhenThereIsNoGenuineQuote) {
  for (const char* path : {"GET /", "GET /quote", "GET /unknown"}) {
    EXPECT_EQ(Ask(&BlindaiV06::Unattested, path).headers.Find("Server"), "blindai mock (testing)") << path;
  }
  EXPECT_THAT(Failure(Ask(&BlindaiV06::Unattested, "GET /quote"), 404), HasSubstr("no-genuine-quote"));
  EXPECT_THAT(Failure(Ask(&BlindaiV06::Unattested, "GET /collateral"), 404), HasSubstr("no-genuine-quote"));
  genuine_ = true;
  EXPECT_EQ(Ask(&BlindaiV06::Unattested, "GET /").headers.Find("Server"), "blindai");
  EXPECT_EQ(Ask(&BlindaiV06::Unattested, "GET /quote").body, std::string("\x43\x01\x02\x03"));
  const auto collateral =
      encoding::ParseCbor(base::AsBytes(Ask(&BlindaiV06::Unattested, "GET /collateral").body));
  ASSERT_TRUE(collateral.ok());
  EXPECT_EQ(*CborTextField(*collateral, "tcb_info"), "{}");
}

TEST_F(BlindaiV06Test, TheCertificateIsOneByteString) {
  EXPECT_EQ(Ask(&BlindaiV06::Unattested, "GET /").body, std::string("\x42\x30\x00", 3));
}

// Fault 19.
TEST_F(BlindaiV06Test, AFailingQuoteFailsThatCallOnly) {
  genuine_ = true;
  quote_fails_ = true;
  EXPECT_THAT(Failure(Ask(&BlindaiV06::Unattested, "GET /quote"), 503), HasSubstr("attester-unavailable"));
  EXPECT_EQ(Ask(&BlindaiV06::Unattested, "GET /").status, 200);
  quote_fails_ = false;
  EXPECT_EQ(Ask(&BlindaiV06::Unattested, "GET /quote").status, 200);
}

TEST_F(BlindaiV06Test, EachPortServesItsOwnAndManagementIsOnTheAttestedPortOnlyWhereConfigured) {
  EXPECT_EQ(Ask(&BlindaiV06::Attested, "GET /").status, 404);
  EXPECT_EQ(Ask(&BlindaiV06::Attested, "POST /delete", {0xa0}).status, 404);
  EXPECT_EQ(Ask(&BlindaiV06::Management, "POST /run", {0xa0}).status, 404);
  EXPECT_EQ(Ask(&BlindaiV06::Unattested, "POST /upload", {0xa0}).status, 404);
  options_.management_on_attested = true;
  EXPECT_EQ(Ask(&BlindaiV06::Attested, "POST /delete", {0xa0}).status, 400);
}

TEST_F(BlindaiV06Test, WhoMayNotIsToldSoBeforeTheBodyIsRead) {
  identify_ = [](const net::RequestHead&) -> base::Result<service::Caller> { return service::Caller{}; };
  EXPECT_THAT(Failure(Upload(UploadOf(DifferenceModel())), 401), HasSubstr("login-required"));
  EXPECT_THAT(Failure(Run(RunOf("m", "", {})), 401), HasSubstr("login-required"));
  EXPECT_THAT(Failure(Delete("m"), 401), HasSubstr("login-required"));
}

}  // namespace
}  // namespace blindai::endpoints
