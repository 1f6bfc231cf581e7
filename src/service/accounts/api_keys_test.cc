#include "service/accounts/api_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <filesystem>
#include <fstream>

namespace blindai::accounts {
namespace {

using base::Result;

const base::Time kNow{std::chrono::seconds(1'800'000'000)};
const base::Time kLater = kNow + std::chrono::hours(1);

class ApiKeysTest : public ::testing::Test {
 protected:
  std::string NewKeyOf(std::string_view tenant, Scopes scopes = {.upload = true, .run = true},
                       std::optional<base::Time> expires = std::nullopt) {
    const Result<NewKey> key = accounts_->CreateKey(tenant, scopes, expires, kNow);
    BLINDAI_CHECK(key.ok());
    return std::string(base::AsText(key->key.ExposeSecret()));
  }
  std::string IdentifyError(std::string_view key, base::Time now = kNow) {
    const Result<Account> account = accounts_->Identify(key, now);
    return account.ok() ? "ok" : account.error().code + " " + account.error().message;
  }
  std::unique_ptr<ApiKeys> accounts_ = std::move(ApiKeys::Open(":memory:")).value();
};

TEST_F(ApiKeysTest, AKeyIdentifiesItsTenantAndScopes) {
  const Result<Account> account =
      accounts_->Identify(NewKeyOf("clinic", {.upload = false, .run = true}), kNow);
  ASSERT_TRUE(account.ok());
  EXPECT_EQ(account->tenant, "clinic");
  EXPECT_FALSE(account->scopes.upload);
  EXPECT_TRUE(account->scopes.run);
  EXPECT_GT(account->number, 0u);
}

TEST_F(ApiKeysTest, KeysOfOneTenantShareItsNumberAndTenantsDoNot) {
  const std::uint64_t first = accounts_->Identify(NewKeyOf("a"), kNow)->number;
  EXPECT_EQ(accounts_->Identify(NewKeyOf("a"), kNow)->number, first);
  EXPECT_NE(accounts_->Identify(NewKeyOf("b"), kNow)->number, first);
}

TEST_F(ApiKeysTest, EveryWrongKeyGetsTheSameAnswer) {
  const std::string key = NewKeyOf("a", {.run = true}, kLater);
  const std::string revoked = NewKeyOf("a");
  ASSERT_TRUE(accounts_->RevokeKey(revoked.substr(4, 8), kNow).ok());
  const std::string unknown = IdentifyError("bai_00000000_" + std::string(43, 'A'));
  EXPECT_THAT(unknown, testing::HasSubstr("bad-credentials"));
  std::string other_secret = key;
  other_secret.back() = other_secret.back() == 'A' ? 'B' : 'A';
  for (const std::string& wrong : {std::string(), std::string("bai_"), key.substr(0, key.size() - 1),
                                   key + "A", other_secret, std::string(1000, 'x'), revoked}) {
    EXPECT_EQ(IdentifyError(wrong), unknown);
  }
  EXPECT_EQ(IdentifyError(key, kLater), unknown) << "a key is not valid at the moment it expires";
  EXPECT_EQ(IdentifyError(key, kLater - std::chrono::seconds(1)), "ok");
}

TEST_F(ApiKeysTest, RevokingTwiceOrAnUnknownKeySaysSo) {
  const std::string id = NewKeyOf("a").substr(4, 8);
  EXPECT_TRUE(accounts_->RevokeKey(id, kNow).ok());
  EXPECT_EQ(accounts_->RevokeKey(id, kNow).error().code, "key-not-found");
  EXPECT_EQ(accounts_->RevokeKey("ffffffff", kNow).error().code, "key-not-found");
}

TEST_F(ApiKeysTest, TheListShowsEverythingButTheSecret) {
  NewKeyOf("a", {.upload = true, .admin = true}, kLater);
  const Result<std::vector<KeyInfo>> keys = accounts_->ListKeys();
  ASSERT_EQ(keys->size(), 1u);
  EXPECT_EQ((*keys)[0].tenant, "a");
  EXPECT_EQ(ScopesText((*keys)[0].scopes), "upload,admin");
  EXPECT_EQ((*keys)[0].expires, kLater);
}

TEST_F(ApiKeysTest, NamesThatAreNoWordsAndKeysWithoutScopeAreRefused) {
  for (const std::string& name : {std::string(), std::string("a b"), std::string("a/b"),
                                  std::string("anonymous"), std::string("a\n"), std::string(65, 'a')}) {
    EXPECT_EQ(accounts_->CreateKey(name, {.run = true}, std::nullopt, kNow).error().code, "tenant") << name;
  }
  EXPECT_EQ(accounts_->CreateKey("a", {}, std::nullopt, kNow).error().code, "scope");
}

TEST(ApiKeys, SurviveARestartAndNeverHoldTheKey) {
  const auto path =
      std::filesystem::temp_directory_path() / ("accounts-" + std::to_string(::getpid()) + ".db");
  std::string key;
  {
    auto accounts = std::move(ApiKeys::Open(path)).value();
    const Result<NewKey> made = accounts->CreateKey("a", {.run = true}, std::nullopt, kNow);
    ASSERT_TRUE(made.ok());
    key = std::string(base::AsText(made->key.ExposeSecret()));
  }
  {
    auto accounts = std::move(ApiKeys::Open(path)).value();
    EXPECT_TRUE(accounts->Identify(key, kNow).ok());
  }
  std::ifstream file(path, std::ios::binary);
  const std::string stored((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_FALSE(stored.empty());
  EXPECT_EQ(stored.find(key.substr(13)), std::string::npos);
  std::filesystem::remove(path);
}

TEST(ApiKeys, AFileThatIsNoDatabaseIsRefusedAndKept) {
  const auto path =
      std::filesystem::temp_directory_path() / ("no-accounts-" + std::to_string(::getpid()) + ".db");
  std::ofstream(path) << "these are the therapist's notes, and no database at all. "
                      << std::string(4096, 'x');
  EXPECT_EQ(ApiKeys::Open(path).error().code, "accounts-open");
  EXPECT_GT(std::filesystem::file_size(path), 4096u);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace blindai::accounts
