#include "attestation/verifier/trust_anchors.h"

#include <gtest/gtest.h>

#include "attestation/evidence/simulation_root.h"
#include "crypto/certificate.h"
#include "support/paths.h"

namespace blindai::verifier {
namespace {

crypto::Sha256Digest SomeKey() {
  crypto::Sha256Digest digest;
  digest.bytes.fill(7);
  return digest;
}

TEST(TrustAnchors, AMakersKeyVouchesForItsRoleOnly) {
  const TrustAnchors anchors = TrustAnchors::Production();
  const crypto::Sha256Digest milan = anchors.anchors()[1].spki_sha256;
  EXPECT_EQ(anchors.Find(AnchorRole::kAmdMilan, milan)->name, "AMD ARK-Milan");
  EXPECT_EQ(anchors.Find(AnchorRole::kAmdGenoa, milan), nullptr);
  EXPECT_EQ(anchors.Find(AnchorRole::kAmdMilan, SomeKey()), nullptr);
}

TEST(TrustAnchors, AnExtraAnchorIsLoud) {
  TrustAnchors anchors = TrustAnchors::Production();
  anchors.AddExtra("CN=My TPM CA", SomeKey(), {});
  FindingList findings;
  EXPECT_TRUE(CheckTrustAnchor(findings, anchors, AnchorRole::kGoogleTpm, SomeKey()));
  EXPECT_EQ(findings.findings()[0].seen,
            "EXTRA ANCHOR GIVEN BY THE CALLER, NOT A MAKER'S ROOT: CN=My TPM CA");
}

TEST(TrustAnchors, AnUnknownRootIsRefused) {
  FindingList findings;
  EXPECT_FALSE(CheckTrustAnchor(findings, TrustAnchors::Production(), AnchorRole::kIntelSgx, SomeKey()));
  EXPECT_EQ(findings.findings()[0].code, "wrong-root");
  EXPECT_EQ(findings.findings()[0].wanted, "Intel SGX Root CA");
}

TEST(TrustAnchors, TheSimulationRootIsNoAnchor) {
  base::Bytes spki = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  spki.insert(spki.end(), evidence::kSimulationRootPublicKey.begin(),
              evidence::kSimulationRootPublicKey.end());
  const TrustAnchors anchors = TrustAnchors::Production();
  for (const TrustAnchor& anchor : anchors.anchors()) {
    EXPECT_NE(anchor.spki_sha256, crypto::Sha256(spki)) << anchor.name;
  }
}

// The pins against the makers' certificates themselves.
TEST(TrustAnchors, EachPinIsTheKeyOfTheGenuineRoot) {
  const auto vectors = tests::VectorsDir();
  if (!vectors) GTEST_SKIP() << tests::kNoVectors;
  const std::pair<const char*, AnchorRole> roots[] = {
      {"milan_ark.pem", AnchorRole::kAmdMilan},        {"genoa_ark.pem", AnchorRole::kAmdGenoa},
      {"turin_ark.pem", AnchorRole::kAmdTurin},        {"aws_nitro_root_g1.pem", AnchorRole::kAwsNitro},
      {"gce_ek_ak_root.pem", AnchorRole::kGoogleTpm},  {"azure_tpm_root_2023.pem", AnchorRole::kMicrosoftTpm},
      {"intel_sgx_root_ca.der", AnchorRole::kIntelSgx}};
  for (const auto& [file, role] : roots) {
    const base::Bytes bytes = tests::ReadFile(*vectors / "roots" / file);
    const auto root = std::string_view(file).ends_with(".der")
                          ? crypto::Certificate::FromDer(bytes)
                          : crypto::Certificate::FromPem(base::AsText(bytes));
    ASSERT_TRUE(root.ok()) << file;
    EXPECT_NE(TrustAnchors::Production().Find(role, root->public_key().SpkiSha256()), nullptr) << file;
  }
}

}  // namespace
}  // namespace blindai::verifier
