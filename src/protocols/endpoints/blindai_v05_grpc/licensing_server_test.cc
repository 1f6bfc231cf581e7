#include "protocols/endpoints/blindai_v05_grpc/licensing_server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "channel/legacy_identity.h"
#include "licensing.grpc.pb.h"
#include "protocols/endpoints/blindai_v05_grpc/listen.h"

namespace blindai::endpoints {
namespace {

class LicensingServerTest : public ::testing::Test {
 protected:
  LicensingServerTest() {
    const channel::LegacyIdentity identity = channel::LegacyIdentity::Make(base::Now());
    server_ = std::move(LicensingServer::Start(
                            {"127.0.0.1:0", identity.certificate().ToPem(), identity.key().ToPem()},
                            [this](std::string_view key, std::string_view peer) { return Find(key, peer); }))
                  .value();
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = identity.certificate().ToPem();
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("blindai-srv");
    stub_ = LicensingService::NewStub(grpc::CreateCustomChannel(
        "127.0.0.1:" + std::to_string(server_->port()), grpc::SslCredentials(tls), arguments));
  }
  base::Result<Enclave> Find(std::string_view key, std::string_view peer) {
    peer_ = peer;
    if (key == "bad")
      return base::MakeError(base::ErrorKind::kUnauthorized, "bad-credentials", "not valid here");
    if (key == "often") return base::MakeError(base::ErrorKind::kExhausted, "rate-limit", "later");
    return Enclave{key.empty() ? "" : "token of " + std::string(key), "a.example", 50051, 50052};
  }
  grpc::Status Ask(const std::string& key) {
    grpc::ClientContext context;
    GetEnclaveRequest request;
    request.set_api_key(key);
    return stub_->GetEnclave(&context, request, &reply_);
  }

  std::string peer_;
  GetEnclaveReply reply_;
  std::unique_ptr<LicensingServer> server_;
  std::unique_ptr<LicensingService::Stub> stub_;
};

TEST_F(LicensingServerTest, AKeyBecomesATokenAndAServersPortsAsItsClientsReadThem) {
  ASSERT_TRUE(Ask("key").ok());
  EXPECT_EQ(reply_.jwt(), "token of key");
  EXPECT_EQ(reply_.enclave_url(), "a.example:50051/50052");
  EXPECT_FALSE(reply_.private_cloud());
  EXPECT_EQ(peer_, "127.0.0.1");
}

TEST_F(LicensingServerTest, WithoutAKeyThereIsNoToken) {
  ASSERT_TRUE(Ask("").ok());
  EXPECT_EQ(reply_.jwt(), "");
}

TEST_F(LicensingServerTest, RefusalsHaveTheirStatus) {
  EXPECT_EQ(Ask("bad").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Ask("often").error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_FALSE(Ask(std::string(10'000, 'k')).ok());
}

TEST(PeerAddress, IsWithoutSchemeAndPort) {
  EXPECT_EQ(PeerAddress("ipv4:192.0.2.1:50052"), "192.0.2.1");
  EXPECT_EQ(PeerAddress("ipv6:%5B2001:db8::1%5D:50052"), "2001:db8::1");
  EXPECT_EQ(PeerAddress("ipv6:[::1]:1"), "::1");
  EXPECT_EQ(PeerAddress("unix"), "unix");
}

}  // namespace
}  // namespace blindai::endpoints
