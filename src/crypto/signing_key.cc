#include "crypto/signing_key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <optional>

#include "crypto/openssl_handle.h"
#include "crypto/openssl_util.h"
#include "encoding/der.h"

namespace blindai::crypto {
namespace {

using BignumPtr = OpenSslPtr<BIGNUM, &BN_clear_free>;
using EcdsaSignaturePtr = OpenSslPtr<ECDSA_SIG, &ECDSA_SIG_free>;

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;
constexpr std::size_t kMaxKeyDerBytes = 4096;

// SubjectPublicKeyInfo up to and with the 04 of an uncompressed point (RFC 5480 section 2).
constexpr std::uint8_t kP256Prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                        0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
constexpr std::uint8_t kP384Prefix[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                        0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                                        0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};

// Bytes of one coordinate; 0 for keys that have none.
std::size_t FieldBytes(KeyKind kind) {
  if (kind == KeyKind::kP256) return 32;
  if (kind == KeyKind::kP384) return 48;
  return 0;
}

std::optional<KeyKind> EcKind(const EVP_PKEY* key) {
  int explicit_parameters = 0;
  EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_parameters);
  // A curve spelled out may look like a known one and have another generator (CVE-2020-0601).
  if (explicit_parameters != 0) return std::nullopt;
  char name[64] = {};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &size) != 1) return std::nullopt;
  const std::string_view curve(name, size);
  if (curve == "prime256v1") return KeyKind::kP256;
  if (curve == "secp384r1") return KeyKind::kP384;
  return std::nullopt;
}

std::optional<KeyKind> KindOf(const EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
      return EcKind(key);
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return KeyKind::kRsa;
    case EVP_PKEY_ED25519:
      return KeyKind::kEd25519;
    default:
      return std::nullopt;
  }
}

base::Bytes BignumParam(const EVP_PKEY* key, const char* name, std::size_t size) {
  BIGNUM* raw = nullptr;
  BLINDAI_CHECK(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
  const BignumPtr number(raw);
  base::Bytes bytes(size != 0 ? size : static_cast<std::size_t>(BN_num_bytes(number.get())));
  BLINDAI_CHECK(BN_bn2binpad(number.get(), bytes.data(), static_cast<int>(bytes.size())) >= 0);
  return bytes;
}

void UsePssPadding(EVP_PKEY_CTX* context) {
  BLINDAI_CHECK(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

enum class Padding { kNone, kPss };

bool Verify(EVP_PKEY* key, const EVP_MD* digest, Padding padding, base::ByteView message,
            base::ByteView signature) {
  const EvpDigestContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  BLINDAI_CHECK(context != nullptr);
  if (EVP_DigestVerifyInit(context.get(), &key_context, digest, nullptr, key) != 1) {
    ERR_clear_error();
    return false;
  }
  if (padding == Padding::kPss) UsePssPadding(key_context);
  const bool good = EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                                     message.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

base::Bytes Sign(EVP_PKEY* key, const EVP_MD* digest, Padding padding, base::ByteView message) {
  const EvpDigestContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* key_context = nullptr;
  BLINDAI_CHECK(context != nullptr &&
                EVP_DigestSignInit(context.get(), &key_context, digest, nullptr, key) == 1);
  if (padding == Padding::kPss) UsePssPadding(key_context);
  base::Bytes signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::size_t size = signature.size();
  BLINDAI_CHECK(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
  signature.resize(size);
  return signature;
}

// An unsigned big-endian number as the content of a DER INTEGER.
base::Bytes DerIntegerOf(base::ByteView number) {
  while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
  base::Bytes content = base::CopyBytes(number);
  if (content.empty() || (content[0] & 0x80) != 0) content.insert(content.begin(), 0);
  return encoding::DerEncode(encoding::kDerInteger, content);
}

base::Bytes Joined(const base::Bytes& left, const base::Bytes& right) {
  base::Bytes both = left;
  both.insert(both.end(), right.begin(), right.end());
  return both;
}

// A key file with a password is refused instead of asking for it on somebody's terminal.
int NoPassword(char*, int, int, void*) { return 0; }

}  // namespace

base::Result<PublicKey> OpenSslHandle::ToPublicKey(EVP_PKEY* key) {
  if (key == nullptr) return OpenSslError("bad-key", "the public key cannot be read");
  const std::optional<KeyKind> kind = KindOf(key);
  if (!kind) {
    return base::MakeError(base::ErrorKind::kUnsupported, "unsupported-key",
                           "the key is of another kind than P-256, P-384, RSA and Ed25519");
  }
  const int bits = EVP_PKEY_get_bits(key);
  if (*kind == KeyKind::kRsa && (bits < kMinRsaBits || bits > kMaxRsaBits)) {
    return base::Malformed("the RSA key has " + std::to_string(bits) + " bits, wanted 2048 to 8192",
                           "bad-key");
  }
  EVP_PKEY_up_ref(key);
  return PublicKey(std::shared_ptr<EVP_PKEY>(key, &EVP_PKEY_free), *kind);
}

base::Result<PublicKey> OpenSslHandle::ToPublicKey(X509_PUBKEY* spki) {
  BLINDAI_TRY(PublicKey key, ToPublicKey(X509_PUBKEY_get0(spki)));
  key.spki_der_ = std::make_shared<const base::Bytes>(
      EncodeDer([spki](unsigned char** out) { return i2d_X509_PUBKEY(spki, out); }));
  return key;
}

base::Result<PublicKey> PublicKey::FromSpkiDer(base::ByteView der) {
  if (der.size() > kMaxKeyDerBytes) return base::Malformed("the public key is too long", "bad-key");
  const unsigned char* position = der.data();
  const EvpKeyPtr key(d2i_PUBKEY(nullptr, &position, static_cast<long>(der.size())));
  if (key == nullptr) return OpenSslError("bad-key", "the bytes are not a public key (SubjectPublicKeyInfo)");
  if (position != der.data() + der.size()) return base::Malformed("bytes follow the public key", "bad-key");
  return OpenSslHandle::ToPublicKey(key.get());
}

base::Result<PublicKey> PublicKey::FromPem(std::string_view pem) {
  if (pem.size() > 2 * kMaxKeyDerBytes) return base::Malformed("the public key is too long", "bad-key");
  const BioPtr bio = ReadOnlyBio(base::AsBytes(pem));
  const EvpKeyPtr key(PEM_read_bio_PUBKEY(bio.get(), nullptr, &NoPassword, nullptr));
  if (key == nullptr) return OpenSslError("bad-key", "the text is not a PEM public key");
  return OpenSslHandle::ToPublicKey(key.get());
}

base::Result<PublicKey> PublicKey::FromEcPoint(KeyKind curve, base::ByteView x_y) {
  const std::size_t wanted = 2 * FieldBytes(curve);
  BLINDAI_CHECK(wanted != 0);
  if (x_y.size() != wanted) {
    return base::Malformed(
        "the point has " + std::to_string(x_y.size()) + " bytes, wanted " + std::to_string(wanted),
        "bad-key");
  }
  const base::ByteView prefix =
      curve == KeyKind::kP256 ? base::ByteView(kP256Prefix) : base::ByteView(kP384Prefix);
  base::Bytes der = base::CopyBytes(prefix);
  der.insert(der.end(), x_y.begin(), x_y.end());
  return FromSpkiDer(der);
}

base::Result<PublicKey> PublicKey::FromRsa(base::ByteView modulus, base::ByteView exponent) {
  using encoding::DerEncode;
  if (modulus.size() > kMaxRsaBits / 8 || exponent.size() > 8) {
    return base::Malformed("the RSA modulus or exponent is too long", "bad-key");
  }
  const base::Bytes numbers =
      DerEncode(encoding::kDerSequence, Joined(DerIntegerOf(modulus), DerIntegerOf(exponent)));
  base::Bytes bit_string = {0};  // no unused bits
  bit_string.insert(bit_string.end(), numbers.begin(), numbers.end());
  const base::Bytes algorithm =
      DerEncode(encoding::kDerSequence,
                Joined(encoding::DerEncodeOid("1.2.840.113549.1.1.1"), DerEncode(encoding::kDerNull, {})));
  return FromSpkiDer(
      DerEncode(encoding::kDerSequence, Joined(algorithm, DerEncode(encoding::kDerBitString, bit_string))));
}

int PublicKey::bits() const { return EVP_PKEY_get_bits(key_.get()); }

base::Bytes PublicKey::spki_der() const {
  if (spki_der_) return *spki_der_;
  return EncodeDer([this](unsigned char** out) { return i2d_PUBKEY(key_.get(), out); });
}

Sha256Digest PublicKey::SpkiSha256() const { return Sha256(spki_der_ ? *spki_der_ : spki_der()); }

base::Bytes PublicKey::EcPoint() const {
  const std::size_t field = FieldBytes(kind_);
  if (field == 0) return {};
  return Joined(BignumParam(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, field),
                BignumParam(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, field));
}

base::Bytes PublicKey::RsaModulus() const {
  return kind_ == KeyKind::kRsa ? BignumParam(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0) : base::Bytes();
}

base::Bytes PublicKey::RsaExponent() const {
  return kind_ == KeyKind::kRsa ? BignumParam(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0) : base::Bytes();
}

bool PublicKey::VerifyEcdsaRaw(HashAlgorithm hash, base::ByteView message, base::ByteView r_s) const {
  const std::size_t field = FieldBytes(kind_);
  if (field == 0 || r_s.size() != 2 * field) return false;
  const EcdsaSignaturePtr signature(ECDSA_SIG_new());
  BLINDAI_CHECK(signature != nullptr);
  const int size = static_cast<int>(field);
  BLINDAI_CHECK(ECDSA_SIG_set0(signature.get(), BN_bin2bn(r_s.data(), size, nullptr),
                               BN_bin2bn(r_s.data() + field, size, nullptr)) == 1);
  const base::Bytes der =
      EncodeDer([&signature](unsigned char** out) { return i2d_ECDSA_SIG(signature.get(), out); });
  return VerifyEcdsaDer(hash, message, der);
}

bool PublicKey::VerifyEcdsaDer(HashAlgorithm hash, base::ByteView message, base::ByteView signature) const {
  return FieldBytes(kind_) != 0 && Verify(key_.get(), DigestOf(hash), Padding::kNone, message, signature);
}

bool PublicKey::VerifyRsaPss(HashAlgorithm hash, base::ByteView message, base::ByteView signature) const {
  return kind_ == KeyKind::kRsa && Verify(key_.get(), DigestOf(hash), Padding::kPss, message, signature);
}

bool PublicKey::VerifyRsaPkcs1(HashAlgorithm hash, base::ByteView message, base::ByteView signature) const {
  return kind_ == KeyKind::kRsa && EVP_PKEY_get_base_id(key_.get()) == EVP_PKEY_RSA &&
         Verify(key_.get(), DigestOf(hash), Padding::kNone, message, signature);
}

bool PublicKey::VerifyEd25519(base::ByteView message, base::ByteView signature) const {
  return kind_ == KeyKind::kEd25519 && Verify(key_.get(), nullptr, Padding::kNone, message, signature);
}

bool operator==(const PublicKey& left, const PublicKey& right) {
  return EVP_PKEY_eq(left.key_.get(), right.key_.get()) == 1;
}

void SigningKey::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

base::Result<SigningKey> SigningKey::FromOwner(Owner key) {
  // The public half is an object of its own, so that what only verifies never holds the private half.
  const base::Bytes spki = EncodeDer([&key](unsigned char** out) { return i2d_PUBKEY(key.get(), out); });
  BLINDAI_TRY(PublicKey public_key, PublicKey::FromSpkiDer(spki));
  return SigningKey(std::move(key), std::move(public_key));
}

SigningKey SigningKey::GenerateP256() { return FromOwner(Owner(EVP_EC_gen("P-256"))).value(); }
SigningKey SigningKey::GenerateP384() { return FromOwner(Owner(EVP_EC_gen("P-384"))).value(); }
SigningKey SigningKey::GenerateEd25519() {
  return FromOwner(Owner(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"))).value();
}
SigningKey SigningKey::GenerateRsa(int bits) {
  BLINDAI_CHECK(bits >= kMinRsaBits && bits <= kMaxRsaBits);
  return FromOwner(Owner(EVP_RSA_gen(static_cast<unsigned>(bits)))).value();
}

base::Result<SigningKey> SigningKey::FromPem(const base::SecretBytes& pem) {
  if (pem.size() > 4 * kMaxKeyDerBytes) return base::Malformed("the private key is too long", "bad-key");
  const BioPtr bio = ReadOnlyBio(pem.ExposeSecret());
  Owner key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr));
  if (key == nullptr) return OpenSslError("bad-key", "the text is not a PEM private key without a password");
  return FromOwner(std::move(key));
}

base::SecretBytes SigningKey::ToPem() const {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  BLINDAI_CHECK(bio != nullptr && PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0,
                                                                nullptr, nullptr) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return base::SecretBytes::CopyOf(base::AsBytes({text, static_cast<std::size_t>(size)}));
}

base::Bytes SigningKey::SignEcdsaRaw(HashAlgorithm hash, base::ByteView message) const {
  const base::Bytes der = SignEcdsaDer(hash, message);
  const unsigned char* position = der.data();
  const EcdsaSignaturePtr signature(d2i_ECDSA_SIG(nullptr, &position, static_cast<long>(der.size())));
  BLINDAI_CHECK(signature != nullptr);
  const int field = static_cast<int>(FieldBytes(kind()));
  base::Bytes raw(2 * static_cast<std::size_t>(field));
  BLINDAI_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), field) == field &&
                BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + field, field) == field);
  return raw;
}

base::Bytes SigningKey::SignEcdsaDer(HashAlgorithm hash, base::ByteView message) const {
  BLINDAI_CHECK(FieldBytes(kind()) != 0);
  return Sign(key_.get(), DigestOf(hash), Padding::kNone, message);
}

base::Bytes SigningKey::SignRsaPss(HashAlgorithm hash, base::ByteView message) const {
  BLINDAI_CHECK(kind() == KeyKind::kRsa);
  return Sign(key_.get(), DigestOf(hash), Padding::kPss, message);
}

base::Bytes SigningKey::SignRsaPkcs1(HashAlgorithm hash, base::ByteView message) const {
  BLINDAI_CHECK(kind() == KeyKind::kRsa);
  return Sign(key_.get(), DigestOf(hash), Padding::kNone, message);
}

base::Bytes SigningKey::SignEd25519(base::ByteView message) const {
  BLINDAI_CHECK(kind() == KeyKind::kEd25519);
  return Sign(key_.get(), nullptr, Padding::kNone, message);
}

EVP_PKEY* OpenSslHandle::Of(const SigningKey& key) { return key.key_.get(); }
EVP_PKEY* OpenSslHandle::Of(const PublicKey& key) { return key.key_.get(); }

}  // namespace blindai::crypto
