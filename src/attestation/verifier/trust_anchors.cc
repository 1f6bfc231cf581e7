#include "attestation/verifier/trust_anchors.h"

#include "base/check.h"
#include "crypto/certificate.h"
#include "encoding/hex.h"
#include "encoding/pem.h"

namespace blindai::verifier {
namespace {

struct Pin {
  std::string_view name;
  AnchorRole role;
  std::string_view spki_sha256;
};

// attestation reference, section 1; computed from the makers' certificates.
constexpr Pin kPins[] = {
    {"Intel SGX Root CA", AnchorRole::kIntelSgx,
     "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e"},
    {"AMD ARK-Milan", AnchorRole::kAmdMilan,
     "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9"},
    {"AMD ARK-Genoa", AnchorRole::kAmdGenoa,
     "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831"},
    {"AMD ARK-Turin", AnchorRole::kAmdTurin,
     "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08"},
    {"AWS Nitro Enclaves root G1", AnchorRole::kAwsNitro,
     "f2caf5ecc6190b4a8399b78bc58a2bbcd0382375db8a1bfd78a82743874fd225"},
    {"Google EK/AK CA Root", AnchorRole::kGoogleTpm,
     "56a613f57126a385dd6949294e93b0b566f96ab0573be0c2368e6f5ca779831f"},
    {"Azure Virtual TPM Root Certificate Authority 2023", AnchorRole::kMicrosoftTpm,
     "5cbc52672ae101263c2976736044a964c1182ce9412c39937183baddcccb8cdf"},
};

std::string_view RoleText(AnchorRole role) {
  for (const Pin& pin : kPins) {
    if (pin.role == role) return pin.name;
  }
  return "a root that the caller added";
}

}  // namespace

TrustAnchors TrustAnchors::Production() {
  TrustAnchors anchors;
  for (const Pin& pin : kPins) {
    auto digest = encoding::HexDecodeFixed<crypto::Sha256Digest>(pin.spki_sha256);
    BLINDAI_CHECK(digest.ok());
    anchors.anchors_.push_back({std::string(pin.name), pin.role, *digest, false, {}});
  }
  return anchors;
}

base::Result<TrustAnchors> TrustAnchors::ProductionAnd(const std::vector<base::Bytes>& roots) {
  TrustAnchors anchors = Production();
  for (const base::Bytes& root : roots) {
    const auto certificate = encoding::LooksLikePem(root) ? crypto::Certificate::FromPem(base::AsText(root))
                                                          : crypto::Certificate::FromDer(root);
    if (!certificate.ok()) return base::Error(certificate.error()).Within("root");
    anchors.AddExtra(certificate->subject(), certificate->public_key().SpkiSha256(), certificate->der());
  }
  return anchors;
}

void TrustAnchors::AddExtra(std::string name, const crypto::Sha256Digest& spki_sha256,
                            base::Bytes certificate_der) {
  anchors_.push_back({std::move(name), AnchorRole::kAny, spki_sha256, true, std::move(certificate_der)});
}

const TrustAnchor* TrustAnchors::Find(AnchorRole role, const crypto::Sha256Digest& spki_sha256) const {
  for (const TrustAnchor& anchor : anchors_) {
    const bool may_vouch = anchor.extra || anchor.role == role;
    if (may_vouch && anchor.spki_sha256 == spki_sha256) return &anchor;
  }
  return nullptr;
}

bool CheckTrustAnchor(FindingList& findings, const TrustAnchors& anchors, AnchorRole role,
                      const crypto::Sha256Digest& root_spki_sha256) {
  const TrustAnchor* anchor = anchors.Find(role, root_spki_sha256);
  if (anchor == nullptr) {
    findings.Fail("wrong-root", "trust anchor",
                  "a chain that ends at key " + encoding::HexEncode(root_spki_sha256.view()), RoleText(role),
                  "the chain is not the maker's; name your own root explicitly if you trust it");
    return false;
  }
  findings.Pass("trust anchor", anchor->extra
                                    ? "EXTRA ANCHOR GIVEN BY THE CALLER, NOT A MAKER'S ROOT: " + anchor->name
                                    : anchor->name);
  return true;
}

}  // namespace blindai::verifier
