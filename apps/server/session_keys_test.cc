#include "server/session_keys.h"

#include <gtest/gtest.h>

#include "server/callers.h"
#include "support/session_tokens.h"
#include "support/temporary_file.h"

namespace blindai::server {
namespace {

using tests::TokenMaker;

class SessionKeysTest : public ::testing::Test {
 protected:
  std::string CodeOf(const std::string& token) const {
    const auto claims = keys_.Verify(token, TokenMaker::kNow);
    return claims.ok() ? "ok" : claims.error().code;
  }
  const TokenMaker directory_{"cloud"};
  const TokenMaker stranger_{"cloud"};
  SessionKeys keys_;
};

TEST_F(SessionKeysTest, BeforeTheDirectoryAnsweredTheServerSaysThatItCannotJudge) {
  EXPECT_EQ(CodeOf(directory_.Token("clinic")), "session-keys-missing");
  EXPECT_EQ(keys_.Verify("x", TokenMaker::kNow).error().kind, base::ErrorKind::kUnavailable);
}

TEST_F(SessionKeysTest, ATokenOfTheDirectoryIsTakenAndOthersAreNot) {
  keys_.Replace("cloud", {directory_.public_key()});
  EXPECT_EQ(CodeOf(directory_.Token("clinic")), "ok");
  EXPECT_EQ(CodeOf(stranger_.Token("clinic")), "bad-credentials");
  EXPECT_EQ(CodeOf("bai_12345678_key"), "bad-credentials");
  EXPECT_EQ(CodeOf(""), "bad-credentials");
}

TEST_F(SessionKeysTest, ATokenOfAnotherCloudIsNotTaken) {
  keys_.Replace("another cloud", {directory_.public_key()});
  EXPECT_EQ(CodeOf(directory_.Token("clinic")), "bad-credentials");
}

TEST_F(SessionKeysTest, NewKeysReplaceTheOldOnes) {
  keys_.Replace("cloud", {directory_.public_key()});
  keys_.Replace("cloud", {stranger_.public_key()});
  EXPECT_EQ(CodeOf(directory_.Token("clinic")), "bad-credentials");
  EXPECT_EQ(CodeOf(stranger_.Token("clinic")), "ok");
}

TEST_F(SessionKeysTest, KeysComeFromAFileWhereThereIsNoDirectory) {
  const tests::TemporaryFile file(accounts::EncodeJwks(std::vector{directory_.public_key()}));
  ServerConfig config;
  config.accounts_session_keys_file = file.path();
  config.accounts_session_issuer = "cloud";
  const auto keys = ChooseSessionKeys(config);
  ASSERT_TRUE(keys.ok()) << keys.error().message;
  EXPECT_TRUE((*keys)->Verify(directory_.Token("clinic"), TokenMaker::kNow).ok());
}

TEST_F(SessionKeysTest, WithoutDirectoryAndFileThereAreNone) {
  const auto keys = ChooseSessionKeys(ServerConfig{});
  ASSERT_TRUE(keys.ok());
  EXPECT_EQ(*keys, nullptr);
}

TEST_F(SessionKeysTest, AccountsComeFromOnePlaceOnly) {
  ServerConfig config;
  config.directory_url = "https://directory.example";
  config.accounts_database = "keys.db";
  EXPECT_EQ(ChooseSessionKeys(config).error().code, "config-accounts");
  config.accounts_database.clear();
  config.accounts_session_keys_file = "keys.json";
  EXPECT_EQ(ChooseSessionKeys(config).error().code, "config-accounts");
}

TEST_F(SessionKeysTest, AFileThatIsNotThereOrNoKeySetIsNamed) {
  ServerConfig config;
  config.accounts_session_keys_file = "/no/such/file";
  EXPECT_EQ(ChooseSessionKeys(config).error().code, "config-file");
  const tests::TemporaryFile file("{}");
  config.accounts_session_keys_file = file.path();
  EXPECT_EQ(ChooseSessionKeys(config).error().code, "bad-jwks");
}

// How requests meet them (callers.h).
net::RequestHead With(const std::string& token) {
  net::RequestHead head;
  head.headers.Add("Authorization", "Bearer " + token);
  return head;
}

TEST_F(SessionKeysTest, ATokenIsItsTenantWithItsScopes) {
  auto keys = std::make_shared<SessionKeys>();
  keys->Replace("cloud", {directory_.public_key()});
  const auto identify = ChooseCallers(ServerConfig{}, keys, false);
  ASSERT_TRUE(identify.ok()) << identify.error().message;
  const auto caller = (*identify)(With(directory_.TokenOfNow("clinic")));
  ASSERT_TRUE(caller.ok()) << caller.error().message;
  EXPECT_EQ(caller->tenant, "clinic");
  EXPECT_FALSE(caller->is_anonymous());
  EXPECT_TRUE(caller->may_run);
  EXPECT_TRUE(caller->may_upload);
  EXPECT_EQ((*identify)(With(stranger_.TokenOfNow("clinic"))).error().code, "bad-credentials");
  EXPECT_EQ((*identify)(With(directory_.Token("clinic"))).error().code, "session-expired");
  // In simulation too: with a directory nobody is let in without a token unless the operator says so.
  EXPECT_FALSE((*(*ChooseCallers(ServerConfig{}, keys, true))(net::RequestHead{})).may_run);
}

}  // namespace
}  // namespace blindai::server
