#include "service/accounts/address_origin.h"

#include <gtest/gtest.h>

namespace blindai::accounts {
namespace {

TEST(AddressOrigin, IsAnIpv4AddressOrTheNetworkOfAnIpv6One) {
  EXPECT_EQ(AddressOrigin("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(AddressOrigin("2001:db8::1"), AddressOrigin("2001:db8:0:0:ffff::9"));
  EXPECT_NE(AddressOrigin("2001:db8::1"), AddressOrigin("2001:db8:0:1::1"));
  EXPECT_NE(AddressOrigin("::ffff:192.0.2.1"), AddressOrigin("::ffff:192.0.2.2"));
}

}  // namespace
}  // namespace blindai::accounts
