#include "crypto/signing_key.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "crypto/random.h"
#include "encoding/hex.h"

namespace blindai::crypto {
namespace {

using base::AsBytes;
using base::Bytes;

const Bytes kMessage = base::CopyBytes(AsBytes("the very bytes that were signed"));

Bytes Flipped(Bytes bytes, std::size_t index) {
  bytes[index] ^= 1;
  return bytes;
}

TEST(Digest, KnowsTheAnswersOfTheStandard) {
  EXPECT_EQ(encoding::HexEncode(Sha256(AsBytes("abc")).view()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(
      encoding::HexEncode(Sha384(AsBytes("")).view()),
      "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b");
  EXPECT_EQ(encoding::HexEncode(Sha1ForEventLogs(AsBytes("abc")).view()),
            "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(Hash(HashAlgorithm::kSha512, AsBytes("abc")), base::CopyBytes(Sha512(AsBytes("abc")).view()));
}

TEST(Digest, PiecesGiveTheSameAsTheWholeAndTheHasherStartsAnew) {
  Sha512Hasher hasher;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(hasher.Update(AsBytes("ab")).Update(AsBytes("c")).Finish(), Sha512(AsBytes("abc")));
  }
}

TEST(Random, TwoDrawsDiffer) {
  EXPECT_NE(RandomBytes(32), RandomBytes(32));
  EXPECT_NE(RandomFixed<Sha256Digest>(), RandomFixed<Sha256Digest>());
  EXPECT_EQ(RandomSecret(32).size(), 32u);
}

TEST(SigningKey, EcdsaRawVerifiesOnlyWhatWasSigned) {
  for (const auto& [key, size] :
       {std::pair(SigningKey::GenerateP256(), 64u), {SigningKey::GenerateP384(), 96u}}) {
    const Bytes signature = key.SignEcdsaRaw(HashAlgorithm::kSha384, kMessage);
    const PublicKey& verifier = key.public_key();
    ASSERT_EQ(signature.size(), size);
    EXPECT_TRUE(verifier.VerifyEcdsaRaw(HashAlgorithm::kSha384, kMessage, signature));
    EXPECT_FALSE(verifier.VerifyEcdsaRaw(HashAlgorithm::kSha256, kMessage, signature));
    EXPECT_FALSE(verifier.VerifyEcdsaRaw(HashAlgorithm::kSha384, Flipped(kMessage, 3), signature));
    EXPECT_FALSE(verifier.VerifyEcdsaRaw(HashAlgorithm::kSha384, kMessage, Flipped(signature, size - 1)));
    EXPECT_FALSE(verifier.VerifyEcdsaRaw(HashAlgorithm::kSha384, kMessage, Bytes(size)));
    EXPECT_FALSE(verifier.VerifyEcdsaRaw(HashAlgorithm::kSha384, kMessage, Bytes()));
    EXPECT_FALSE(
        SigningKey::GenerateP256().public_key().VerifyEcdsaRaw(HashAlgorithm::kSha384, kMessage, signature));
  }
}

TEST(SigningKey, EcdsaDerRefusesTrailingBytes) {
  const SigningKey key = SigningKey::GenerateP256();
  Bytes signature = key.SignEcdsaDer(HashAlgorithm::kSha256, kMessage);
  EXPECT_TRUE(key.public_key().VerifyEcdsaDer(HashAlgorithm::kSha256, kMessage, signature));
  signature.push_back(0);
  EXPECT_FALSE(key.public_key().VerifyEcdsaDer(HashAlgorithm::kSha256, kMessage, signature));
}

TEST(SigningKey, RsaPssAndPkcs1AreNotInterchangeable) {
  const SigningKey key = SigningKey::GenerateRsa(2048);
  const Bytes pss = key.SignRsaPss(HashAlgorithm::kSha384, kMessage);
  const Bytes pkcs1 = key.SignRsaPkcs1(HashAlgorithm::kSha256, kMessage);
  EXPECT_TRUE(key.public_key().VerifyRsaPss(HashAlgorithm::kSha384, kMessage, pss));
  EXPECT_TRUE(key.public_key().VerifyRsaPkcs1(HashAlgorithm::kSha256, kMessage, pkcs1));
  EXPECT_FALSE(key.public_key().VerifyRsaPkcs1(HashAlgorithm::kSha384, kMessage, pss));
  EXPECT_FALSE(key.public_key().VerifyRsaPss(HashAlgorithm::kSha256, kMessage, pkcs1));
  EXPECT_FALSE(key.public_key().VerifyRsaPss(HashAlgorithm::kSha384, kMessage, Flipped(pss, 0)));
}

TEST(SigningKey, Ed25519VerifiesOnlyWhatWasSigned) {
  const SigningKey key = SigningKey::GenerateEd25519();
  const Bytes signature = key.SignEd25519(kMessage);
  EXPECT_TRUE(key.public_key().VerifyEd25519(kMessage, signature));
  EXPECT_FALSE(key.public_key().VerifyEd25519(Flipped(kMessage, 0), signature));
}

TEST(SigningKey, AKeyOfTheWrongKindVerifiesNothing) {
  const SigningKey key = SigningKey::GenerateP256();
  const Bytes signature = key.SignEcdsaDer(HashAlgorithm::kSha256, kMessage);
  EXPECT_FALSE(key.public_key().VerifyRsaPss(HashAlgorithm::kSha256, kMessage, signature));
  EXPECT_FALSE(key.public_key().VerifyRsaPkcs1(HashAlgorithm::kSha256, kMessage, signature));
  EXPECT_FALSE(key.public_key().VerifyEd25519(kMessage, signature));
  const SigningKey rsa = SigningKey::GenerateRsa(2048);
  EXPECT_FALSE(rsa.public_key().VerifyEcdsaDer(HashAlgorithm::kSha256, kMessage, signature));
}

TEST(SigningKey, PemRoundTripKeepsTheKey) {
  const SigningKey key = SigningKey::GenerateP384();
  const auto again = SigningKey::FromPem(key.ToPem());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->public_key(), key.public_key());
  EXPECT_EQ(again->kind(), KeyKind::kP384);
}

TEST(SigningKey, TextThatIsNoKeyIsAnError) {
  EXPECT_EQ(SigningKey::FromPem(base::SecretBytes::CopyOf(AsBytes("hello"))).error().code, "bad-key");
  EXPECT_EQ(PublicKey::FromPem("hello").error().code, "bad-key");
  EXPECT_EQ(PublicKey::FromSpkiDer({}).error().code, "bad-key");
}

TEST(PublicKey, EveryFormGivesTheSameKey) {
  const PublicKey key = SigningKey::GenerateP256().public_key();
  EXPECT_EQ(*PublicKey::FromSpkiDer(key.spki_der()), key);
  EXPECT_EQ(*PublicKey::FromEcPoint(KeyKind::kP256, key.EcPoint()), key);
  EXPECT_EQ(key.SpkiSha256(), Sha256(key.spki_der()));
  const PublicKey p384 = SigningKey::GenerateP384().public_key();
  EXPECT_EQ(*PublicKey::FromEcPoint(KeyKind::kP384, p384.EcPoint()), p384);
  const PublicKey rsa = SigningKey::GenerateRsa(2048).public_key();
  EXPECT_EQ(*PublicKey::FromRsa(rsa.RsaModulus(), rsa.RsaExponent()), rsa);
  EXPECT_EQ(rsa.bits(), 2048);
  EXPECT_TRUE(rsa.EcPoint().empty());
}

TEST(PublicKey, APointOffTheCurveIsRefused) {
  const PublicKey key = SigningKey::GenerateP256().public_key();
  EXPECT_EQ(PublicKey::FromEcPoint(KeyKind::kP256, Flipped(key.EcPoint(), 63)).error().code, "bad-key");
  EXPECT_EQ(PublicKey::FromEcPoint(KeyKind::kP256, Bytes(64)).error().code, "bad-key");
  EXPECT_EQ(PublicKey::FromEcPoint(KeyKind::kP256, Bytes(63)).error().code, "bad-key");
}

TEST(PublicKey, ShortRsaKeysAndTrailingBytesAreRefused) {
  Bytes modulus(128, 0xff);
  EXPECT_EQ(PublicKey::FromRsa(modulus, Bytes{1, 0, 1}).error().code, "bad-key");
  Bytes spki = SigningKey::GenerateP256().public_key().spki_der();
  spki.push_back(0);
  EXPECT_EQ(PublicKey::FromSpkiDer(spki).error().code, "bad-key");
}

}  // namespace
}  // namespace blindai::crypto
