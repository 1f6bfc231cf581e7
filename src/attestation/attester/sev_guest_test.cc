#include "attestation/attester/sev_guest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/snp_report.h"
#include "base/byte_writer.h"
#include "support/fake_snp.h"

namespace blindai::attester {
namespace {

using evidence::ReportData;

// Made once: RSA keys of 4096 bits take a second.
const tests::FakeAmd& Amd() {
  static const tests::FakeAmd amd;
  return amd;
}

// The device and the host behind it.
struct SevModel {
  base::Bytes certificates;  // the host's table, in whole pages
  int busy = 0;
  int error_number = 0;
  std::uint32_t status = 0;
  std::uint32_t report_bytes = 0x4A0;
  std::uint32_t wanted_bytes = 0;  // a lie about the table's size
  int calls = 0;
};

class SevDevice final : public DeviceControl {
 public:
  explicit SevDevice(SevModel& model) : model_(model) {}

  int Call(unsigned long request_number, void* argument) override {
    ++model_.calls;
    if (request_number != sev_guest::kGetExtendedReport) return ENOTTY;
    auto& request = *static_cast<sev_guest::Request*>(argument);
    auto& question = *reinterpret_cast<sev_guest::ExtendedReportRequest*>(request.request_address);
    if (model_.error_number != 0) return model_.error_number;
    if (model_.busy > 0) {
      --model_.busy;
      request.vmm_error = sev_guest::kVmmBusy;
      return EAGAIN;
    }
    const std::size_t wanted = model_.wanted_bytes != 0 ? model_.wanted_bytes : model_.certificates.size();
    if (question.certificates_bytes < wanted) {
      question.certificates_bytes = static_cast<std::uint32_t>(wanted);
      request.vmm_error = sev_guest::kVmmInvalidLength;
      return EIO;
    }
    std::copy(model_.certificates.begin(), model_.certificates.end(),
              reinterpret_cast<std::uint8_t*>(question.certificates_address));
    tests::SnpReportBuilder report;
    report.Put(0x050, question.user_data);
    base::ByteWriter response;
    response.U32(model_.status).U32(model_.report_bytes).Zeros(24).Append(Amd().Sign(report));
    std::copy(response.view().begin(), response.view().end(),
              reinterpret_cast<std::uint8_t*>(request.response_address));
    return 0;
  }

 private:
  SevModel& model_;
};

class SevGuestTest : public ::testing::Test {
 protected:
  base::Result<evidence::EvidenceBundle> Attest(std::chrono::milliseconds wait = std::chrono::seconds(20)) {
    SevGuestAttester attester(std::make_unique<SevDevice>(model_));
    ReportData data;
    data.bytes.fill(0x3C);
    return attester.Attest(data, std::chrono::steady_clock::now() + wait);
  }
  // One page with one entry: GUID, offset, length, an empty entry, the certificate.
  static base::Bytes TableWith(base::ByteView guid, base::ByteView certificate) {
    base::ByteWriter table;
    table.Append(guid)
        .U32(48)
        .U32(static_cast<std::uint32_t>(certificate.size()))
        .Zeros(24)
        .Append(certificate);
    base::Bytes pages = std::move(table).Take();
    pages.resize((pages.size() + 4095) / 4096 * 4096);
    return pages;
  }
  SevModel model_;
};

// 63da758d-e664-4564-adc5-f4b93be8accd, as the GHCB specification writes a VCEK's entry.
constexpr std::uint8_t kVcekGuid[] = {0x8d, 0x75, 0xda, 0x63, 0x64, 0xe6, 0x64, 0x45,
                                      0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};

TEST_F(SevGuestTest, TheReportAnswersTheReportData) {
  const auto bundle = Attest();
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(evidence::ParseSnpReport(bundle->evidence)->report_data.bytes[0], 0x3C);
}

TEST_F(SevGuestTest, TheHostsCertificatesComeAlongAtTheSizeItAsksFor) {
  const base::Bytes vcek = Amd().Vcek().der();
  model_.certificates = TableWith(kVcekGuid, vcek);
  const auto bundle = Attest();
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(model_.calls, 2);
  ASSERT_FALSE(bundle->endorsements.empty());
  EXPECT_EQ(bundle->endorsements[0].name, endorsements::name::kLeaf);
  EXPECT_EQ(bundle->endorsements[0].bytes, vcek);
}

TEST_F(SevGuestTest, ABusyHostIsAskedAgain) {
  model_.busy = 3;
  EXPECT_TRUE(Attest().ok());
  EXPECT_EQ(model_.calls, 4);
}

TEST_F(SevGuestTest, AHostThatStaysBusyEndsAtTheDeadline) {
  model_.busy = 1'000'000'000;
  EXPECT_EQ(Attest(std::chrono::milliseconds(10)).error().code, "attester-deadline");
}

TEST_F(SevGuestTest, AHostMayNotMakeUsReserveWhatItLikes) {
  for (const std::uint32_t wanted : {1u, 4095u, 5000u, 0x7ffff000u, 0xffffffffu}) {
    model_.wanted_bytes = wanted;
    EXPECT_EQ(Attest().error().code, "attester-unavailable") << wanted;
  }
}

TEST_F(SevGuestTest, AReportOfAnotherSizeIsTheDevicesMistake) {
  for (const std::uint32_t bytes : {0u, 1u, 0x49Fu, 4000u, 0xffffffffu}) {
    model_.report_bytes = bytes;
    EXPECT_EQ(Attest().error().code, "attester-unavailable") << bytes;
  }
}

TEST_F(SevGuestTest, RefusalsOfTheFirmwareAndOfTheKernelAreErrors) {
  model_.status = 0x16;
  EXPECT_EQ(Attest().error().code, "attester-unavailable");
  model_.error_number = ENOTTY;
  EXPECT_EQ(Attest().error().code, "attester-unavailable");
}

}  // namespace
}  // namespace blindai::attester
