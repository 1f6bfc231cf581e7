#include "gateway/gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "encoding/json.h"
#include "gateway/gateway_test_support.h"
#include "net/http_client.h"
#include "protocols/wire/directory.h"
#include "support/fake_attested_server.h"
#include "support/fake_directory.h"
#include "support/until.h"

namespace blindai::gateway {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;
using tests::FakeAttestedServer;
using tests::SeenRequest;

std::unique_ptr<Gateway> StartFor(std::uint16_t server_port) {
  auto gateway = Gateway::Start(OptionsFor(server_port));
  EXPECT_TRUE(gateway.ok());
  return *std::move(gateway);
}

net::HttpResponse Ask(const Gateway& gateway, net::HttpRequest request) {
  auto connection =
      net::BlockingHttpConnection::Connect({.host = "127.0.0.1", .port = gateway.port(), .tls = {}});
  EXPECT_TRUE(connection.ok());
  auto response = (*connection)->Send(request);
  EXPECT_TRUE(response.ok()) << (response.ok() ? "" : response.error().message);
  return response.ok() ? *std::move(response)
                       : net::HttpResponse{.status = 0, .headers = {}, .body = {}, .parts = {}};
}

net::HttpResponse Get(const Gateway& gateway, const std::string& target,
                      const net::HeaderList& headers = {}) {
  net::HttpRequest request;
  request.target = target;
  request.headers = headers;
  return Ask(gateway, std::move(request));
}

boost::json::object JsonOf(const net::HttpResponse& response) {
  auto parsed = encoding::ParseJsonObject(base::AsText(response.body));
  EXPECT_TRUE(parsed.ok()) << base::AsText(response.body);
  return parsed.ok() ? *std::move(parsed) : boost::json::object{};
}

std::string CodeOf(const net::HttpResponse& response) {
  const boost::json::object body = JsonOf(response);
  const boost::json::value* error = body.if_contains("error");
  if (error == nullptr) return "";
  if (error->is_object()) return std::string(error->at("code").as_string());
  return std::string(body.at("code").as_string());
}

FakeAttestedServer::Options Echo() {
  FakeAttestedServer::Options fake;
  fake.answer = [](const SeenRequest& request) {
    net::HttpResponse response = net::TextResponse(200, base::AsText(request.body));
    response.headers.Add("X-Seen", request.method + " " + request.target);
    response.headers.Add("Set-Cookie", "a=b");
    response.headers.Add("Access-Control-Allow-Origin", "*");
    response.headers.Add("Blindai-Verdict", "trusted");
    return response;
  };
  return fake;
}

tests::FakeDirectory::Answer Session(const std::string& token, const std::vector<std::string>& servers,
                                     base::Time expires_at = base::Now() + std::chrono::hours(1)) {
  wire::SessionAnswer answer;
  answer.token = token;
  answer.expires_at = expires_at.time_since_epoch().count();
  for (const std::string& server : servers) answer.servers.push_back({server, 0});
  return {200, wire::EncodeSessionAnswer(answer)};
}

GatewayOptions OptionsAt(const tests::FakeDirectory& directory) {
  GatewayOptions options = OptionsFor(0);
  options.server.directory = client::DirectoryOptions{*fetch::ParseUrl(directory.url()), ""};
  return options;
}

// ---- Forwarding ----

TEST(Gateway, ARequestGoesToTheVerifiedServerAndItsAnswerComesBack) {
  const FakeAttestedServer server(Echo());
  const auto gateway = StartFor(server.port());
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/v1/audio/transcriptions?a=%2F&b=1";
  request.headers = {{"Authorization", "Bearer of-the-program"}, {"X-Own", "1"}, {"Cookie", "a=b"}};
  request.body = base::CopyBytes(base::AsBytes("sound"));
  const net::HttpResponse response = Ask(*gateway, std::move(request));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(base::AsText(response.body), "sound");
  EXPECT_EQ(response.headers.Find("X-Seen"), "POST /v1/audio/transcriptions?a=%2F&b=1");
  EXPECT_FALSE(response.headers.Has("Set-Cookie"));
  EXPECT_FALSE(response.headers.Has("Access-Control-Allow-Origin"));
  const auto seen = server.data_requests();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].headers.FindAll("Authorization"), std::vector<std::string_view>{"Bearer servers-key"});
  EXPECT_EQ(seen[0].headers.Find("X-Own"), "1");
  EXPECT_FALSE(seen[0].headers.Has("Cookie"));
  // Evidence came first on the very connection of the request.
  const auto all = server.seen();
  const auto question = std::find_if(all.begin(), all.end(), [&](const SeenRequest& r) {
    return r.connection == seen[0].connection && r.target.starts_with("/v1/attestation?nonce=");
  });
  EXPECT_NE(question, all.end());
}

TEST(Gateway, EveryAnswerSaysWhatTheServerIs) {
  const FakeAttestedServer server(Echo());
  const auto gateway = StartFor(server.port());
  for (const char* path : {"/v1/models", "/v2/health/live", "/gateway/status", "/nothing"}) {
    const net::HttpResponse response = Get(*gateway, path);
    EXPECT_EQ(response.headers.FindAll("Blindai-Verdict"), std::vector<std::string_view>{"simulation"})
        << path;
  }
}

TEST(Gateway, ErrorsAndEmptyAnswersComeBackAsTheyAre) {
  FakeAttestedServer::Options fake;
  fake.answer = [](const SeenRequest& request) {
    if (request.target == "/v1/empty")
      return net::HttpResponse{.status = 204, .headers = {}, .body = {}, .parts = {}};
    net::HttpResponse response = net::JsonResponse(429, R"({"error":{"code":"queue-full"}})");
    response.headers.Add("Retry-After", "7");
    return response;
  };
  const FakeAttestedServer server(fake);
  const auto gateway = StartFor(server.port());
  EXPECT_EQ(Get(*gateway, "/v1/empty").status, 204);
  const net::HttpResponse full = Get(*gateway, "/v1/models");
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(full.headers.Find("Retry-After"), "7");
  EXPECT_EQ(CodeOf(full), "queue-full");
}

TEST(Gateway, AnAnswerLargerThanItKeepsIsStreamed) {
  FakeAttestedServer::Options fake;
  fake.answer = [](const SeenRequest&) { return net::TextResponse(200, std::string(3u << 20, 'x')); };
  const FakeAttestedServer server(fake);
  const auto gateway = StartFor(server.port());
  const net::HttpResponse response = Get(*gateway, "/v1/models");
  EXPECT_EQ(response.body.size(), 3u << 20);
  EXPECT_EQ(response.headers.Find("Transfer-Encoding"), "chunked");
  EXPECT_EQ(Get(*gateway, "/v1/models").status, 200);
}

TEST(Gateway, OnlyItsOwnPathsAreThere) {
  const FakeAttestedServer server(Echo());
  const auto gateway = StartFor(server.port());
  for (const char* path :
       {"/metrics", "/v3/models", "/v1", "/v2x", "/gateway/other", "/..%2Fv1/models", "/.well-known/x"})
    EXPECT_EQ(CodeOf(Get(*gateway, path)), "gateway-path") << path;
  RawSocket proxy(gateway->port());
  ASSERT_TRUE(
      proxy.Send("GET http://127.0.0.1/v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"));
  EXPECT_THAT(proxy.ReceiveAll(), HasSubstr("gateway-path"));
  RawSocket tunnel(gateway->port());
  ASSERT_TRUE(tunnel.Send("CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
  EXPECT_THAT(tunnel.ReceiveAll(), HasSubstr("HTTP/1.1 501"));
  EXPECT_TRUE(server.data_requests().empty());
}

// ---- The door ----

TEST(Gateway, PagesOfOthersAndNamesOfOthersReachNobody) {
  const FakeAttestedServer server(Echo());
  const auto gateway = StartFor(server.port());
  const std::string own = "127.0.0.1:" + std::to_string(gateway->port());
  for (const auto& [fields, code] : std::vector<std::pair<std::string, std::string>>{
           {"Host: evil.example\r\n", "gateway-host"},
           {"Host: evil.example:" + std::to_string(gateway->port()) + "\r\nOrigin: http://evil.example\r\n",
            "gateway-host"},
           {"Host: " + own + "\r\nOrigin: https://evil.example\r\n", "gateway-origin"},
           {"Host: " + own + "\r\nOrigin: null\r\n", "gateway-origin"},
           {"Host: " + own + "\r\nSec-Fetch-Site: cross-site\r\n", "gateway-origin"},
           {"Host: " + own + "\r\nOrigin: http://" + own + "\r\n", "gateway-token"}}) {
    for (const char* line : {"GET /v1/models", "POST /v1/models", "OPTIONS /v1/models", "GET /gateway/status",
                             "GET /gateway/events", "GET /gateway/evidence"}) {
      RawSocket raw(gateway->port());
      ASSERT_TRUE(raw.Send(std::string(line) + " HTTP/1.1\r\n" + fields + "Connection: close\r\n\r\n"));
      const std::string answer = raw.ReceiveAll();
      EXPECT_THAT(answer, HasSubstr("\"code\":\"" + code + "\"")) << line << " " << fields;
      EXPECT_THAT(answer, Not(HasSubstr("Access-Control"))) << line << " " << fields;
    }
  }
  EXPECT_TRUE(server.data_requests().empty());
}

TEST(Gateway, TheOwnPageComesInWithTheTokenAndItGoesNoFurther) {
  const FakeAttestedServer server(Echo());
  const auto gateway = StartFor(server.port());
  const std::string own = "http://127.0.0.1:" + std::to_string(gateway->port());
  const net::HttpResponse response = Get(*gateway, "/v1/models",
                                         {{"Origin", own},
                                          {"Sec-Fetch-Site", "same-origin"},
                                          {"Authorization", "Bearer " + std::string(kToken)}});
  EXPECT_EQ(response.status, 200);
  const auto seen = server.data_requests();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].headers.Find("Authorization"), "Bearer servers-key");
  EXPECT_FALSE(seen[0].headers.Has("Origin"));
}

TEST(Gateway, WithATokenForEverybodyProgramsNeedItToo) {
  const FakeAttestedServer server(Echo());
  GatewayOptions options = OptionsFor(server.port());
  options.token_for_programs = true;
  const auto gateway = Gateway::Start(std::move(options));
  ASSERT_TRUE(gateway.ok());
  EXPECT_EQ(Get(**gateway, "/v1/models").status, 401);
  EXPECT_EQ(Get(**gateway, "/gateway/status").status, 401);
  EXPECT_EQ(Get(**gateway, "/v1/models", {{"Authorization", "Bearer unused"}}).status, 401);
  EXPECT_EQ(Get(**gateway, "/v1/models", {{"Authorization", "Bearer " + std::string(kToken)}}).status, 200);
}

TEST(Gateway, SmugglersAreRefusedBeforeAnythingIsForwarded) {
  const FakeAttestedServer server(Echo());
  const auto gateway = StartFor(server.port());
  const std::string host = "Host: 127.0.0.1\r\n";
  for (const std::string& request : {
           "POST /v1/a HTTP/1.1\r\n" + host +
               "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST /v1/a HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
           "POST /v1/a HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, identity\r\n\r\n",
           "GET /v1/a HTTP/1.1\r\n" + host + "X: a\r\n folded\r\n\r\n",
           "GET /v1/a HTTP/1.1\r\n" + host + "X: a\nY: b\r\n\r\n",
           "GET /v1/a HTTP/1.1\r\n" + host + host + "\r\n",
           std::string("GET /v1/a HTTP/1.1\r\n\r\n"),
           "GET /v1/a%00b HTTP/1.1\r\n" + host + "\r\n",
           "GET /v1/a HTTP/2.0\r\n" + host + "\r\n",
       }) {
    RawSocket raw(gateway->port());
    ASSERT_TRUE(raw.Send(request));
    EXPECT_THAT(raw.ReceiveAll(), ::testing::ContainsRegex("^HTTP/1.1 (400|501|505) ")) << request;
  }
  RawSocket large(gateway->port());
  large.Send("GET /v1/a HTTP/1.1\r\n" + host + "X: " + std::string(40 * 1024, 'x') + "\r\n\r\n");
  EXPECT_THAT(large.ReceiveAll(), HasSubstr("HTTP/1.1 431"));
  EXPECT_TRUE(server.data_requests().empty());
}

// ---- Failing closed ----

TEST(Gateway, ARefusedServerGetsNothingAndTheFindingsComeBack) {
  const FakeAttestedServer server(Echo());
  GatewayOptions options = OptionsFor(server.port());
  options.server.allow_simulation = verifier::AllowSimulation::kNo;
  const auto gateway = Gateway::Start(std::move(options));
  ASSERT_TRUE(gateway.ok());
  for (const char* path : {"/v1/models", "/v2/models/a/infer"}) {
    const net::HttpResponse response = Get(**gateway, path);
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(CodeOf(response), "server-not-trusted");
    EXPECT_EQ(response.headers.Find("Blindai-Verdict"), "refused");
    const auto body = JsonOf(response);
    EXPECT_EQ(body.at("verdict").at("verdict"), "refused");
    EXPECT_FALSE(body.at("verdict").at("findings").as_array().empty());
  }
  RawSocket web_socket(gateway.value()->port());
  ASSERT_TRUE(web_socket.Send(
      "GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
  EXPECT_THAT(web_socket.ReceiveUntil("}}"), HasSubstr("HTTP/1.1 503"));
  // The auditor sees what was refused.
  EXPECT_EQ(JsonOf(Get(**gateway, "/gateway/evidence")).at("tee"), "simulated");
  EXPECT_TRUE(server.data_requests().empty());
}

TEST(Gateway, NobodyThereIsSaidAndWorkGoesOnWhenTheServerComes) {
  std::uint16_t port = 0;
  {
    const FakeAttestedServer server(Echo());
    port = server.port();
  }
  Told told;
  GatewayOptions options = OptionsFor(port);
  options.on_change = told.Listener();
  const auto gateway = Gateway::Start(std::move(options));
  ASSERT_TRUE(gateway.ok());
  told.AwaitState(State::kUnreachable);
  const net::HttpResponse response = Get(**gateway, "/v1/models");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(CodeOf(response), "server-unreachable");
  EXPECT_EQ(Get(**gateway, "/gateway/evidence").status, 404);
  FakeAttestedServer::Options fake = Echo();
  fake.port = port;
  const FakeAttestedServer server(fake);
  told.AwaitState(State::kSimulation);
  EXPECT_EQ(Get(**gateway, "/v1/models").status, 200);
}

TEST(Gateway, AServerThatDiesIsSeenAtOnceAndOneThatComesBackWithAnotherKeyIsAnnounced) {
  auto server = std::make_unique<FakeAttestedServer>(Echo());
  const std::uint16_t port = server->port();
  Told told;
  GatewayOptions options = OptionsFor(port);
  options.on_change = told.Listener();
  const auto gateway = Gateway::Start(std::move(options));
  ASSERT_TRUE(gateway.ok());
  const Standing before = told.AwaitState(State::kSimulation);
  EXPECT_EQ(Get(**gateway, "/v1/models").status, 200);
  server.reset();
  // Nobody asks: the watched connection tells.
  told.AwaitState(State::kUnreachable);
  EXPECT_EQ(CodeOf(Get(**gateway, "/v1/models")), "server-unreachable");
  FakeAttestedServer::Options fake = Echo();
  fake.port = port;
  server = std::make_unique<FakeAttestedServer>(fake);
  const Standing after = told.AwaitState(State::kSimulation);
  EXPECT_EQ(after.change, "key");
  EXPECT_EQ(after.server_key->before, before.server_key->sha256);
  EXPECT_EQ(Get(**gateway, "/v1/models").status, 200);
}

TEST(Gateway, AChangedManifestIsAnnounced) {
  std::atomic<bool> other = false;
  FakeAttestedServer::Options fake = Echo();
  // The same server under another description, as far as the gateway can tell: its evidence does not fit then.
  fake.bend = [&other](channel::AttestationAnswer& answer) {
    if (other) answer.manifest += " ";
  };
  auto server = std::make_unique<FakeAttestedServer>(fake);
  const std::uint16_t port = server->port();
  Told told;
  GatewayOptions options = OptionsFor(port);
  options.on_change = told.Listener();
  options.verify_every = milliseconds(50);
  const auto gateway = Gateway::Start(std::move(options));
  ASSERT_TRUE(gateway.ok());
  told.AwaitState(State::kSimulation);
  // A description that the evidence does not cover is refused, and nothing goes out.
  other = true;
  const Standing refused = told.AwaitState(State::kRefused);
  EXPECT_TRUE(refused.verdict->Has("manifest-mismatch"));
  EXPECT_EQ(CodeOf(Get(**gateway, "/v1/models")), "server-not-trusted");
  EXPECT_TRUE(server->data_requests().empty());
  // A deployment that is another one, and whose evidence says so, is announced.
  server.reset();
  told.AwaitState(State::kUnreachable);
  other = false;
  fake.manifest_version = "1";
  fake.port = port;
  server = std::make_unique<FakeAttestedServer>(fake);
  told.AwaitState(State::kSimulation);
  const auto status = JsonOf(Get(**gateway, "/gateway/status"));
  EXPECT_EQ(status.at("manifest").at("document").at("version"), "1");
  EXPECT_TRUE(status.at("manifest").at("changed_at").is_string());
  EXPECT_TRUE(status.at("manifest").at("before_sha256").is_string());
}

TEST(Gateway, EvidenceIsRenewedAndOldConnectionsAreNotUsed) {
  const FakeAttestedServer server(Echo());
  Told told;
  GatewayOptions options = OptionsFor(server.port());
  options.on_change = told.Listener();
  options.verify_every = milliseconds(50);
  const auto gateway = Gateway::Start(std::move(options));
  ASSERT_TRUE(gateway.ok());
  EXPECT_EQ(Get(**gateway, "/v1/models").status, 200);
  told.AwaitChange("verified");
  told.Await([](const Standing& standing) { return standing.number >= 4; });
  EXPECT_EQ(Get(**gateway, "/v1/models").status, 200);
  const auto seen = server.data_requests();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_NE(seen[0].connection, seen[1].connection);
}

TEST(Gateway, ConnectionsAreKeptWhileTheirEvidenceIsFresh) {
  const FakeAttestedServer server(Echo());
  const auto gateway = StartFor(server.port());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get(*gateway, "/v1/models").status, 200);
  const auto seen = server.data_requests();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].connection, seen[2].connection);
}

TEST(Gateway, AnAnswerThatBreaksIsNotTakenForAWholeOne) {
  FakeAttestedServer::Options fake;
  fake.cut_answers = true;
  const FakeAttestedServer server(fake);
  const auto gateway = StartFor(server.port());
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/v1/models";
  const net::HttpResponse response = Ask(*gateway, std::move(request));
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(CodeOf(response), "server-connection-lost");
  // What may have been done is not done again.
  EXPECT_EQ(server.data_requests().size(), 1u);
}

// ---- Its own API ----

TEST(Gateway, TheStatusAndTheEvidenceAreThere) {
  const FakeAttestedServer server(Echo());
  const auto gateway = StartFor(server.port());
  EXPECT_EQ(Get(*gateway, "/v1/models").status, 200);
  const auto status = JsonOf(Get(*gateway, "/gateway/status"));
  EXPECT_EQ(status.at("state"), "simulation");
  EXPECT_EQ(status.at("usable"), true);
  EXPECT_EQ(status.at("simulation_permitted"), true);
  EXPECT_EQ(status.at("verdict").at("mode"), "simulation");
  EXPECT_EQ(status.at("chain").as_array().size(), 4u);
  EXPECT_EQ(status.at("manifest").at("document").at("mode"), "simulation");
  const net::HttpResponse evidence = Get(*gateway, "/gateway/evidence");
  EXPECT_EQ(evidence.headers.Find("Content-Disposition"), "attachment; filename=\"blindai-evidence.json\"");
  EXPECT_EQ(JsonOf(evidence).at("tee"), "simulated");
}

TEST(Gateway, EventsTellTheStateAtOnceAndEveryChange) {
  auto server = std::make_unique<FakeAttestedServer>(Echo());
  const auto gateway = StartFor(server->port());
  EXPECT_EQ(Get(*gateway, "/v1/models").status, 200);
  RawSocket events(gateway->port());
  ASSERT_TRUE(events.Send("GET /gateway/events HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const std::string first = events.ReceiveUntil("\n\n\r\n");
  EXPECT_THAT(first, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(first, HasSubstr("event: status\ndata: {\"state\":\"simulation\""));
  server.reset();
  EXPECT_THAT(events.ReceiveUntil("\n\n\r\n"), HasSubstr("{\"state\":\"unreachable\",\"usable\":false"));
  // A stream that is open does not keep the gateway from ending, and ends in order.
  std::thread stop([&] { gateway->Stop(std::chrono::seconds(60)); });
  EXPECT_THAT(events.ReceiveAll(), ::testing::EndsWith("0\r\n\r\n"));
  stop.join();
}

// ---- Starting ----

TEST(Gateway, TheNetworkIsListenedOnOnlyWithATokenForEverybody) {
  for (const char* address : {"0.0.0.0", "::", "192.0.2.1"}) {
    GatewayOptions options = OptionsFor(1);
    options.address = address;
    const auto gateway = Gateway::Start(std::move(options));
    ASSERT_FALSE(gateway.ok());
    EXPECT_EQ(gateway.error().code, "argument");
    EXPECT_EQ(gateway.error().param, "listen");
  }
}

TEST(Gateway, AShortTokenIsRefused) {
  for (const char* token : {"", "short", "0123456789abcde", "0123456789abcdef with space"}) {
    GatewayOptions options = OptionsFor(1);
    options.token = base::SecretBytes::CopyOf(base::AsBytes(token));
    const auto gateway = Gateway::Start(std::move(options));
    ASSERT_FALSE(gateway.ok());
    EXPECT_EQ(gateway.error().param, "token");
  }
}

// ---- A directory ----

std::string ServerOf(const Gateway& gateway) {
  return std::string(JsonOf(Get(gateway, "/gateway/status")).at("server").as_string());
}

TEST(Gateway, ADirectorysServersAreVerifiedAndAnotherTakesThePlaceOfOneThatIsLost) {
  auto first = std::make_unique<FakeAttestedServer>(Echo());
  const FakeAttestedServer second(Echo());
  tests::FakeDirectory directory({Session("token-1", {first->address(), second.address()})});
  Told told;
  GatewayOptions options = OptionsAt(directory);
  options.on_change = told.Listener();
  const auto gateway = Gateway::Start(std::move(options));
  ASSERT_TRUE(gateway.ok());
  EXPECT_EQ(Get(**gateway, "/v1/models").status, 200);
  EXPECT_EQ(ServerOf(**gateway), first->address());
  ASSERT_EQ(first->data_requests().size(), 1u);
  // The API key is for the directory, its token for the server.
  EXPECT_EQ(directory.TakeRequest(0).authorization, "Bearer servers-key");
  EXPECT_EQ(first->data_requests()[0].headers.Find("Authorization"), "Bearer token-1");
  first.reset();
  told.AwaitChange("key");
  EXPECT_EQ(Get(**gateway, "/v1/models").status, 200);
  EXPECT_EQ(ServerOf(**gateway), second.address());
  EXPECT_EQ(second.data_requests().size(), 1u);
}

TEST(Gateway, AServerOfTheListThatIsNotAcceptedGetsNothing) {
  FakeAttestedServer::Options bent = Echo();
  bent.bend = [](channel::AttestationAnswer& answer) { answer.manifest += " "; };
  const FakeAttestedServer wrong(bent);
  const FakeAttestedServer right(Echo());
  tests::FakeDirectory directory({Session("token", {wrong.address(), right.address()})});
  const auto gateway = Gateway::Start(OptionsAt(directory));
  ASSERT_TRUE(gateway.ok());
  EXPECT_EQ(Get(**gateway, "/v1/models").status, 200);
  EXPECT_TRUE(wrong.data_requests().empty());
  EXPECT_EQ(right.data_requests().size(), 1u);
}

TEST(Gateway, WhereNoServerOfTheListIsAcceptedTheFindingsComeBack) {
  const FakeAttestedServer server(Echo());
  tests::FakeDirectory directory({Session("token", {server.address()})});
  GatewayOptions options = OptionsAt(directory);
  options.server.allow_simulation = verifier::AllowSimulation::kNo;
  const auto gateway = Gateway::Start(std::move(options));
  ASSERT_TRUE(gateway.ok());
  const net::HttpResponse response = Get(**gateway, "/v1/models");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(CodeOf(response), "server-not-trusted");
  EXPECT_TRUE(server.data_requests().empty());
}

TEST(Gateway, ADirectoryThatRefusesIsSaidAndAskedAgain) {
  const FakeAttestedServer server(Echo());
  tests::FakeDirectory directory({{503, R"({"error":{"code":"no-servers","message":"none is there"}})"},
                                  Session("token", {server.address()})});
  Told told;
  GatewayOptions options = OptionsAt(directory);
  options.on_change = told.Listener();
  const auto gateway = Gateway::Start(std::move(options));
  ASSERT_TRUE(gateway.ok());
  const Standing before = told.AwaitOnce(State::kUnreachable);
  EXPECT_EQ(before.error->code, "no-servers");
  told.AwaitState(State::kSimulation);
  EXPECT_EQ(Get(**gateway, "/v1/models").status, 200);
}

TEST(Gateway, ASessionIsRenewedBeforeItEndsAndItsNewTokenIsUsed) {
  const FakeAttestedServer server(Echo());
  // Its renewal is due at once.
  tests::FakeDirectory directory(
      {Session("token-1", {server.address()}, base::Now() + std::chrono::seconds(1)),
       Session("token-2", {server.address()})});
  const auto gateway = Gateway::Start(OptionsAt(directory));
  ASSERT_TRUE(gateway.ok());
  directory.TakeRequest(1);
  EXPECT_TRUE(tests::Until([&] {
    Get(**gateway, "/v1/models");
    return server.data_requests().back().headers.Find("Authorization") == "Bearer token-2";
  }));
}

TEST(Gateway, APortInUseIsSaid) {
  const FakeAttestedServer server(Echo());
  const auto first = StartFor(server.port());
  GatewayOptions options = OptionsFor(server.port());
  options.port = first->port();
  EXPECT_EQ(Gateway::Start(std::move(options)).error().code, "port-in-use");
}

}  // namespace
}  // namespace blindai::gateway
