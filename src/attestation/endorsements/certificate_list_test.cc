#include "attestation/endorsements/certificate_list.h"

#include <gtest/gtest.h>

#include "support/test_pki.h"

namespace blindai::endorsements {
namespace {

using tests::Authority;

Authority Root() { return tests::MakeRoot(tests::PkiCaSpec("root"), crypto::SigningKey::GenerateP256()); }

TEST(CertificateList, ReadsPemAndDer) {
  const Authority root = Root();
  EXPECT_EQ(ReadCertificates(root.certificate.der())->size(), 1u);
  EXPECT_EQ(ReadCertificates(tests::PemOf({root.certificate, root.certificate}))->size(), 2u);
}

TEST(CertificateList, ZeroPaddingAfterDerIsIgnoredAndNothingElse) {
  base::Bytes der = Root().certificate.der();
  der.resize(4096);
  const auto padded = ReadCertificates(der);
  ASSERT_TRUE(padded.ok()) << padded.error().message;
  EXPECT_EQ(padded->front().subject_common_name(), "root");
  der.back() = 1;
  EXPECT_FALSE(ReadCertificates(der).ok());
}

TEST(CertificateList, RefusesEverythingElse) {
  EXPECT_FALSE(ReadCertificates({}).ok());
  EXPECT_FALSE(ReadCertificates(base::AsBytes("hello")).ok());
  EXPECT_FALSE(
      ReadCertificates(base::AsBytes("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")).ok());
  const base::Bytes der = Root().certificate.der();
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(ReadCertificates(base::ByteView(der).first(size)).ok()) << size;
  }
}

}  // namespace
}  // namespace blindai::endorsements
