// What must be true of accounts on every database: included by the test of each kind, which says how one is opened.
// Two Database objects that one maker gives show the same data, as two directories see it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "service/accounts/api_keys.h"
#include "service/accounts/audit_log.h"
#include "service/accounts/database.h"
#include "service/accounts/server_registry.h"
#include "service/accounts/session_keys.h"

namespace blindai::accounts {

using MakeDatabase = std::function<std::shared_ptr<Database>()>;

// One test: a fresh place for data, and as many databases on it as are asked for.
class AccountsFacts : public ::testing::TestWithParam<MakeDatabase (*)()> {
 protected:
  void SetUp() override {
    open_ = GetParam()();
    if (!open_) GTEST_SKIP() << "this kind of database is not installed here";
  }
  std::unique_ptr<SessionKeys> OpenSessionKeys(std::uint8_t secret, base::Time now) {
    auto keys = SessionKeys::Open(open_(), base::SecretBytes(base::Bytes(kSessionSecretBytes, secret)),
                                  {.rotate_every = kDay, .publish_ahead = kAhead}, now);
    BLINDAI_CHECK(keys.ok());
    return *std::move(keys);
  }
  std::unique_ptr<ServerRegistry> OpenRegistry() {
    return std::move(ServerRegistry::Open(
                         open_(), {.verify_every = std::chrono::seconds(60), .silent_after = kSilence}))
        .value();
  }
  static SessionClaims ClaimsAt(base::Time now) {
    return {"cloud.example", {"clinic", 1, {.run = true}}, now, now + kMaxSessionLife};
  }
  static std::string VerifyWith(const SessionKeys& keys, const std::string& token, base::Time now) {
    const auto claims = VerifySessionToken(token, keys.Keys(), "cloud.example", now);
    return claims.ok() ? "ok" : claims.error().code;
  }
  static ServerInfo ServerAt(const std::string& address) {
    ServerInfo server;
    server.address = address;
    server.owner = "operator";
    server.models = {crypto::Sha256(base::AsBytes("demo"))};
    server.backlog_ms = 12;
    server.v05_attested = 50051;
    server.v05_untrusted = 50052;
    return server;
  }
  static std::string StateOf(const ServerRegistry& registry, const std::string& address) {
    const auto servers = registry.List();
    for (const ServerInfo& server : *servers) {
      if (server.address == address) return std::string(ServerStateName(server.state)) + " " + server.reason;
    }
    return "unknown";
  }

  static constexpr std::chrono::seconds kDay{86'400};
  static constexpr std::chrono::seconds kAhead{300};
  static constexpr std::chrono::seconds kSilence{30};
  const base::Time now_{std::chrono::seconds(86'400) * 20'000};  // the beginning of a day
  MakeDatabase open_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(AccountsFacts);

TEST_P(AccountsFacts, AllKindsOfValuesComeBackAsTheyWere) {
  const auto database = open_();
  ASSERT_TRUE(
      database->CreateTables("CREATE TABLE IF NOT EXISTS v (n {number}, t TEXT, b {bytes}, id {identity})")
          .ok());
  ASSERT_TRUE(
      database->CreateTables("CREATE TABLE IF NOT EXISTS v (n {number}, t TEXT, b {bytes}, id {identity})")
          .ok());
  const base::Bytes bytes = {0, 255, '\'', '\\', 'x', 0};
  const std::string text = "'; DROP TABLE v; -- $1 \\ \xc3\xa9";
  const auto inserted = database->Run("INSERT INTO v (n, t, b) VALUES ($1, $2, $3), ($4, $2, $5)",
                                      {std::int64_t{-1} << 62, text, bytes, Value(), base::Bytes()});
  ASSERT_TRUE(inserted.ok());
  EXPECT_EQ(inserted->changed(), 2u);
  const auto rows = open_()->Run("SELECT n, t, b FROM v ORDER BY id");
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ(rows->Number(0, 0), std::int64_t{-1} << 62);
  EXPECT_EQ(rows->Text(0, 1), text);
  EXPECT_EQ(rows->Blob(0, 2), bytes);
  EXPECT_TRUE(rows->IsNull(1, 0));
  EXPECT_FALSE(rows->IsNull(1, 2));
  EXPECT_TRUE(rows->Blob(1, 2).empty());
  const auto bad = database->Run("SELECT nothing FROM nowhere");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, "accounts");
  EXPECT_THAT(bad.error().message, testing::Not(testing::HasSubstr("nowhere")));
  EXPECT_TRUE(database->Run("SELECT n FROM v").ok()) << "one bad statement ends nothing";
}

TEST_P(AccountsFacts, AKeyMadeByOneIsKnownToTheOtherAndRevokedForBoth) {
  const auto one = std::move(ApiKeys::Open(open_())).value();
  const auto other = std::move(ApiKeys::Open(open_())).value();
  const auto made = one->CreateKey("clinic", {.run = true}, now_ + kDay, now_);
  ASSERT_TRUE(made.ok());
  const std::string key(base::AsText(made->key.ExposeSecret()));
  EXPECT_EQ(ApiKeyId(key), made->info.id);
  const auto account = other->Identify(key, now_);
  ASSERT_TRUE(account.ok());
  EXPECT_EQ(*account, (Account{"clinic", account->number, {.run = true}}));
  EXPECT_EQ(one->Identify(key, now_)->number, account->number);
  EXPECT_EQ(other->ListKeys()->size(), 1u);
  ASSERT_TRUE(one->RevokeKey(made->info.id, now_).ok());
  EXPECT_EQ(other->Identify(key, now_).error().code, "bad-credentials");
  EXPECT_EQ(other->RevokeKey(made->info.id, now_).error().code, "key-not-found");
}

TEST_P(AccountsFacts, DirectoriesOnOneDatabaseAcceptEachOthersTokens) {
  const auto one = OpenSessionKeys(1, now_);
  const auto other = OpenSessionKeys(1, now_);
  EXPECT_EQ(one->Jwks(), other->Jwks());
  EXPECT_EQ(VerifyWith(*other, *one->MakeToken(ClaimsAt(now_), now_), now_), "ok");
  EXPECT_EQ(VerifyWith(*one, *other->MakeToken(ClaimsAt(now_), now_), now_), "ok");
}

TEST_P(AccountsFacts, TheNextKeyIsPublishedBeforeItSignsAndTheOldOneUntilItsLastTokenEnds) {
  const auto keys = OpenSessionKeys(1, now_);
  const std::string first = keys->Keys().at(0).kid;
  ASSERT_TRUE(keys->Refresh(now_ + kDay - kAhead - std::chrono::seconds(1)).ok());
  EXPECT_EQ(keys->Keys().size(), 1u);
  ASSERT_TRUE(keys->Refresh(now_ + kDay - kAhead).ok());
  ASSERT_EQ(keys->Keys().size(), 2u);
  const std::string second = keys->Keys().at(1).kid;

  const base::Time last = now_ + kDay - std::chrono::seconds(1);
  const std::string old_token = *keys->MakeToken(ClaimsAt(last), last);
  EXPECT_EQ(VerifySessionToken(old_token, {{keys->Keys()[0]}}, "cloud.example", last).ok(), true);
  const base::Time next = now_ + kDay;
  const std::string new_token = *keys->MakeToken(ClaimsAt(next), next);
  EXPECT_EQ(VerifySessionToken(new_token, {{keys->Keys()[1]}}, "cloud.example", next).ok(), true);

  const base::Time ends = last + kMaxSessionLife - std::chrono::seconds(1);
  ASSERT_TRUE(keys->Refresh(ends).ok());
  EXPECT_EQ(VerifyWith(*keys, old_token, ends), "ok");
  ASSERT_TRUE(keys->Refresh(next + kMaxSessionLife + kSessionClockSkew).ok());
  ASSERT_EQ(keys->Keys().size(), 1u);
  EXPECT_EQ(keys->Keys()[0].kid, second);
  EXPECT_NE(first, second);
}

TEST_P(AccountsFacts, WithoutAKeyForThisTimeThereIsNoToken) {
  const auto keys = OpenSessionKeys(1, now_);
  EXPECT_EQ(keys->MakeToken(ClaimsAt(now_ + kDay), now_ + kDay).error().code, "session-key");
}

TEST_P(AccountsFacts, SessionKeysAreSealedAndAnotherSecretDoesNotOpenThem) {
  const auto keys = OpenSessionKeys(1, now_);
  const auto database = open_();
  const auto rows = database->Run("SELECT sealed FROM session_key");
  ASSERT_EQ(rows->size(), 1u);
  const std::string stored(base::AsText(rows->Blob(0, 0)));
  EXPECT_EQ(stored.find("PRIVATE KEY"), std::string::npos);
  const auto other =
      SessionKeys::Open(open_(), base::SecretBytes(base::Bytes(kSessionSecretBytes, 2)), {}, now_);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, "session-secret");
  EXPECT_EQ(stored, base::AsText(database->Run("SELECT sealed FROM session_key")->Blob(0, 0)))
      << "and changes nothing";
}

TEST_P(AccountsFacts, AKeyThatSomebodyMovedOrMadeInTheDatabaseIsNotPublished) {
  const auto keys = OpenSessionKeys(1, now_);
  const auto database = open_();
  ASSERT_TRUE(database->Run("UPDATE session_key SET signs_from = signs_from + 1").ok());
  EXPECT_EQ(keys->Refresh(now_).error().code, "session-secret");
  EXPECT_EQ(keys->Keys().size(), 1u) << "the keys of the last success go on";
}

TEST_P(AccountsFacts, AServerIsPendingThenListedAndKeepsItsWordsInBetween) {
  const auto registry = OpenRegistry();
  const auto first = registry->Report(ServerAt("a:1"), now_);
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(first->is_new);
  EXPECT_EQ(first->state, ServerState::kPending);
  ASSERT_TRUE(*registry->Verified("a:1", "", true, now_));
  EXPECT_FALSE(*registry->Verified("a:1", "", true, now_)) << "stands as before";
  ServerInfo busy = ServerAt("a:1");
  busy.backlog_ms = 99;
  const auto second = registry->Report(busy, now_ + std::chrono::seconds(5));
  EXPECT_EQ(second->state, ServerState::kListed);
  EXPECT_FALSE(second->is_new);
  const auto servers = OpenRegistry()->List();
  ASSERT_EQ(servers->size(), 1u);
  const ServerInfo& server = servers->front();
  EXPECT_EQ(server.backlog_ms, 99u);
  EXPECT_EQ(server.models, busy.models);
  EXPECT_EQ(server.v05_attested, 50051);
  EXPECT_EQ(server.v05_untrusted, 50052);
  EXPECT_EQ(server.owner, "operator");
  EXPECT_TRUE(server.simulation);
  EXPECT_EQ(server.verified, now_);
  EXPECT_EQ(server.reported, now_ + std::chrono::seconds(5));
}

TEST_P(AccountsFacts, AVerificationIsDueAtOnceThenEveryPeriodAndForOneDirectoryOnly) {
  const auto one = OpenRegistry();
  const auto other = OpenRegistry();
  ASSERT_TRUE(one->Report(ServerAt("a:1"), now_).ok());
  EXPECT_THAT(*one->ClaimDue(now_), testing::ElementsAre("a:1"));
  EXPECT_THAT(*other->ClaimDue(now_), testing::IsEmpty());
  const base::Time later = now_ + std::chrono::seconds(60);
  ASSERT_TRUE(one->Report(ServerAt("a:1"), later).ok());
  EXPECT_THAT(*one->ClaimDue(later - std::chrono::seconds(1)), testing::IsEmpty());
  EXPECT_THAT(*other->ClaimDue(later), testing::ElementsAre("a:1"));
  EXPECT_THAT(*one->ClaimDue(later), testing::IsEmpty());
}

TEST_P(AccountsFacts, AServerThatFailsOrFallsSilentIsDroppedWithTheReasonAndComesBackPending) {
  const auto registry = OpenRegistry();
  ASSERT_TRUE(registry->Report(ServerAt("a:1"), now_).ok());
  ASSERT_TRUE(*registry->Verified("a:1", "", false, now_));
  ASSERT_TRUE(*registry->Verified("a:1", "snp-debug", false, now_));
  EXPECT_EQ(StateOf(*registry, "a:1"), "dropped snp-debug");
  EXPECT_EQ(registry->Report(ServerAt("a:1"), now_)->reason, "snp-debug") << "reporting alone lists nobody";
  ASSERT_TRUE(*registry->Verified("a:1", "", false, now_));

  EXPECT_EQ(*registry->DropSilent(now_ + kSilence - std::chrono::seconds(1)), 0u);
  EXPECT_EQ(*registry->DropSilent(now_ + kSilence), 1u);
  EXPECT_EQ(*registry->DropSilent(now_ + kSilence), 0u);
  EXPECT_EQ(StateOf(*registry, "a:1"), "dropped silent");
  const base::Time back = now_ + kSilence + std::chrono::seconds(1);
  EXPECT_EQ(registry->Report(ServerAt("a:1"), back)->state, ServerState::kPending);
  EXPECT_THAT(*registry->ClaimDue(back), testing::ElementsAre("a:1"));
  EXPECT_EQ(*registry->DropSilent(back + kDay), 0u);
  EXPECT_EQ(StateOf(*registry, "a:1"), "unknown") << "forgotten after a day";
}

TEST_P(AccountsFacts, AnAddressBelongsToTheTenantThatRegisteredIt) {
  const auto registry = OpenRegistry();
  ASSERT_TRUE(registry->Report(ServerAt("a:1"), now_).ok());
  ServerInfo theirs = ServerAt("a:1");
  theirs.owner = "somebody";
  theirs.backlog_ms = 0;
  EXPECT_EQ(registry->Report(theirs, now_).error().code, "server-owner");
  EXPECT_EQ(registry->List()->front().backlog_ms, 12u);
  EXPECT_EQ(registry->Remove("a:1", "somebody").error().code, "server-not-found");
  EXPECT_TRUE(registry->Remove("a:1", std::nullopt).ok());
  EXPECT_EQ(registry->Remove("a:1", std::nullopt).error().code, "server-not-found");
  EXPECT_TRUE(registry->Report(theirs, now_).ok());
}

TEST_P(AccountsFacts, TheAuditLogKeepsEveryLineInOrder) {
  const auto audit = std::move(AuditLog::Open(open_())).value();
  const AuditLine first{now_, "operator", "key-create", "1a2b3c4d"};
  const AuditLine second{now_, "key 1a2b3c4d of clinic", "server-remove", "a:1"};
  ASSERT_TRUE(audit->Record(first).ok());
  ASSERT_TRUE(audit->Record(second).ok());
  EXPECT_THAT(*audit->Last(10), testing::ElementsAre(second, first));
  EXPECT_THAT(*audit->Last(1), testing::ElementsAre(second));
}

}  // namespace blindai::accounts
