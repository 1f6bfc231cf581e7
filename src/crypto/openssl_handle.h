// The only door to the native objects, for net/tls and for this room: nobody else includes it. A borrowed
// handle lives as long as the value that it was taken from.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/result.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "crypto/signing_key.h"

namespace blindai::crypto {

struct OpenSslHandle {
  static EVP_PKEY* Of(const SigningKey& key);
  static EVP_PKEY* Of(const PublicKey& key);
  static X509* Of(const Certificate& certificate);
  static X509_CRL* Of(const Crl& crl);

  // Take a reference of their own. Errors as PublicKey's and Certificate's.
  static base::Result<PublicKey> ToPublicKey(EVP_PKEY* key);
  static base::Result<PublicKey> ToPublicKey(X509_PUBKEY* spki);
  static base::Result<Certificate> ToCertificate(X509* certificate);
};

}  // namespace blindai::crypto
