// A private PKI for tests: authorities and certificates with keys made in the test, shaped like a maker's.
// Everything is valid from 2024 to 2034; tests judge at kPkiNow.
#pragma once

#include <string>

#include "base/clock.h"
#include "crypto/certificate.h"
#include "crypto/certificate_builder.h"
#include "crypto/crl.h"
#include "crypto/signing_key.h"

namespace blindai::tests {

using namespace std::chrono_literals;
inline constexpr base::Time kPkiStart{std::chrono::sys_days{std::chrono::January / 1 / 2024}};
inline constexpr base::Time kPkiNow{std::chrono::sys_days{std::chrono::June / 1 / 2025}};
inline constexpr base::Time kPkiEnd{std::chrono::sys_days{std::chrono::January / 1 / 2034}};

// A specification with the usual dates; set what differs.
crypto::CertificateSpec PkiSpec(std::string common_name);
crypto::CertificateSpec PkiCaSpec(std::string common_name);

struct Authority {
  crypto::SigningKey key;
  crypto::Certificate certificate;
};

Authority MakeRoot(const crypto::CertificateSpec& spec, crypto::SigningKey key);
Authority MakeAuthority(const crypto::CertificateSpec& spec, crypto::SigningKey key, const Authority& issuer);
crypto::Certificate Issue(const crypto::CertificateSpec& spec, const crypto::PublicKey& key,
                          const Authority& issuer);

// A list of this issuer, good from kPkiStart to kPkiEnd.
crypto::Crl MakeTestCrl(const Authority& issuer, const std::vector<base::Bytes>& revoked_serials,
                        crypto::CertificateSignature signature = crypto::CertificateSignature::kByKey);

// PEM text of all of them, in order.
base::Bytes PemOf(const std::vector<crypto::Certificate>& certificates);

}  // namespace blindai::tests
