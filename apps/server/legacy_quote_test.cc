#include "server/legacy_quote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attestation/endorsements/endorsements.h"
#include "crypto/certificate.h"
#include "support/fake_intel.h"

namespace blindai::server {
namespace {

namespace name = endorsements::name;
using evidence::TeeKind;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using tests::FakeIntel;

evidence::EvidenceBundle BundleOf(const FakeIntel& intel) {
  evidence::EvidenceBundle bundle{TeeKind::kSgx, intel.Quote(FakeIntel::Sgx()), {}};
  const auto collateral = intel.Collateral(TeeKind::kSgx);
  for (const auto& entry : collateral.entries()) bundle.endorsements.push_back({entry.name, entry.bytes});
  return bundle;
}

TEST(LegacyQuote, CollateralHasTheShapeThatOldClientsRead) {
  const auto quote = ToLegacyQuote(BundleOf(FakeIntel()));
  ASSERT_TRUE(quote.ok()) << quote.error().message;
  const vocabulary::SgxCollateral& collateral = quote->collateral;
  EXPECT_EQ(collateral.version, 3u);
  EXPECT_THAT(collateral.tcb_info, StartsWith("{\"tcbInfo\":"));
  EXPECT_THAT(collateral.qe_identity, StartsWith("{\"enclaveIdentity\":"));
  EXPECT_THAT(collateral.pck_crl, StartsWith("-----BEGIN X509 CRL-----"));
  EXPECT_THAT(collateral.root_ca_crl, StartsWith("-----BEGIN X509 CRL-----"));
  const auto leaf = crypto::Certificate::AllFromPem(collateral.pck_certificate);
  ASSERT_TRUE(leaf.ok());
  ASSERT_EQ(leaf->size(), 1u);
  EXPECT_FALSE(leaf->front().is_ca());
  const auto chain = crypto::Certificate::AllFromPem(collateral.pck_signing_chain);
  ASSERT_TRUE(chain.ok());
  ASSERT_EQ(chain->size(), 2u);
  EXPECT_TRUE(leaf->front().IsSignedBy(chain->front()));
  EXPECT_TRUE(chain->front().IsSignedBy(chain->back()));
  // The platform gave no chain for the list; its signer is the leaf's.
  EXPECT_EQ(collateral.pck_crl_issuer_chain, collateral.pck_signing_chain);
}

TEST(LegacyQuote, AMissingPartOfTheCollateralIsNamed) {
  FakeIntel intel;
  intel.left_out = {name::kTcbInfo};
  const auto quote = ToLegacyQuote(BundleOf(intel));
  ASSERT_FALSE(quote.ok());
  EXPECT_EQ(quote.error().code, "collateral-missing");
  EXPECT_THAT(quote.error().message, HasSubstr("tcb-info"));
}

TEST(LegacyQuote, AQuoteWithoutItsCertificatesIsAnError) {
  const FakeIntel intel;
  evidence::EvidenceBundle bundle = BundleOf(intel);
  auto parts = FakeIntel::Sgx();
  parts.with_certificates = false;
  bundle.evidence = intel.Quote(parts);
  EXPECT_FALSE(ToLegacyQuote(bundle).ok());
}

}  // namespace
}  // namespace blindai::server
