// A TPM in miniature: an attestation key of the test's own, a CA that certifies it, PCRs, and quotes that it
// signs. Real TPMs are simulated by swtpm (attester tests); this one can also be made to lie.
#pragma once

#include <string>
#include <vector>

#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/tpm_quote.h"
#include "attestation/verifier/trust_anchors.h"
#include "support/test_pki.h"

namespace blindai::tests {

// What a quote says; the defaults are a good one.
struct TpmQuoteSpec {
  base::Bytes nonce = base::Bytes(32, 0x5A);
  std::vector<evidence::TpmPcrSelection> selections = {
      {evidence::TpmAlgorithm::kSha256, 0b10010001}};  // 0, 4, 7
  std::vector<evidence::TpmPcrValue> pcrs;             // PCR 0 to 23 of SHA-256: the index in every byte
  evidence::TpmAlgorithm scheme = evidence::TpmAlgorithm::kRsaSsa;
  evidence::TpmAlgorithm hash = evidence::TpmAlgorithm::kSha256;

  TpmQuoteSpec();
  evidence::TpmPcrValue& Pcr(std::uint8_t index) { return pcrs.at(index); }
};

class FakeTpm {
 public:
  explicit FakeTpm(crypto::SigningKey ak = crypto::SigningKey::GenerateRsa(2048));

  // blindai's container, and its parts.
  base::Bytes Quote(const TpmQuoteSpec& spec = {}) const;
  base::Bytes Attest(const TpmQuoteSpec& spec) const;
  base::Bytes Signature(const TpmQuoteSpec& spec, base::ByteView attest) const;

  // TPMT_PUBLIC of the key; restricted signing by default.
  base::Bytes PublicArea(std::uint32_t attributes = 0x00050072) const;
  crypto::Certificate Certificate() const;
  endorsements::Endorsements Endorsements() const;  // ak and ak-chain
  verifier::TrustAnchors Anchors() const;

  const crypto::PublicKey& ak() const { return ak_.public_key(); }
  const Authority& ca() const { return ca_; }

 private:
  crypto::SigningKey ak_;
  Authority ca_;
};

}  // namespace blindai::tests
