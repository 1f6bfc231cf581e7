#include "crypto/aead.h"

#include <gtest/gtest.h>

#include "crypto/hkdf.h"
#include "crypto/random.h"
#include "encoding/hex.h"

namespace blindai::crypto {
namespace {

using base::Bytes;

Bytes Hex(std::string_view text) { return *encoding::HexDecode(text); }

// RFC 5869, appendix A.1.
TEST(Hkdf, KnowsTheVectorOfTheStandard) {
  const Bytes secret(22, 0x0b);
  const Bytes salt = Hex("000102030405060708090a0b0c");
  const Bytes info = Hex("f0f1f2f3f4f5f6f7f8f9");
  const char* const kOutput =
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
  EXPECT_EQ(encoding::HexEncode(Hkdf(HashAlgorithm::kSha256, secret, salt, info, 42).ExposeSecret()),
            kOutput);
  const base::SecretBytes key = HkdfExtract(HashAlgorithm::kSha256, secret, salt);
  EXPECT_EQ(encoding::HexEncode(key.ExposeSecret()),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  EXPECT_EQ(
      encoding::HexEncode(HkdfExpand(HashAlgorithm::kSha256, key.ExposeSecret(), info, 42).ExposeSecret()),
      kOutput);
}

// RFC 5869, appendix A.3: no salt and no info.
TEST(Hkdf, WorksWithoutSaltAndInfo) {
  EXPECT_EQ(encoding::HexEncode(Hkdf(HashAlgorithm::kSha256, Bytes(22, 0x0b), {}, {}, 42).ExposeSecret()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

// Test case 16 of the GCM specification (McGrew and Viega).
TEST(Aead, KnowsTheVectorOfTheSpecification) {
  const auto key = base::SecretBytes(Hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
  const auto nonce = *encoding::HexDecodeFixed<AeadNonce>("cafebabefacedbaddecaf888");
  const Bytes plaintext =
      Hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b1"
          "6aedf5aa0de657ba63"
          "7b39");
  const Bytes sealed = AeadSeal(key, nonce, plaintext, Hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"));
  EXPECT_EQ(encoding::HexEncode(sealed),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
            "c5f61e6393ba7a0abcc"
            "9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b");
}

TEST(Aead, OpensOnlyWhatWasSealed) {
  const base::SecretBytes key = RandomSecret(kAeadKeyBytes);
  const auto nonce = RandomFixed<AeadNonce>();
  const Bytes plaintext = {1, 2, 3};
  const Bytes sealed = AeadSeal(key, nonce, plaintext, Bytes{9});
  ASSERT_EQ(base::CopyBytes(AeadOpen(key, nonce, sealed, Bytes{9})->ExposeSecret()), plaintext);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes bent = sealed;
    bent[i] ^= 0x80;
    EXPECT_EQ(AeadOpen(key, nonce, bent, Bytes{9}).error().code, "decryption-failed") << i;
    EXPECT_FALSE(AeadOpen(key, nonce, base::ByteView(sealed).first(i), Bytes{9}).ok()) << i;
  }
  EXPECT_FALSE(AeadOpen(key, nonce, sealed, Bytes{8}).ok());
  EXPECT_FALSE(AeadOpen(key, RandomFixed<AeadNonce>(), sealed, Bytes{9}).ok());
  EXPECT_FALSE(AeadOpen(RandomSecret(kAeadKeyBytes), nonce, sealed, Bytes{9}).ok());
}

TEST(Aead, AnEmptyPlaintextIsSealedToo) {
  const base::SecretBytes key = RandomSecret(kAeadKeyBytes);
  const AeadNonce nonce{};
  const Bytes sealed = AeadSeal(key, nonce, {}, {});
  EXPECT_EQ(sealed.size(), kAeadTagBytes);
  EXPECT_TRUE(AeadOpen(key, nonce, sealed, {}).ok());
}

// SP 800-38D, clause 3: GMAC is GCM's tag where nothing is encrypted.
TEST(Gmac, IsTheTagOfGcmWithoutPlaintext) {
  const base::SecretBytes key = RandomSecret(kAeadKeyBytes);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{16}, std::size_t{1000}}) {
    const Bytes data = RandomBytes(size);
    const GmacTag tag = Gmac(key).Update(data).Finish();
    EXPECT_EQ(base::CopyBytes(tag.view()), AeadSeal(key, AeadNonce{}, {}, data)) << size;
  }
}

TEST(Gmac, CountsPiecesAsOneInput) {
  const base::SecretBytes key = RandomSecret(kAeadKeyBytes);
  const Bytes data = RandomBytes(100);
  const base::ByteView view(data);
  Gmac pieces(key);
  pieces.Update(view.first(7)).Update({}).Update(view.subspan(7, 50)).Update(view.subspan(57));
  EXPECT_EQ(pieces.Finish(), Gmac(key).Update(data).Finish());
}

TEST(Gmac, NoticesAnyOtherByteOrder) {
  const base::SecretBytes key = RandomSecret(kAeadKeyBytes);
  EXPECT_NE(Gmac(key).Update(base::AsBytes("ab")).Finish(), Gmac(key).Update(base::AsBytes("ba")).Finish());
  EXPECT_NE(Gmac(key).Update(base::AsBytes("a")).Finish(),
            Gmac(RandomSecret(kAeadKeyBytes)).Update(base::AsBytes("a")).Finish());
}

}  // namespace
}  // namespace blindai::crypto
