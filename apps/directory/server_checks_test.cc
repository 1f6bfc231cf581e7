#include "directory/server_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "directory/licensing.h"
#include "support/fake_attested_server.h"

namespace blindai::directory {
namespace {

using tests::FakeAttestedServer;

client::ConnectOptions Options(verifier::AllowSimulation simulation) {
  client::ConnectOptions options;
  options.allow_simulation = simulation;
  return options;
}

TEST(CheckServer, ASimulatedServerIsAcceptedOnlyWhereSimulationIsAllowed) {
  FakeAttestedServer server({});
  const CheckResult allowed = CheckServer(server.address(), Options(verifier::AllowSimulation::kYes));
  EXPECT_EQ(allowed.reason, "");
  EXPECT_TRUE(allowed.simulation);
  const CheckResult refused = CheckServer(server.address(), Options(verifier::AllowSimulation::kNo));
  EXPECT_NE(refused.reason, "");
  EXPECT_TRUE(server.data_requests().empty()) << "it is asked for evidence and for nothing else";
}

TEST(CheckServer, TheReasonIsTheCodeOfTheFinding) {
  FakeAttestedServer::Options options;
  options.bend = [](channel::AttestationAnswer& answer) { answer.statement.nonce.bytes[0] ^= 1; };
  FakeAttestedServer server(options);
  const CheckResult result = CheckServer(server.address(), Options(verifier::AllowSimulation::kYes));
  EXPECT_THAT(result.reason, testing::Not(testing::AnyOf("", "undecided", "attestation-refused")));
}

TEST(CheckServer, AServerThatIsNotThereHasTheCodeOfTheConnection) {
  std::string address;
  {
    FakeAttestedServer server({});
    address = server.address();
  }
  EXPECT_EQ(CheckServer(address, Options(verifier::AllowSimulation::kYes)).reason, "connection-refused");
}

TEST(EnclaveOf, IsTheBestServerThatClientsOfBlindai05CanRead) {
  accounts::Session session;
  session.token = "token";
  session.servers.resize(2);
  session.servers[0].address = "[2001:db8::1]:8443";
  session.servers[1].address = "a.example:8443";
  session.servers[1].v05_attested = 50051;
  session.servers[1].v05_untrusted = 50052;
  const auto enclave = EnclaveOf(session);
  ASSERT_TRUE(enclave.ok());
  EXPECT_EQ(enclave->host, "a.example");
  EXPECT_EQ(enclave->attested_port, 50051);
  EXPECT_EQ(enclave->untrusted_port, 50052);
  EXPECT_EQ(enclave->jwt, "token");
  session.servers.pop_back();
  EXPECT_EQ(EnclaveOf(session).error().code, "no-servers");
}

}  // namespace
}  // namespace blindai::directory
