#include "crypto/tpm_credential.h"

#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <array>
#include <string_view>

#include "base/byte_writer.h"
#include "base/check.h"
#include "crypto/openssl_handle.h"
#include "crypto/openssl_util.h"
#include "crypto/random.h"

namespace blindai::crypto {
namespace {

using base::Bytes;
using base::ByteView;

constexpr std::size_t kSeedSize = 32;
constexpr std::size_t kStorageKeySize = 16;
constexpr std::size_t kMaxSecret = 32;

using CipherPtr = OpenSslPtr<EVP_CIPHER_CTX, &EVP_CIPHER_CTX_free>;

Bytes HmacSha256(ByteView key, ByteView message) {
  Bytes mac(32);
  unsigned int size = 0;
  BLINDAI_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(),
                     mac.data(), &size) != nullptr);
  return mac;
}

// KDFa (part 1, section 11.4.10.2): one round of HMAC gives all the bits that are wanted here.
Bytes Kdfa(ByteView seed, std::string_view label, ByteView context, std::uint32_t bits) {
  base::ByteWriter message;
  message.U32Big(1).Append(label).U8(0).Append(context).U32Big(bits);
  Bytes key = HmacSha256(seed, message.view());
  key.resize(bits / 8);
  return key;
}

// OAEP with SHA-256 and the label "IDENTITY", its NUL included.
Bytes EncryptSeed(const PublicKey& endorsement_key, ByteView seed) {
  constexpr std::string_view kLabel("IDENTITY\0", 9);
  const EvpKeyContextPtr context(EVP_PKEY_CTX_new(OpenSslHandle::Of(endorsement_key), nullptr));
  BLINDAI_CHECK(context && EVP_PKEY_encrypt_init(context.get()) == 1);
  BLINDAI_CHECK(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1);
  BLINDAI_CHECK(EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) == 1);
  BLINDAI_CHECK(EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) == 1);
  // The context takes the label and frees it.
  void* label = OPENSSL_memdup(kLabel.data(), kLabel.size());
  BLINDAI_CHECK(EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), label, static_cast<int>(kLabel.size())) == 1);
  std::size_t size = 0;
  BLINDAI_CHECK(EVP_PKEY_encrypt(context.get(), nullptr, &size, seed.data(), seed.size()) == 1);
  Bytes encrypted(size);
  BLINDAI_CHECK(EVP_PKEY_encrypt(context.get(), encrypted.data(), &size, seed.data(), seed.size()) == 1);
  encrypted.resize(size);
  return encrypted;
}

Bytes EncryptIdentity(ByteView key, ByteView plain) {
  constexpr std::array<std::uint8_t, 16> kZeroIv{};
  const CipherPtr cipher(EVP_CIPHER_CTX_new());
  BLINDAI_CHECK(cipher && EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_cfb128(), nullptr, key.data(),
                                             kZeroIv.data()) == 1);
  Bytes encrypted(plain.size());
  int size = 0;
  BLINDAI_CHECK(EVP_EncryptUpdate(cipher.get(), encrypted.data(), &size, plain.data(),
                                  static_cast<int>(plain.size())) == 1);
  return encrypted;
}

}  // namespace

TpmCredential MakeTpmCredential(const PublicKey& endorsement_key, ByteView ak_name, ByteView secret) {
  BLINDAI_CHECK(endorsement_key.kind() == KeyKind::kRsa);
  BLINDAI_CHECK(!secret.empty() && secret.size() <= kMaxSecret);
  const base::SecretBytes seed = RandomSecret(kSeedSize);
  const ByteView seed_view = seed.ExposeSecret();

  base::ByteWriter sized_secret;
  sized_secret.U16Big(static_cast<std::uint16_t>(secret.size())).Append(secret);
  const Bytes identity =
      EncryptIdentity(Kdfa(seed_view, "STORAGE", ak_name, 8 * kStorageKeySize), sized_secret.view());

  base::ByteWriter authenticated;
  authenticated.Append(identity).Append(ak_name);
  const Bytes integrity = HmacSha256(Kdfa(seed_view, "INTEGRITY", {}, 256), authenticated.view());

  base::ByteWriter id_object;
  id_object.U16Big(static_cast<std::uint16_t>(integrity.size())).Append(integrity).Append(identity);
  return {std::move(id_object).Take(), EncryptSeed(endorsement_key, seed_view)};
}

}  // namespace blindai::crypto
