#include "attestation/evidence/azure_hcl_report.h"

#include <gtest/gtest.h>

#include "base/byte_writer.h"
#include "support/paths.h"
#include "support/vectors.h"

namespace blindai::evidence {
namespace {

using base::Bytes;
using base::ByteWriter;

constexpr std::string_view kRuntime =
    R"({"keys":[{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"AQAB","n":"qR7LqA"},)"
    R"({"kid":"HCLEkPub","kty":"RSA","e":"AQAB","n":"xUTL"}],"vm-configuration":{"console-enabled":true,)"
    R"("secure-boot":true,"tpm-enabled":false,"vmUniqueId":"911B0EF8"},"user-data":"0A0b"})";

struct ReportParts {
  std::string magic = "HCLA";
  std::uint32_t version = 2;
  std::uint32_t status = 0;
  std::uint32_t type = 2;
  std::uint32_t hash = 1;
  std::string runtime{kRuntime};

  Bytes Build() const {
    ByteWriter writer;
    writer.Append(magic).U32(version).U32(0).U32(2).U32(status).Zeros(12);
    writer.Append(Bytes(0x4C0 - 32, 0xA5));
    writer.U32(0).U32(1).U32(type).U32(hash).U32(static_cast<std::uint32_t>(runtime.size())).Append(runtime);
    writer.Zeros(100);
    return std::move(writer).Take();
  }
};

std::string ErrorOf(const ReportParts& parts) {
  const auto report = ParseHclReport(parts.Build());
  return report.ok() ? "" : report.error().message;
}

TEST(HclReport, ReadsEveryField) {
  const auto report = ParseHclReport(ReportParts().Build());
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->version, 2u);
  EXPECT_EQ(report->hardware, HclHardware::kSnp);
  EXPECT_EQ(report->hardware_report, Bytes(1184, 0xA5));
  EXPECT_EQ(report->hash, HclHash::kSha256);
  EXPECT_EQ(base::AsText(report->runtime_bytes), kRuntime);
  EXPECT_EQ(report->runtime.attestation_key.modulus, (Bytes{0xA9, 0x1E, 0xCB, 0xA8}));
  EXPECT_EQ(report->runtime.attestation_key.exponent, (Bytes{1, 0, 1}));
  EXPECT_EQ(report->runtime.secure_boot, true);
  EXPECT_EQ(report->runtime.tpm_enabled, false);
  EXPECT_EQ(report->runtime.console_enabled, true);
  EXPECT_EQ(report->runtime.vm_unique_id, "911B0EF8");
  EXPECT_EQ(report->runtime.user_data, (Bytes{0x0A, 0x0B}));
}

TEST(HclReport, TdxReportsAreShorter) {
  ReportParts parts;
  parts.type = 4;
  parts.hash = 2;
  const auto report = ParseHclReport(parts.Build());
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->hardware, HclHardware::kTdx);
  EXPECT_EQ(report->hardware_report.size(), 1024u);
  EXPECT_EQ(report->hash, HclHash::kSha384);
}

TEST(HclReport, RefusesOtherHeaders) {
  ReportParts parts;
  parts.magic = "HCLB";
  EXPECT_EQ(ErrorOf(parts), "HCL report: magic: \"HCLA\" wanted");
  parts = {};
  parts.version = 3;
  EXPECT_EQ(ErrorOf(parts), "HCL report: version: 3 seen, 1 or 2 wanted");
  parts = {};
  parts.status = 5;
  EXPECT_EQ(ErrorOf(parts), "HCL report: status: 5 seen, 0 wanted");
  parts = {};
  parts.type = 3;
  EXPECT_NE(ErrorOf(parts), "");
  parts = {};
  parts.hash = 0;
  EXPECT_NE(ErrorOf(parts), "");
  parts.hash = 4;
  EXPECT_NE(ErrorOf(parts), "");
}

TEST(HclReport, RefusesRuntimeDataWithoutOneAttestationKey) {
  for (const std::string_view runtime :
       {R"()", R"([])", R"({})", R"({"keys":{}})", R"({"keys":[]})", R"({"keys":[3]})", R"({"keys":[{}]})",
        R"({"keys":[{"kid":"HCLEkPub","kty":"RSA","e":"AQAB","n":"xUTL"}]})",
        R"({"keys":[{"kid":"HCLAkPub","kty":"EC","e":"AQAB","n":"xUTL"}]})",
        R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB"}]})",
        R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"*"}]})",
        R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"xUTL"},)"
        R"({"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"xUTL"}]})"}) {
    ReportParts parts;
    parts.runtime = runtime;
    EXPECT_NE(ErrorOf(parts), "") << runtime;
  }
}

TEST(HclReport, RefusesValuesOfOtherTypes) {
  constexpr std::string_view kKey = R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"xUTL"}],)";
  for (const std::string_view rest :
       {R"("vm-configuration":3})", R"("vm-configuration":{"secure-boot":"true"}})",
        R"("vm-configuration":{"vmUniqueId":1}})", R"("user-data":1})", R"("user-data":"xx"})"}) {
    ReportParts parts;
    parts.runtime = std::string(kKey) + std::string(rest);
    EXPECT_NE(ErrorOf(parts), "") << rest;
  }
}

TEST(HclReport, EveryTruncationOfTheUsedPartIsRefused) {
  const Bytes bytes = ReportParts().Build();
  const std::size_t used = bytes.size() - 100;
  for (std::size_t size = 0; size < used; ++size) {
    EXPECT_FALSE(ParseHclReport(base::ByteView(bytes).first(size)).ok()) << size;
  }
  EXPECT_TRUE(ParseHclReport(base::ByteView(bytes).first(used)).ok());
  EXPECT_FALSE(ParseHclReport(Bytes(20000)).ok());
}

TEST(HclReport, RealReportsAreRead) {
  if (!tests::VectorsDir()) GTEST_SKIP() << tests::kNoVectors;
  for (const std::string_view file :
       {"tpm/azure-cvm-tooling/hcl-report-snp.bin", "tpm/azure-cvm-tooling/hcl-report-tdx.bin",
        "tpm/trustee-az-snp-vtpm/hcl-report.bin", "tpm/trustee-az-tdx-vtpm/hcl-report.bin"}) {
    const auto report = ParseHclReport(tests::ReadVector(file));
    ASSERT_TRUE(report.ok()) << file << report.error().message;
    EXPECT_EQ(report->hardware,
              file.find("tdx") == std::string_view::npos ? HclHardware::kSnp : HclHardware::kTdx);
    EXPECT_EQ(report->runtime.attestation_key.modulus.size(), 256u);
  }
}

TEST(TdReportLocal, ReadsTheFieldsThatAreHashed) {
  Bytes bytes(1024);
  bytes[0] = 0x81;
  bytes[32] = 1;
  bytes[80] = 2;
  bytes[128] = 3;
  bytes[256] = 4;
  bytes[512] = 5;
  const auto report = ParseTdReportLocal(bytes);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->tee_tcb_info_hash.bytes[0], 1);
  EXPECT_EQ(report->td_info_hash.bytes[0], 2);
  EXPECT_EQ(report->report_data.bytes[0], 3);
  EXPECT_EQ(report->tee_tcb_info.size(), 239u);
  EXPECT_EQ(report->tee_tcb_info[0], 4);
  EXPECT_EQ(report->td_info.size(), 512u);
  EXPECT_EQ(report->td_info[0], 5);
  bytes[0] = 0;
  EXPECT_FALSE(ParseTdReportLocal(bytes).ok());
  EXPECT_FALSE(ParseTdReportLocal(Bytes(1023, 0x81)).ok());
}

}  // namespace
}  // namespace blindai::evidence
