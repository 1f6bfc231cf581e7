// A certificate revocation list (RFC 5280 section 5), read once and never changed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/certificate.h"

struct X509_crl_st;  // OpenSSL's X509_CRL

namespace blindai::crypto {

class Crl {
 public:
  // Errors: "bad-crl". A list without nextUpdate is refused: it would never expire.
  static base::Result<Crl> FromDer(base::ByteView der);
  static base::Result<Crl> FromPem(std::string_view pem);
  // DER, PEM or hex text, with NULs or white space at the end, as the services of this world deliver them.
  static base::Result<Crl> FromAny(base::ByteView bytes);

  const base::Bytes& der() const { return *der_; }
  std::string issuer() const;  // RFC 2253 text
  std::string issuer_common_name() const;
  base::Time this_update() const { return this_update_; }
  base::Time next_update() const { return next_update_; }
  std::size_t entry_count() const;

  // Whether the serial number (big-endian, as Certificate::serial) stands in the list; "removeFromCRL" counts
  // too.
  bool IsRevoked(base::ByteView serial) const;
  bool HasIssuerName(const Certificate& issuer) const;
  [[nodiscard]] bool IsSignedBy(const PublicKey& issuer) const;

 private:
  friend struct OpenSslHandle;
  Crl(std::shared_ptr<X509_crl_st> crl, base::Bytes der, base::Time this_update, base::Time next_update);

  std::shared_ptr<X509_crl_st> crl_;
  std::shared_ptr<const base::Bytes> der_;
  base::Time this_update_;
  base::Time next_update_;
};

}  // namespace blindai::crypto
