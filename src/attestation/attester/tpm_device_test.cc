// Against a real TPM 2.0 in software.
#include "attestation/attester/tpm_device.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "support/swtpm.h"

namespace blindai::attester {
namespace {

using base::Bytes;
using evidence::TpmAlgorithm;
using tests::Swtpm;

TEST(TpmDevice, ADeviceThatIsNotThereIsAnError) {
  EXPECT_EQ(TpmDevice::Open("device:/nonexistent").error().code, "attester-unavailable");
  EXPECT_EQ(TpmDevice::Open("no such tcti").error().code, "attester-unavailable");
}

TEST(TpmDevice, AnEmptyNvIndexIsNotFound) {
  const auto tpm = Swtpm::Start();
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  auto device = TpmDevice::Open(tpm->tcti());
  ASSERT_TRUE(device.ok()) << device.error().message;
  EXPECT_EQ(device->ReadNv(kEkCertificateRsaNv).error().code, "not-found");
}

TEST(TpmDevice, ABankThatTheTpmDoesNotHaveIsAnError) {
  const auto tpm = Swtpm::Start();
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  auto device = TpmDevice::Open(tpm->tcti());
  ASSERT_TRUE(device.ok()) << device.error().message;
  EXPECT_EQ(device->ReadPcrs(TpmAlgorithm::kSm3, 1).error().code, "attester-unavailable");
  ASSERT_TRUE(device->CreateAttestationKey().ok());
  EXPECT_FALSE(device->MakeQuote(Bytes(32), TpmAlgorithm::kSm3, 1).ok());
}

TEST(TpmDevice, ExtendedPcrsAreReadBack) {
  const auto tpm = Swtpm::Start();
  if (!tpm) GTEST_SKIP() << tests::kNoSwtpm;
  auto device = TpmDevice::Open(tpm->tcti());
  ASSERT_TRUE(device.ok()) << device.error().message;
  const auto before = device->ReadPcrs(TpmAlgorithm::kSha256, 0xFFFFFF);
  ASSERT_TRUE(before.ok()) << before.error().message;
  ASSERT_EQ(before->size(), 24u);
  EXPECT_EQ((*before)[17].digest, Bytes(32, 0xFF));
  EXPECT_EQ((*before)[4].digest, Bytes(32));
  ASSERT_TRUE(device->ExtendPcr(4, TpmAlgorithm::kSha256, Bytes(32, 9)).ok());
  Bytes extended(32);
  extended.resize(64, 9);
  const auto after = device->ReadPcrs(TpmAlgorithm::kSha256, 1 << 4);
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->front().digest, base::CopyBytes(crypto::Sha256(extended).view()));
}

}  // namespace
}  // namespace blindai::attester
