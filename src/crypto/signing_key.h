// Public keys that verify and private keys that sign. A PublicKey can only hold a valid key of a kind we
// know; a SigningKey moves, is never copied, and leaves this room only as PEM in secret text.
//
// Every Verify… answers false for a key of the wrong kind, a signature of the wrong length, or a wrong
// signature: there is nothing else to say about a signature. ECDSA "raw" is r || s, big-endian, each as long
// as the curve's field (64 bytes for P-256, 96 for P-384); "DER" is Ecdsa-Sig-Value (RFC 3279 section 2.2.3).
#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/digest.h"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace blindai::crypto {

enum class KeyKind { kP256, kP384, kRsa, kEd25519 };

class PublicKey {
 public:
  // SubjectPublicKeyInfo, DER (RFC 5280 section 4.1.2.7) or "PUBLIC KEY" PEM. Errors: "bad-key" for what is
  // malformed, not on its curve, or RSA below 2048 bits; "unsupported-key" for other kinds.
  static base::Result<PublicKey> FromSpkiDer(base::ByteView der);
  static base::Result<PublicKey> FromPem(std::string_view pem);
  // x || y, big-endian, without a leading 04: 64 bytes for P-256, 96 for P-384.
  static base::Result<PublicKey> FromEcPoint(KeyKind curve, base::ByteView x_y);
  // Big-endian numbers.
  static base::Result<PublicKey> FromRsa(base::ByteView modulus, base::ByteView exponent);

  KeyKind kind() const { return kind_; }
  int bits() const;
  base::Bytes spki_der() const;
  Sha256Digest SpkiSha256() const;
  // x || y of a P-256 or P-384 key; empty for others.
  base::Bytes EcPoint() const;
  // Modulus and exponent of an RSA key, big-endian; empty for others.
  base::Bytes RsaModulus() const;
  base::Bytes RsaExponent() const;

  [[nodiscard]] bool VerifyEcdsaRaw(HashAlgorithm hash, base::ByteView message, base::ByteView r_s) const;
  [[nodiscard]] bool VerifyEcdsaDer(HashAlgorithm hash, base::ByteView message,
                                    base::ByteView signature) const;
  // The salt is as long as the hash, MGF1 uses the same hash.
  [[nodiscard]] bool VerifyRsaPss(HashAlgorithm hash, base::ByteView message, base::ByteView signature) const;
  [[nodiscard]] bool VerifyRsaPkcs1(HashAlgorithm hash, base::ByteView message,
                                    base::ByteView signature) const;
  [[nodiscard]] bool VerifyEd25519(base::ByteView message, base::ByteView signature) const;

  friend bool operator==(const PublicKey& left, const PublicKey& right);

 private:
  friend struct OpenSslHandle;
  PublicKey(std::shared_ptr<evp_pkey_st> key, KeyKind kind) : key_(std::move(key)), kind_(kind) {}

  std::shared_ptr<evp_pkey_st> key_;
  KeyKind kind_;
  // As it stands in the certificate that it came from: OpenSSL takes as long to encode a key as to verify a signature.
  std::shared_ptr<const base::Bytes> spki_der_;
};

class SigningKey {
 public:
  static SigningKey GenerateP256();
  static SigningKey GenerateP384();
  static SigningKey GenerateEd25519();
  static SigningKey GenerateRsa(int bits);  // 2048 to 8192
  // PKCS #8 or the older forms, without a password. Errors as PublicKey's.
  static base::Result<SigningKey> FromPem(const base::SecretBytes& pem);
  // PKCS #8 PEM.
  base::SecretBytes ToPem() const;

  SigningKey(SigningKey&&) noexcept = default;
  SigningKey& operator=(SigningKey&&) noexcept = default;

  KeyKind kind() const { return public_key_.kind(); }
  const PublicKey& public_key() const { return public_key_; }

  // CHECK that the kind of the key fits.
  base::Bytes SignEcdsaRaw(HashAlgorithm hash, base::ByteView message) const;
  base::Bytes SignEcdsaDer(HashAlgorithm hash, base::ByteView message) const;
  base::Bytes SignRsaPss(HashAlgorithm hash, base::ByteView message) const;
  base::Bytes SignRsaPkcs1(HashAlgorithm hash, base::ByteView message) const;
  base::Bytes SignEd25519(base::ByteView message) const;

 private:
  friend struct OpenSslHandle;
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  using Owner = std::unique_ptr<evp_pkey_st, Free>;
  SigningKey(Owner key, PublicKey public_key) : key_(std::move(key)), public_key_(std::move(public_key)) {}
  static base::Result<SigningKey> FromOwner(Owner key);

  Owner key_;
  PublicKey public_key_;
};

}  // namespace blindai::crypto
