// gRPC's own client through a gateway, to gRPC's own server behind a server that shows evidence.
#include "gateway/grpc_door.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/this_coro.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "gateway/gateway_test_support.h"
#include "net/http_client.h"
#include "open_inference.grpc.pb.h"
#include "protocols/endpoints/grpc/listener.h"
#include "support/fake_attested_server.h"
#include "support/until.h"

namespace blindai::gateway {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using tests::FakeAttestedServer;

// Answers what it is asked, or waits until the client gives up.
class Inference final : public inference::GRPCInferenceService::CallbackService {
 public:
  grpc::ServerUnaryReactor* ServerLive(grpc::CallbackServerContext* call, const inference::ServerLiveRequest*,
                                       inference::ServerLiveResponse* response) override {
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [name, value] : call->client_metadata())
        seen_ += std::string(name.data(), name.size()) + "=" + std::string(value.data(), value.size()) + " ";
    }
    response->set_live(true);
    grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerUnaryReactor* ServerReady(grpc::CallbackServerContext* call,
                                        const inference::ServerReadyRequest*,
                                        inference::ServerReadyResponse*) override {
    class Waiting final : public grpc::ServerUnaryReactor {
     public:
      explicit Waiting(std::atomic<int>& waiting) : waiting_(waiting) { ++waiting_; }
      void OnCancel() override { Finish(grpc::Status::CANCELLED); }
      void OnDone() override {
        --waiting_;
        delete this;
      }

     private:
      std::atomic<int>& waiting_;
    };
    (void)call;
    return new Waiting(waiting);
  }
  std::string seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  std::atomic<int> waiting = 0;

 private:
  std::mutex mutex_;
  std::string seen_;
};

class GrpcDoorTest : public ::testing::Test {
 protected:
  GrpcDoorTest() {
    auto listener =
        endpoints::Listener::Open({.address = "", .certificate_pem = "", .key_pem = {}}, inference_);
    BLINDAI_CHECK(listener.ok());
    listener_.emplace(*std::move(listener));
    FakeAttestedServer::Options fake;
    fake.serve = [this](net::HttpExchange& exchange) { return Serve(exchange); };
    server_.emplace(std::move(fake));
  }
  ~GrpcDoorTest() override {
    channel_.reset();
    gateway_.reset();
    listener_->Stop(std::chrono::system_clock::now());
    server_.reset();
  }

  // As the server does it (endpoints/open_inference_v2_grpc/tunnel.h), or refuses it.
  net::Task<void> Serve(net::HttpExchange& exchange) {
    if (exchange.head().path != "/v2/grpc" || refusal_ != 0) {
      net::HttpResponse refused =
          net::JsonResponse(refusal_ == 0 ? 200 : refusal_, R"({"error":"because","code":"the-code"})");
      const base::Status sent = co_await exchange.Respond(refused);
      (void)sent.ok();
      co_return;
    }
    ++tunnels_;
    keys_ += std::string(exchange.head().headers.Find("Authorization").value_or("none")) + " ";
    std::array<int, 2> ends = {-1, -1};
    BLINDAI_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    const std::unique_ptr<net::ByteStream> inside = net::AdoptSocket(executor, ends[0]);
    listener_->Adopt(ends[1]);
    net::HeaderList headers = {{"Connection", "Upgrade"}, {"Upgrade", "blindai-grpc"}};
    auto outside = co_await exchange.SwitchProtocols(headers);
    if (outside.ok()) co_await net::Relay(**outside, *inside);
  }

  void Start(const std::function<void(GatewayOptions&)>& change = [](auto&) {}) {
    GatewayOptions options = OptionsFor(server_->port());
    options.grpc_port = 0;
    change(options);
    auto gateway = Gateway::Start(std::move(options));
    BLINDAI_CHECK(gateway.ok());
    gateway_ = *std::move(gateway);
    Connect();
  }
  void Connect(const std::string& authority = "") {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    if (!authority.empty()) arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, authority);
    channel_ = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(gateway_->grpc_port()),
                                         grpc::InsecureChannelCredentials(), arguments);
  }
  grpc::Status Live(const std::string& key = "") {
    const auto stub = inference::GRPCInferenceService::NewStub(channel_);
    grpc::ClientContext context;
    if (!key.empty()) context.AddMetadata("authorization", "Bearer " + key);
    inference::ServerLiveResponse response;
    const grpc::Status status = stub->ServerLive(&context, {}, &response);
    EXPECT_EQ(response.live(), status.ok());
    return status;
  }
  // A call that waits, in a thread of its own; its status comes when it has ended.
  std::future<grpc::Status> Wait(grpc::ClientContext& context) {
    return std::async(std::launch::async, [this, &context, channel = channel_] {
      const auto stub = inference::GRPCInferenceService::NewStub(channel);
      inference::ServerReadyResponse response;
      return stub->ServerReady(&context, {}, &response);
    });
  }

  Inference inference_;
  std::optional<endpoints::Listener> listener_;
  int refusal_ = 0;
  std::atomic<int> tunnels_ = 0;
  std::string keys_;
  std::optional<FakeAttestedServer> server_;
  std::unique_ptr<Gateway> gateway_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(GrpcDoorTest, ACallGoesToTheVerifiedServerWithTheGatewaysKey) {
  Start();
  const grpc::Status status = Live("of-the-program");
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(Live().ok());
  EXPECT_THAT(inference_.seen(), HasSubstr("authorization=Bearer servers-key "));
  EXPECT_THAT(inference_.seen(), Not(HasSubstr("of-the-program")));
  EXPECT_EQ(keys_, "Bearer servers-key ");
  // Evidence came first on the very connection of the tunnel, and both calls went through it.
  EXPECT_EQ(tunnels_, 1);
  const auto all = server_->seen();
  const auto tunnel =
      std::find_if(all.begin(), all.end(), [](const auto& seen) { return seen.target == "/v2/grpc"; });
  ASSERT_NE(tunnel, all.end());
  EXPECT_TRUE(std::any_of(all.begin(), tunnel, [&](const auto& seen) {
    return seen.connection == tunnel->connection && seen.target.starts_with("/v1/attestation?nonce=");
  }));
}

TEST_F(GrpcDoorTest, ARefusedServerGetsNothingAndTheFindingsAreTold) {
  Start([](GatewayOptions& options) { options.server.allow_simulation = verifier::AllowSimulation::kNo; });
  const grpc::Status status = Live();
  EXPECT_EQ(status.error_code(), grpc::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("(server-not-trusted)"));
  EXPECT_THAT(status.error_message(), HasSubstr("[simulation]"));
  EXPECT_TRUE(server_->data_requests().empty());
}

TEST_F(GrpcDoorTest, TheTokenIsDemandedOfProgramsWhereTheyNeedIt) {
  Start([](GatewayOptions& options) { options.token_for_programs = true; });
  for (const char* key : {"", "another"}) {
    const grpc::Status refused = Live(key);
    EXPECT_EQ(refused.error_code(), grpc::UNAUTHENTICATED);
    EXPECT_THAT(refused.error_message(), HasSubstr("(gateway-token)"));
  }
  EXPECT_EQ(tunnels_, 0);
  EXPECT_TRUE(Live(std::string(kToken)).ok());
  EXPECT_THAT(inference_.seen(), Not(HasSubstr(kToken)));
}

TEST_F(GrpcDoorTest, ANameOfSomebodyElseReachesNobody) {
  Start();
  Connect("evil.example:8801");
  const grpc::Status refused = Live();
  EXPECT_EQ(refused.error_code(), grpc::PERMISSION_DENIED);
  EXPECT_THAT(refused.error_message(), HasSubstr("(gateway-host)"));
  EXPECT_EQ(tunnels_, 0);
}

TEST_F(GrpcDoorTest, AServerThatOpensNoTunnelIsTold) {
  const std::vector<std::pair<int, grpc::StatusCode>> cases = {{401, grpc::UNAUTHENTICATED},
                                                               {403, grpc::PERMISSION_DENIED},
                                                               {404, grpc::UNIMPLEMENTED},
                                                               {503, grpc::UNAVAILABLE}};
  for (const auto& [http, code] : cases) {
    refusal_ = http;
    Start();
    const grpc::Status status = Live();
    EXPECT_EQ(status.error_code(), code);
    EXPECT_THAT(status.error_message(), HasSubstr("because (the-code)"));
  }
}

TEST_F(GrpcDoorTest, CallsOnOldEvidenceGoThroughANewTunnel) {
  Start([](GatewayOptions& options) { options.verify_every = milliseconds(30); });
  EXPECT_TRUE(tests::Until([&] { return Live().ok() && tunnels_ > 2; }));
}

TEST_F(GrpcDoorTest, AProgramThatGivesUpEndsItsCallAtTheServer) {
  Start();
  grpc::ClientContext context;
  auto ended = Wait(context);
  EXPECT_TRUE(tests::Until([&] { return inference_.waiting == 1; }));
  context.TryCancel();
  EXPECT_EQ(ended.get().error_code(), grpc::CANCELLED);
  EXPECT_TRUE(tests::Until([&] { return inference_.waiting == 0; }));
  EXPECT_TRUE(Live().ok());
}

TEST_F(GrpcDoorTest, AServerThatIsLostEndsItsCallsAndTheNextOneIsTold) {
  Start();
  grpc::ClientContext context;
  auto ended = Wait(context);
  EXPECT_TRUE(tests::Until([&] { return inference_.waiting == 1; }));
  server_->Stop();
  const grpc::Status lost = ended.get();
  EXPECT_EQ(lost.error_code(), grpc::UNAVAILABLE);
  EXPECT_THAT(lost.error_message(), HasSubstr("(server-connection-lost)"));
  EXPECT_EQ(Live().error_code(), grpc::UNAVAILABLE);
}

TEST_F(GrpcDoorTest, WhenItStopsCallsMayFinishAndQuietConnectionsEnd) {
  Start();
  EXPECT_TRUE(Live().ok());
  // Ends long before its grace, since nothing runs.
  gateway_->Stop(std::chrono::hours(1));
  EXPECT_EQ(Live().error_code(), grpc::UNAVAILABLE);
}

TEST_F(GrpcDoorTest, HttpOnItsPortIsToldWhereItIs) {
  Start();
  auto connection =
      net::BlockingHttpConnection::Connect({.host = "127.0.0.1", .port = gateway_->grpc_port(), .tls = {}});
  ASSERT_TRUE(connection.ok());
  net::HttpRequest request;
  request.target = "/v2/health/live";
  const auto response = (*connection)->Send(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 400);
  EXPECT_THAT(std::string(base::AsText(response->body)), HasSubstr("gateway-grpc"));
}

TEST(GrpcMessage, OnlyPrintableAsciiStaysAsItIs) {
  EXPECT_EQ(GrpcMessage("a 100% \n\xC3\xA9~"), "a 100%25 %0A%C3%A9~");
}

}  // namespace
}  // namespace blindai::gateway
