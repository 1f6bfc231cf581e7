#include "attestation/endorsements/tpm_certificates.h"

#include <gtest/gtest.h>

#include "attestation/endorsements/certificate_list.h"
#include "encoding/der.h"
#include "support/paths.h"
#include "support/test_pki.h"
#include "support/vectors.h"

namespace blindai::endorsements {
namespace {

using base::Bytes;

Bytes Join(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
Bytes Text(std::string_view text) {
  return encoding::DerEncode(encoding::kDerUtf8String, base::AsBytes(text));
}

base::Result<std::optional<GceInstance>> ReadFrom(Bytes extension) {
  const auto ca = tests::MakeRoot(tests::PkiCaSpec("ca"), crypto::SigningKey::GenerateP256());
  auto spec = tests::PkiSpec("leaf");
  spec.extensions = {{"1.3.6.1.4.1.11129.2.1.21", std::move(extension)}};
  return ReadGceInstance(tests::Issue(spec, ca.key.public_key(), ca));
}

TEST(GceInstance, ReadsTheFields) {
  const auto instance = ReadFrom(encoding::DerEncode(
      encoding::kDerSequence, Join({Text("zone"), encoding::DerEncodeUnsigned(7), Text("project"),
                                    encoding::DerEncodeUnsigned(9), Text("name"), Bytes{0xA0, 0x00}})));
  ASSERT_TRUE(instance.ok()) << instance.error().message;
  EXPECT_EQ((*instance)->zone, "zone");
  EXPECT_EQ((*instance)->project_number, 7u);
  EXPECT_EQ((*instance)->project_id, "project");
  EXPECT_EQ((*instance)->instance_id, 9u);
  EXPECT_EQ((*instance)->instance_name, "name");
}

TEST(GceInstance, RefusesOtherShapes) {
  EXPECT_FALSE(ReadFrom({}).ok());
  EXPECT_FALSE(ReadFrom(Text("zone")).ok());
  EXPECT_FALSE(ReadFrom(encoding::DerEncode(encoding::kDerSequence, Text("zone"))).ok());
  EXPECT_FALSE(ReadFrom(Join({encoding::DerEncode(encoding::kDerSequence, {}), Bytes{5, 0}})).ok());
}

TEST(GceInstance, OtherCertificatesHaveNone) {
  const auto ca = tests::MakeRoot(tests::PkiCaSpec("ca"), crypto::SigningKey::GenerateP256());
  const auto instance = ReadGceInstance(ca.certificate);
  ASSERT_TRUE(instance.ok());
  EXPECT_FALSE(instance->has_value());
}

TEST(GceInstance, RealCertificatesNameTheirMachine) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  for (const char* file : {"pca_tpm_ecc_sign_cert.pem", "uca_tpm_rsa_enc_cert.pem"}) {
    const auto certificates =
        ReadCertificates(tests::ReadVector(std::string("tpm/go-tpm-tools/certificates/") + file));
    ASSERT_TRUE(certificates.ok()) << certificates.error().message;
    const auto instance = ReadGceInstance(certificates->front());
    ASSERT_TRUE(instance.ok()) << instance.error().message;
    EXPECT_EQ((*instance)->zone, "us-central1-a");
    EXPECT_EQ((*instance)->project_id, "google.com:wuale-gcp-testing");
  }
}

}  // namespace
}  // namespace blindai::endorsements
