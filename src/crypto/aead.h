// AES-256-GCM (NIST SP 800-38D): encryption that notices every change. A nonce must never be used twice with
// one key; callers count or derive it, and say in their own header how.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace blindai::crypto {

inline constexpr std::size_t kAeadKeyBytes = 32;
inline constexpr std::size_t kAeadTagBytes = 16;
struct AeadNonceTag {};
using AeadNonce = base::FixedBytes<12, AeadNonceTag>;

// Ciphertext with the tag behind it. The key has kAeadKeyBytes (CHECK).
base::Bytes AeadSeal(const base::SecretBytes& key, const AeadNonce& nonce, base::ByteView plaintext,
                     base::ByteView associated_data);

// Error "decryption-failed" for any change of ciphertext, associated data, nonce or key; nothing of the
// plaintext is given out before the tag was checked.
base::Result<base::SecretBytes> AeadOpen(const base::SecretBytes& key, const AeadNonce& nonce,
                                         base::ByteView ciphertext, base::ByteView associated_data);

}  // namespace blindai::crypto
