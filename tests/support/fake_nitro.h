// AWS in miniature: a root, an intermediate and an enclave's certificate of the test's own, and documents
// that it signs.
#pragma once

#include "attestation/verifier/trust_anchors.h"
#include "support/nitro_builder.h"
#include "support/test_pki.h"

namespace blindai::tests {

class FakeAws {
 public:
  FakeAws();

  // Puts certificate and bundle into the payload, and the time kPkiNow.
  NitroPayload Payload() const;
  base::Bytes Sign(const NitroPayload& payload) const;
  verifier::TrustAnchors Anchors() const;

  const Authority& root() const { return root_; }
  const Authority& zone() const { return zone_; }
  const crypto::SigningKey& enclave_key() const { return enclave_key_; }

 private:
  Authority root_;
  Authority zone_;
  crypto::SigningKey enclave_key_;
  crypto::Certificate enclave_;
};

}  // namespace blindai::tests
