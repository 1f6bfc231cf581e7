// A client in a managed cloud: a fake directory, real attested servers in simulation.
#include "client/connection_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "client/client.h"
#include "client/failure.h"
#include "protocols/wire/directory.h"
#include "protocols/wire/model_listing.h"
#include "support/fake_attested_server.h"
#include "support/fake_directory.h"

namespace blindai::client {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::FakeAttestedServer;
using tests::FakeDirectory;
using tests::SeenRequest;

constexpr std::int64_t kFarAway = 4'000'000'000;

FakeDirectory::Answer Session(const std::string& token, const std::vector<std::string>& servers,
                              std::int64_t expires_at = kFarAway) {
  wire::SessionAnswer answer{.token = token, .expires_at = expires_at, .servers = {}, .simulation = true};
  for (const std::string& server : servers) answer.servers.push_back({server, 0});
  return {200, wire::EncodeSessionAnswer(answer)};
}

FakeDirectory::Answer Refusal(int status, const std::string& code) {
  return {status, R"({"error":{"message":"no","type":"x","param":null,"code":")" + code + "\"}}"};
}

net::HttpResponse NotFound() {
  return net::ErrorResponse(base::MakeError(base::ErrorKind::kNotFound, "model-not-found", "no such model"));
}

// Lists no models; knows the one model "here", whose runs fail with a code that says so.
net::HttpResponse Serve(const SeenRequest& request) {
  if (request.target == "/v1/models") return net::JsonResponse(200, wire::EncodeModelList({}));
  if (request.target == "/v1/models/here") {
    wire::ModelInfo model;
    model.id = "here";
    model.sha256 = std::string(64, 'a');
    model.state = "ready";
    return net::JsonResponse(200, wire::EncodeModelInfo(model));
  }
  return NotFound();
}

std::unique_ptr<FakeAttestedServer> Server(FakeAttestedServer::Answer answer = Serve) {
  FakeAttestedServer::Options options;
  options.answer = std::move(answer);
  return std::make_unique<FakeAttestedServer>(std::move(options));
}

std::unique_ptr<FakeAttestedServer> DyingServer() {
  FakeAttestedServer::Options options;
  options.cut_answers = true;
  return std::make_unique<FakeAttestedServer>(std::move(options));
}

ConnectOptions In(const FakeDirectory& directory) {
  ConnectOptions options;
  options.directory = DirectoryOptions{*fetch::ParseUrl(directory.url()), ""};
  options.api_key =
      std::make_shared<const base::SecretBytes>(base::SecretBytes::CopyOf(base::AsBytes("bai_key")));
  options.allow_simulation = verifier::AllowSimulation::kYes;
  return options;
}

std::vector<std::string> Credentials(const std::vector<SeenRequest>& requests) {
  std::vector<std::string> credentials;
  for (const SeenRequest& request : requests) {
    credentials.emplace_back(request.headers.Find("Authorization").value_or("none"));
  }
  return credentials;
}

base::Status Predict(Client& client, const std::string& model) {
  const base::Bytes data(4);
  const std::vector<vocabulary::TensorView> inputs = {{"x", vocabulary::Datatype::kFp32, {1}, data}};
  auto answer = client.Predict(model, inputs, {});
  return answer.ok() ? base::Ok() : base::Status(std::move(answer).error());
}

TEST(ManagedCloud, TheKeyGoesToTheDirectoryAndTheTokenToAVerifiedServer) {
  const auto server = Server();
  FakeDirectory directory({Session("token-1", {server->address()})});
  Client client(In(directory));
  ASSERT_TRUE(client.Connect().ok());
  EXPECT_EQ(directory.TakeRequest(0).target, "/v1/session");
  EXPECT_EQ(directory.TakeRequest(0).authorization, "Bearer bai_key");
  EXPECT_EQ(Credentials(server->seen()), std::vector<std::string>{"none"});  // the question for evidence
  ASSERT_TRUE(client.ListModels().ok());
  EXPECT_THAT(Credentials(server->data_requests()), ElementsAre("Bearer token-1"));
  EXPECT_EQ(client.server().ToText(), server->address());
  EXPECT_EQ(directory.asked(), 1u);
}

TEST(ManagedCloud, TheTokenIsRenewedBeforeItEnds) {
  const auto server = Server();
  FakeDirectory directory({Session("ended", {server->address()}, 1), Session("new", {server->address()})});
  Client client(In(directory));
  ASSERT_TRUE(client.Connect().ok());
  ASSERT_TRUE(client.ListModels().ok());
  ASSERT_TRUE(client.ListModels().ok());
  EXPECT_THAT(Credentials(server->data_requests()), Each("Bearer new"));
  EXPECT_EQ(directory.asked(), 2u);
}

TEST(ManagedCloud, ATokenThatAServerRefusesIsRenewedOnce) {
  const auto server = Server([](const SeenRequest& request) {
    if (request.headers.Find("Authorization") == "Bearer good") return Serve(request);
    return net::ErrorResponse(base::MakeError(base::ErrorKind::kUnauthorized, "session-expired", "ended"));
  });
  FakeDirectory directory({Session("bad", {server->address()}), Session("good", {server->address()}),
                           Session("bad", {server->address()})});
  Client client(In(directory));
  EXPECT_TRUE(client.ListModels().ok());
  EXPECT_EQ(directory.asked(), 2u);
  FakeDirectory always_bad({Session("bad", {server->address()})});
  Client other(In(always_bad));
  EXPECT_EQ(other.ListModels().error().code, "session-expired");
  EXPECT_EQ(always_bad.asked(), 2u);
}

TEST(ManagedCloud, AServerThatIsGoneIsLeftForAnotherThatIsVerifiedFirst) {
  auto first = Server();
  const auto second = Server();
  FakeDirectory directory({Session("t", {first->address(), second->address()})});
  Client client(In(directory));
  ASSERT_TRUE(client.ListModels().ok());
  EXPECT_EQ(client.server().ToText(), first->address());
  first.reset();
  EXPECT_EQ(Predict(client, "unknown").error().code,
            "model-not-found");  // asked there: nothing had been sent here
  EXPECT_EQ(second->seen().at(0).target.substr(0, 22), "/v1/attestation?nonce=");
  EXPECT_TRUE(client.ListModels().ok());
  EXPECT_EQ(client.server().ToText(), second->address());
}

TEST(ManagedCloud, AServerThatIsNotAcceptedIsPassedOver) {
  FakeAttestedServer::Options lying;
  lying.answer = Serve;
  lying.mode = "hardware";
  const FakeAttestedServer liar(std::move(lying));
  const auto honest = Server();
  FakeDirectory directory({Session("t", {liar.address(), honest->address()})});
  Client client(In(directory));
  EXPECT_TRUE(client.ListModels().ok());
  EXPECT_EQ(client.server().ToText(), honest->address());
  EXPECT_THAT(liar.data_requests(), IsEmpty());
  FakeDirectory only_the_liar({Session("t", {liar.address()})});
  Client refused(In(only_the_liar));
  EXPECT_EQ(refused.Connect().error().code, kAttestationRefused);
  EXPECT_TRUE(refused.verdict()->Has("mode-mismatch"));
}

TEST(ManagedCloud, AReadThatWasLostIsAskedAgainElsewhere) {
  const auto dying = DyingServer();
  const auto other = Server();
  FakeDirectory directory({Session("t", {dying->address(), other->address()})});
  Client client(In(directory));
  EXPECT_TRUE(client.ListModels().ok());
  EXPECT_EQ(other->data_requests().size(), 1u);
}

TEST(ManagedCloud, ARunThatWasSentAndLostIsNotRepeated) {
  const auto dying = DyingServer();
  const auto other = Server();
  FakeDirectory directory({Session("t", {dying->address(), other->address()})});
  Client client(In(directory));
  EXPECT_EQ(Predict(client, "here").error().code, "connection-lost");
  EXPECT_EQ(dying->data_requests().size(), 1u);
  EXPECT_EQ(client.DeleteModel("here").error().code, "connection-lost");
  EXPECT_THAT(other->seen(), IsEmpty());
}

TEST(ManagedCloud, AModelThatThisServerDoesNotHaveIsLookedForAtTheOthers) {
  const auto without = Server([](const SeenRequest&) { return NotFound(); });
  const auto with = Server();
  FakeDirectory directory(
      {Session("t", {without->address(), with->address()}), Session("t", {with->address()})});
  Client client(In(directory));
  ASSERT_TRUE(client.Connect().ok());
  EXPECT_EQ(client.GetModel("here")->id, "here");
  EXPECT_EQ(client.server().ToText(), with->address());
  EXPECT_EQ(wire::DecodeSessionRequest(base::AsBytes(directory.TakeRequest(1).body))->model, "here");
  EXPECT_EQ(client.GetModel("nowhere").error().code, "model-not-found");
}

TEST(ManagedCloud, WhatTheDirectoryRefusesReachesNoServer) {
  struct Row {
    int status;
    const char* code;
    FailureKind kind;
  };
  for (const auto& [status, code, kind] :
       {Row{401, "bad-credentials", FailureKind::kAccess}, Row{429, "rate-limit", FailureKind::kQuota},
        Row{503, "no-servers", FailureKind::kConnection}}) {
    FakeDirectory directory({Refusal(status, code)});
    Client client(In(directory));
    const base::Status connected = client.Connect();
    ASSERT_FALSE(connected.ok());
    EXPECT_EQ(connected.error().code, code);
    EXPECT_EQ(FailureOf(connected.error()), kind);
  }
  FakeDirectory nonsense({{200, "{}"}});
  Client client(In(nonsense));
  EXPECT_EQ(FailureOf(client.Connect().error()), FailureKind::kConnection);
}

// A job is where it was accepted.
TEST(ManagedCloud, AJobIsStartedWhereThereIsRoomAndAskedForThereAlone) {
  const auto full = Server([](const SeenRequest&) {
    return net::ErrorResponse(base::MakeError(base::ErrorKind::kExhausted, "jobs-full", "full"));
  });
  const auto takes = Server([](const SeenRequest& request) {
    wire::AudioJob job;
    job.id = "job-1";
    if (request.method == "POST") job.token = "secret";
    return net::JsonResponse(request.method == "POST" ? 202 : 200, wire::EncodeAudioJob(job));
  });
  FakeDirectory directory({Session("t", {full->address(), takes->address()})});
  Client client(In(directory));
  TranscribeOptions wanted;
  wanted.request.model = "here";
  const auto reference = client.StartJob(FileSource::Memory(base::AsBytes("RIFF")), wanted);
  ASSERT_TRUE(reference.ok()) << reference.error().message;
  EXPECT_EQ(reference->ToText(), "job-1.secret@" + takes->address());

  Client later(In(directory));
  EXPECT_TRUE(later.LookAtJob(*reference).ok());
  EXPECT_EQ(takes->data_requests().size(), 2u);
  EXPECT_EQ(full->data_requests().size(), 1u);
}

TEST(ManagedCloud, AServerThatTheDirectoryDoesNotListGetsNoToken) {
  const auto listed = Server();
  const auto other = Server();
  FakeDirectory directory({Session("t", {listed->address()})});
  Client client(In(directory));
  const JobReference elsewhere = ParseJobReference("job-1.secret@" + other->address()).value();
  EXPECT_EQ(client.LookAtJob(elsewhere).error().code, "server-not-listed");
  EXPECT_THAT(other->seen(), IsEmpty());
}

}  // namespace
}  // namespace blindai::client
