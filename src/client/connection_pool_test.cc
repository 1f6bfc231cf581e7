// A client in a managed cloud: a fake directory, real attested servers in simulation.
#include "client/connection_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
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

std::string KeyOf(const SeenRequest& request) {
  return std::string(request.headers.Find("Idempotency-Key").value_or(""));
}

TEST(ManagedCloud, ARunIsRepeatedAtAnotherServerWhereItsOwnIsLost) {
  const auto dying = DyingServer();
  const auto other = Server();
  FakeDirectory directory({Session("t", {dying->address(), other->address()})});
  Client client(In(directory));
  EXPECT_EQ(Predict(client, "here").error().code, "model-not-found");  // what the other one says
  EXPECT_EQ(other->seen().at(0).target.substr(0, 22), "/v1/attestation?nonce=");
  const auto first = dying->data_requests();
  const auto repeated = other->data_requests();
  ASSERT_EQ(first.size(), 2u);  // it was given a second chance
  ASSERT_EQ(repeated.size(), 1u);
  EXPECT_EQ(KeyOf(first[0]).size(), 32u);
  EXPECT_EQ(KeyOf(first[1]), KeyOf(first[0]));
  EXPECT_EQ(KeyOf(repeated[0]), KeyOf(first[0]));
  EXPECT_EQ(repeated[0].body, first[0].body);
}

TEST(ManagedCloud, ADeletionIsAskedForAtItsOwnServerAlone) {
  const auto dying = DyingServer();
  const auto other = Server();
  FakeDirectory directory({Session("t", {dying->address(), other->address()})});
  Client client(In(directory));
  EXPECT_EQ(client.DeleteModel("here").error().code, "connection-lost");
  const auto asked = dying->data_requests();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(KeyOf(asked[0]).size(), 32u);
  EXPECT_EQ(KeyOf(asked[1]), KeyOf(asked[0]));
  EXPECT_THAT(other->seen(), IsEmpty());
}

// A server alone that cuts its first answer, or says that the request runs, and then answers.
class ForgetfulServer {
 public:
  explicit ForgetfulServer(std::function<net::Task<void>(net::HttpExchange&)> at_first, int times)
      : at_first_(std::move(at_first)), times_(times) {
    FakeAttestedServer::Options options;
    options.serve = [this](net::HttpExchange& exchange) { return Serve(exchange); };
    server_ = std::make_unique<FakeAttestedServer>(std::move(options));
  }

  ConnectOptions options() const {
    ConnectOptions options;
    options.server = *ParseServerAddress(server_->address());
    options.allow_simulation = verifier::AllowSimulation::kYes;
    return options;
  }
  std::vector<SeenRequest> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::size_t verifications() const { return server_->seen().size() - server_->data_requests().size(); }

 private:
  net::Task<void> Serve(net::HttpExchange& exchange) {
    base::Result<base::Bytes> body = co_await exchange.ReadWholeBody(1 << 20);
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back({.method = exchange.head().method,
                        .target = exchange.head().raw_target,
                        .headers = exchange.head().headers,
                        .body = *std::move(body)});
      first = static_cast<int>(asked_.size()) <= times_;
    }
    if (first) {
      co_await at_first_(exchange);
      co_return;
    }
    net::HttpResponse response = NotFound();
    co_await exchange.Respond(response);
  }

  const std::function<net::Task<void>(net::HttpExchange&)> at_first_;
  const int times_;
  mutable std::mutex mutex_;
  std::vector<SeenRequest> asked_;
  std::unique_ptr<FakeAttestedServer> server_;
};

net::Task<void> Cut(net::HttpExchange& exchange) {
  net::HeaderList headers;
  co_await exchange.StartResponse(200, headers);
}

net::Task<void> SayRunning(net::HttpExchange& exchange) {
  net::HttpResponse response =
      net::ErrorResponse(base::MakeError(base::ErrorKind::kConflict, "request-running", "still computed"));
  co_await exchange.Respond(response);
}

TEST(LostAnswers, ARunIsAskedForAgainWithItsKey) {
  const ForgetfulServer server(Cut, 1);
  Client client(server.options());
  EXPECT_EQ(Predict(client, "here").error().code, "model-not-found");
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(KeyOf(asked[0]).size(), 32u);
  EXPECT_EQ(KeyOf(asked[1]), KeyOf(asked[0]));
  EXPECT_EQ(asked[1].body, asked[0].body);
  EXPECT_EQ(server.verifications(), 2u);
  EXPECT_FALSE(Predict(client, "here").ok());
  EXPECT_NE(KeyOf(server.asked().at(2)), KeyOf(asked[0]));
}

TEST(LostAnswers, ATranscriptionIsAskedForAgainByteForByte) {
  const ForgetfulServer server(Cut, 1);
  Client client(server.options());
  const std::string sound = "not really sound";
  TranscribeOptions options;
  options.request.model = "speech";
  EXPECT_EQ(client.Transcribe(FileSource::Memory(base::AsBytes(sound)), options).error().code,
            "model-not-found");
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(KeyOf(asked[0]).size(), 32u);
  EXPECT_EQ(KeyOf(asked[1]), KeyOf(asked[0]));
  EXPECT_EQ(asked[1].body, asked[0].body);
  EXPECT_EQ(asked[1].headers.Find("Content-Type"), asked[0].headers.Find("Content-Type"));
}

TEST(LostAnswers, AReadHasNoKey) {
  const ForgetfulServer server(Cut, 1);
  Client client(server.options());
  EXPECT_FALSE(client.ListModels().ok());
  ASSERT_EQ(server.asked().size(), 2u);
  EXPECT_EQ(KeyOf(server.asked()[0]), "");
}

TEST(LostAnswers, ARunThatIsStillComputedIsWaitedFor) {
  const ForgetfulServer server(SayRunning, 2);
  Client client(server.options());
  EXPECT_EQ(Predict(client, "here").error().code, "model-not-found");
  EXPECT_EQ(server.asked().size(), 3u);
}

TEST(LostAnswers, WhoDoesNotWantToWaitIsToldThatItIsStillComputed) {
  const ForgetfulServer server(SayRunning, 2);
  ConnectOptions options = server.options();
  options.keep_waiting = [&server] { return server.asked().empty(); };
  Client client(options);
  EXPECT_EQ(Predict(client, "here").error().code, "request-running");
  EXPECT_EQ(server.asked().size(), 1u);
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
