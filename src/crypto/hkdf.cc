#include "crypto/hkdf.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>

#include "crypto/openssl_util.h"

namespace blindai::crypto {
namespace {

using KdfContextPtr = OpenSslPtr<EVP_KDF_CTX, &EVP_KDF_CTX_free>;

// Fetched once, as digests and ciphers are: every request derives keys.
EVP_KDF* HkdfOfOpenSsl() {
  static EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr);
  BLINDAI_CHECK(kdf != nullptr);
  return kdf;
}

// OpenSSL's parameters are not const, and it only reads these.
OSSL_PARAM OctetsParam(const char* name, base::ByteView bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(bytes.data()), bytes.size());
}

base::SecretBytes Derive(int mode, HashAlgorithm hash, base::ByteView key, base::ByteView salt,
                         base::ByteView info, std::size_t size) {
  const KdfContextPtr context(EVP_KDF_CTX_new(HkdfOfOpenSsl()));
  BLINDAI_CHECK(context != nullptr);
  std::array<OSSL_PARAM, 6> params;
  auto next = params.begin();
  *next++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
  *next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                             const_cast<char*>(EVP_MD_get0_name(DigestOf(hash))), 0);
  *next++ = OctetsParam(OSSL_KDF_PARAM_KEY, key);
  if (!salt.empty()) *next++ = OctetsParam(OSSL_KDF_PARAM_SALT, salt);
  if (!info.empty()) *next++ = OctetsParam(OSSL_KDF_PARAM_INFO, info);
  *next = OSSL_PARAM_construct_end();
  base::SecretBytes out(size);
  BLINDAI_CHECK(EVP_KDF_derive(context.get(), out.ExposeSecretForWriting().data(), size, params.data()) == 1);
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
