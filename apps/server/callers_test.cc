#include "server/callers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/clock.h"
#include "service/accounts/api_keys.h"

namespace blindai::server {
namespace {

net::RequestHead With(const std::string& authorization) {
  net::RequestHead head;
  if (!authorization.empty()) head.headers.Add("Authorization", authorization);
  return head;
}

class CallersTest : public ::testing::Test {
 protected:
  CallersTest() {
    config_.accounts_database = path_;
    auto api_keys = std::move(accounts::ApiKeys::Open(path_)).value();
    key_ = std::string(base::AsText(
        api_keys->CreateKey("clinic", {.run = true}, std::nullopt, base::Now())->key.ExposeSecret()));
  }
  ~CallersTest() override { std::filesystem::remove(path_); }

  const std::string path_ =
      std::filesystem::temp_directory_path() / ("callers-" + std::to_string(::getpid()) + ".db");
  ServerConfig config_;
  std::string key_;
};

TEST_F(CallersTest, AKeyIsItsTenant) {
  const auto identify = ChooseCallers(config_, nullptr, false);
  ASSERT_TRUE(identify.ok());
  EXPECT_EQ((*identify)(With("Bearer " + key_))->tenant, "clinic");
  EXPECT_EQ((*identify)(With("bearer " + key_))->tenant, "clinic");
}

TEST_F(CallersTest, ATenantHasTheDefaultModelThatTheOperatorChose) {
  EXPECT_EQ((*ChooseCallers(config_, nullptr, false))(With("Bearer " + key_))->default_model, "");
  config_.models_default_model = "whisper";
  config_.tenant_default_models = {{"clinic", "clinic-whisper"}};
  config_.accounts_anonymous = true;
  const auto identify = ChooseCallers(config_, nullptr, false);
  EXPECT_EQ((*identify)(With("Bearer " + key_))->default_model, "clinic-whisper");
  EXPECT_EQ((*identify)(With(""))->default_model, "whisper");
}

TEST_F(CallersTest, WithoutAKeyNothingIsAllowed) {
  const auto identify = ChooseCallers(config_, nullptr, true);
  const auto nobody = (*identify)(With(""));
  ASSERT_TRUE(nobody.ok());
  EXPECT_FALSE(nobody->may_run);
  EXPECT_FALSE(nobody->may_upload);
}

TEST_F(CallersTest, AWrongKeyIsRefusedEvenWhereNoneIsNeeded) {
  config_.accounts_anonymous = true;
  const auto identify = ChooseCallers(config_, nullptr, false);
  EXPECT_TRUE((*identify)(With(""))->may_run);
  EXPECT_EQ((*identify)(With("Bearer wrong")).error().code, "bad-credentials");
}

TEST_F(CallersTest, ARevokedKeyIsRefusedWhileTheServerRuns) {
  const auto identify = ChooseCallers(config_, nullptr, false);
  EXPECT_TRUE((*identify)(With("Bearer " + key_)).ok());
  ASSERT_TRUE((*accounts::ApiKeys::Open(path_))->RevokeKey(key_.substr(4, 8), base::Now()).ok());
  EXPECT_EQ((*identify)(With("Bearer " + key_)).error().code, "bad-credentials");
}

TEST(Callers, AServerThatNobodyCouldUseDoesNotStart) {
  EXPECT_EQ(ChooseCallers(ServerConfig{}, nullptr, false).error().code, "no-callers");
  EXPECT_TRUE(ChooseCallers(ServerConfig{}, nullptr, true).ok());
}

}  // namespace
}  // namespace blindai::server
