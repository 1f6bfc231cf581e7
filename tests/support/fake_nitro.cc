#include "support/fake_nitro.h"

#include "crypto/cose_sign1.h"

namespace blindai::tests {
namespace {

using crypto::SigningKey;

// As the real one: from a moment before the document to three hours later.
crypto::CertificateSpec EnclaveSpec() {
  crypto::CertificateSpec spec = PkiSpec("i-0123456789abcdef0-enc0123456789abcdef");
  spec.not_before = kPkiNow - std::chrono::seconds(3);
  spec.not_after = kPkiNow + std::chrono::hours(3);
  return spec;
}

}  // namespace

FakeAws::FakeAws()
    : root_(MakeRoot(PkiCaSpec("test.nitro-enclaves"), SigningKey::GenerateP384())),
      zone_(MakeAuthority(PkiCaSpec("zone.test.nitro-enclaves"), SigningKey::GenerateP384(), root_)),
      enclave_key_(SigningKey::GenerateP384()),
      enclave_(Issue(EnclaveSpec(), enclave_key_.public_key(), zone_)) {}

NitroPayload FakeAws::Payload() const {
  NitroPayload payload;
  payload.timestamp_ms = static_cast<std::uint64_t>(kPkiNow.time_since_epoch().count()) * 1000;
  payload.certificate = enclave_.der();
  payload.cabundle = {root_.certificate.der(), zone_.certificate.der()};
  return payload;
}

base::Bytes FakeAws::Sign(const NitroPayload& payload) const {
  return crypto::MakeCoseSign1(payload.Build(), enclave_key_);
}

verifier::TrustAnchors FakeAws::Anchors() const {
  verifier::TrustAnchors anchors = verifier::TrustAnchors::Production();
  anchors.AddExtra("test Nitro root", root_.certificate.public_key().SpkiSha256(), root_.certificate.der());
  return anchors;
}

}  // namespace blindai::tests
