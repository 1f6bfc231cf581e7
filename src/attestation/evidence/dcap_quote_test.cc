#include "attestation/evidence/dcap_quote.h"

#include <gtest/gtest.h>

#include "attestation/evidence/evidence.h"
#include "attestation/evidence/sgx_report.h"
#include "attestation/evidence/tdx_report.h"
#include "support/fake_intel.h"
#include "support/paths.h"
#include "support/vectors.h"

namespace blindai::evidence {
namespace {

using tests::FakeIntel;
using tests::FakeQuoteParts;

const FakeIntel& Intel() {
  static const FakeIntel intel;
  return intel;
}

std::string ErrorOf(const base::Bytes& bytes) {
  const auto quote = ParseDcapQuote(bytes);
  return quote.ok() ? "" : quote.error().message;
}

TEST(SgxReport, ReadsWhatWasEncoded) {
  SgxReport report = std::get<SgxReport>(FakeIntel::Sgx().body);
  report.cpu_svn[15] = 9;
  report.misc_select = 0x01020304;
  report.config_svn = 7;
  report.config_id.bytes[63] = 1;
  report.extended_product_id.bytes[0] = 2;
  report.family_id.bytes[15] = 3;
  const base::Bytes bytes = tests::EncodeSgxReport(report);
  const auto read = ParseSgxReport(bytes);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(tests::EncodeSgxReport(*read), bytes);
  EXPECT_EQ(read->misc_select, 0x01020304u);
  EXPECT_EQ(read->isv_svn, 2);
  EXPECT_FALSE(read->debug());
  EXPECT_TRUE(read->reserved_is_zero);
}

TEST(SgxReport, SaysWhenReservedBytesAreSetAndWhenTheSizeIsWrong) {
  base::Bytes bytes = tests::EncodeSgxReport(SgxReport{});
  for (const std::size_t reserved : {20u, 31u, 96u, 127u, 160u, 191u, 262u, 303u}) {
    base::Bytes bent = bytes;
    bent[reserved] = 1;
    EXPECT_FALSE(ParseSgxReport(bent)->reserved_is_zero) << reserved;
  }
  bytes.push_back(0);
  EXPECT_FALSE(ParseSgxReport(bytes).ok());
  bytes.resize(383);
  EXPECT_EQ(ParseSgxReport(bytes).error().message,
            "REPORTDATA: input ends early (64 bytes wanted at offset 320, 63 left)");
}

TEST(TdReport, ReadsWhatWasEncodedInBothSizes) {
  for (const bool td15 : {false, true}) {
    TdReport report = std::get<TdReport>(FakeIntel::Tdx(5, td15).body);
    report.mr_owner.bytes[47] = 5;
    report.rtmr[3].bytes[0] = 6;
    report.seam_attributes = 0x8000000000000001;
    const base::Bytes bytes = tests::EncodeTdReport(report);
    EXPECT_EQ(bytes.size(), td15 ? kTdReport15Size : kTdReport10Size);
    const auto read = ParseTdReport(bytes);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(tests::EncodeTdReport(*read), bytes);
    EXPECT_EQ(read->tee_tcb_svn2.has_value(), td15);
    EXPECT_FALSE(read->debug());
  }
  EXPECT_EQ(ParseTdReport(base::Bytes(600)).error().message, "TD report: 600 bytes, wanted 584 or 648");
}

TEST(DcapQuote, ReadsEveryVersion) {
  const FakeQuoteParts sgx4 = [] {
    FakeQuoteParts parts = FakeIntel::Sgx();
    parts.version = 4;
    return parts;
  }();
  FakeQuoteParts sgx5 = sgx4;
  sgx5.version = 5;
  for (const FakeQuoteParts& parts :
       {FakeIntel::Sgx(), sgx4, sgx5, FakeIntel::Tdx(4), FakeIntel::Tdx(5), FakeIntel::Tdx(5, true)}) {
    const auto quote = ParseDcapQuote(Intel().Quote(parts));
    ASSERT_TRUE(quote.ok()) << quote.error().message;
    EXPECT_EQ(quote->version, parts.version);
    EXPECT_EQ(quote->tee, parts.tee);
    EXPECT_EQ(quote->report_data().bytes[0], 0x33);
    EXPECT_EQ(quote->sgx() != nullptr, parts.tee == TeeKind::kSgx);
    EXPECT_EQ(quote->td() != nullptr, parts.tee == TeeKind::kTdx);
    EXPECT_EQ(quote->certification_type, kCertificationPckChain);
    EXPECT_EQ(quote->qe_vendor_id, kIntelQeVendorId);
    EXPECT_EQ(quote->qe_authentication_data.size(), 32u);
    EXPECT_EQ(quote->trailing_bytes, 0u);
  }
}

TEST(DcapQuote, BytesBehindItAreCountedAndNotRead) {
  FakeQuoteParts parts = FakeIntel::Tdx();
  parts.trailing = base::Bytes(39, 0xee);
  const auto quote = ParseDcapQuote(Intel().Quote(parts));
  ASSERT_TRUE(quote.ok());
  EXPECT_EQ(quote->trailing_bytes, 39u);
}

TEST(DcapQuote, RefusesHeadersOfOtherKinds) {
  const base::Bytes good = Intel().Quote(FakeIntel::Tdx());
  const auto bent = [&good](std::size_t offset, std::uint8_t value) {
    base::Bytes bytes = good;
    bytes[offset] = value;
    return ErrorOf(bytes);
  };
  EXPECT_EQ(bent(0, 2), "quote header: version: 2, wanted 3, 4 or 5");
  EXPECT_EQ(bent(0, 6), "quote header: version: 6, wanted 3, 4 or 5");
  EXPECT_EQ(bent(2, 3), "quote header: attestation key type: 3, wanted 2 (ECDSA P-256)");
  EXPECT_EQ(bent(4, 1), "quote header: TEE type: 1, wanted 0 (SGX) or 129 (TDX)");
  EXPECT_EQ(bent(0, 3), "quote header: TEE type: 129, wanted 0 (version 3 is SGX only)");
}

TEST(DcapQuote, RefusesBodiesWhoseDescriptorDoesNotFit) {
  const base::Bytes good = Intel().Quote(FakeIntel::Tdx(5));
  base::Bytes bytes = good;
  bytes[48] = 1;
  EXPECT_EQ(ErrorOf(bytes), "quote: body type: 1, wanted 1 for SGX, 2 or 3 for TDX");
  bytes = good;
  bytes[48] = 3;
  EXPECT_EQ(ErrorOf(bytes), "quote: body size: 584, wanted 648");
  bytes = good;
  bytes[53] = 0xff;
  EXPECT_NE(ErrorOf(bytes), "");
}

TEST(DcapQuote, EveryTruncationIsRefused) {
  for (const FakeQuoteParts& parts : {FakeIntel::Sgx(), FakeIntel::Tdx(5, true)}) {
    const base::Bytes good = Intel().Quote(parts);
    for (std::size_t size = 0; size < good.size(); ++size) {
      EXPECT_FALSE(ParseDcapQuote(base::ByteView(good).first(size)).ok()) << size;
    }
  }
}

TEST(DcapQuote, LengthsThatDoNotAddUpAreRefused) {
  const base::Bytes good = Intel().Quote(FakeIntel::Sgx());
  constexpr std::size_t kSignatureDataSize = 48 + 384;
  for (const int change : {-1, 1}) {
    base::Bytes bytes = good;
    bytes[kSignatureDataSize] = static_cast<std::uint8_t>(bytes[kSignatureDataSize] + change);
    if (change > 0) bytes.push_back(0);
    EXPECT_NE(ErrorOf(bytes), "") << change;
  }
  base::Bytes huge = good;
  huge[kSignatureDataSize + 3] = 0xff;
  EXPECT_NE(ErrorOf(huge), "");
}

TEST(DcapQuote, EvidenceOfTheOtherKindIsRefused) {
  const base::Bytes tdx = Intel().Quote(FakeIntel::Tdx());
  EXPECT_TRUE(ParseEvidence(TeeKind::kTdx, tdx).ok());
  EXPECT_EQ(ParseEvidence(TeeKind::kSgx, tdx).error().message,
            "sgx evidence: the quote is of kind tdx, wanted sgx");
  EXPECT_EQ(KindOf(*ParseEvidence(TeeKind::kSgx, Intel().Quote(FakeIntel::Sgx()))), TeeKind::kSgx);
}

TEST(DcapQuote, TheRealQuotesSayWhatTheTableSays) {
  const auto rows = tests::ReadVectorTable("verdicts_sgx_tdx.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  for (const tests::VectorRow& row : rows) {
    const base::Bytes file = tests::ReadVector(row["quote"]);
    const auto quote = ParseDcapQuote(base::ByteView(file).subspan(std::stoul(row["quote_offset"])));
    ASSERT_TRUE(quote.ok()) << row["quote"] << ": " << quote.error().message;
    EXPECT_EQ(std::to_string(quote->version), row["version"]);
    EXPECT_EQ(quote->tee == TeeKind::kTdx ? "TDX" : "SGX", row["tee"]);
    EXPECT_EQ(tests::ToHex(quote->report_data().view()), row["report_data"]) << row["quote"];
    const base::ByteView measurement =
        quote->td() != nullptr ? quote->td()->mrtd.view() : quote->sgx()->mrenclave.view();
    EXPECT_EQ(tests::ToHex(measurement), row["measurement"]) << row["quote"];
    const bool debug = quote->td() != nullptr ? quote->td()->debug() : quote->sgx()->debug();
    EXPECT_EQ(debug, row["attributes"].find("DEBUG") != std::string::npos) << row["quote"];
    if (row["bytes_after_quote"] != "(container)") {
      EXPECT_EQ(std::to_string(quote->trailing_bytes),
                row["bytes_after_quote"].substr(0, row["bytes_after_quote"].find(' ')));
    }
  }
}

}  // namespace
}  // namespace blindai::evidence
