#include "client/client.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "client/failure.h"
#include "net/http_message.h"
#include "protocols/wire/multipart.h"
#include "support/fake_attested_server.h"

namespace blindai::client {
namespace {

using base::Bytes;
using tests::FakeAttestedServer;
using tests::SeenRequest;
using vocabulary::Datatype;

ConnectOptions To(const FakeAttestedServer& server) {
  ConnectOptions options;
  options.server = {"127.0.0.1", server.port()};
  options.allow_simulation = verifier::AllowSimulation::kYes;
  return options;
}

wire::ModelInfo Model(const std::string& id) {
  wire::ModelInfo model;
  model.id = id;
  model.sha256 = std::string(64, '0');
  model.inputs = {{"x", Datatype::kFp32, {1, -1}}};
  return model;
}

// Answers an inference with its own input.
net::HttpResponse Echo(const SeenRequest& request) {
  const auto length = request.headers.Find("Inference-Header-Content-Length");
  const auto infer = wire::DecodeInferRequest(
      request.body, length ? std::optional(std::stoull(std::string(*length))) : std::nullopt, {});
  if (!infer.ok()) return net::ErrorResponse(infer.error());
  wire::InferResponse response;
  response.model_name = "echo";
  for (const wire::InferTensor& input : infer->inputs) response.outputs.push_back(input);
  const auto body = wire::EncodeInferResponse(response);
  net::HttpResponse out;
  out.body = body->Joined();
  if (body->header_length)
    out.headers.Set("Inference-Header-Content-Length", std::to_string(*body->header_length));
  return out;
}

net::HttpResponse Answer(const SeenRequest& request) {
  if (request.target == "/v1/models/demo" && request.method == "DELETE")
    return net::JsonResponse(200, wire::EncodeModelDeleted({"demo", "ab", false, 1}));
  if (request.target.starts_with("/v1/models/demo"))
    return net::JsonResponse(request.method == "PUT" ? 201 : 200, wire::EncodeModelInfo(Model("demo")));
  if (request.target == "/v1/models")
    return net::JsonResponse(200, wire::EncodeModelList({Model("a"), Model("b")}));
  if (request.target == "/v2/models/echo/infer") return Echo(request);
  return net::ErrorResponse(
      base::MakeError(base::ErrorKind::kNotFound, "model-not-found", "there is no such model", "model"));
}

FakeAttestedServer::Options Serving(FakeAttestedServer::Answer answer = Answer, std::uint16_t port = 0) {
  FakeAttestedServer::Options options;
  options.answer = std::move(answer);
  options.port = port;
  return options;
}

std::size_t Questions(const FakeAttestedServer& server) {
  return server.seen().size() - server.data_requests().size();
}

TEST(Client, SendsNothingBeforeItIsAsked) {
  const FakeAttestedServer server(Serving());
  Client client(To(server));
  EXPECT_TRUE(server.seen().empty());
  EXPECT_FALSE(client.verdict().has_value());
  ASSERT_TRUE(client.Connect().ok());
  EXPECT_EQ(server.seen().size(), 1u);
  EXPECT_EQ(client.verdict()->outcome, verifier::Outcome::kSimulation);
}

TEST(Client, OneVerifiedConnectionServesManyCalls) {
  const FakeAttestedServer server(Serving());
  Client client(To(server));
  ASSERT_TRUE(client.Connect().ok());
  EXPECT_EQ(client.ListModels()->size(), 2u);
  EXPECT_EQ(client.GetModel("demo")->id, "demo");
  EXPECT_EQ(client.DeleteModel("demo")->sha256, "ab");
  EXPECT_EQ(Questions(server), 1u);
}

TEST(Client, AVersionStandsInThePathOfARunAndInTheQueryOfTheRest) {
  const FakeAttestedServer server(Serving([](const SeenRequest& request) {
    if (request.target.starts_with("/v2/")) return Echo(request);
    if (request.method == "DELETE")
      return net::JsonResponse(200, wire::EncodeModelDeleted({"demo", "ab", false, 1, {2}}));
    return net::JsonResponse(200, wire::EncodeModelInfo(Model("demo")));
  }));
  Client client(To(server));
  const Bytes data(4);
  const std::vector<vocabulary::TensorView> inputs = {{"x", Datatype::kFp32, {1}, data}};
  EXPECT_TRUE(client.Predict("demo", inputs, {.outputs = {}, .timeout = {}, .version = "stable"}).ok());
  EXPECT_TRUE(client.GetModel("demo", "2").ok());
  EXPECT_EQ(client.DeleteModel("demo", "2")->versions, std::vector<std::uint64_t>{2});
  EXPECT_TRUE(client.ChangeModel("demo", {.versions = {}, .labels = {{"stable", 2}}}).ok());
  const std::vector<SeenRequest> seen = server.data_requests();
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[0].target, "/v2/models/demo/versions/stable/infer");
  EXPECT_EQ(seen[1].target, "/v1/models/demo?version=2");
  EXPECT_EQ(seen[2].method + seen[2].target, "DELETE/v1/models/demo?version=2");
  EXPECT_EQ(seen[3].method + seen[3].target, "PATCH/v1/models/demo");
  EXPECT_EQ(base::AsText(seen[3].body), R"({"labels":{"stable":2}})");
  // What is no version never becomes another request.
  for (const char* version : {"0", "Stable", "1/infer", "..", "1&x=1"}) {
    EXPECT_EQ(client.GetModel("demo", version).error().code, "argument") << version;
    EXPECT_EQ(client.DeleteModel("demo", version).error().code, "argument") << version;
    EXPECT_EQ(client.Predict("demo", inputs, {.outputs = {}, .timeout = {}, .version = version}).error().code,
              "argument")
        << version;
  }
  EXPECT_EQ(server.data_requests().size(), 4u);
}

TEST(Client, ADeletionByAnOlderServerIsDoneAndProvesNothing) {
  const FakeAttestedServer server(Serving([](const SeenRequest&) {
    return net::JsonResponse(200, R"({"id":"demo","object":"model","deleted":true})");
  }));
  Client client(To(server));
  const auto deleted = client.DeleteModel("demo");
  ASSERT_TRUE(deleted.ok());
  EXPECT_EQ(deleted->id, "demo");
  EXPECT_EQ(deleted->sha256, std::nullopt);
  EXPECT_EQ(deleted->deleted_at, std::nullopt);
}

TEST(Client, ARefusedServerGetsNothingAndTheVerdictSaysWhy) {
  const FakeAttestedServer server(Serving());
  ConnectOptions options = To(server);
  options.allow_simulation = verifier::AllowSimulation::kNo;
  Client client(options);
  const Bytes data(4);
  const std::vector<vocabulary::TensorView> inputs = {{"x", Datatype::kFp32, {1}, data}};
  EXPECT_EQ(FailureOf(client.Connect().error()), FailureKind::kAttestation);
  EXPECT_EQ(FailureOf(client.Predict("echo", inputs, {}).error()), FailureKind::kAttestation);
  EXPECT_EQ(FailureOf(client.UploadModel("demo", ModelSource::Memory(data), {}).error()),
            FailureKind::kAttestation);
  EXPECT_EQ(FailureOf(client.ListModels().error()), FailureKind::kAttestation);
  EXPECT_TRUE(client.verdict()->Has("simulation"));
  EXPECT_TRUE(server.data_requests().empty());
}

TEST(Client, ALostConnectionIsVerifiedAgainBeforeAnythingIsSent) {
  auto server = std::make_unique<FakeAttestedServer>(Serving());
  const std::uint16_t port = server->port();
  Client client(To(*server));
  ASSERT_TRUE(client.ListModels().ok());
  server.reset();
  server = std::make_unique<FakeAttestedServer>(Serving(Answer, port));
  EXPECT_TRUE(client.ListModels().ok());
  EXPECT_EQ(Questions(*server), 1u);
  EXPECT_EQ(server->data_requests().size(), 1u);
  // The next one at this address says hardware and is not: the client tells the difference.
  server.reset();
  FakeAttestedServer::Options bad = Serving(Answer, port);
  bad.mode = "hardware";
  server = std::make_unique<FakeAttestedServer>(bad);
  EXPECT_EQ(FailureOf(client.ListModels().error()), FailureKind::kAttestation);
  EXPECT_TRUE(client.verdict()->Has("mode-mismatch"));
  EXPECT_TRUE(server->data_requests().empty());
}

TEST(Client, TensorsGoAndComeUnchanged) {
  const FakeAttestedServer server(Serving());
  Client client(To(server));
  const Bytes floats = {0, 0, 0x80, 0x3F, 0, 0, 0xC0, 0x7F};  // 1 and NaN
  const Bytes halves = {1, 2};
  const std::vector<vocabulary::TensorView> inputs = {{"x", Datatype::kFp32, {2}, floats},
                                                      {"h", Datatype::kBf16, {1}, halves}};
  auto answer = client.Predict("echo", inputs, {});
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  const Prediction prediction = *std::move(answer);
  ASSERT_EQ(prediction.size(), 2u);
  EXPECT_EQ(prediction.output(0).name, "x");
  EXPECT_EQ(base::CopyBytes(prediction.output(0).data), floats);
  EXPECT_EQ(prediction.output(1).datatype, Datatype::kBf16);
  EXPECT_EQ(base::CopyBytes(prediction.output(1).data), halves);
  EXPECT_EQ(prediction.model_id(), "echo");
}

TEST(Client, WrongArgumentsAreFoundBeforeTheyAreSent) {
  const FakeAttestedServer server(Serving());
  Client client(To(server));
  const Bytes data(4);
  const std::vector<vocabulary::TensorView> wrong = {{"x", Datatype::kFp32, {2}, data}};
  EXPECT_EQ(FailureOf(client.Predict("echo", wrong, {}).error()), FailureKind::kArgument);
  EXPECT_EQ(FailureOf(client.Predict("../echo", {}, {}).error()), FailureKind::kArgument);
  EXPECT_EQ(FailureOf(client.UploadModel("demo", ModelSource::File("/nonexistent/model.onnx"), {}).error()),
            FailureKind::kArgument);
  EXPECT_EQ(FailureOf(client.UploadModel("demo", ModelSource::Memory({}), {}).error()),
            FailureKind::kArgument);
  EXPECT_EQ(FailureOf(client.GetModel("").error()), FailureKind::kArgument);
  EXPECT_TRUE(server.data_requests().empty());
}

TEST(Client, AnErrorComesAsTheServerWordedIt) {
  const FakeAttestedServer server(Serving([](const SeenRequest& request) {
    net::HttpResponse full =
        net::ErrorResponse(base::MakeError(base::ErrorKind::kExhausted, "queue-full", "256 requests wait"));
    full.headers.Set("Retry-After", "3");
    return request.target == "/v1/models" ? full : Answer(request);
  }));
  Client client(To(server));
  const auto listed = client.ListModels();
  EXPECT_EQ(FailureOf(listed.error()), FailureKind::kQuota);
  EXPECT_EQ(listed.error().message, "256 requests wait (again in 3 s)");
  const auto model = client.GetModel("gone");
  EXPECT_EQ(model.error().code, "model-not-found");
  EXPECT_EQ(model.error().param, "model");
  EXPECT_EQ(FailureOf(model.error()), FailureKind::kModel);
}

TEST(Client, AModelFileIsStreamedWithItsProgress) {
  const FakeAttestedServer server(Serving());
  Client client(To(server));
  Bytes file(300'000);
  for (std::size_t i = 0; i < file.size(); ++i) file[i] = static_cast<std::uint8_t>(i * 7);
  const auto path =
      std::filesystem::temp_directory_path() / ("blindai-client-test-" + std::to_string(::getpid()));
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  std::uint64_t last = 0;
  UploadOptions options;
  options.query.precision = wire::ModelPrecision::kBf16;
  options.progress = [&](std::uint64_t sent, std::uint64_t total) {
    EXPECT_GT(sent, last);
    EXPECT_EQ(total, file.size());
    last = sent;
    return true;
  };
  const auto uploaded = client.UploadModel("demo", ModelSource::File(path.string()), options);
  std::filesystem::remove(path);
  ASSERT_TRUE(uploaded.ok()) << uploaded.error().message;
  EXPECT_EQ(last, file.size());
  const auto sent = server.data_requests();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].method, "PUT");
  EXPECT_EQ(sent[0].target, "/v1/models/demo?precision=bf16");
  EXPECT_EQ(sent[0].body, file);
}

TEST(Client, ASpeechModelIsAFormOfItsThreeFiles) {
  const FakeAttestedServer server(Serving());
  Client client(To(server));
  UploadOptions options;
  options.query.kind = wire::ModelKind::kCtcSpeech;
  options.speech = SpeechFiles{ModelSource::Memory(base::AsBytes("{vocab}")),
                               ModelSource::Memory(base::AsBytes("{preprocessor}"))};
  ASSERT_TRUE(client.UploadModel("demo", ModelSource::Memory(base::AsBytes("onnx")), options).ok());
  const auto sent = server.data_requests();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].target, "/v1/models/demo?kind=ctc-speech");
  std::string parts;
  auto reader = wire::MultipartReader::Make(*sent[0].headers.Find("Content-Type"),
                                            {.begin =
                                                 [&](const wire::PartHead& head) {
                                                   parts += head.name + "=";
                                                   return base::Ok();
                                                 },
                                             .data =
                                                 [&](base::ByteView bytes) {
                                                   parts += base::AsText(bytes);
                                                   return base::Ok();
                                                 },
                                             .end =
                                                 [&] {
                                                   parts += ";";
                                                   return base::Ok();
                                                 }});
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE(reader->Feed(sent[0].body).ok());
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(parts, "vocab={vocab};preprocessor={preprocessor};model=onnx;");
}

TEST(Client, AProgressThatSaysNoEndsTheUploadBeforeThatPieceIsSent) {
  const FakeAttestedServer server(Serving());
  Client client(To(server));
  UploadOptions options;
  options.progress = [](std::uint64_t, std::uint64_t) { return false; };
  const Bytes file(10, 7);
  const auto uploaded = client.UploadModel("demo", ModelSource::Memory(file), options);
  ASSERT_FALSE(uploaded.ok());
  EXPECT_EQ(uploaded.error().code, "cancelled");
  for (const auto& request : server.data_requests()) EXPECT_TRUE(request.body.empty());
}

TEST(Client, CallsOfSeveralThreadsUseConnectionsOfTheirOwn) {
  const FakeAttestedServer server(Serving());
  ConnectOptions options = To(server);
  options.max_connections = 3;
  Client client(options);
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) good += client.ListModels().ok() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 80);
  EXPECT_LE(Questions(server), 3u);
}

TEST(Client, CloseEndsTheIdleConnectionsOnly) {
  const FakeAttestedServer server(Serving());
  Client client(To(server));
  ASSERT_TRUE(client.ListModels().ok());
  client.Close();
  ASSERT_TRUE(client.ListModels().ok());
  EXPECT_EQ(Questions(server), 2u);
}

TEST(Client, AnAnswerThatIsNotTheProtocolsIsAnError) {
  const FakeAttestedServer server(
      Serving([](const SeenRequest&) { return net::TextResponse(200, "hello"); }));
  Client client(To(server));
  EXPECT_EQ(client.ListModels().error().code, "model-listing");
  EXPECT_EQ(client.Predict("echo", {}, {}).error().code, "infer-json");
}

}  // namespace
}  // namespace blindai::client
