#include "service/caller.h"

#include <gtest/gtest.h>

namespace blindai::service {
namespace {

TEST(Caller, WithoutAnAccountALoginIsAskedFor) {
  const Caller nobody;
  EXPECT_EQ(RequireUpload(nobody).error().code, "login-required");
  EXPECT_EQ(RequireRun(nobody).error().kind, base::ErrorKind::kUnauthorized);
}

TEST(Caller, AnAccountWithoutTheScopeIsDenied) {
  const Caller reader{"reader", 7, false, true};
  EXPECT_EQ(RequireUpload(reader).error().code, "not-allowed");
  EXPECT_EQ(RequireUpload(reader).error().kind, base::ErrorKind::kDenied);
  EXPECT_TRUE(RequireRun(reader).ok());
}

TEST(Caller, InSimulationEverybodyMayDoEverything) {
  const Caller anybody = Caller::AnonymousWithAllRights();
  EXPECT_TRUE(RequireUpload(anybody).ok());
  EXPECT_TRUE(RequireRun(anybody).ok());
}

}  // namespace
}  // namespace blindai::service
