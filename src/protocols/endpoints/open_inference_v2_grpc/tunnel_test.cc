// Real gRPC through a real HTTP server, with real workers behind it.
#include "protocols/endpoints/open_inference_v2_grpc/tunnel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http_server.h"
#include "open_inference.grpc.pb.h"
#include "support/onnx_builder.h"
#include "support/served_models.h"
#include "support/until.h"

namespace blindai::endpoints {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr std::size_t kMaxTunnels = 2;
constexpr int kLong = 12'000;

std::string ModelFile() { return std::string(base::AsText(tests::LongModel())); }

// "anna" may do all, "reader" may only run; nobody else is known.
base::Result<service::Caller> Identify(const net::RequestHead& head) {
  const auto who = head.headers.Find("Authorization");
  if (who == "Bearer anna") return service::Caller{"anna", 1, true, true};
  if (who == "Bearer reader") return service::Caller{"reader", 3, false, true};
  return base::MakeError(base::ErrorKind::kUnauthorized, "login-required", "who is it?");
}

class GrpcTunnelTest : public ::testing::Test {
 protected:
  using Stub = inference::GRPCInferenceService::Stub;

  GrpcTunnelTest() {
    OpenInferenceGrpcOptions options;
    options.server_version = "1.2.3";
    options.identify = Identify;
    options.upload = models_.upload();
    auto service = OpenInferenceGrpcServer::Start(models_.catalogue(), ready_, std::move(options));
    BLINDAI_CHECK(service.ok());
    service_ = std::move(service).value();
    RegisterGrpcTunnel(router_, *service_, Identify, kMaxTunnels);
    net::HttpServerOptions listen;
    listen.pool = std::make_shared<net::IoPool>(2);
    auto http = net::HttpServer::Listen(
        listen, [this](net::HttpExchange& exchange) { return router_.Handle(exchange); });
    BLINDAI_CHECK(http.ok());
    http_ = std::move(http).value();
  }

  // The connection after the answer's head, which is put into `answer`.
  int Ask(const std::string& fields, std::string& answer) const {
    const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(http_->port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BLINDAI_CHECK(connect(connection, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    const std::string request = "GET /v2/grpc HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
    BLINDAI_CHECK(send(connection, request.data(), request.size(), 0) ==
                  static_cast<ssize_t>(request.size()));
    answer.clear();
    char byte = 0;
    while (!answer.ends_with("\r\n\r\n") && recv(connection, &byte, 1, 0) == 1) answer += byte;
    return connection;
  }
  std::string AskAndLeave(const std::string& fields) const {
    std::string answer;
    const int connection = Ask(fields, answer);
    char block[4096];
    for (ssize_t count = 0; !answer.starts_with("HTTP/1.1 101") &&
                            (count = recv(connection, block, sizeof block, MSG_DONTWAIT)) > 0;)
      answer.append(block, static_cast<std::size_t>(count));
    close(connection);
    return answer;
  }
  std::unique_ptr<Stub> Tunnel() {
    std::string answer;
    connection_ = Ask(kFields, answer);
    EXPECT_THAT(answer, HasSubstr("HTTP/1.1 101"));
    fcntl(connection_, F_SETFL, O_NONBLOCK);
    return inference::GRPCInferenceService::NewStub(grpc::CreateInsecureChannelFromFd("tunnel", connection_));
  }

  struct Context : grpc::ClientContext {
    explicit Context(const std::string& key) { AddMetadata("authorization", "Bearer " + key); }
  };
  static grpc::Status Load(Stub& stub, const std::string& key) {
    Context context(key);
    inference::RepositoryModelLoadRequest request;
    request.set_model_name("long");
    (*request.mutable_parameters())["file:1/model.onnx"].set_bytes_param(ModelFile());
    (*request.mutable_parameters())["visibility"].set_string_param("public");
    inference::RepositoryModelLoadResponse response;
    return stub.RepositoryModelLoad(&context, request, &response);
  }
  static inference::ModelInferRequest Request(int count) {
    inference::ModelInferRequest request;
    request.set_model_name("long");
    auto& input = *request.add_inputs();
    input.set_name("x");
    input.set_datatype("FP32");
    input.add_shape(count);
    input.add_shape(1);
    request.add_raw_input_contents(std::string(static_cast<std::size_t>(count) * sizeof(float), '\0'));
    return request;
  }
  std::size_t Queued() {
    const auto served =
        models_.catalogue().Find(service::Caller{"anna", 1, true, true}, *vocabulary::ModelId::Parse("long"));
    return (*served)->host->stats().queued;
  }

  static constexpr const char* kFields =
      "Connection: Upgrade\r\nUpgrade: blindai-grpc\r\nAuthorization: Bearer reader\r\n";
  std::atomic<bool> ready_ = true;
  tests::ServedModels models_;
  Router router_;
  std::unique_ptr<OpenInferenceGrpcServer> service_;
  std::unique_ptr<net::HttpServer> http_;
  int connection_ = -1;  // of the newest tunnel; gRPC's own
};

TEST_F(GrpcTunnelTest, CallsGoThroughItAndEachSaysWhoAsks) {
  EXPECT_EQ(service_->port(), 0);
  const auto stub = Tunnel();
  EXPECT_EQ(Load(*stub, "nobody").error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(Load(*stub, "reader").error_code(), grpc::PERMISSION_DENIED);
  const grpc::Status loaded = Load(*stub, "anna");
  ASSERT_TRUE(loaded.ok()) << loaded.error_message();
  Context context("reader");
  inference::ModelInferResponse response;
  const grpc::Status status = stub->ModelInfer(&context, Request(1), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.outputs_size(), 1);
}

TEST_F(GrpcTunnelTest, AStreamGoesThroughIt) {
  const auto stub = Tunnel();
  ASSERT_TRUE(Load(*stub, "anna").ok());
  Context context("reader");
  const auto stream = stub->ModelStreamInfer(&context);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(stream->Write(Request(1)));
    inference::ModelStreamInferResponse answer;
    ASSERT_TRUE(stream->Read(&answer));
    EXPECT_EQ(answer.error_message(), "");
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GrpcTunnelTest, WhoIsNotKnownOrAsksForSomethingElseGetsNone) {
  EXPECT_THAT(AskAndLeave("Connection: Upgrade\r\nUpgrade: blindai-grpc\r\n"), HasSubstr("HTTP/1.1 401"));
  EXPECT_THAT(AskAndLeave("Authorization: Bearer reader\r\n"), HasSubstr("HTTP/1.1 400"));
  EXPECT_THAT(AskAndLeave("Connection: Upgrade\r\nUpgrade: h2c\r\nAuthorization: Bearer reader\r\n"),
              HasSubstr("HTTP/1.1 400"));
}

TEST_F(GrpcTunnelTest, OneMoreThanTheLimitIsRefusedAndPlacesComeBack) {
  auto first = Tunnel();
  const auto second = Tunnel();
  EXPECT_THAT(AskAndLeave(kFields), HasSubstr("HTTP/1.1 503"));
  first.reset();
  EXPECT_TRUE(tests::Until([&] { return AskAndLeave(kFields).starts_with("HTTP/1.1 101"); }));
}

TEST_F(GrpcTunnelTest, AClientThatLeavesEndsItsRun) {
  auto stub = Tunnel();
  ASSERT_TRUE(Load(*stub, "anna").ok());
  grpc::CompletionQueue queue;
  Context context("reader");
  inference::ModelInferResponse response;
  grpc::Status status;
  auto call = stub->AsyncModelInfer(&context, Request(kLong), &queue);
  call->Finish(&response, &status, nullptr);
  EXPECT_TRUE(tests::Until([&] { return Queued() == 1; }));
  shutdown(connection_, SHUT_RDWR);
  EXPECT_TRUE(tests::Until([&] { return Queued() == 0; }));
  queue.Shutdown();
  void* tag = nullptr;
  for (bool ok = false; queue.Next(&tag, &ok);) {
  }
}

TEST_F(GrpcTunnelTest, TheEndOfTheServiceEndsItsTunnels) {
  std::string answer;
  const int connection = Ask(kFields, answer);
  ASSERT_THAT(answer, HasSubstr("HTTP/1.1 101"));
  service_->Stop(milliseconds(0));
  char block[4096];
  while (recv(connection, block, sizeof block, 0) > 0) {
  }
  close(connection);
  http_->Stop(std::chrono::hours(1));
}

}  // namespace
}  // namespace blindai::endpoints
