// What a test of a verdict table needs: all codes of a verdict as text, and a sampled walk over bits.
#pragma once

#include <cstdlib>
#include <string>

#include "attestation/verifier/verdict.h"
#include "support/vectors.h"

namespace blindai::tests {

// For failure messages: every finding that did not pass.
inline std::string Explain(const verifier::Verdict& verdict) {
  std::string text(verifier::OutcomeName(verdict.outcome));
  for (const auto& finding : verdict.findings) {
    if (finding.status == verifier::CheckStatus::kPassed || finding.code == "not-asked") continue;
    text += "\n  " + finding.code + " [" + finding.check + "]: " + finding.seen +
            " (wanted: " + finding.wanted + ")";
  }
  return text;
}

// Every bit when BLINDAI_ALL_BITS is set, else one in `step`: the steps are odd, so every byte and every bit
// position of the input comes up.
inline std::size_t BitStep(std::size_t step) { return std::getenv("BLINDAI_ALL_BITS") != nullptr ? 1 : step; }

// The same for the signed bits of one good vector of each kind, which a release build flips one and all.
inline std::size_t SignedBitStep([[maybe_unused]] std::size_t step) {
#ifdef NDEBUG
  return 1;
#else
  return BitStep(step);
#endif
}

inline base::Bytes WithBitFlipped(base::ByteView bytes, std::size_t bit) {
  base::Bytes flipped = base::CopyBytes(bytes);
  flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1u << (bit % 8)));
  return flipped;
}

}  // namespace blindai::tests
