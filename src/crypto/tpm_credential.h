// The verifier's side of credential activation (TPM 2.0 Library, part 1, "Credential Protection"): a secret
// that only the TPM recovers which holds both the endorsement key and the attestation key of that name. A
// CA that has seen the secret come back may certify the attestation key as that TPM's.
//
// RSA endorsement keys with SHA-256 and AES-128-CFB, as the TCG's template L-1 makes them. All lengths are
// fixed but the secret's, which is at most 32 bytes.
#pragma once

#include "base/bytes.h"
#include "crypto/digest.h"
#include "crypto/signing_key.h"

namespace blindai::crypto {

struct TpmCredential {
  base::Bytes id_object;         // the content of TPM2B_ID_OBJECT
  base::Bytes encrypted_secret;  // the content of TPM2B_ENCRYPTED_SECRET
};

// CHECKs that the key is RSA and that the secret has 1 to 32 bytes. `ak_name` is the name of the attestation key:
// nameAlg || H(TPMT_PUBLIC).
TpmCredential MakeTpmCredential(const PublicKey& endorsement_key, base::ByteView ak_name,
                                base::ByteView secret);

}  // namespace blindai::crypto
