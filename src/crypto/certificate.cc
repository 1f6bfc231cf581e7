#include "crypto/certificate.h"

#include "crypto/openssl_handle.h"
#include "crypto/openssl_util.h"
#include "encoding/der.h"
#include "encoding/pem.h"

namespace blindai::crypto {
namespace {

constexpr std::size_t kMaxCertificateBytes = 64 * 1024;

base::Error BadCertificate(std::string message) {
  return OpenSslError("bad-certificate", std::move(message));
}

std::string CommonName(const X509_NAME* name) {
  const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (index < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, index) >= 0) return "";
  const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index));
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
}

base::Bytes NameDer(const X509_NAME* name) {
  return EncodeDer([name](unsigned char** out) { return i2d_X509_NAME(name, out); });
}

}  // namespace

Certificate::Certificate(std::shared_ptr<x509_st> x509, base::Bytes der, PublicKey key, base::Time not_before,
                         base::Time not_after)
    : x509_(std::move(x509)),
      der_(std::make_shared<const base::Bytes>(std::move(der))),
      public_key_(std::move(key)),
      not_before_(not_before),
      not_after_(not_after) {}

base::Result<Certificate> OpenSslHandle::ToCertificate(X509* x509) {
  // Asking for the flags makes OpenSSL decode the extensions that it knows, now and not under a later
  // question.
  if ((X509_get_extension_flags(x509) & EXFLAG_INVALID) != 0) {
    return BadCertificate("certificate: an extension is malformed");
  }
  BLINDAI_TRY(const base::Time not_before, ToTime(X509_get0_notBefore(x509), "certificate: notBefore"));
  BLINDAI_TRY(const base::Time not_after, ToTime(X509_get0_notAfter(x509), "certificate: notAfter"));
  BLINDAI_TRY(PublicKey key, ToPublicKey(X509_get_X509_PUBKEY(x509)).Within("certificate"));
  X509_up_ref(x509);
  return Certificate(std::shared_ptr<X509>(x509, &X509_free),
                     EncodeDer([x509](unsigned char** out) { return i2d_X509(x509, out); }), std::move(key),
                     not_before, not_after);
}

base::Result<Certificate> Certificate::FromDer(base::ByteView der) {
  if (der.size() > kMaxCertificateBytes) return BadCertificate("certificate: longer than 64 KiB");
  const auto strict = encoding::CheckDer(der, "certificate");
  if (!strict.ok()) return BadCertificate(strict.error().message);
  const unsigned char* position = der.data();
  const OpenSslPtr<X509, &X509_free> x509(d2i_X509(nullptr, &position, static_cast<long>(der.size())));
  if (x509 == nullptr) return BadCertificate("certificate: not an X.509 certificate");
  if (position != der.data() + der.size()) return BadCertificate("certificate: bytes follow its end");
  return OpenSslHandle::ToCertificate(x509.get());
}

base::Result<std::vector<Certificate>> Certificate::AllFromPem(std::string_view pem) {
  BLINDAI_TRY(const std::vector<encoding::PemBlock> blocks, encoding::ParsePem(pem));
  std::vector<Certificate> certificates;
  for (const encoding::PemBlock& block : blocks) {
    if (block.label != "CERTIFICATE") continue;
    BLINDAI_TRY(Certificate certificate, FromDer(block.bytes));
    certificates.push_back(std::move(certificate));
  }
  if (certificates.empty()) return BadCertificate("the PEM text holds no certificate");
  return certificates;
}

base::Result<Certificate> Certificate::FromPem(std::string_view pem) {
  BLINDAI_TRY(const std::vector<Certificate> certificates, AllFromPem(pem));
  return certificates.front();
}

std::string Certificate::ToPem() const { return encoding::PemEncode("CERTIFICATE", *der_); }

std::string Certificate::subject() const { return NameText(X509_get_subject_name(x509_.get())); }
std::string Certificate::issuer() const { return NameText(X509_get_issuer_name(x509_.get())); }
std::string Certificate::subject_common_name() const {
  return CommonName(X509_get_subject_name(x509_.get()));
}
std::string Certificate::issuer_common_name() const { return CommonName(X509_get_issuer_name(x509_.get())); }
base::Bytes Certificate::subject_der() const { return NameDer(X509_get_subject_name(x509_.get())); }
base::Bytes Certificate::issuer_der() const { return NameDer(X509_get_issuer_name(x509_.get())); }
base::Bytes Certificate::serial() const { return SerialBytes(X509_get0_serialNumber(x509_.get())); }

bool Certificate::is_ca() const {
  const std::uint32_t flags = X509_get_extension_flags(x509_.get());
  return (flags & EXFLAG_BCONS) != 0 && (flags & EXFLAG_CA) != 0;
}

std::optional<int> Certificate::path_length() const {
  const long length = X509_get_pathlen(x509_.get());
  if (length < 0) return std::nullopt;
  return static_cast<int>(length);
}

KeyUsage Certificate::key_usage() const {
  const std::uint32_t usage = X509_get_key_usage(x509_.get());  // all ones without the extension
  return {(usage & KU_DIGITAL_SIGNATURE) != 0, (usage & KU_KEY_CERT_SIGN) != 0, (usage & KU_CRL_SIGN) != 0};
}

bool Certificate::HasUnknownCriticalExtension() const {
  return (X509_get_extension_flags(x509_.get()) & EXFLAG_CRITICAL) != 0;
}

std::optional<base::Bytes> Certificate::extension(std::string_view oid) const {
  const OpenSslPtr<ASN1_OBJECT, &ASN1_OBJECT_free> object(OBJ_txt2obj(std::string(oid).c_str(), 1));
  BLINDAI_CHECK(object != nullptr);
  const int index = X509_get_ext_by_OBJ(x509_.get(), object.get(), -1);
  // RFC 5280 section 4.2: an extension stands once; twice is no answer.
  if (index < 0 || X509_get_ext_by_OBJ(x509_.get(), object.get(), index) >= 0) return std::nullopt;
  const ASN1_OCTET_STRING* content = X509_EXTENSION_get_data(X509_get_ext(x509_.get(), index));
  const unsigned char* data = ASN1_STRING_get0_data(content);
  return base::Bytes(data, data + ASN1_STRING_length(content));
}

bool Certificate::MatchesHost(std::string_view host) const {
  const std::string text(host);
  if (X509_check_ip_asc(x509_.get(), text.c_str(), 0) == 1) return true;
  return X509_check_host(x509_.get(), text.data(), text.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                         nullptr) == 1;
}

bool Certificate::IsSelfIssued() const { return HasIssuerName(*this); }

bool Certificate::HasIssuerName(const Certificate& issuer) const {
  return X509_NAME_cmp(X509_get_issuer_name(x509_.get()), X509_get_subject_name(issuer.x509_.get())) == 0;
}

bool Certificate::IsSignedBy(const PublicKey& issuer) const {
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(nullptr, &algorithm, x509_.get());
  if (!UsesStrongHash(algorithm)) return false;
  const bool good = X509_verify(x509_.get(), OpenSslHandle::Of(issuer)) == 1;
  if (!good) ERR_clear_error();
  return good;
}

X509* OpenSslHandle::Of(const Certificate& certificate) { return certificate.x509_.get(); }

}  // namespace blindai::crypto
