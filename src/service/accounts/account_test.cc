#include "service/accounts/account.h"

#include <gtest/gtest.h>

namespace blindai::accounts {
namespace {

TEST(Scopes, AreWordsInAFixedOrder) {
  const auto scopes = ParseScopes("admin,run,upload");
  ASSERT_TRUE(scopes.ok());
  EXPECT_EQ(ScopesText(*scopes), "upload,run,admin");
  EXPECT_EQ(ScopesText(*scopes, ' '), "upload run admin");
  EXPECT_EQ(ParseScopes("server")->server, true);
}

TEST(Scopes, UnknownWordsAndNoneAreRefused) {
  for (const char* text : {"", ",", "run,fly", "Run", "run ,upload", "run,,upload"}) {
    const auto scopes = ParseScopes(text);
    EXPECT_EQ(scopes.ok() ? "ok" : scopes.error().code, "scope") << text;
  }
}

TEST(TenantNames, AreWords) {
  EXPECT_TRUE(IsTenantName("clinic-7.example_A"));
  EXPECT_TRUE(IsTenantName(std::string(64, 'a')));
  for (const std::string& name : {std::string(), std::string("a b"), std::string("a/b"),
                                  std::string("anonymous"), std::string("a\n"), std::string(65, 'a')}) {
    EXPECT_FALSE(IsTenantName(name)) << name;
  }
}

}  // namespace
}  // namespace blindai::accounts
