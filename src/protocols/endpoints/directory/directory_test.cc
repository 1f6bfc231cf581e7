#include "protocols/endpoints/directory/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "encoding/hex.h"
#include "protocols/wire/directory.h"
#include "service/accounts/session_token.h"
#include "support/fake_exchange.h"

namespace blindai::endpoints {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using tests::FakeAnswer;
using tests::FakeExchange;

class DirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override { Open({}); }

  void Open(accounts::DirectoryOptions options) {
    const std::shared_ptr<accounts::Database> database = *accounts::OpenSqlite(":memory:");
    api_keys_ = *accounts::ApiKeys::Open(database);
    audit_ = *accounts::AuditLog::Open(database);
    options.issuer = "cloud.example";
    directory_ = *accounts::Directory::Open(
        database, base::SecretBytes(base::Bytes(accounts::kSessionSecretBytes, 1)), options, now_);
    router_ = std::make_unique<Router>();
    RegisterDirectory(*router_, *directory_,
                      {.run = [](const std::function<void()>& work) { work(); },
                       .now = [this] { return now_; },
                       .steady_now = [] { return base::RateLimiter::Moment(); }});
    admin_ = NewKey("operator", {.admin = true});
    server_ = NewKey("operator", {.server = true});
    user_ = NewKey("clinic", {.run = true});
  }
  std::string NewKey(std::string_view tenant, accounts::Scopes scopes) {
    const auto made = api_keys_->CreateKey(tenant, scopes, std::nullopt, now_);
    return std::string(base::AsText(made->key.ExposeSecret()));
  }
  FakeAnswer Ask(const std::string& line, const std::string& key, const std::string& body = "") {
    FakeExchange exchange(line + (key.empty() ? "" : "\r\nAuthorization: Bearer " + key),
                          base::CopyBytes(base::AsBytes(body)));
    exchange.facts().peer_address = peer_;
    return Serve(*router_, exchange);
  }
  // "201" or "400 code param".
  std::string Said(const FakeAnswer& answer) {
    if (answer.status < 300) return std::to_string(answer.status);
    const json::object error = json::parse(answer.body).at("error").as_object();
    std::string text = std::to_string(answer.status) + " " + std::string(error.at("code").as_string());
    if (error.at("param").is_string()) text += " " + std::string(error.at("param").as_string());
    return text;
  }
  std::string Report(const std::string& address, const std::string& key, const std::string& rest = "") {
    return Ask("POST /v1/servers", key, R"({"address":")" + address + "\"" + rest + "}").body;
  }
  void List(const std::string& address, const std::string& rest = "") {
    Report(address, server_, rest);
    ASSERT_TRUE(directory_->Verified(address, "", true, now_).ok());
  }

  base::Time now_{std::chrono::seconds(1'800'000'000)};
  std::unique_ptr<accounts::ApiKeys> api_keys_;
  std::unique_ptr<accounts::AuditLog> audit_;
  std::unique_ptr<accounts::Directory> directory_;
  std::unique_ptr<Router> router_;
  std::string admin_, server_, user_;
  std::string peer_ = "192.0.2.1";
};

TEST_F(DirectoryTest, AKeyBecomesATokenAndServersTheShortestQueueFirst) {
  List("slow.example:8443", R"(,"backlog_ms":900)");
  List("fast.example:8443", R"(,"backlog_ms":3)");
  const FakeAnswer answer = Ask("POST /v1/session", user_);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.headers.Find("Cache-Control"), "no-store");
  const auto session = wire::DecodeSessionAnswer(base::AsBytes(answer.body));
  ASSERT_TRUE(session.ok()) << answer.body;
  EXPECT_EQ(session->expires_at, now_.time_since_epoch().count() + 600);
  EXPECT_THAT(session->servers, testing::ElementsAre(wire::PlacedServer{"fast.example:8443", 3},
                                                     wire::PlacedServer{"slow.example:8443", 900}));
  const auto keys = accounts::ParseJwks(Ask("GET /v1/jwks", "").body);
  EXPECT_EQ(Ask("GET /.well-known/jwks.json", "").body, Ask("GET /v1/jwks", "").body);
  const auto claims = accounts::VerifySessionToken(session->token, *keys, "cloud.example", now_);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->account.tenant, "clinic");
  EXPECT_EQ(claims->account.scopes, (accounts::Scopes{.run = true}));
}

TEST_F(DirectoryTest, AModelsServersComeAlone) {
  const auto hex = [](std::string_view name) {
    return encoding::HexEncode(crypto::Sha256(base::AsBytes(name)).view());
  };
  List("with.example:1", R"(,"backlog_ms":50,"models":[")" + hex("clinic/demo") + "\"]");
  List("without.example:1", R"(,"models":[")" + hex("other/demo") + "\"]");
  const auto ask = [&](const std::string& body) {
    return wire::DecodeSessionAnswer(base::AsBytes(Ask("POST /v1/session", user_, body).body))->servers;
  };
  EXPECT_THAT(ask(R"({"model":"demo"})"), testing::ElementsAre(wire::PlacedServer{"with.example:1", 50}));
  EXPECT_EQ(ask(R"({"model":"new"})").size(), 2u);
  EXPECT_EQ(ask("").size(), 2u);
  EXPECT_EQ(Said(Ask("POST /v1/session", user_, R"({"model":1})")), "400 directory-message model");
}

TEST_F(DirectoryTest, WithoutAValidKeyThereIsNoSession) {
  List("a.example:1");
  EXPECT_EQ(Said(Ask("POST /v1/session", "")), "401 login-required");
  EXPECT_EQ(Ask("POST /v1/session", "").headers.Find("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(Said(Ask("POST /v1/session", "bai_00000000_" + std::string(43, 'A'))), "401 bad-credentials");
  EXPECT_EQ(Said(Ask("POST /v1/session", server_)), "403 not-allowed");
  EXPECT_EQ(Said(Ask("POST /v1/session", user_)), "200");
  ASSERT_EQ(Said(Ask("DELETE /v1/keys/" + user_.substr(4, 8), admin_)), "200");
  EXPECT_EQ(Said(Ask("POST /v1/session", user_)), "401 bad-credentials");
}

TEST_F(DirectoryTest, WithoutAListedServerThereIsNoSession) {
  const FakeAnswer answer = Ask("POST /v1/session", user_);
  EXPECT_EQ(Said(answer), "503 no-servers");
  EXPECT_TRUE(answer.headers.Has("Retry-After"));
  Report("a.example:1", server_);
  EXPECT_EQ(Said(Ask("POST /v1/session", user_)), "503 no-servers") << "pending is not listed";
}

TEST_F(DirectoryTest, AServerIsToldHowItStandsAndWithWhichKeysTokensAreMade) {
  const auto report = [&] {
    return *wire::DecodeServerReportAnswer(base::AsBytes(Report("a.example:1", server_)));
  };
  EXPECT_EQ(report(),
            (wire::ServerReportAnswer{"pending", "", "cloud.example", Ask("GET /v1/jwks", "").body}));
  ASSERT_TRUE(directory_->Verified("a.example:1", "", false, now_).ok());
  EXPECT_EQ(report().state, "listed");
  ASSERT_TRUE(directory_->Verified("a.example:1", "snp-debug", false, now_).ok());
  EXPECT_EQ(report().state, "refused");
  EXPECT_EQ(report().reason, "snp-debug");
  EXPECT_EQ(Said(Ask("POST /v1/session", user_)), "503 no-servers");
}

TEST_F(DirectoryTest, ASilentServerIsNotGivenAndComesBackWhenItIsVerifiedAgain) {
  List("a.example:1");
  EXPECT_EQ(Said(Ask("POST /v1/session", user_)), "200");
  now_ += std::chrono::seconds(31);
  EXPECT_EQ(Said(Ask("POST /v1/session", user_)), "503 no-servers");
  ASSERT_TRUE(directory_->Tick(now_).ok());
  EXPECT_THAT(Ask("GET /v1/servers", admin_).body, HasSubstr(R"("reason":"silent")"));
  List("a.example:1");
  EXPECT_EQ(Said(Ask("POST /v1/session", user_)), "200");
}

TEST_F(DirectoryTest, EachActionNeedsItsScope) {
  const std::string key = R"({"tenant":"new","scopes":["run"]})";
  for (const std::string& who : {user_, server_}) {
    EXPECT_EQ(Said(Ask("POST /v1/keys", who, key)), "403 not-allowed");
    EXPECT_EQ(Said(Ask("GET /v1/keys", who)), "403 not-allowed");
    EXPECT_EQ(Said(Ask("DELETE /v1/keys/" + admin_.substr(4, 8), who)), "403 not-allowed");
  }
  EXPECT_EQ(Said(Ask("POST /v1/servers", user_, R"({"address":"a:1"})")), "403 not-allowed");
  EXPECT_EQ(Said(Ask("GET /v1/servers", user_)), "403 not-allowed");
  EXPECT_EQ(Said(Ask("DELETE /v1/servers/a:1", user_)), "403 not-allowed");
  EXPECT_EQ(Said(Ask("POST /v1/servers", admin_, R"({"address":"a:1"})")), "200");
  for (const char* line : {"POST /v1/keys", "GET /v1/keys", "DELETE /v1/keys/00000000", "POST /v1/servers",
                           "GET /v1/servers", "DELETE /v1/servers/a:1"}) {
    EXPECT_EQ(Said(Ask(line, "")), "401 login-required") << line;
  }
}

TEST_F(DirectoryTest, KeysAreMadeListedAndRevokedAndShownOnce) {
  const FakeAnswer made =
      Ask("POST /v1/keys", admin_, R"({"tenant":"new","scopes":["upload","run"],"expires_at":1900000000})");
  ASSERT_EQ(made.status, 201) << made.body;
  const json::object key = json::parse(made.body).as_object();
  const std::string text(key.at("key").as_string());
  EXPECT_EQ(key.at("expires_at"), 1'900'000'000);
  EXPECT_TRUE(api_keys_->Identify(text, now_).ok());
  const std::string listed = Ask("GET /v1/keys", admin_).body;
  EXPECT_EQ(listed.find(text.substr(13)), std::string::npos);
  EXPECT_THAT(listed, HasSubstr(std::string(key.at("id").as_string())));
  const std::string line = "DELETE /v1/keys/" + std::string(key.at("id").as_string());
  EXPECT_EQ(Said(Ask(line, admin_)), "200");
  EXPECT_EQ(Said(Ask(line, admin_)), "404 key-not-found id");
  EXPECT_EQ(Said(Ask("DELETE /v1/keys/nothexno", admin_)), "404 key-not-found id");
}

TEST_F(DirectoryTest, BadKeyRequestsAreRefusedByField) {
  const auto with = [&](const std::string& body) { return Said(Ask("POST /v1/keys", admin_, body)); };
  EXPECT_EQ(with(R"({"scopes":["run"]})"), "400 missing-field tenant");
  EXPECT_EQ(with(R"({"tenant":"a b","scopes":["run"]})"), "400 tenant tenant");
  EXPECT_EQ(with(R"({"tenant":"a","scopes":[]})"), "400 scope scopes");
  EXPECT_EQ(with(R"({"tenant":"a","scopes":["fly"]})"), "400 scope scopes");
  EXPECT_EQ(with(R"({"tenant":"a","scopes":["run"],"expires_at":-1})"), "400 wrong-type expires_at");
  EXPECT_EQ(with("[]").substr(0, 3), "400");
  EXPECT_EQ(with(std::string(20'000, ' ')).substr(0, 3), "413");
}

TEST_F(DirectoryTest, AnAddressAndAKeyThatAskTooOftenAreToldWhenToComeBack) {
  Open({.per_key = {.per_second = 0.1, .burst = 2}, .per_address = {.per_second = 0.2, .burst = 4}});
  List("a.example:1");  // takes one of the address
  EXPECT_EQ(Said(Ask("POST /v1/session", user_)), "200");
  EXPECT_EQ(Said(Ask("POST /v1/session", user_)), "200");
  const FakeAnswer by_key = Ask("POST /v1/session", user_);
  EXPECT_EQ(Said(by_key), "429 rate-limit");
  EXPECT_EQ(by_key.headers.Find("Retry-After"), "10");
  const FakeAnswer by_address = Ask("POST /v1/session", admin_);
  EXPECT_EQ(Said(by_address), "429 rate-limit");
  EXPECT_EQ(by_address.headers.Find("Retry-After"), "5");
  peer_ = "192.0.2.2";
  EXPECT_EQ(Said(Ask("POST /v1/session", user_)), "429 rate-limit") << "the key is the same";
  EXPECT_EQ(Said(Ask("GET /v1/keys", admin_)), "200");
}

TEST_F(DirectoryTest, GuessingKeysFromOneAddressIsSlow) {
  Open({.per_address = {.per_second = 0.1, .burst = 5}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Said(Ask("POST /v1/session", "guess")), "401 bad-credentials");
  EXPECT_EQ(Said(Ask("POST /v1/session", "guess")), "429 rate-limit");
  EXPECT_EQ(directory_->counters().refused_credentials, 5u);
}

TEST_F(DirectoryTest, WhatIsManagedIsInTheAuditLogWithoutSecrets) {
  const FakeAnswer made = Ask("POST /v1/keys", admin_, R"({"tenant":"new","scopes":["run"]})");
  const std::string id(json::parse(made.body).at("id").as_string());
  Ask("DELETE /v1/keys/" + id, admin_);
  List("a.example:1");
  Ask("DELETE /v1/servers/a.example:1", server_);
  Ask("POST /v1/session", user_);
  const auto lines = *audit_->Last(100);
  std::vector<std::string> actions;
  for (const accounts::AuditLine& line : lines) {
    actions.push_back(line.action + " " + line.subject);
    EXPECT_EQ((line.actor + line.subject).find("bai_"), std::string::npos);
  }
  EXPECT_THAT(actions,
              testing::ElementsAre("server-remove a.example:1", "server-state a.example:1 listed",
                                   "server-register a.example:1", "key-revoke " + id, "key-create new run"));
  EXPECT_EQ(lines.back().actor, "key " + admin_.substr(4, 8) + " of operator");
}

TEST_F(DirectoryTest, AServerKeySeesAndRemovesTheServersOfItsTenantOnly) {
  const std::string other = NewKey("other", {.server = true});
  List("a.example:1");
  EXPECT_EQ(Said(Ask("DELETE /v1/servers/a.example:1", other)), "404 server-not-found address");
  EXPECT_THAT(Ask("GET /v1/servers", other).body, HasSubstr(R"("data":[])"));
  EXPECT_EQ(Said(Ask("POST /v1/servers", other, R"({"address":"a.example:1"})")), "403 server-owner address");
  EXPECT_THAT(Ask("GET /v1/servers", server_).body, HasSubstr(R"("state":"listed")"));
  EXPECT_EQ(Said(Ask("DELETE /v1/servers/nowhere", admin_)), "400 directory-message address");
  EXPECT_EQ(Said(Ask("DELETE /v1/servers/a.example:1", admin_)), "200");
}

}  // namespace
}  // namespace blindai::endpoints
