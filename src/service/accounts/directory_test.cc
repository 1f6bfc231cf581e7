#include "service/accounts/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace blindai::accounts {
namespace {

const base::Time kNow{std::chrono::seconds(1'800'000'000)};

class DirectoryRulesTest : public ::testing::Test {
 protected:
  Holder HolderOf(std::string_view tenant, Scopes scopes) {
    const auto keys = std::move(ApiKeys::Open(database_)).value();
    const auto made = keys->CreateKey(tenant, scopes, std::nullopt, kNow);
    return directory_->Identify(base::AsText(made->key.ExposeSecret()), kNow).value();
  }
  void List(const std::string& address, std::uint16_t v05_port = 0) {
    ServerInfo server;
    server.address = address;
    server.v05_attested = v05_port;
    server.v05_untrusted = v05_port;
    ASSERT_TRUE(directory_->ReportServer(HolderOf("operator", {.server = true}), server, kNow).ok());
    ASSERT_TRUE(directory_->Verified(address, "", false, kNow).ok());
  }
  std::unique_ptr<Directory> OpenDirectory() {
    return std::move(
               Directory::Open(database_, base::SecretBytes(base::Bytes(kSessionSecretBytes, 1)), {}, kNow))
        .value();
  }

  const std::shared_ptr<Database> database_ = std::move(OpenSqlite(":memory:")).value();
  const std::unique_ptr<Directory> directory_ = OpenDirectory();
};

TEST_F(DirectoryRulesTest, SomebodyWithoutAKeyGetsAServerAndNoToken) {
  EXPECT_EQ(directory_->PlaceAnonymously(false, kNow).error().code, "no-servers");
  List("a.example:1");
  const auto session = directory_->PlaceAnonymously(false, kNow);
  ASSERT_TRUE(session.ok());
  EXPECT_TRUE(session->token.empty());
  EXPECT_EQ(session->servers.front().address, "a.example:1");
  EXPECT_EQ(directory_->PlaceAnonymously(true, kNow).error().code, "no-servers") << "it has no BlindAI 0.5";
  List("b.example:1", 50051);
  EXPECT_EQ(directory_->PlaceAnonymously(true, kNow)->servers.front().address, "b.example:1");
}

TEST_F(DirectoryRulesTest, ATokenOfOneDirectoryIsMadeWithAKeyThatTheOtherPublishes) {
  List("a.example:1");
  const auto other = OpenDirectory();
  const auto session = directory_->OpenSession(HolderOf("clinic", {.run = true}), std::nullopt, false, kNow);
  ASSERT_TRUE(session.ok());
  const auto keys = ParseJwks(other->Jwks());
  EXPECT_TRUE(VerifySessionToken(session->token, *keys, other->issuer(), kNow).ok());
}

TEST_F(DirectoryRulesTest, WhatCannotBeWrittenToTheAuditLogIsNotDone) {
  const Holder admin = HolderOf("operator", {.admin = true});
  const Holder user = HolderOf("clinic", {.run = true});
  ASSERT_TRUE(database_->Run("DROP TABLE audit").ok());
  EXPECT_EQ(directory_->RevokeKey(admin, user.key_id, kNow).error().code, "accounts");
  EXPECT_EQ(directory_->CreateKey(admin, "new", {.run = true}, std::nullopt, kNow).error().code, "accounts");
  const auto keys = directory_->ListKeys(admin);
  ASSERT_EQ(keys->size(), 2u);
  for (const KeyInfo& key : *keys) EXPECT_FALSE(key.revoked.has_value());
}

TEST_F(DirectoryRulesTest, ATickCountsServersAndDropsSilentOnes) {
  List("a.example:1");
  ASSERT_TRUE(directory_->Tick(kNow).ok());
  EXPECT_EQ(directory_->counters().servers_listed, 1u);
  ASSERT_TRUE(directory_->Tick(kNow + std::chrono::seconds(30)).ok());
  EXPECT_EQ(directory_->counters().servers_listed, 0u);
  EXPECT_EQ(directory_->counters().servers_not_listed, 1u);
}

TEST_F(DirectoryRulesTest, ADatabaseThatFailsIsAnErrorAndNoVerdictAboutAKey) {
  const std::string key = "bai_00000000_" + std::string(43, 'A');
  ASSERT_TRUE(database_->Run("DROP TABLE api_key").ok());
  const auto holder = directory_->Identify(key, kNow);
  ASSERT_FALSE(holder.ok());
  EXPECT_EQ(holder.error().kind, base::ErrorKind::kUnavailable);
  EXPECT_EQ(directory_->counters().refused_credentials, 0u);
}

}  // namespace
}  // namespace blindai::accounts
