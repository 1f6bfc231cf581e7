#include "crypto/hkdf.h"

#include <openssl/kdf.h>

#include "crypto/openssl_util.h"

namespace blindai::crypto {
namespace {

base::SecretBytes Derive(int mode, HashAlgorithm hash, base::ByteView key, base::ByteView salt,
                         base::ByteView info, std::size_t size) {
  const EvpKeyContextPtr context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
  EVP_PKEY_CTX* raw = context.get();
  BLINDAI_CHECK(raw != nullptr && EVP_PKEY_derive_init(raw) == 1);
  BLINDAI_CHECK(EVP_PKEY_CTX_set_hkdf_mode(raw, mode) == 1);
  BLINDAI_CHECK(EVP_PKEY_CTX_set_hkdf_md(raw, DigestOf(hash)) == 1);
  BLINDAI_CHECK(EVP_PKEY_CTX_set1_hkdf_key(raw, key.data(), static_cast<int>(key.size())) == 1);
  if (!salt.empty()) {
    BLINDAI_CHECK(EVP_PKEY_CTX_set1_hkdf_salt(raw, salt.data(), static_cast<int>(salt.size())) == 1);
  }
  if (!info.empty()) {
    BLINDAI_CHECK(EVP_PKEY_CTX_add1_hkdf_info(raw, info.data(), static_cast<int>(info.size())) == 1);
  }
  base::SecretBytes out(size);
  BLINDAI_CHECK(EVP_PKEY_derive(raw, out.ExposeSecretForWriting().data(), &size) == 1 && size == out.size());
  return out;
}

}  // namespace

base::SecretBytes Hkdf(HashAlgorithm hash, base::ByteView secret, base::ByteView salt, base::ByteView info,
                       std::size_t size) {
  return Derive(EVP_PKEY_HKDEF_MODE_EXTRACT_AND_EXPAND, hash, secret, salt, info, size);
}

base::SecretBytes HkdfExtract(HashAlgorithm hash, base::ByteView secret, base::ByteView salt) {
  return Derive(EVP_PKEY_HKDEF_MODE_EXTRACT_ONLY, hash, secret, salt, {}, HashSize(hash));
}

base::SecretBytes HkdfExpand(HashAlgorithm hash, base::ByteView pseudo_random_key, base::ByteView info,
                             std::size_t size) {
  return Derive(EVP_PKEY_HKDEF_MODE_EXPAND_ONLY, hash, pseudo_random_key, {}, info, size);
}

}  // namespace blindai::crypto
