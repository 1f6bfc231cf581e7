// What the files of this room share about OpenSSL: owners for its types, its digests, its buffers. Private.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/digest.h"

namespace blindai::crypto {

template <auto kFree>
struct OpenSslFree {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <typename T, auto kFree>
using OpenSslPtr = std::unique_ptr<T, OpenSslFree<kFree>>;

inline void FreeOpenSslMemory(void* memory) { OPENSSL_free(memory); }
using OpenSslMemory = OpenSslPtr<unsigned char, &FreeOpenSslMemory>;
using BioPtr = OpenSslPtr<BIO, &BIO_free_all>;
using EvpKeyPtr = OpenSslPtr<EVP_PKEY, &EVP_PKEY_free>;
using EvpKeyContextPtr = OpenSslPtr<EVP_PKEY_CTX, &EVP_PKEY_CTX_free>;
using EvpDigestContextPtr = OpenSslPtr<EVP_MD_CTX, &EVP_MD_CTX_free>;

// Fetched once: an implicit fetch at every call costs more than hashing a certificate.
const EVP_MD* DigestOf(HashAlgorithm algorithm);

inline BioPtr ReadOnlyBio(base::ByteView bytes) {
  BIO* bio = BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()));
  BLINDAI_CHECK(bio != nullptr);
  return BioPtr(bio);
}

// Our errors say what we wanted; OpenSSL's queue must not keep text of this call for the next one.
inline base::Error OpenSslError(std::string code, std::string message) {
  ERR_clear_error();
  return base::Malformed(std::move(message), std::move(code));
}

// Runs an i2d_* function into a vector.
template <typename Encode>
base::Bytes EncodeDer(Encode encode) {
  unsigned char* raw = nullptr;
  const int size = encode(&raw);
  BLINDAI_CHECK(size > 0);
  const OpenSslMemory owner(raw);
  return base::Bytes(raw, raw + size);
}

// Seconds since 1970 of a certificate's time; "malformed" when it is no valid UTCTime or GeneralizedTime.
base::Result<base::Time> ToTime(const ASN1_TIME* time, std::string_view field);
// "CN=Intel SGX Root CA, O=Intel Corporation"
std::string NameText(const X509_NAME* name);
// Only SHA-2 signatures count, and those made without a separate digest (Ed25519).
bool UsesStrongHash(const X509_ALGOR* algorithm);
// An INTEGER's bytes, big-endian, at least one.
base::Bytes SerialBytes(const ASN1_INTEGER* serial);

}  // namespace blindai::crypto
