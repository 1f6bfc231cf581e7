#include "base/secret.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace blindai::base {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes>, "a secret is never copied by accident");

TEST(Secret, MovingLeavesNothingBehind) {
  SecretBytes first = SecretBytes::CopyOf(AsBytes("key"));
  SecretBytes second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that it is empty is the promise
  EXPECT_EQ(AsText(second.ExposeSecret()), "key");
}

TEST(Secret, WipeOverwritesEveryByte) {
  Bytes bytes = {1, 2, 3};
  std::uint8_t* const memory = bytes.data();
  Wipe(memory, 3);
  EXPECT_EQ(bytes, (Bytes{0, 0, 0}));
}

TEST(Secret, EqualityLooksAtAllBytes) {
  EXPECT_TRUE(ConstantTimeEqual(AsBytes("same"), AsBytes("same")));
  EXPECT_FALSE(ConstantTimeEqual(AsBytes("same"), AsBytes("samf")));
  EXPECT_FALSE(ConstantTimeEqual(AsBytes("same"), AsBytes("sam")));
}

}  // namespace
}  // namespace blindai::base
