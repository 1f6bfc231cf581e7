#include "support/fake_snp.h"

#include <algorithm>

#include "base/check.h"
#include "encoding/der.h"

namespace blindai::tests {
namespace {

using crypto::CertificateSpec;
using crypto::SigningKey;

// AMD's authorities are RSA-4096; 2048 keeps the tests quick and takes the same path.
constexpr int kRsaBits = 2048;

CertificateSpec AmdCa(std::string name) {
  CertificateSpec spec = PkiCaSpec(std::move(name));
  spec.signature = crypto::CertificateSignature::kRsaPssSha384;
  return spec;
}

crypto::CertificateExtension Level(int number, std::uint8_t value) {
  return {"1.3.6.1.4.1.3704.1.3." + std::to_string(number), encoding::DerEncodeUnsigned(value)};
}

CertificateSpec LeafSpec(std::string name, const SnpLeafSpec& leaf) {
  CertificateSpec spec = PkiSpec(std::move(name));
  spec.serial = {0};
  spec.signature = crypto::CertificateSignature::kRsaPssSha384;
  spec.extensions = {{"1.3.6.1.4.1.3704.1.2",
                      encoding::DerEncode(encoding::kDerIa5String, base::AsBytes(leaf.product_name))},
                     Level(1, leaf.boot_loader),
                     Level(2, leaf.tee),
                     Level(3, leaf.snp),
                     Level(8, leaf.microcode)};
  if (leaf.product_name.starts_with("Turin")) spec.extensions.push_back(Level(9, leaf.fmc));
  return spec;
}

}  // namespace

FakeAmd::FakeAmd(std::string product)
    : ark_(MakeRoot(AmdCa("ARK-" + product), SigningKey::GenerateRsa(kRsaBits))),
      ask_(MakeAuthority(AmdCa("SEV-" + product), SigningKey::GenerateRsa(kRsaBits), ark_)),
      asvk_(MakeAuthority(AmdCa("SEV-VLEK-" + product), SigningKey::GenerateRsa(kRsaBits), ark_)),
      vcek_key_(SigningKey::GenerateP384()),
      vlek_key_(SigningKey::GenerateP384()) {}

crypto::Certificate FakeAmd::Vcek(const SnpLeafSpec& leaf) const {
  CertificateSpec spec = LeafSpec("SEV-VCEK", leaf);
  spec.extensions.push_back({"1.3.6.1.4.1.3704.1.4", leaf.hw_id});
  return Issue(spec, vcek_key_.public_key(), ask_);
}

crypto::Certificate FakeAmd::Vlek(const SnpLeafSpec& leaf) const {
  CertificateSpec spec = LeafSpec("SEV-VLEK", leaf);
  spec.extensions.push_back(
      {"1.3.6.1.4.1.3704.1.5", encoding::DerEncode(encoding::kDerIa5String, base::AsBytes(leaf.csp_id))});
  return Issue(spec, vlek_key_.public_key(), asvk_);
}

base::Bytes FakeAmd::SignWith(const SnpReportBuilder& builder, const SigningKey& key) {
  base::Bytes report = builder.bytes();
  const base::Bytes r_s =
      key.SignEcdsaRaw(crypto::HashAlgorithm::kSha384, base::ByteView(report).first(0x2A0));
  std::reverse_copy(r_s.begin(), r_s.begin() + 48, report.begin() + 0x2A0);
  std::reverse_copy(r_s.begin() + 48, r_s.end(), report.begin() + 0x2E8);
  return report;
}

endorsements::Endorsements FakeAmd::Bundle(const crypto::Certificate& leaf,
                                           const std::vector<crypto::Certificate>& chain,
                                           const crypto::Crl* crl) {
  endorsements::Endorsements bundle;
  BLINDAI_CHECK(bundle.Add(endorsements::name::kLeaf, leaf.der()).ok());
  BLINDAI_CHECK(bundle.Add(endorsements::name::kChain, PemOf(chain)).ok());
  if (crl != nullptr) BLINDAI_CHECK(bundle.Add(endorsements::name::kCrl, crl->der()).ok());
  return bundle;
}

endorsements::Endorsements FakeAmd::VcekEndorsements(const SnpLeafSpec& spec) const {
  return Bundle(Vcek(spec), {ask_.certificate, ark_.certificate});
}

endorsements::Endorsements FakeAmd::VlekEndorsements(const SnpLeafSpec& spec) const {
  return Bundle(Vlek(spec), {asvk_.certificate, ark_.certificate});
}

verifier::TrustAnchors FakeAmd::Anchors() const {
  verifier::TrustAnchors anchors = verifier::TrustAnchors::Production();
  anchors.AddExtra("test ARK", ark_.certificate.public_key().SpkiSha256(), ark_.certificate.der());
  return anchors;
}

}  // namespace blindai::tests
