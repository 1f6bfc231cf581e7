// COSE_Sign1 (RFC 9052 section 4.2) with ES384, the envelope of AWS Nitro's documents. The signature covers
// the protected header and the payload; the unprotected header is outside of it and nothing in it is used.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/signing_key.h"

namespace blindai::crypto {

// RFC 9053 section 2.1.
enum class CoseAlgorithm { kEs256 = -7, kEs384 = -35 };

struct CoseSign1 {
  base::Bytes protected_header;  // as sent: a serialised map
  base::Bytes payload;
  base::Bytes signature;  // r || s
  CoseAlgorithm algorithm = CoseAlgorithm::kEs384;
};

// With or without tag 18. Errors: "bad-cose" and CBOR's. The algorithm must stand in the protected header,
// and a protected header with anything critical ("crit") is refused.
base::Result<CoseSign1> ParseCoseSign1(base::ByteView bytes);

// Verifies over Sig_structure = ["Signature1", protected header, external data (empty), payload].
[[nodiscard]] bool VerifyCoseSign1(const CoseSign1& message, const PublicKey& key);

// For tests and our own documents: signs with ES384 (P-384 key) or ES256 (P-256 key).
base::Bytes MakeCoseSign1(base::ByteView payload, const SigningKey& key);

}  // namespace blindai::crypto
