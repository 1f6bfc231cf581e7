#include "protocols/endpoints/grpc/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/secret.h"
#include "channel/legacy_identity.h"
#include "open_inference.grpc.pb.h"

namespace blindai::endpoints {
namespace {

class ListenerTest : public ::testing::Test {
 protected:
  base::Result<Listener> Open(const std::string& address, const channel::LegacyIdentity& key_of) {
    const base::SecretBytes key = key_of.key().ToPem();
    return Listener::Open({.address = address,
                           .certificate_pem = identity_.certificate().ToPem(),
                           .key_pem = key.ExposeSecret()},
                          service_);
  }
  const channel::LegacyIdentity identity_ = channel::LegacyIdentity::Make(base::Now());
  inference::GRPCInferenceService::Service service_;
};

TEST_F(ListenerTest, TakesAFreePortAndSaysWhich) {
  const auto first = Open("127.0.0.1:0", identity_);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_NE(first->port(), 0);
}

TEST_F(ListenerTest, APortInUseIsAnError) {
  const auto first = Open("127.0.0.1:0", identity_);
  ASSERT_TRUE(first.ok());
  const auto second = Open("127.0.0.1:" + std::to_string(first->port()), identity_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, "listen");
  EXPECT_THAT(second.error().message, ::testing::HasSubstr("the port is in use"));
}

TEST_F(ListenerTest, AKeyOfAnotherCertificateIsAnError) {
  const auto other = channel::LegacyIdentity::Make(base::Now());
  EXPECT_EQ(Open("127.0.0.1:0", other).error().code, "listen");
}

}  // namespace
}  // namespace blindai::endpoints
