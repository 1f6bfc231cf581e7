#include "crypto/openssl_util.h"

#include <ctime>

namespace blindai::crypto {
namespace {

const EVP_MD* Fetch(const char* name) {
  const EVP_MD* digest = EVP_MD_fetch(nullptr, name, nullptr);
  BLINDAI_CHECK(digest != nullptr);
  return digest;
}

}  // namespace

const EVP_MD* DigestOf(HashAlgorithm algorithm) {
  static const EVP_MD* const sha256 = Fetch("SHA2-256");
  static const EVP_MD* const sha384 = Fetch("SHA2-384");
  static const EVP_MD* const sha512 = Fetch("SHA2-512");
  switch (algorithm) {
    case HashAlgorithm::kSha256:
      return sha256;
    case HashAlgorithm::kSha384:
      return sha384;
    case HashAlgorithm::kSha512:
      return sha512;
  }
  BLINDAI_CHECK(false);
}

base::Result<base::Time> ToTime(const ASN1_TIME* time, std::string_view field) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) {
    return OpenSslError("malformed", "not a valid time").Within(field);
  }
  return base::Time(std::chrono::seconds(timegm(&parts)));
}

std::string NameText(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  BLINDAI_CHECK(bio != nullptr);
  // RFC 2253 order and escapes, so that a hostile name cannot draw lines of its own into a finding.
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

bool UsesStrongHash(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  int parameter_type = 0;
  const void* parameter = nullptr;
  X509_ALGOR_get0(&object, &parameter_type, &parameter, algorithm);
  const int signature_nid = OBJ_obj2nid(object);
  if (signature_nid == NID_ED25519) return true;
  int hash_nid = NID_undef;
  if (signature_nid == NID_rsassaPss) {
    if (parameter_type != V_ASN1_SEQUENCE) return false;
    const auto* encoded = static_cast<const ASN1_STRING*>(parameter);
    const unsigned char* position = ASN1_STRING_get0_data(encoded);
    const OpenSslPtr<RSA_PSS_PARAMS, &RSA_PSS_PARAMS_free> pss(
        d2i_RSA_PSS_PARAMS(nullptr, &position, ASN1_STRING_length(encoded)));
    if (pss == nullptr || pss->hashAlgorithm == nullptr) return false;  // the default is SHA-1
    X509_ALGOR_get0(&object, nullptr, nullptr, pss->hashAlgorithm);
    hash_nid = OBJ_obj2nid(object);
  } else if (OBJ_find_sigid_algs(signature_nid, &hash_nid, nullptr) != 1) {
    return false;
  }
  return hash_nid == NID_sha256 || hash_nid == NID_sha384 || hash_nid == NID_sha512;
}

base::Bytes SerialBytes(const ASN1_INTEGER* serial) {
  const unsigned char* data = ASN1_STRING_get0_data(serial);
  base::Bytes bytes(data, data + ASN1_STRING_length(serial));
  if (bytes.empty()) bytes.push_back(0);
  return bytes;
}

}  // namespace blindai::crypto
