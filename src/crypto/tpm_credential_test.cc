// A real TPM takes these credentials in verifier/tpm_attester_test.cc; here is their form.
#include "crypto/tpm_credential.h"

#include <gtest/gtest.h>

namespace blindai::crypto {
namespace {

using base::Bytes;

const SigningKey& Key() {
  static const SigningKey key = SigningKey::GenerateRsa(2048);
  return key;
}

TEST(TpmCredential, HasTheLengthsOfTheStandard) {
  const TpmCredential credential = MakeTpmCredential(Key().public_key(), Bytes(34, 1), Bytes(32, 2));
  EXPECT_EQ(credential.encrypted_secret.size(), 256u);
  // u16 32, HMAC, and the encrypted TPM2B of the secret.
  EXPECT_EQ(credential.id_object.size(), 2u + 32u + 2u + 32u);
  EXPECT_EQ(credential.id_object[1], 32);
}

TEST(TpmCredential, EveryOneHasItsOwnSeed) {
  const TpmCredential one = MakeTpmCredential(Key().public_key(), Bytes(34, 1), Bytes(32, 2));
  const TpmCredential other = MakeTpmCredential(Key().public_key(), Bytes(34, 1), Bytes(32, 2));
  EXPECT_NE(one.id_object, other.id_object);
  EXPECT_NE(one.encrypted_secret, other.encrypted_secret);
}

TEST(TpmCredentialDeathTest, OtherKeysAndLengthsAreAMistakeOfTheCaller) {
  EXPECT_DEATH(MakeTpmCredential(SigningKey::GenerateP256().public_key(), Bytes(34), Bytes(32)), "");
  EXPECT_DEATH(MakeTpmCredential(Key().public_key(), Bytes(34), Bytes(33)), "");
  EXPECT_DEATH(MakeTpmCredential(Key().public_key(), Bytes(34), {}), "");
}

}  // namespace
}  // namespace blindai::crypto
