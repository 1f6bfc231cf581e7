#include "protocols/endpoints/authentication.h"

#include <gtest/gtest.h>

namespace blindai::endpoints {
namespace {

std::string CredentialOf(const std::string& field) {
  net::RequestHead head;
  head.headers.Add("authorization", field);
  return std::string(BearerCredential(head).value_or("none"));
}

TEST(BearerCredential, StandsBehindTheSchemeInAnyCase) {
  EXPECT_EQ(CredentialOf("Bearer bai_x"), "bai_x");
  EXPECT_EQ(CredentialOf("bEARER bai_x"), "bai_x");
  EXPECT_EQ(CredentialOf("Bearer "), "");
}

TEST(BearerCredential, OtherSchemesAndNoneAreNone) {
  EXPECT_FALSE(BearerCredential(net::RequestHead()).has_value());
  for (const char* field : {"", "Bearer", "Basic bai_x", "bai_x", "Bearerbai_x"}) {
    EXPECT_EQ(CredentialOf(field), "none") << field;
  }
}

}  // namespace
}  // namespace blindai::endpoints
