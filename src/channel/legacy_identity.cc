#include "channel/legacy_identity.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "crypto/certificate_builder.h"

namespace blindai::channel {
namespace {

using base::Result;

constexpr std::chrono::hours kClockGrace{1};
// The clients hold the certificate no longer than their connection, and a server may run for long.
constexpr std::chrono::hours kLifetime{24 * 3650};
constexpr std::size_t kEd25519KeyBytes = 32;

// The key itself is the end of its SubjectPublicKeyInfo (RFC 8410 section 4).
base::Bytes RawEd25519(const crypto::PublicKey& key) {
  const base::Bytes spki = key.spki_der();
  BLINDAI_CHECK(key.kind() == crypto::KeyKind::kEd25519 && spki.size() > kEd25519KeyBytes);
  return base::CopyBytes(base::ByteView(spki).last(kEd25519KeyBytes));
}

base::Error BadIdentity(std::string message) {
  return base::MakeError(base::ErrorKind::kInvalid, "legacy-identity", std::move(message));
}

}  // namespace

LegacyIdentity LegacyIdentity::Make(base::Time now) {
  crypto::SigningKey key = crypto::SigningKey::GenerateP256();
  crypto::SigningKey result_key = crypto::SigningKey::GenerateEd25519();
  crypto::CertificateSpec spec;
  spec.common_name = kLegacyServerName;
  spec.dns_names = {std::string(kLegacyServerName)};
  spec.not_before = now - kClockGrace;
  spec.not_after = now + kLifetime;
  spec.extensions = {{std::string(kResultKeyOid), RawEd25519(result_key.public_key()), false}};
  Result<crypto::Certificate> certificate = crypto::MakeSelfSigned(spec, key);
  BLINDAI_CHECK(certificate.ok());
  return LegacyIdentity(std::move(key), std::move(result_key), std::move(certificate).value());
}

Result<LegacyIdentity> LegacyIdentity::FromPem(std::string_view certificate_pem,
                                               const base::SecretBytes& key_pem,
                                               const base::SecretBytes& result_key_pem) {
  BLINDAI_TRY(crypto::Certificate certificate,
              crypto::Certificate::FromPem(certificate_pem).Within("certificate"));
  BLINDAI_TRY(crypto::SigningKey key, crypto::SigningKey::FromPem(key_pem).Within("key"));
  BLINDAI_TRY(crypto::SigningKey result_key,
              crypto::SigningKey::FromPem(result_key_pem).Within("result key"));
  if (!(certificate.public_key() == key.public_key()))
    return BadIdentity("the certificate is of another key");
  if (!certificate.MatchesHost(kLegacyServerName)) {
    return BadIdentity("the certificate does not carry the name that clients ask for, DNS:blindai-srv");
  }
  if (result_key.kind() != crypto::KeyKind::kEd25519)
    return BadIdentity("the result key is not an Ed25519 key");
  const auto extension = certificate.extension(kResultKeyOid);
  if (!extension || *extension != RawEd25519(result_key.public_key())) {
    return BadIdentity("the certificate's extension 1.3.6.1.3.2 is not the public half of the result key");
  }
  return LegacyIdentity(std::move(key), std::move(result_key), std::move(certificate));
}

evidence::ReportData LegacyIdentity::ToReportData() const {
  evidence::ReportData data;
  const crypto::Sha256Digest digest = certificate_.Sha256Fingerprint();
  std::copy(digest.bytes.begin(), digest.bytes.end(), data.bytes.begin());
  return data;
}

}  // namespace blindai::channel
