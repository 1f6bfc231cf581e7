#include "attestation/verifier/chain_findings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/test_pki.h"

namespace blindai::verifier {
namespace {

using crypto::SigningKey;
using tests::Authority;

struct Pki {
  Authority root = tests::MakeRoot(tests::PkiCaSpec("root"), SigningKey::GenerateP256());
  Authority ca = tests::MakeAuthority(tests::PkiCaSpec("ca"), SigningKey::GenerateP256(), root);
  crypto::Certificate leaf =
      tests::Issue(tests::PkiSpec("leaf"), SigningKey::GenerateP256().public_key(), ca);
  TrustAnchors anchors;

  Pki() { anchors.AddExtra("test root", root.certificate.public_key().SpkiSha256(), root.certificate.der()); }

  FindingList Checked(const std::vector<crypto::Certificate>& others, const TrustAnchors& pinned,
                      base::Time now, bool* good = nullptr) const {
    FindingList findings;
    ChainCheck how;
    how.check = "chain";
    how.now = now;
    const auto path = CheckChain(findings, pinned, leaf, others, how);
    if (good != nullptr) *good = path.has_value();
    return findings;
  }
};

bool Has(const FindingList& findings, std::string_view code) {
  return std::any_of(findings.findings().begin(), findings.findings().end(),
                     [code](const Finding& finding) { return finding.code == code; });
}

TEST(ChainFindings, AGoodChainPassesAndNamesItsAnchor) {
  const Pki pki;
  bool good = false;
  const FindingList findings =
      pki.Checked({pki.root.certificate, pki.ca.certificate}, pki.anchors, tests::kPkiNow, &good);
  EXPECT_TRUE(good);
  EXPECT_FALSE(findings.any_failed());
  ASSERT_EQ(findings.findings().size(), 2u);
  EXPECT_EQ(findings.findings()[1].check, "trust anchor");
}

TEST(ChainFindings, EachProblemIsAFinding) {
  const Pki pki;
  bool good = true;
  EXPECT_TRUE(Has(pki.Checked({pki.ca.certificate}, pki.anchors, tests::kPkiNow, &good), "bad-chain"));
  EXPECT_FALSE(good);
  EXPECT_TRUE(
      Has(pki.Checked({pki.root.certificate, pki.ca.certificate}, TrustAnchors::Production(), tests::kPkiNow),
          "wrong-root"));
  const FindingList late = pki.Checked({pki.root.certificate, pki.ca.certificate}, pki.anchors,
                                       tests::kPkiEnd + std::chrono::days(1));
  EXPECT_TRUE(Has(late, "expired"));
  EXPECT_EQ(late.failures(), 3u);
}

TEST(ChainFindings, ACertificateOfAnotherKeyIsABadChainAndNotABadSignature) {
  const Pki pki;
  const Pki other;
  const FindingList findings =
      pki.Checked({pki.root.certificate, other.ca.certificate}, pki.anchors, tests::kPkiNow);
  EXPECT_TRUE(Has(findings, "bad-chain"));
  EXPECT_FALSE(Has(findings, "bad-signature"));
}

TEST(ChainFindings, AMakersKeyVouchesOnlyInItsRole) {
  const Pki pki;
  FindingList findings;
  const AnchorRole roles[] = {AnchorRole::kAmdMilan};
  ChainCheck how;
  how.check = "chain";
  how.roles = roles;
  how.now = tests::kPkiNow;
  EXPECT_FALSE(CheckChain(findings, TrustAnchors::Production(), pki.leaf, {}, how).has_value());
}

}  // namespace
}  // namespace blindai::verifier
