// A real channel on loopback, with real workers behind it.
#include "protocols/endpoints/open_inference_v2_grpc/server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/clock.h"
#include "channel/legacy_identity.h"
#include "open_inference.grpc.pb.h"
#include "protocols/endpoints/grpc/listener.h"
#include "protocols/endpoints/open_inference_v2_grpc/infer_calls.h"
#include "protocols/endpoints/open_inference_v2_grpc/model_calls.h"
#include "support/onnx_builder.h"
#include "support/served_models.h"

namespace blindai::endpoints {
namespace {

using inference::ModelInferRequest;
using inference::ModelInferResponse;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr std::size_t kMaxTensorBytes = 16 << 20;

// y = -x, for any number of numbers.
std::string NegateModel() {
  tests::OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {"n"}).Output("y", tests::kOnnxFloat, {"n"});
  graph.Node(tests::OnnxNode("Neg", {"x"}, {"y"}));
  return std::string(base::AsText(tests::OnnxModel(graph).Opset(17).Bytes()));
}

std::string LongModel() { return std::string(base::AsText(tests::LongModel())); }
constexpr int kLong = 12'000;

std::string Floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// "anna" and "bert" are users, "reader" may only run, nobody in particular may do all, another key is wrong.
base::Result<service::Caller> Identify(const net::RequestHead& head) {
  const auto who = head.headers.Find("Authorization");
  if (!who) return service::Caller::AnonymousWithAllRights();
  if (*who == "Bearer anna") return service::Caller{"anna", 1, true, true};
  if (*who == "Bearer bert") return service::Caller{"bert", 2, true, true};
  if (*who == "Bearer reader") return service::Caller{"reader", 3, false, true};
  return base::MakeError(base::ErrorKind::kUnauthorized, "bad-credentials", "the key is not valid");
}

class OpenInferenceGrpcTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { RequireTls13OfGrpc(); }
  ~OpenInferenceGrpcTest() override {
    if (server_) server_->Stop(milliseconds(0));
  }

  void Start(const std::function<void(OpenInferenceGrpcOptions&)>& change = [](auto&) {}) {
    OpenInferenceGrpcOptions options;
    options.address = "127.0.0.1:0";
    options.certificate_pem = identity_.certificate().ToPem();
    options.key_pem = identity_.key().ToPem();
    options.server_version = "1.2.3";
    options.identify = Identify;
    options.upload = models_.upload();
    options.max_tensor_bytes = kMaxTensorBytes;
    change(options);
    auto server = OpenInferenceGrpcServer::Start(models_.catalogue(), ready_, std::move(options));
    BLINDAI_CHECK(server.ok());
    server_ = std::move(server).value();
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("blindai-srv");
    arguments.SetMaxReceiveMessageSize(1 << 28);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    stub_ = inference::GRPCInferenceService::NewStub(grpc::CreateCustomChannel(
        "127.0.0.1:" + std::to_string(server_->port()),
        grpc::SslCredentials({identity_.certificate().ToPem(), "", ""}), arguments));
  }

  struct Context : grpc::ClientContext {
    explicit Context(const std::string& key = "") {
      if (!key.empty()) AddMetadata("authorization", "Bearer " + key);
    }
  };

  grpc::Status Load(const std::string& name, const std::string& file, const std::string& key = "",
                    const std::string& visibility = "") {
    Context context(key);
    inference::RepositoryModelLoadRequest request;
    request.set_model_name(name);
    auto& parameters = *request.mutable_parameters();
    if (!file.empty()) parameters["file:1/model.onnx"].set_bytes_param(file);
    if (!visibility.empty()) parameters["visibility"].set_string_param(visibility);
    inference::RepositoryModelLoadResponse response;
    return stub_->RepositoryModelLoad(&context, request, &response);
  }
  static ModelInferRequest Request(const std::string& model, const std::vector<float>& values,
                                   const std::vector<std::int64_t>& shape) {
    ModelInferRequest request;
    request.set_model_name(model);
    request.set_id("7");
    auto& input = *request.add_inputs();
    input.set_name("x");
    input.set_datatype("FP32");
    for (const std::int64_t dimension : shape) input.add_shape(dimension);
    request.add_raw_input_contents(Floats(values));
    return request;
  }
  grpc::Status Infer(const ModelInferRequest& request, ModelInferResponse& response,
                     const std::string& key = "") {
    Context context(key);
    return stub_->ModelInfer(&context, request, &response);
  }
  static ModelInferRequest LongRequest() {
    return Request("long", std::vector<float>(kLong, 0.5F), {kLong, 1});
  }
  template <typename Condition>
  static bool Until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(60);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  // Requests of the model that wait or run.
  std::size_t Queued(const std::string& name) {
    const auto served = models_.catalogue().Find(service::Caller::AnonymousWithAllRights(),
                                                 *vocabulary::ModelId::Parse(name));
    return (*served)->host->stats().queued;
  }

  const channel::LegacyIdentity identity_ = channel::LegacyIdentity::Make(base::Now());
  std::atomic<bool> ready_ = true;
  tests::ServedModels models_;
  std::unique_ptr<OpenInferenceGrpcServer> server_;
  std::unique_ptr<inference::GRPCInferenceService::Stub> stub_;
};

TEST_F(OpenInferenceGrpcTest, ALoadedModelRuns) {
  Start();
  ASSERT_TRUE(Load("negate", NegateModel()).ok());
  ModelInferResponse response;
  const grpc::Status status = Infer(Request("negate", {1.5F, -2}, {2}), response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.model_name() + response.model_version() + response.id(), "negate17");
  ASSERT_EQ(response.outputs_size(), 1);
  EXPECT_EQ(response.outputs(0).name(), "y");
  EXPECT_EQ(response.outputs(0).shape(0), 2);
  EXPECT_EQ(response.raw_output_contents(0), Floats({-1.5F, 2}));
}

TEST_F(OpenInferenceGrpcTest, TypedContentsRunToo) {
  Start();
  ASSERT_TRUE(Load("negate", NegateModel()).ok());
  ModelInferRequest request = Request("negate", {}, {1});
  request.clear_raw_input_contents();
  request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(3);
  request.set_model_version("1");
  request.add_outputs()->set_name("y");
  ModelInferResponse response;
  ASSERT_TRUE(Infer(request, response).ok());
  EXPECT_EQ(response.raw_output_contents(0), Floats({-3}));
}

TEST_F(OpenInferenceGrpcTest, AVersionIsANumberOrALabel) {
  Start();
  ASSERT_TRUE(Load("negate", NegateModel()).ok());
  {
    const auto place = models_.catalogue().ReserveToChange(
        service::Caller::AnonymousWithAllRights(), *vocabulary::ModelId::Parse("negate"),
        {.policy = *vocabulary::VersionPolicy::Parse("latest:2"), .labels = {{"stable", 1}}});
    ASSERT_TRUE(place.ok());
    models_.catalogue().Apply(**place);
  }
  ASSERT_TRUE(Load("negate", NegateModel()).ok());
  const auto answered_by = [&](const char* version) {
    ModelInferRequest request = Request("negate", {1}, {1});
    request.set_model_version(version);
    ModelInferResponse response;
    const grpc::Status status = Infer(request, response);
    return status.ok() ? response.model_version() : std::to_string(status.error_code());
  };
  EXPECT_EQ(answered_by(""), "2");
  EXPECT_EQ(answered_by("1"), "1");
  EXPECT_EQ(answered_by("stable"), "1");
  EXPECT_EQ(answered_by("3"), std::to_string(grpc::NOT_FOUND));
  EXPECT_EQ(answered_by("canary"), std::to_string(grpc::NOT_FOUND));

  Context contexts[3];
  inference::ModelMetadataRequest model;
  model.set_name("negate");
  model.set_version("stable");
  inference::ModelMetadataResponse metadata;
  EXPECT_TRUE(stub_->ModelMetadata(&contexts[0], model, &metadata).ok());
  EXPECT_THAT(metadata.versions(), ::testing::ElementsAre("1", "2"));
  inference::RepositoryIndexResponse index;
  EXPECT_TRUE(stub_->RepositoryIndex(&contexts[1], {}, &index).ok());
  EXPECT_EQ(index.models_size(), 2);
  inference::ModelReadyRequest ready_request;
  ready_request.set_name("negate");
  ready_request.set_version("3");
  inference::ModelReadyResponse ready;
  EXPECT_TRUE(stub_->ModelReady(&contexts[2], ready_request, &ready).ok() && !ready.ready());
}

TEST_F(OpenInferenceGrpcTest, WhatIsWrongHasACodeOfBothProtocols) {
  Start();
  ASSERT_TRUE(Load("negate", NegateModel()).ok());
  ModelInferResponse response;
  const auto expect = [&](const ModelInferRequest& request, grpc::StatusCode code, const char* ours) {
    const grpc::Status status = Infer(request, response);
    EXPECT_EQ(status.error_code(), code) << ours << ": " << status.error_message();
    EXPECT_THAT(status.error_message(), EndsWith("(" + std::string(ours) + ")"));
  };
  expect(Request("none", {1}, {1}), grpc::NOT_FOUND, "model-not-found");
  expect(Request("no id", {1}, {1}), grpc::INVALID_ARGUMENT, "model-id");
  expect(Request("negate", {1}, {2}), grpc::INVALID_ARGUMENT, "tensor-size");
  ModelInferRequest request = Request("negate", {1}, {1});
  request.set_model_version("2");
  expect(request, grpc::NOT_FOUND, "model-not-found");
  request = Request("negate", {1}, {1});
  request.mutable_inputs(0)->set_name("z");
  expect(request, grpc::INVALID_ARGUMENT, "tensor-name");
  request = Request("negate", {1}, {1});
  (*request.mutable_parameters())["sequence_id"].set_int64_param(1);
  expect(request, grpc::UNIMPLEMENTED, "infer-parameter");
  expect(Request("negate", std::vector<float>(kMaxTensorBytes / 4 + 1), {kMaxTensorBytes / 4 + 1}),
         grpc::INVALID_ARGUMENT, "tensors-too-large");
}

TEST_F(OpenInferenceGrpcTest, MetadataHealthAndStatisticsSayWhatHttpSays) {
  Start();
  ASSERT_TRUE(Load("negate", NegateModel()).ok());
  ModelInferResponse ignored;
  ASSERT_TRUE(Infer(Request("negate", {1}, {1}), ignored).ok());
  inference::ServerLiveResponse live;
  inference::ServerReadyResponse ready;
  inference::ServerMetadataResponse server;
  Context contexts[9];
  EXPECT_TRUE(stub_->ServerLive(&contexts[0], {}, &live).ok() && live.live());
  EXPECT_TRUE(stub_->ServerReady(&contexts[1], {}, &ready).ok() && ready.ready());
  EXPECT_TRUE(stub_->ServerMetadata(&contexts[2], {}, &server).ok());
  EXPECT_EQ(server.version(), "1.2.3");
  EXPECT_THAT(server.extensions(), Contains("model_repository"));
  ready_ = false;
  EXPECT_TRUE(stub_->ServerReady(&contexts[3], {}, &ready).ok() && !ready.ready());

  inference::ModelMetadataRequest model;
  model.set_name("negate");
  inference::ModelMetadataResponse metadata;
  EXPECT_TRUE(stub_->ModelMetadata(&contexts[4], model, &metadata).ok());
  EXPECT_EQ(metadata.inputs(0).shape(0), -1);
  inference::ModelConfigRequest config_request;
  config_request.set_name("negate");
  inference::ModelConfigResponse config;
  EXPECT_TRUE(stub_->ModelConfig(&contexts[5], config_request, &config).ok());
  EXPECT_EQ(config.config().input(0).data_type(), inference::TYPE_FP32);
  inference::ModelStatisticsResponse statistics;
  EXPECT_TRUE(stub_->ModelStatistics(&contexts[6], {}, &statistics).ok());
  EXPECT_EQ(statistics.model_stats(0).inference_stats().success().count(), 1u);
  inference::RepositoryIndexResponse index;
  EXPECT_TRUE(stub_->RepositoryIndex(&contexts[7], {}, &index).ok());
  EXPECT_EQ(index.models(0).name() + index.models(0).state(), "negateREADY");
}

TEST_F(OpenInferenceGrpcTest, AModelThatIsNotThereIsNotReadyAndThatIsNoError) {
  Start();
  ASSERT_TRUE(Load("secret", NegateModel(), "anna", "private").ok());
  const auto is_ready = [&](const std::string& name, const std::string& key) {
    Context context(key);
    inference::ModelReadyRequest request;
    request.set_name(name);
    inference::ModelReadyResponse response;
    EXPECT_TRUE(stub_->ModelReady(&context, request, &response).ok());
    return response.ready();
  };
  EXPECT_TRUE(is_ready("secret", "anna"));
  EXPECT_FALSE(is_ready("secret", "bert"));
  EXPECT_FALSE(is_ready("none", "anna"));
}

TEST_F(OpenInferenceGrpcTest, TheRightsAreThoseOfHttp) {
  Start();
  EXPECT_EQ(Load("m", NegateModel(), "nobody").error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(Load("m", NegateModel(), "reader").error_code(), grpc::PERMISSION_DENIED);
  ASSERT_TRUE(Load("m", NegateModel(), "anna").ok());
  EXPECT_EQ(Load("m", NegateModel(), "bert").error_code(), grpc::ALREADY_EXISTS);
  EXPECT_TRUE(Load("m", "", "bert").ok());  // it is there, and shared by link
  EXPECT_EQ(Load("none", "", "bert").error_code(), grpc::NOT_FOUND);
  EXPECT_THAT(Load("bad", "not a model").error_message(), EndsWith("(not-onnx)"));
  ModelInferResponse response;
  EXPECT_EQ(Infer(Request("m", {1}, {1}), response, "nobody").error_code(), grpc::UNAUTHENTICATED);
  EXPECT_TRUE(Infer(Request("m", {1}, {1}), response, "reader").ok());
  const auto unload = [&](const std::string& key) {
    Context context(key);
    inference::RepositoryModelUnloadRequest request;
    request.set_model_name("m");
    inference::RepositoryModelUnloadResponse unloaded;
    return stub_->RepositoryModelUnload(&context, request, &unloaded).error_code();
  };
  EXPECT_EQ(unload("reader"), grpc::PERMISSION_DENIED);
  EXPECT_EQ(unload("bert"), grpc::NOT_FOUND);
  EXPECT_EQ(unload("anna"), grpc::OK);
  EXPECT_EQ(Infer(Request("m", {1}, {1}), response, "reader").error_code(), grpc::NOT_FOUND);
}

TEST_F(OpenInferenceGrpcTest, AStreamAnswersEachRequestAndSurvivesAWrongOne) {
  Start();
  ASSERT_TRUE(Load("negate", NegateModel()).ok());
  Context context;
  const auto stream = stub_->ModelStreamInfer(&context);
  inference::ModelStreamInferResponse response;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(stream->Write(Request("negate", {static_cast<float>(i)}, {1})));
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.error_message(), "");
    EXPECT_EQ(response.infer_response().raw_output_contents(0), Floats({static_cast<float>(-i)}));
  }
  ASSERT_TRUE(stream->Write(Request("none", {1}, {1})));
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_THAT(response.error_message(), EndsWith("(model-not-found)"));
  EXPECT_EQ(response.infer_response().id(), "7");
  // Several are sent before one is read: they are answered in their order.
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(stream->Write(Request("negate", {static_cast<float>(i)}, {1})));
  stream->WritesDone();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.infer_response().raw_output_contents(0), Floats({static_cast<float>(-i)}));
  }
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(OpenInferenceGrpcTest, AStreamWithoutARightIsRefusedAndASilentOneEnds) {
  Start([](OpenInferenceGrpcOptions& options) { options.stream_idle = milliseconds(50); });
  inference::ModelStreamInferResponse response;
  {
    Context context("nobody");
    const auto stream = stub_->ModelStreamInfer(&context);
    EXPECT_FALSE(stream->Read(&response));
    EXPECT_EQ(stream->Finish().error_code(), grpc::UNAUTHENTICATED);
  }
  Context context;
  const auto stream = stub_->ModelStreamInfer(&context);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::CANCELLED);
}

TEST_F(OpenInferenceGrpcTest, TheDeadlineOfACallEndsItsRun) {
  Start();
  ASSERT_TRUE(Load("long", LongModel()).ok());
  Context context;
  context.set_deadline(std::chrono::system_clock::now() + milliseconds(300));
  ModelInferResponse response;
  EXPECT_EQ(stub_->ModelInfer(&context, LongRequest(), &response).error_code(), grpc::DEADLINE_EXCEEDED);
  EXPECT_TRUE(Until([&] { return Queued("long") == 0; }));
  ModelInferRequest request = LongRequest();
  (*request.mutable_parameters())["timeout"].set_int64_param(200'000);
  EXPECT_EQ(Infer(request, response).error_code(), grpc::DEADLINE_EXCEEDED);
}

TEST_F(OpenInferenceGrpcTest, ACallThatIsGivenUpStopsItsRun) {
  Start();
  ASSERT_TRUE(Load("long", LongModel()).ok());
  Context unary;
  grpc::Status status;
  std::thread caller([&] {
    ModelInferResponse response;
    status = stub_->ModelInfer(&unary, LongRequest(), &response);
  });
  ASSERT_TRUE(Until([&] { return Queued("long") == 1; }));
  unary.TryCancel();
  caller.join();
  EXPECT_EQ(status.error_code(), grpc::CANCELLED);
  EXPECT_TRUE(Until([&] { return Queued("long") == 0; }));

  Context streaming;
  const auto stream = stub_->ModelStreamInfer(&streaming);
  ASSERT_TRUE(stream->Write(LongRequest()));
  ASSERT_TRUE(Until([&] { return Queued("long") == 1; }));
  streaming.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::CANCELLED);
  EXPECT_TRUE(Until([&] { return Queued("long") == 0; }));
}

TEST_F(OpenInferenceGrpcTest, MoreCallsThanTheLimitAreRefusedAndPlacesComeBack) {
  Start([](OpenInferenceGrpcOptions& options) { options.max_calls = 1; });
  ASSERT_TRUE(Load("negate", NegateModel()).ok());
  ModelInferResponse response;
  {
    std::optional<Context> context;
    std::unique_ptr<grpc::ClientReaderWriter<ModelInferRequest, inference::ModelStreamInferResponse>> stream;
    inference::ModelStreamInferResponse streamed;
    // The call before may have its answer and not yet have given its place back.
    ASSERT_TRUE(Until([&] {
      if (stream) stream->Finish();
      stream.reset();
      stream = stub_->ModelStreamInfer(&context.emplace());
      return stream->Write(Request("negate", {1}, {1})) && stream->Read(&streamed);
    }));
    const grpc::Status status = Infer(Request("negate", {1}, {1}), response);
    EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED);
    EXPECT_THAT(status.error_message(), EndsWith("(server-busy)"));
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
  }
  EXPECT_TRUE(Until([&] { return Infer(Request("negate", {1}, {1}), response).ok(); }));
}

TEST_F(OpenInferenceGrpcTest, APortInUseIsAnErrorThatSaysWhichProtocol) {
  Start();
  OpenInferenceGrpcOptions options;
  options.address = "127.0.0.1:" + std::to_string(server_->port());
  options.certificate_pem = identity_.certificate().ToPem();
  options.key_pem = identity_.key().ToPem();
  options.identify = Identify;
  const auto second = OpenInferenceGrpcServer::Start(models_.catalogue(), ready_, std::move(options));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, "listen");
  EXPECT_THAT(second.error().message, HasSubstr("gRPC"));
}

}  // namespace
}  // namespace blindai::endpoints
