#include "crypto/certificate_builder.h"

#include <openssl/rsa.h>

#include "crypto/openssl_handle.h"
#include "crypto/openssl_util.h"
#include "crypto/random.h"

namespace blindai::crypto {
namespace {

using X509Ptr = OpenSslPtr<X509, &X509_free>;
using CrlPtr = OpenSslPtr<X509_CRL, &X509_CRL_free>;
using Asn1TimePtr = OpenSslPtr<ASN1_TIME, &ASN1_TIME_free>;
using Asn1IntegerPtr = OpenSslPtr<ASN1_INTEGER, &ASN1_INTEGER_free>;
using Asn1StringPtr = OpenSslPtr<ASN1_OCTET_STRING, &ASN1_OCTET_STRING_free>;
using ExtensionPtr = OpenSslPtr<X509_EXTENSION, &X509_EXTENSION_free>;

constexpr std::size_t kRandomSerialBytes = 16;

base::Error CannotMake(std::string message) { return OpenSslError("bad-certificate", std::move(message)); }

Asn1TimePtr ToAsn1Time(base::Time time) {
  Asn1TimePtr encoded(ASN1_TIME_set(nullptr, time.time_since_epoch().count()));
  BLINDAI_CHECK(encoded != nullptr);
  return encoded;
}

// RFC 5280 section 4.1.2.2: a serial number is positive, so a random one starts with a clear bit.
Asn1IntegerPtr ToAsn1Integer(base::Bytes serial) {
  if (serial.empty()) {
    serial = RandomBytes(kRandomSerialBytes);
    serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);
  }
  const OpenSslPtr<BIGNUM, &BN_free> number(
      BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  Asn1IntegerPtr encoded(BN_to_ASN1_INTEGER(number.get(), nullptr));
  BLINDAI_CHECK(encoded != nullptr);
  return encoded;
}

bool AddNamePart(X509_NAME* name, const char* field, const std::string& value) {
  return value.empty() || X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                                     reinterpret_cast<const unsigned char*>(value.data()),
                                                     static_cast<int>(value.size()), -1, 0) == 1;
}

bool AddKnownExtension(X509* certificate, X509V3_CTX* context, int nid, const std::string& value) {
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool AddAlternativeNames(X509* certificate, const CertificateSpec& spec) {
  if (spec.dns_names.empty() && spec.ip_addresses.empty()) return true;
  const OpenSslPtr<GENERAL_NAMES, &GENERAL_NAMES_free> names(GENERAL_NAMES_new());
  const auto add = [&names](int type, ASN1_STRING* value) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    BLINDAI_CHECK(name != nullptr);
    GENERAL_NAME_set0_value(name, type, value);
    BLINDAI_CHECK(sk_GENERAL_NAME_push(names.get(), name) > 0);
  };
  for (const std::string& dns : spec.dns_names) {
    ASN1_STRING* value = ASN1_IA5STRING_new();
    BLINDAI_CHECK(ASN1_STRING_set(value, dns.data(), static_cast<int>(dns.size())) == 1);
    add(GEN_DNS, value);
  }
  for (const std::string& address : spec.ip_addresses) {
    ASN1_OCTET_STRING* value = a2i_IPADDRESS(address.c_str());
    if (value == nullptr) return false;
    add(GEN_IPADD, value);
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1;
}

bool AddOwnExtension(X509* certificate, const CertificateExtension& own) {
  const OpenSslPtr<ASN1_OBJECT, &ASN1_OBJECT_free> oid(OBJ_txt2obj(own.oid.c_str(), 1));
  const Asn1StringPtr content(ASN1_OCTET_STRING_new());
  if (oid == nullptr || content == nullptr) return false;
  if (ASN1_OCTET_STRING_set(content.get(), own.content.data(), static_cast<int>(own.content.size())) != 1) {
    return false;
  }
  const ExtensionPtr extension(
      X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), own.critical ? 1 : 0, content.get()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool AddExtensions(X509* certificate, X509* issuer, const CertificateSpec& spec) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  std::string constraints = spec.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE";
  if (spec.is_ca && spec.path_length) constraints += ",pathlen:" + std::to_string(*spec.path_length);
  const char* usage = spec.is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
  if (!AddKnownExtension(certificate, &context, NID_basic_constraints, constraints) ||
      !AddKnownExtension(certificate, &context, NID_key_usage, usage) ||
      !AddKnownExtension(certificate, &context, NID_subject_key_identifier, "hash") ||
      !AddAlternativeNames(certificate, spec)) {
    return false;
  }
  for (const CertificateExtension& own : spec.extensions) {
    if (!AddOwnExtension(certificate, own)) return false;
  }
  return true;
}

// Sets up a signing context for whichever X509_*sign_ctx function `sign` calls.
template <typename SignWith>
bool SignWithKey(const SigningKey& key, CertificateSignature how, SignWith sign) {
  const EVP_MD* digest = DigestOf(HashAlgorithm::kSha256);
  if (key.kind() == KeyKind::kP384 || how == CertificateSignature::kRsaPssSha384) {
    digest = DigestOf(HashAlgorithm::kSha384);
  }
  if (key.kind() == KeyKind::kEd25519) digest = nullptr;
  const EvpDigestContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  if (EVP_DigestSignInit(context.get(), &key_context, digest, nullptr, OpenSslHandle::Of(key)) != 1)
    return false;
  if (how == CertificateSignature::kRsaPssSha384) {
    if (EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) != 1) {
      return false;
    }
  }
  return sign(context.get()) > 0;
}

base::Result<Certificate> Make(const CertificateSpec& spec, const PublicKey& subject_key, X509* issuer,
                               const SigningKey& issuer_key) {
  const X509Ptr certificate(X509_new());
  BLINDAI_CHECK(certificate != nullptr);
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_set_serialNumber(certificate.get(), ToAsn1Integer(spec.serial).get());
  X509_set1_notBefore(certificate.get(), ToAsn1Time(spec.not_before).get());
  X509_set1_notAfter(certificate.get(), ToAsn1Time(spec.not_after).get());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  if (!AddNamePart(subject, "O", spec.organization) || !AddNamePart(subject, "CN", spec.common_name)) {
    return CannotMake("certificate: the name cannot be encoded");
  }
  X509* signer = issuer != nullptr ? issuer : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  BLINDAI_CHECK(X509_set_pubkey(certificate.get(), OpenSslHandle::Of(subject_key)) == 1);
  if (!AddExtensions(certificate.get(), signer, spec)) {
    return CannotMake("certificate: an address or an extension cannot be encoded");
  }
  const auto sign = [&certificate](EVP_MD_CTX* context) { return X509_sign_ctx(certificate.get(), context); };
  if (!SignWithKey(issuer_key, spec.signature, sign)) return CannotMake("certificate: signing failed");
  // Read back, so that what is handed out went through the same checks as everybody's certificate.
  return Certificate::FromDer(
      EncodeDer([&certificate](unsigned char** out) { return i2d_X509(certificate.get(), out); }));
}

}  // namespace

base::Result<Certificate> MakeSelfSigned(const CertificateSpec& spec, const SigningKey& key) {
  return Make(spec, key.public_key(), nullptr, key);
}

base::Result<Certificate> MakeSigned(const CertificateSpec& spec, const PublicKey& subject_key,
                                     const Certificate& issuer, const SigningKey& issuer_key) {
  return Make(spec, subject_key, OpenSslHandle::Of(issuer), issuer_key);
}

base::Result<Crl> MakeCrl(const CrlSpec& spec, const Certificate& issuer, const SigningKey& issuer_key) {
  const CrlPtr crl(X509_CRL_new());
  BLINDAI_CHECK(crl != nullptr);
  X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(OpenSslHandle::Of(issuer)));
  const Asn1TimePtr this_update = ToAsn1Time(spec.this_update);
  X509_CRL_set1_lastUpdate(crl.get(), this_update.get());
  X509_CRL_set1_nextUpdate(crl.get(), ToAsn1Time(spec.next_update).get());
  for (const base::Bytes& serial : spec.revoked_serials) {
    X509_REVOKED* entry = X509_REVOKED_new();
    BLINDAI_CHECK(entry != nullptr);
    X509_REVOKED_set_serialNumber(entry, ToAsn1Integer(serial).get());
    X509_REVOKED_set_revocationDate(entry, this_update.get());
    BLINDAI_CHECK(X509_CRL_add0_revoked(crl.get(), entry) == 1);
  }
  const auto sign = [&crl](EVP_MD_CTX* context) { return X509_CRL_sign_ctx(crl.get(), context); };
  if (!SignWithKey(issuer_key, spec.signature, sign)) return CannotMake("CRL: signing failed");
  return Crl::FromDer(EncodeDer([&crl](unsigned char** out) { return i2d_X509_CRL(crl.get(), out); }));
}

}  // namespace blindai::crypto
