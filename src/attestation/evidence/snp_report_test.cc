#include "attestation/evidence/snp_report.h"

#include <gtest/gtest.h>

#include "support/paths.h"
#include "support/snp_report_builder.h"
#include "support/vectors.h"

namespace blindai::evidence {
namespace {

using tests::FromHex;
using tests::SnpReportBuilder;
using tests::ToHex;

std::string ErrorOf(const base::Bytes& bytes) {
  const auto report = ParseSnpReport(bytes);
  return report.ok() ? "" : report.error().message;
}

TEST(SnpReport, ReadsEveryField) {
  SnpReportBuilder builder;
  builder.U32(0x004, 7).U64(0x008, 0x3000A0000 & 0xFFFFFFFF).U32(0x030, 2).U32(0x048, 0b00111);
  builder.U64(0x008, 0x300'0000'00FF'0102).U64(0x040, 0x27);
  builder.Byte(0x1E8, 21).Byte(0x1E9, 55).Byte(0x1EA, 1).Byte(0x1EC, 20).Byte(0x1ED, 54).Byte(0x1EE, 1);
  builder.Fill(0x050, 64, 0x11)
      .Fill(0x0C0, 32, 0x22)
      .Fill(0x0E0, 48, 0x33)
      .Fill(0x110, 48, 0x44)
      .Fill(0x140, 32, 0x55);
  builder.Fill(0x010, 16, 0x66).Fill(0x020, 16, 0x77);
  const auto report = ParseSnpReport(builder.bytes());
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->version, 3u);
  EXPECT_EQ(report->guest_svn, 7u);
  EXPECT_EQ(report->vmpl, 2u);
  EXPECT_EQ(report->policy.abi_major, 1);
  EXPECT_EQ(report->policy.abi_minor, 2);
  EXPECT_TRUE(report->policy.smt_allowed && report->policy.reserved_one &&
              report->policy.migration_agent_allowed);
  EXPECT_TRUE(report->policy.debug && report->policy.single_socket && report->policy.cxl_allowed);
  EXPECT_TRUE(report->policy.aes_256_xts && report->policy.rapl_disabled);
  EXPECT_FALSE(report->policy.ciphertext_hiding || report->policy.page_swap_disabled);
  EXPECT_EQ(report->policy.unknown_bits, 0x300'0000'0000'0000u);
  EXPECT_TRUE(report->platform_info.smt_enabled && report->platform_info.alias_check_complete);
  EXPECT_TRUE(report->author_key_enabled && report->chip_key_masked);
  EXPECT_EQ(report->signing_key, SnpSigningKey::kVlek);
  EXPECT_EQ(report->report_data.bytes[63], 0x11);
  EXPECT_EQ(report->measurement.bytes[47], 0x4D);
  EXPECT_EQ(report->host_data.bytes[31], 0x22);
  EXPECT_EQ(report->id_key_digest.bytes[47], 0x33);
  EXPECT_EQ(report->author_key_digest.bytes[0], 0x44);
  EXPECT_EQ(report->report_id.bytes[31], 0x55);
  EXPECT_EQ(report->family_id.bytes[15], 0x66);
  EXPECT_EQ(report->image_id.bytes[0], 0x77);
  EXPECT_FALSE(report->has_migration_agent());
  EXPECT_EQ(report->cpuid_family, 0x19);
  EXPECT_EQ(report->current_version, (SnpFirmwareVersion{1, 55, 21}));
  EXPECT_EQ(report->committed_version, (SnpFirmwareVersion{1, 54, 20}));
  EXPECT_FALSE(report->launch_mitigations.has_value());
}

TEST(SnpReport, SignatureNumbersBecomeBigEndian) {
  SnpReportBuilder builder;
  builder.Byte(0x2A0, 0x01).Byte(0x2A0 + 47, 0x02).Byte(0x2E8, 0x03);
  const auto report = ParseSnpReport(builder.bytes());
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->signature_r.bytes[47], 0x01);
  EXPECT_EQ(report->signature_r.bytes[0], 0x02);
  EXPECT_EQ(report->signature_s.bytes[47], 0x03);
}

TEST(SnpReport, VersionTwoHasNoCpuid) {
  SnpReportBuilder builder;
  const auto report = ParseSnpReport(builder.Version2().bytes());
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->cpuid_family.has_value());
  EXPECT_NE(ErrorOf(builder.Byte(0x188, 0x19).bytes()), "");
}

TEST(SnpReport, MitigationVectorsComeWithVersionFive) {
  SnpReportBuilder builder;
  builder.U64(0x1F8, 5).U64(0x200, 9);
  EXPECT_EQ(ErrorOf(builder.bytes()), "SNP report: reserved (0x1F8): reserved bytes are not zero");
  EXPECT_NE(ErrorOf(builder.U32(0, 4).bytes()), "");
  const auto report = ParseSnpReport(builder.U32(0, 5).bytes());
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->launch_mitigations, 5u);
  EXPECT_EQ(report->current_mitigations, 9u);
}

TEST(SnpReport, VersionFourReadsAsVersionThree) {
  SnpReportBuilder builder;
  EXPECT_EQ(ErrorOf(builder.U32(0, 4).bytes()), "");
}

TEST(SnpReport, RefusesOtherVersionsAndAlgorithms) {
  for (const std::uint32_t version : {0u, 1u, 6u, 0xFFFFFFFFu}) {
    SnpReportBuilder builder;
    EXPECT_NE(ErrorOf(builder.U32(0, version).bytes()), "") << version;
  }
  SnpReportBuilder builder;
  EXPECT_EQ(ErrorOf(builder.U32(0x34, 2).bytes()),
            "SNP report: SIGNATURE_ALGO: 2 seen, 1 (ECDSA P-384 with SHA-384) wanted");
}

TEST(SnpReport, RefusesReservedBytes) {
  for (const std::size_t offset : {0x049, 0x04C, 0x04F, 0x18B, 0x19F, 0x1EB, 0x1EF, 0x1F8, 0x29F, 0x2D0,
                                   0x2E7, 0x318, 0x32F, 0x330, 0x49F}) {
    SnpReportBuilder builder;
    EXPECT_NE(ErrorOf(builder.Byte(offset, 0x80).bytes()), "") << std::hex << offset;
  }
}

TEST(SnpReport, RefusesEveryOtherLength) {
  base::Bytes bytes = SnpReportBuilder().bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseSnpReport(base::ByteView(bytes).first(size)).ok()) << size;
  }
  bytes.push_back(0x0A);
  EXPECT_EQ(ErrorOf(bytes), "SNP report: 1185 bytes seen, 1184 wanted");
}

TEST(SnpReport, SigningKeysHaveNames) {
  const auto key = [](std::uint32_t flags) {
    return ParseSnpReport(SnpReportBuilder().U32(0x48, flags).bytes())->signing_key;
  };
  EXPECT_EQ(key(0), SnpSigningKey::kVcek);
  EXPECT_EQ(key(1 << 2), SnpSigningKey::kVlek);
  EXPECT_EQ(key(7 << 2), SnpSigningKey::kNone);
  EXPECT_EQ(key(3 << 2), SnpSigningKey::kUnknown);
}

TEST(SnpReport, MigrationAgentIsAnythingButAllOnes) {
  EXPECT_TRUE(ParseSnpReport(SnpReportBuilder().Byte(0x17F, 0xFE).bytes())->has_migration_agent());
}

TEST(SnpTcb, LayoutDependsOnTheProduct) {
  const SnpRawTcb milan{{3, 1, 0, 0, 0, 0, 8, 115}};
  EXPECT_EQ(*milan.Decode(SnpProduct::kMilan), (SnpTcb{0, 3, 1, 8, 115}));
  EXPECT_FALSE(milan.Decode(SnpProduct::kTurin).ok());
  const SnpRawTcb turin{{1, 3, 2, 5, 0, 0, 0, 97}};
  EXPECT_EQ(*turin.Decode(SnpProduct::kTurin), (SnpTcb{1, 3, 2, 5, 97}));
  EXPECT_FALSE(turin.Decode(SnpProduct::kGenoa).ok());
}

TEST(SnpTcb, ComparesPartByPart) {
  const SnpTcb minimum{0, 3, 0, 8, 115};
  EXPECT_TRUE((SnpTcb{0, 3, 0, 8, 115}).Covers(minimum));
  EXPECT_TRUE((SnpTcb{0, 4, 0, 9, 200}).Covers(minimum));
  EXPECT_FALSE((SnpTcb{0, 3, 0, 8, 114}).Covers(minimum));
  // As one integer this one would be higher.
  EXPECT_FALSE((SnpTcb{0, 2, 0, 8, 255}).Covers(minimum));
  EXPECT_FALSE((SnpTcb{0, 255, 0, 7, 255}).Covers(minimum));
}

TEST(SnpProduct, ComesFromCpuidOrName) {
  EXPECT_EQ(SnpProductFromCpuid(0x19, 0x01), SnpProduct::kMilan);
  EXPECT_EQ(SnpProductFromCpuid(0x19, 0x11), SnpProduct::kGenoa);
  EXPECT_EQ(SnpProductFromCpuid(0x19, 0xA0), SnpProduct::kGenoa);
  EXPECT_EQ(SnpProductFromCpuid(0x1A, 0x02), SnpProduct::kTurin);
  EXPECT_EQ(SnpProductFromCpuid(0x19, 0x20), std::nullopt);
  EXPECT_EQ(SnpProductFromCpuid(0x1A, 0x20), std::nullopt);
  EXPECT_EQ(SnpProductFromCpuid(0x17, 0x01), std::nullopt);
  EXPECT_EQ(SnpProductFromName("Milan-B0"), SnpProduct::kMilan);
  EXPECT_EQ(SnpProductFromName("Turin"), SnpProduct::kTurin);
  EXPECT_EQ(SnpProductFromName("Siena-A0"), SnpProduct::kGenoa);
  EXPECT_EQ(SnpProductFromName("Venice-A0"), std::nullopt);
  EXPECT_EQ(SnpProductFromName(""), std::nullopt);
}

// The bytes of a row as "how_to_get_1184_bytes" says.
base::Bytes ReportOf(const tests::VectorRow& row) {
  const base::Bytes file = tests::ReadVector(row["report"]);
  if (row["how_to_get_1184_bytes"] == "hex text") return FromHex(base::AsText(file));
  if (row["how_to_get_1184_bytes"] == "bytes 32..1215")
    return base::CopyBytes(base::ByteView(file).subspan(32, 1184));
  return file;
}

TEST(SnpReport, RealReportsReadAsTheTableSays) {
  const auto rows = tests::ReadVectorTable("verdicts_snp.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  for (const auto& row : rows) {
    SCOPED_TRACE("line " + std::to_string(row.line()));
    const auto report = ParseSnpReport(ReportOf(row));
    if (row["code"] == "malformed") {
      EXPECT_FALSE(report.ok());
      continue;
    }
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(std::to_string(report->version), row["version"]);
    EXPECT_EQ(report->signing_key,
              row["signing_key"] == "VLEK" ? SnpSigningKey::kVlek : SnpSigningKey::kVcek);
    EXPECT_EQ(std::to_string(report->vmpl), row["vmpl"]);
    EXPECT_EQ(report->policy.raw, std::stoull(row["policy"], nullptr, 16));
    EXPECT_EQ(report->policy.debug, row["debug"] == "yes");
    EXPECT_EQ(report->platform_info.raw, std::stoull(row["platform_info"], nullptr, 16));
    EXPECT_EQ(ToHex(report->current_tcb.bytes), row["current_tcb"]);
    EXPECT_EQ(ToHex(report->reported_tcb.bytes), row["reported_tcb"]);
    EXPECT_EQ(ToHex(report->committed_tcb.bytes), row["committed_tcb"]);
    EXPECT_EQ(ToHex(report->launch_tcb.bytes), row["launch_tcb"]);
    EXPECT_EQ(ToHex(report->measurement.view()), row["measurement"]);
    EXPECT_EQ(ToHex(report->report_data.view()), row["report_data"]);
    EXPECT_EQ(ToHex(report->host_data.view()), row["host_data"]);
    EXPECT_EQ(report->id_key_digest.is_zero() ? "" : ToHex(report->id_key_digest.view()),
              row["id_key_digest"]);
    if (!row["product_by_cpuid"].empty()) {
      EXPECT_EQ(SnpProductName(*SnpProductFromCpuid(*report->cpuid_family, *report->cpuid_model)),
                row["product_by_cpuid"]);
    }
  }
}

}  // namespace
}  // namespace blindai::evidence
