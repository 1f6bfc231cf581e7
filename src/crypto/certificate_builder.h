// Makes certificates and revocation lists: the server's own certificate, made in memory at start, and the
// private PKIs of the tests.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "crypto/signing_key.h"

namespace blindai::crypto {

struct CertificateExtension {
  std::string oid;
  base::Bytes content;
  bool critical = false;
};

// How the issuer signs; kByKey is SHA-256 for P-256 and RSA PKCS #1, SHA-384 for P-384, and Ed25519.
enum class CertificateSignature { kByKey, kRsaPssSha384 };

struct CertificateSpec {
  std::string common_name;
  std::string organization;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  base::Time not_before;
  base::Time not_after;
  // A CA gets keyCertSign and cRLSign, everybody else digitalSignature.
  bool is_ca = false;
  std::optional<int> path_length;
  base::Bytes serial;  // big-endian; empty = 16 random bytes
  std::vector<CertificateExtension> extensions;
  CertificateSignature signature = CertificateSignature::kByKey;
};

// Errors: "bad-certificate" for a name, an address or an OID that cannot be encoded.
base::Result<Certificate> MakeSelfSigned(const CertificateSpec& spec, const SigningKey& key);
base::Result<Certificate> MakeSigned(const CertificateSpec& spec, const PublicKey& subject_key,
                                     const Certificate& issuer, const SigningKey& issuer_key);

struct CrlSpec {
  base::Time this_update;
  base::Time next_update;
  std::vector<base::Bytes> revoked_serials;
  CertificateSignature signature = CertificateSignature::kByKey;
};

base::Result<Crl> MakeCrl(const CrlSpec& spec, const Certificate& issuer, const SigningKey& issuer_key);

}  // namespace blindai::crypto
