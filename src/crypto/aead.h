// AES-256-GCM (NIST SP 800-38D): encryption that notices every change. A nonce must never be used twice with
// one key; callers count or derive it, and say in their own header how.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

struct evp_cipher_ctx_st;  // OpenSSL's EVP_CIPHER_CTX

namespace blindai::crypto {

inline constexpr std::size_t kAeadKeyBytes = 32;
inline constexpr std::size_t kAeadTagBytes = 16;
struct AeadNonceTag {};
using AeadNonce = base::FixedBytes<12, AeadNonceTag>;
struct GmacTagTag {};
using GmacTag = base::FixedBytes<kAeadTagBytes, GmacTagTag>;

// Ciphertext with the tag behind it. The key has kAeadKeyBytes (CHECK).
base::Bytes AeadSeal(const base::SecretBytes& key, const AeadNonce& nonce, base::ByteView plaintext,
                     base::ByteView associated_data);

// Error "decryption-failed" for any change of ciphertext, associated data, nonce or key; nothing of the
// plaintext is given out before the tag was checked.
base::Result<base::SecretBytes> AeadOpen(const base::SecretBytes& key, const AeadNonce& nonce,
                                         base::ByteView ciphertext, base::ByteView associated_data);

// GMAC (SP 800-38D, clause 3): a tag over bytes piece by piece, several times as fast as SHA-256. For
// whoever does not know the key, two inputs have the same tag by chance only. The nonce here is constant,
// so tags that leave this process give the key away: one may only be compared or put into a key derivation.
class Gmac {
 public:
  // The key has kAeadKeyBytes (CHECK).
  explicit Gmac(const base::SecretBytes& key);
  ~Gmac();
  Gmac(Gmac&&) noexcept;
  Gmac& operator=(Gmac&&) noexcept;

  Gmac& Update(base::ByteView bytes);
  // Once.
  GmacTag Finish();

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
};

}  // namespace blindai::crypto
