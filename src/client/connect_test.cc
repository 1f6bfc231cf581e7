#include "client/connect.h"

#include <gtest/gtest.h>

#include "client/failure.h"
#include "net/http_message.h"
#include "support/fake_attested_server.h"

namespace blindai::client {
namespace {

using tests::FakeAttestedServer;
using tests::SeenRequest;
using verifier::AllowSimulation;
using verifier::Outcome;

ConnectOptions To(const FakeAttestedServer& server, AllowSimulation allow) {
  ConnectOptions options;
  options.server = {"127.0.0.1", server.port()};
  options.allow_simulation = allow;
  return options;
}

// What a server that must not be trusted got: the one question, without a body and without a key.
void ExpectNothingButTheQuestion(const FakeAttestedServer& server) {
  const std::vector<SeenRequest> seen = server.seen();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].method, "GET");
  EXPECT_TRUE(seen[0].target.starts_with("/v1/attestation?nonce="));
  EXPECT_EQ(seen[0].target.size(), std::string("/v1/attestation?nonce=").size() + 64);
  EXPECT_FALSE(seen[0].headers.Has("Authorization"));
  EXPECT_TRUE(seen[0].body.empty());
}

// Opens a connection to a server that bends its answer; the code of the finding that must be there.
void ExpectRefused(FakeAttestedServer::Options fake, std::string_view finding,
                   AllowSimulation allow = AllowSimulation::kYes) {
  const FakeAttestedServer server(std::move(fake));
  ConnectOptions options = To(server, allow);
  options.api_key =
      std::make_shared<const base::SecretBytes>(base::SecretBytes::CopyOf(base::AsBytes("secret-key")));
  const ConnectOutcome outcome = AttestedConnection::Open(options);
  ASSERT_FALSE(outcome.connection.ok());
  EXPECT_EQ(outcome.connection.error().code, kAttestationRefused);
  ASSERT_TRUE(outcome.verdict.has_value());
  EXPECT_EQ(outcome.verdict->outcome, Outcome::kRefused);
  EXPECT_TRUE(outcome.verdict->Has(finding)) << verifier::RenderText(*outcome.verdict);
  ExpectNothingButTheQuestion(server);
}

TEST(AttestedConnection, SimulationIsAcceptedOnlyWhereItWasAskedFor) {
  const FakeAttestedServer server({});
  const ConnectOutcome outcome = AttestedConnection::Open(To(server, AllowSimulation::kYes));
  ASSERT_TRUE(outcome.connection.ok()) << outcome.connection.error().message;
  EXPECT_EQ(outcome.verdict->outcome, Outcome::kSimulation);
  EXPECT_FALSE(outcome.verdict->trusted());
  ExpectRefused({}, "simulation", AllowSimulation::kNo);
}

TEST(AttestedConnection, AReplayedAnswerIsRefused) {
  // The first answer, given again to whoever asks later.
  auto kept = std::make_shared<std::optional<channel::AttestationAnswer>>();
  FakeAttestedServer::Options fake;
  fake.bend = [kept](channel::AttestationAnswer& answer) {
    if (!*kept) *kept = answer;
    answer = **kept;
  };
  const FakeAttestedServer server(fake);
  const ConnectOptions options = To(server, AllowSimulation::kYes);
  EXPECT_TRUE(AttestedConnection::Open(options).connection.ok());
  const ConnectOutcome second = AttestedConnection::Open(options);
  ASSERT_FALSE(second.connection.ok());
  EXPECT_TRUE(second.verdict->Has("nonce-mismatch"));
  EXPECT_TRUE(server.data_requests().empty());
}

TEST(AttestedConnection, ARelayInFrontOfAnHonestServerIsRefused) {
  // The man in the middle asks the honest server with the client's nonce, over a connection of his own.
  const FakeAttestedServer honest({});
  FakeAttestedServer::Options relay;
  relay.attestation = [&honest](const SeenRequest& request) {
    net::ConnectOptions to;
    to.host = "127.0.0.1";
    to.port = honest.port();
    to.tls = *net::TlsClientContext::ForAttestedServer();
    auto connection = net::BlockingHttpConnection::Connect(to);
    net::HttpRequest question;
    question.target = request.target;
    auto answer = (*connection)->Send(question);
    return net::JsonResponse(200, base::AsText(answer->body));
  };
  const FakeAttestedServer server(relay);
  const ConnectOutcome outcome = AttestedConnection::Open(To(server, AllowSimulation::kYes));
  ASSERT_FALSE(outcome.connection.ok());
  EXPECT_TRUE(outcome.verdict->Has("connection-mismatch"));
  EXPECT_TRUE(outcome.verdict->Has("key-mismatch"));
  ExpectNothingButTheQuestion(server);
}

TEST(AttestedConnection, AnAnswerThatWasAlteredIsRefused) {
  FakeAttestedServer::Options fake;
  fake.bend = [](channel::AttestationAnswer& answer) { answer.statement.nonce.bytes[0] ^= 1; };
  ExpectRefused(fake, "nonce-mismatch");
  fake.bend = [](channel::AttestationAnswer& answer) { answer.statement.exporter_sha256.bytes[0] ^= 1; };
  ExpectRefused(fake, "connection-mismatch");
  fake.bend = [](channel::AttestationAnswer& answer) { answer.keyset += " "; };
  ExpectRefused(fake, "keyset-mismatch");
  fake.bend = [](channel::AttestationAnswer& answer) { answer.manifest += " "; };
  ExpectRefused(fake, "manifest-mismatch");
  fake.bend = [](channel::AttestationAnswer& answer) { answer.bundle.evidence.pop_back(); };
  ExpectRefused(fake, "malformed");
}

TEST(AttestedConnection, AServerThatSaysHardwareAndShowsSimulationIsRefused) {
  FakeAttestedServer::Options fake;
  fake.mode = "hardware";
  ExpectRefused(fake, "mode-mismatch");
}

TEST(AttestedConnection, AServerWithoutEvidenceIsNoServer) {
  for (const int status : {200, 404, 500}) {
    FakeAttestedServer::Options fake;
    fake.attestation = [status](const SeenRequest&) { return net::TextResponse(status, "hello"); };
    const FakeAttestedServer server(fake);
    const ConnectOutcome outcome = AttestedConnection::Open(To(server, AllowSimulation::kYes));
    ASSERT_FALSE(outcome.connection.ok());
    EXPECT_EQ(FailureOf(outcome.connection.error()), FailureKind::kAttestation);
    EXPECT_FALSE(outcome.verdict.has_value());
    ExpectNothingButTheQuestion(server);
  }
}

TEST(AttestedConnection, AServerThatIsFullSaysSo) {
  FakeAttestedServer::Options fake;
  fake.attestation = [](const SeenRequest&) {
    return net::ErrorResponse(
        base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable", "the device is busy"));
  };
  const FakeAttestedServer server(fake);
  const ConnectOutcome outcome = AttestedConnection::Open(To(server, AllowSimulation::kYes));
  EXPECT_EQ(FailureOf(outcome.connection.error()), FailureKind::kConnection);
  EXPECT_EQ(outcome.connection.error().message, server.address() + ": the device is busy");
}

TEST(AttestedConnection, TheKeyIsSentAfterTheVerdict) {
  const FakeAttestedServer server({});
  ConnectOptions options = To(server, AllowSimulation::kYes);
  options.api_key =
      std::make_shared<const base::SecretBytes>(base::SecretBytes::CopyOf(base::AsBytes("secret-key")));
  ConnectOutcome outcome = AttestedConnection::Open(options);
  ASSERT_TRUE(outcome.connection.ok());
  ExpectNothingButTheQuestion(server);
  net::HttpRequest request;
  request.target = "/v1/models";
  EXPECT_EQ((*outcome.connection)->Send(request).error().kind, base::ErrorKind::kNotFound);
  const auto sent = server.data_requests();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].headers.Find("Authorization"), "Bearer secret-key");
}

TEST(AttestedConnection, NobodyThereIsAConnectionError) {
  ConnectOptions options;
  {
    const FakeAttestedServer server({});
    options = To(server, AllowSimulation::kYes);
  }
  const ConnectOutcome outcome = AttestedConnection::Open(options);
  EXPECT_EQ(FailureOf(outcome.connection.error()), FailureKind::kConnection);
  EXPECT_EQ(outcome.connection.error().code, "connection-refused");
}

}  // namespace
}  // namespace blindai::client
