// Hashes by their TPM numbers.
#pragma once

#include <optional>

#include "attestation/evidence/tpm_quote.h"
#include "base/bytes.h"
#include "crypto/digest.h"

namespace blindai::verifier {

// The hashes that may carry trust. SHA-1 and SM3 do not.
inline std::optional<crypto::HashAlgorithm> StrongHash(evidence::TpmAlgorithm hash) {
  switch (hash) {
    case evidence::TpmAlgorithm::kSha256:
      return crypto::HashAlgorithm::kSha256;
    case evidence::TpmAlgorithm::kSha384:
      return crypto::HashAlgorithm::kSha384;
    case evidence::TpmAlgorithm::kSha512:
      return crypto::HashAlgorithm::kSha512;
    default:
      return std::nullopt;
  }
}

}  // namespace blindai::verifier
