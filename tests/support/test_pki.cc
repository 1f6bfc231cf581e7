#include "support/test_pki.h"

#include "base/check.h"

namespace blindai::tests {
namespace {

template <typename T>
T Good(base::Result<T> result) {
  BLINDAI_CHECK(result.ok());
  return std::move(result).value();
}

}  // namespace

crypto::CertificateSpec PkiSpec(std::string common_name) {
  crypto::CertificateSpec spec;
  spec.common_name = std::move(common_name);
  spec.organization = "blindai tests";
  spec.not_before = kPkiStart;
  spec.not_after = kPkiEnd;
  return spec;
}

crypto::CertificateSpec PkiCaSpec(std::string common_name) {
  crypto::CertificateSpec spec = PkiSpec(std::move(common_name));
  spec.is_ca = true;
  return spec;
}

Authority MakeRoot(const crypto::CertificateSpec& spec, crypto::SigningKey key) {
  crypto::Certificate certificate = Good(crypto::MakeSelfSigned(spec, key));
  return {std::move(key), std::move(certificate)};
}

Authority MakeAuthority(const crypto::CertificateSpec& spec, crypto::SigningKey key,
                        const Authority& issuer) {
  crypto::Certificate certificate = Issue(spec, key.public_key(), issuer);
  return {std::move(key), std::move(certificate)};
}

crypto::Certificate Issue(const crypto::CertificateSpec& spec, const crypto::PublicKey& key,
                          const Authority& issuer) {
  return Good(crypto::MakeSigned(spec, key, issuer.certificate, issuer.key));
}

crypto::Crl MakeTestCrl(const Authority& issuer, const std::vector<base::Bytes>& revoked_serials,
                        crypto::CertificateSignature signature) {
  crypto::CrlSpec spec;
  spec.this_update = kPkiStart;
  spec.next_update = kPkiEnd;
  spec.revoked_serials = revoked_serials;
  spec.signature = signature;
  return Good(crypto::MakeCrl(spec, issuer.certificate, issuer.key));
}

base::Bytes PemOf(const std::vector<crypto::Certificate>& certificates) {
  std::string text;
  for (const crypto::Certificate& certificate : certificates) text += certificate.ToPem();
  return base::CopyBytes(base::AsBytes(text));
}

}  // namespace blindai::tests
