// One X.509 certificate (RFC 5280), read once and never changed. It answers what stands in it; whether it may
// be believed is certificate_chain.h's question. Reading is strict: exactly one DER structure, nothing after
// it, every extension decodable, a public key of a kind we know.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/signing_key.h"

struct x509_st;  // OpenSSL's X509

namespace blindai::crypto {

// RFC 5280 section 4.2.1.3; a certificate without the extension allows everything.
struct KeyUsage {
  bool digital_signature = true;
  bool cert_sign = true;
  bool crl_sign = true;
};

class Certificate {
 public:
  // Errors: "bad-certificate", and PublicKey's for its key.
  static base::Result<Certificate> FromDer(base::ByteView der);
  // The first certificate, or every certificate, of a PEM text; other blocks are skipped. At least one.
  static base::Result<Certificate> FromPem(std::string_view pem);
  static base::Result<std::vector<Certificate>> AllFromPem(std::string_view pem);

  const base::Bytes& der() const { return *der_; }
  std::string ToPem() const;
  Sha256Digest Sha256Fingerprint() const { return Sha256(*der_); }

  // RFC 2253 text for people, escaped: "CN=Intel SGX Root CA,O=Intel Corporation,…".
  std::string subject() const;
  std::string issuer() const;
  // The common name alone; empty when there is none or more than one.
  std::string subject_common_name() const;
  std::string issuer_common_name() const;
  // The names as DER, for comparing with other structures.
  base::Bytes subject_der() const;
  base::Bytes issuer_der() const;

  base::Bytes serial() const;  // big-endian, at least one byte
  base::Time not_before() const { return not_before_; }
  base::Time not_after() const { return not_after_; }
  const PublicKey& public_key() const { return public_key_; }

  bool is_ca() const;  // basicConstraints, cA TRUE
  std::optional<int> path_length() const;
  KeyUsage key_usage() const;
  bool HasUnknownCriticalExtension() const;
  // The content of an extension by dotted OID ("1.2.840.113741.1.13.1").
  std::optional<base::Bytes> extension(std::string_view oid) const;
  // Names for TLS; addresses as text.
  bool MatchesHost(std::string_view host) const;

  // Subject and issuer are the same name.
  bool IsSelfIssued() const;
  // The issuer's subject is this certificate's issuer, byte rules of RFC 5280 section 7.1.
  bool HasIssuerName(const Certificate& issuer) const;
  // By ECDSA, RSA PKCS #1, RSA-PSS (AMD) or Ed25519 with SHA-2; older hashes count as not signed.
  [[nodiscard]] bool IsSignedBy(const PublicKey& issuer) const;
  [[nodiscard]] bool IsSignedBy(const Certificate& issuer) const { return IsSignedBy(issuer.public_key()); }

  friend bool operator==(const Certificate& left, const Certificate& right) {
    return *left.der_ == *right.der_;
  }

 private:
  friend struct OpenSslHandle;
  Certificate(std::shared_ptr<x509_st> x509, base::Bytes der, PublicKey key, base::Time not_before,
              base::Time not_after);

  std::shared_ptr<x509_st> x509_;
  std::shared_ptr<const base::Bytes> der_;
  PublicKey public_key_;
  base::Time not_before_;
  base::Time not_after_;
};

}  // namespace blindai::crypto
