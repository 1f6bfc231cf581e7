// The identity of the ports of BlindAI 0.5 and 0.6. Their clients pin one self-signed certificate: they get it first,
// with evidence whose report data is its SHA-256, and then open TLS to exactly it. So the certificate stands for the
// connection; there is no nonce and no channel binding (docs/formats/legacy-protocols.md says what that costs).
// Both protocols share the certificate:
//
//   name        DNS:blindai-srv, whatever address is dialled
//   extension   1.3.6.1.3.2 = the 32 bytes of an Ed25519 public key, which signs the results of 0.5
//   key         P-256, made inside at each start, never written down; or given, with platform = "files"
#pragma once

#include <string_view>

#include "attestation/evidence/report_data.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/certificate.h"
#include "crypto/signing_key.h"

namespace blindai::channel {

inline constexpr std::string_view kLegacyServerName = "blindai-srv";
inline constexpr std::string_view kResultKeyOid = "1.3.6.1.3.2";

class LegacyIdentity {
 public:
  // New keys and a new certificate.
  static LegacyIdentity Make(base::Time now);
  // What somebody else made. Codes: legacy-identity (the certificate does not carry the name, the key or the result
  // key), and those of the keys and the certificate.
  static base::Result<LegacyIdentity> FromPem(std::string_view certificate, const base::SecretBytes& key,
                                              const base::SecretBytes& result_key);

  const crypto::SigningKey& key() const { return key_; }
  const crypto::SigningKey& result_key() const { return result_key_; }  // Ed25519
  const crypto::Certificate& certificate() const { return certificate_; }

  // SHA-256 of the certificate, then 32 zero bytes.
  evidence::ReportData ToReportData() const;

 private:
  LegacyIdentity(crypto::SigningKey key, crypto::SigningKey result_key, crypto::Certificate certificate)
      : key_(std::move(key)), result_key_(std::move(result_key)), certificate_(std::move(certificate)) {}

  crypto::SigningKey key_;
  crypto::SigningKey result_key_;
  crypto::Certificate certificate_;
};

}  // namespace blindai::channel
