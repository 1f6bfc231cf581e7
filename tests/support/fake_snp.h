// AMD in miniature: root, intermediates, a chip key and a cloud key of the test's own, and reports that they
// really sign.
#pragma once

#include <string>

#include "attestation/endorsements/endorsements.h"
#include "attestation/verifier/trust_anchors.h"
#include "support/snp_report_builder.h"
#include "support/test_pki.h"

namespace blindai::tests {

// What a leaf certificate says; the defaults fit SnpReportBuilder's.
struct SnpLeafSpec {
  std::string product_name = "Milan-B0";
  std::uint8_t fmc = 0;
  std::uint8_t boot_loader = 3;
  std::uint8_t tee = 0;
  std::uint8_t snp = 8;
  std::uint8_t microcode = 115;
  base::Bytes hw_id = base::Bytes(64, 0xC1);
  std::string csp_id = "CN=test-cloud";
};

class FakeAmd {
 public:
  // `product` as in AMD's names: Milan, Genoa, Turin.
  explicit FakeAmd(std::string product = "Milan");

  crypto::Certificate Vcek(const SnpLeafSpec& spec = {}) const;
  crypto::Certificate Vlek(const SnpLeafSpec& spec = {}) const;
  // The report signed by the chip's key; the builder's bytes else.
  base::Bytes Sign(const SnpReportBuilder& builder) const { return SignWith(builder, vcek_key_); }
  base::Bytes SignByVlek(const SnpReportBuilder& builder) const { return SignWith(builder, vlek_key_); }

  endorsements::Endorsements VcekEndorsements(const SnpLeafSpec& spec = {}) const;
  endorsements::Endorsements VlekEndorsements(const SnpLeafSpec& spec = {}) const;
  // The makers' anchors and this root as an extra one.
  verifier::TrustAnchors Anchors() const;

  const Authority& ark() const { return ark_; }
  const Authority& ask() const { return ask_; }
  const Authority& asvk() const { return asvk_; }

  static endorsements::Endorsements Bundle(const crypto::Certificate& leaf,
                                           const std::vector<crypto::Certificate>& chain,
                                           const crypto::Crl* crl = nullptr);

 private:
  static base::Bytes SignWith(const SnpReportBuilder& builder, const crypto::SigningKey& key);

  Authority ark_;
  Authority ask_;
  Authority asvk_;
  crypto::SigningKey vcek_key_;
  crypto::SigningKey vlek_key_;
};

}  // namespace blindai::tests
