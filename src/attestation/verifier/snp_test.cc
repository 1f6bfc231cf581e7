#include "attestation/verifier/snp.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "attestation/verifier/appraise.h"
#include "encoding/hex.h"
#include "support/fake_snp.h"
#include "support/paths.h"
#include "support/vectors.h"
#include "support/verdict_rows.h"

namespace blindai::verifier {
namespace {

using base::Bytes;
using evidence::SnpProduct;
using evidence::SnpTcb;
using tests::Explain;
using tests::FakeAmd;
using tests::SnpLeafSpec;
using tests::SnpReportBuilder;

const FakeAmd& Amd() {
  static const FakeAmd amd;
  return amd;
}

template <typename Fixed>
Fixed Filled(std::uint8_t value) {
  Fixed fixed;
  fixed.bytes.fill(value);
  return fixed;
}

// What fits SnpReportBuilder's report.
policy::SnpRules Rules() {
  policy::SnpRules rules;
  rules.measurement = {Filled<evidence::LaunchMeasurement>(0x4D)};
  rules.minimum_tcb = {{SnpProduct::kMilan, SnpTcb{0, 3, 0, 8, 115}}};
  return rules;
}

// One report and what is asked about it; each test bends one thing.
struct Case {
  SnpReportBuilder report;
  endorsements::Endorsements endorsements = Amd().VcekEndorsements();
  TrustAnchors anchors = Amd().Anchors();
  policy::SnpRules rules = Rules();
  base::Time now = tests::kPkiNow;
  bool by_vlek = false;

  Verdict Judged() const { return JudgedAs(by_vlek ? Amd().SignByVlek(report) : Amd().Sign(report)); }
  Verdict JudgedAs(base::ByteView bytes) const {
    policy::Policy policy;
    policy.accept.push_back({rules, "", 0});
    Question question;
    question.policy = &policy;
    question.now = now;
    evidence::EvidenceBundle bundle{evidence::TeeKind::kSnp, base::CopyBytes(bytes), {}};
    for (const auto& entry : endorsements.entries()) bundle.endorsements.push_back({entry.name, entry.bytes});
    return JudgeBundle(bundle, anchors, question);
  }
  testing::AssertionResult RefusedFor(std::string_view code) const {
    const Verdict verdict = Judged();
    if (verdict.outcome == Outcome::kRefused && verdict.Has(code)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << Explain(verdict);
  }
};

TEST(Snp, AGoodReportIsTrusted) {
  const Verdict verdict = Case().Judged();
  EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
  EXPECT_EQ(verdict.mode, "hardware");
  EXPECT_FALSE(verdict.claims.empty());
}

TEST(Snp, VersionsTwoFourAndFiveAreTrustedToo) {
  Case two;
  two.report.Version2();
  EXPECT_EQ(two.Judged().outcome, Outcome::kTrusted) << Explain(two.Judged());
  for (const std::uint32_t version : {4u, 5u}) {
    Case one;
    one.report.U32(0, version);
    EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
  }
}

TEST(Snp, ProductionAnchorsRefuseTheTestRoot) {
  Case one;
  one.anchors = TrustAnchors::Production();
  EXPECT_TRUE(one.RefusedFor("wrong-root"));
}

TEST(Snp, AnExtraAnchorIsSaidLoudly) {
  const Verdict verdict = Case().Judged();
  bool said = false;
  for (const Finding& finding : verdict.findings)
    said |= finding.seen.find("EXTRA ANCHOR") != std::string::npos;
  EXPECT_TRUE(said);
}

TEST(Snp, WithoutAPolicyItIsUndecided) {
  Question question;
  question.now = tests::kPkiNow;
  const auto report = evidence::ParseSnpReport(Amd().Sign(SnpReportBuilder()));
  const Verdict verdict = Judge(*report, Amd().VcekEndorsements(), Amd().Anchors(), question);
  EXPECT_EQ(verdict.outcome, Outcome::kUndecided);
  EXPECT_TRUE(verdict.Has("no-policy"));
}

TEST(Snp, ReportDataIsComparedInFull) {
  Case one;
  one.report.Fill(0x50, 64, 7);
  const auto report = evidence::ParseSnpReport(Amd().Sign(one.report));
  Question question;
  question.now = tests::kPkiNow;
  question.report_data = Filled<evidence::ReportData>(7);
  EXPECT_FALSE(Judge(*report, one.endorsements, one.anchors, question).Has("report-data-mismatch"));
  question.report_data->bytes[63] = 6;
  EXPECT_TRUE(Judge(*report, one.endorsements, one.anchors, question).Has("report-data-mismatch"));
}

TEST(Snp, MissingCertificatesLeaveItUndecided) {
  Case one;
  one.endorsements = {};
  EXPECT_EQ(one.Judged().outcome, Outcome::kUndecided);
  EXPECT_TRUE(one.Judged().Has("no-vcek"));
  one.endorsements = {};
  ASSERT_TRUE(one.endorsements.Add("leaf", Amd().Vcek().der()).ok());
  EXPECT_EQ(one.Judged().outcome, Outcome::kUndecided);
  EXPECT_TRUE(one.Judged().Has("no-chain"));
}

TEST(Snp, UnreadableEndorsementsAreRefused) {
  const endorsements::Endorsements good = Amd().VcekEndorsements();
  for (const char* name : {"leaf", "chain", "crl"}) {
    Case one;
    one.endorsements = {};
    for (const auto& entry : good.entries()) {
      if (entry.name == name) continue;
      ASSERT_TRUE(one.endorsements.Add(entry.name, entry.bytes).ok());
    }
    ASSERT_TRUE(one.endorsements.Add(name, Bytes{1, 2, 3}).ok());
    EXPECT_EQ(one.Judged().outcome, Outcome::kRefused) << name;
  }
}

TEST(Snp, ExpiredAndNotYetValidAreRefused) {
  Case one;
  one.now = tests::kPkiEnd + std::chrono::days(1);
  EXPECT_TRUE(one.RefusedFor("expired"));
  one.now = tests::kPkiStart - std::chrono::days(1);
  EXPECT_TRUE(one.RefusedFor("not-yet-valid"));
}

TEST(Snp, ARevokedIntermediateIsRefused) {
  const auto pss = crypto::CertificateSignature::kRsaPssSha384;
  const auto chain = std::vector{Amd().ask().certificate, Amd().ark().certificate};
  Case one;
  const auto revoking = tests::MakeTestCrl(Amd().ark(), {Amd().ask().certificate.serial()}, pss);
  one.endorsements = FakeAmd::Bundle(Amd().Vcek(), chain, &revoking);
  EXPECT_TRUE(one.RefusedFor("revoked"));
  const auto other = tests::MakeTestCrl(Amd().ark(), {Amd().asvk().certificate.serial()}, pss);
  one.endorsements = FakeAmd::Bundle(Amd().Vcek(), chain, &other);
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
  one.now = tests::kPkiEnd + std::chrono::days(1);
  EXPECT_TRUE(one.RefusedFor("crl-expired"));
}

TEST(Snp, ARevocationListOfAnotherKeyOfTheSameNameIsRefused) {
  const FakeAmd impostor;
  const auto forged = tests::MakeTestCrl(impostor.ark(), {}, crypto::CertificateSignature::kRsaPssSha384);
  Case one;
  one.endorsements =
      FakeAmd::Bundle(Amd().Vcek(), {Amd().ask().certificate, Amd().ark().certificate}, &forged);
  EXPECT_TRUE(one.RefusedFor("crl-bad-signature"));
}

TEST(Snp, ARevocationListOfAnotherIssuerIsRefused) {
  const auto of_asvk = tests::MakeTestCrl(Amd().asvk(), {}, crypto::CertificateSignature::kRsaPssSha384);
  Case one;
  one.endorsements =
      FakeAmd::Bundle(Amd().Vcek(), {Amd().ask().certificate, Amd().ark().certificate}, &of_asvk);
  EXPECT_TRUE(one.RefusedFor("crl-missing"));
}

TEST(Snp, AServerThatHidesTheRevocationListIsRefusedWhenThePolicySaysSo) {
  const auto list = tests::MakeTestCrl(Amd().ark(), {}, crypto::CertificateSignature::kRsaPssSha384);
  Case one;
  one.rules.require_revocation_list = true;
  EXPECT_TRUE(one.RefusedFor("crl-missing"));
  one.endorsements = FakeAmd::Bundle(Amd().Vcek(), {Amd().ask().certificate, Amd().ark().certificate}, &list);
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
}

TEST(Snp, CertificatesInOtherPlacesAreRefused) {
  Case one;
  one.endorsements = FakeAmd::Bundle(Amd().ask().certificate, {Amd().Vcek(), Amd().ark().certificate});
  EXPECT_TRUE(one.RefusedFor("snp-certificate"));
  one.endorsements = FakeAmd::Bundle(Amd().Vcek(), {Amd().asvk().certificate, Amd().ark().certificate});
  EXPECT_TRUE(one.RefusedFor("bad-chain"));
  one.endorsements = FakeAmd::Bundle(Amd().Vcek(), {Amd().ark().certificate});
  EXPECT_TRUE(one.RefusedFor("bad-chain"));
  one.endorsements = FakeAmd::Bundle(Amd().Vlek(), {Amd().asvk().certificate, Amd().ark().certificate});
  EXPECT_TRUE(one.RefusedFor("wrong-leaf"));
}

TEST(Snp, ALeafWithTheRightNamesAndAnotherIssuerIsRefused) {
  const FakeAmd impostor;
  Case one;
  one.endorsements = FakeAmd::Bundle(impostor.Vcek(), {Amd().ask().certificate, Amd().ark().certificate});
  EXPECT_TRUE(one.RefusedFor("bad-chain"));
  EXPECT_TRUE(one.RefusedFor("bad-signature"));
}

TEST(Snp, TheOrderOfTheChainDoesNotMatter) {
  Case one;
  one.endorsements = FakeAmd::Bundle(
      Amd().Vcek(), {Amd().ark().certificate, Amd().asvk().certificate, Amd().ask().certificate});
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
}

TEST(Snp, EveryPatchLevelOfTheLeafMustBeTheReported) {
  for (const auto bend :
       {+[](SnpLeafSpec& leaf) { leaf.boot_loader++; }, +[](SnpLeafSpec& leaf) { leaf.tee++; },
        +[](SnpLeafSpec& leaf) { leaf.snp--; }, +[](SnpLeafSpec& leaf) { leaf.microcode = 0xD9; }}) {
    SnpLeafSpec leaf;
    bend(leaf);
    Case one;
    one.endorsements = Amd().VcekEndorsements(leaf);
    EXPECT_TRUE(one.RefusedFor("leaf-tcb"));
  }
}

TEST(Snp, TheLeafIsComparedWithReportedAndNotWithCurrent) {
  Case one;
  one.report.Put(0x038, Bytes{3, 0, 0, 0, 0, 0, 8, 0xCE});
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
}

TEST(Snp, ALevelAbove127IsReadAsANumber) {
  SnpLeafSpec leaf;
  leaf.microcode = 0xD9;
  Case one;
  one.report.Tcb({3, 0, 0, 0, 0, 0, 8, 0xD9});
  one.endorsements = Amd().VcekEndorsements(leaf);
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
}

TEST(Snp, TheLeafOfAnotherChipIsRefused) {
  SnpLeafSpec leaf;
  leaf.hw_id = Bytes(64, 0xC2);
  Case one;
  one.endorsements = Amd().VcekEndorsements(leaf);
  EXPECT_TRUE(one.RefusedFor("leaf-chip"));
  leaf.hw_id = Bytes(8, 0xC1);
  one.endorsements = Amd().VcekEndorsements(leaf);
  EXPECT_TRUE(one.RefusedFor("leaf-chip"));
}

TEST(Snp, AMaskedChipIdNeedsThePolicysWord) {
  Case one;
  one.report.Fill(0x1A0, 64, 0);
  EXPECT_TRUE(one.RefusedFor("masked-chip-id"));
  one.rules.allow_masked_chip_id = true;
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
}

TEST(Snp, ACloudsKeyNeedsThePolicysWord) {
  Case one;
  one.by_vlek = true;
  one.report.U32(0x48, 1 << 2).Fill(0x1A0, 64, 0);
  one.endorsements = Amd().VlekEndorsements();
  EXPECT_TRUE(one.RefusedFor("vlek"));
  one.rules.allow_vlek = true;
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
  one.rules.csp_id = {"CN=another-cloud"};
  EXPECT_TRUE(one.RefusedFor("platform"));
  one.rules.csp_id = {"CN=another-cloud", "CN=test-cloud"};
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
}

TEST(Snp, TheProductIsHeld) {
  Case genoa_cpu;
  genoa_cpu.report.Byte(0x189, 0x11);
  EXPECT_TRUE(genoa_cpu.RefusedFor("snp-product"));
  Case unknown_cpu;
  unknown_cpu.report.Byte(0x189, 0x55);
  EXPECT_TRUE(unknown_cpu.RefusedFor("snp-product"));
  SnpLeafSpec leaf;
  leaf.product_name = "Genoa-B1";
  Case genoa_leaf;
  genoa_leaf.report.Version2();
  genoa_leaf.endorsements = Amd().VcekEndorsements(leaf);
  EXPECT_TRUE(genoa_leaf.RefusedFor("snp-product"));
}

TEST(Snp, TurinReadsItsOwnLayout) {
  static const FakeAmd turin("Turin");
  SnpLeafSpec leaf;
  leaf.product_name = "Turin";
  leaf.fmc = 1;
  leaf.boot_loader = 3;
  leaf.tee = 2;
  leaf.snp = 5;
  leaf.microcode = 97;
  leaf.hw_id = Bytes(8, 0xC1);
  Case one;
  one.report.U32(0, 5).Byte(0x188, 0x1A).Byte(0x189, 0x02).Tcb({1, 3, 2, 5, 0, 0, 0, 97});
  one.report.Fill(0x1A0, 64, 0).Fill(0x1A0, 8, 0xC1);
  one.endorsements = turin.VcekEndorsements(leaf);
  one.anchors = turin.Anchors();
  one.rules.minimum_tcb = {{SnpProduct::kTurin, SnpTcb{1, 3, 2, 5, 97}}};
  const Verdict verdict = one.JudgedAs(turin.Sign(one.report));
  EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
  one.rules.minimum_tcb[SnpProduct::kTurin].fmc = 2;
  EXPECT_TRUE(one.JudgedAs(turin.Sign(one.report)).Has("tcb-out-of-date"));
  one.report.Byte(0x184, 1);
  EXPECT_TRUE(one.JudgedAs(turin.Sign(one.report)).Has("malformed"));
}

TEST(Snp, ReportsOfTheHostAndUnsignedOnesAreRefused) {
  Case host;
  host.report.U32(0x30, 0xFFFFFFFF);
  host.rules.vmpl_maximum = 0xFFFFFFFF;
  EXPECT_TRUE(host.RefusedFor("vmpl"));
  Case unsigned_report;
  unsigned_report.report.U32(0x48, 7 << 2);
  EXPECT_TRUE(unsigned_report.RefusedFor("unsigned"));
}

// Every rule of the policy, one bend each: the report that breaks it is refused with its code.
struct Bend {
  std::string_view code;
  void (*bend)(Case&);
};
const Bend kBends[] = {
    {"measurement", [](Case& c) { c.rules.measurement = {Filled<evidence::LaunchMeasurement>(1)}; }},
    {"measurement", [](Case& c) { c.rules.measurement.clear(); }},
    {"debug", [](Case& c) { c.report.U64(0x08, 0x30000 | 1 << 19); }},
    {"vmpl", [](Case& c) { c.report.U32(0x30, 1); }},
    {"policy-bits", [](Case& c) { c.report.U64(0x08, 0x10000); }},
    {"policy-bits", [](Case& c) { c.report.U64(0x08, 0x30000 | std::uint64_t{1} << 26); }},
    {"policy-bits", [](Case& c) { c.report.U64(0x08, 0x30000 | std::uint64_t{1} << 63); }},
    {"migration", [](Case& c) { c.report.U64(0x08, 0x30000 | 1 << 18); }},
    {"migration", [](Case& c) { c.report.Byte(0x160, 0); }},
    {"smt", [](Case& c) { c.rules.allow_smt = false; }},
    {"smt", [](Case& c) { c.report.U64(0x08, 0x20000); }},
    {"single-socket", [](Case& c) { c.rules.require_single_socket = true; }},
    {"abi-version", [](Case& c) { c.rules.abi_major_minimum = 1; }},
    {"abi-version", [](Case& c) { c.rules.abi_minor_minimum = 1; }},
    {"product",
     [](Case& c) {
       c.rules.minimum_tcb = {{SnpProduct::kGenoa, SnpTcb{}}};
     }},
    {"product", [](Case& c) { c.rules.minimum_tcb.clear(); }},
    {"tcb-out-of-date", [](Case& c) { c.rules.minimum_tcb[SnpProduct::kMilan].boot_loader = 4; }},
    {"tcb-out-of-date", [](Case& c) { c.rules.minimum_tcb[SnpProduct::kMilan].tee = 1; }},
    {"tcb-out-of-date", [](Case& c) { c.rules.minimum_tcb[SnpProduct::kMilan].snp = 9; }},
    {"tcb-out-of-date", [](Case& c) { c.rules.minimum_tcb[SnpProduct::kMilan].microcode = 116; }},
    {"tcb-out-of-date", [](Case& c) { c.report.Byte(0x1E7, 114); }},  // COMMITTED
    {"tcb-out-of-date", [](Case& c) { c.report.Byte(0x1F7, 114); }},  // LAUNCH
    {"provisional-firmware", [](Case& c) { c.report.Byte(0x3F, 114); }},
    {"provisional-firmware",
     [](Case& c) {
       c.report.Byte(0x3F, 116);
       c.rules.allow_provisional_firmware = false;
     }},
    {"guest-svn", [](Case& c) { c.rules.guest_svn_minimum = 1; }},
    {"host-data", [](Case& c) { c.report.Byte(0xC0, 1); }},
    {"host-data", [](Case& c) { c.rules.host_data = {Filled<evidence::HostData>(1)}; }},
    {"family-id", [](Case& c) { c.rules.family_id = Filled<evidence::SnpFamilyId>(1); }},
    {"image-id", [](Case& c) { c.rules.image_id = Filled<evidence::SnpImageId>(1); }},
    {"id-key", [](Case& c) { c.rules.id_key_digest = {Filled<evidence::IdKeyDigest>(1)}; }},
    {"author-key", [](Case& c) { c.rules.author_key_digest = {Filled<evidence::IdKeyDigest>(1)}; }},
    {"author-key", [](Case& c) { c.rules.author_key_digest = {Filled<evidence::IdKeyDigest>(0)}; }},
    {"alias-check", [](Case& c) { c.rules.require_alias_check = true; }},
    {"ciphertext-hiding", [](Case& c) { c.rules.require_ciphertext_hiding = true; }},
    {"mitigations", [](Case& c) { c.rules.mitigations_required = 1; }},
    {"platform", [](Case& c) { c.rules.chip_id = {Filled<evidence::ChipId>(1)}; }},
};

TEST(Snp, WhatThePolicyForbidsIsRefused) {
  for (const Bend& bend : kBends) {
    Case one;
    bend.bend(one);
    EXPECT_TRUE(one.RefusedFor(bend.code)) << bend.code;
  }
}

TEST(Snp, WhatThePolicyAllowsIsTrusted) {
  Case one;
  one.report.U64(0x08, 0x30000 | 1 << 18 | 1 << 19 | 1 << 20).U32(0x30, 2).Byte(0x160, 0).U32(0x48, 1);
  one.report.U64(0x40, 0x31).U32(0, 5).U64(0x200, 3).U32(0x04, 7).Byte(0x3F, 120);
  one.report.Fill(0xC0, 32, 1).Fill(0x10, 16, 2).Fill(0x20, 16, 3).Fill(0xE0, 48, 4).Fill(0x110, 48, 5);
  one.rules.allow_debug = true;
  one.rules.allow_migration = true;
  one.rules.vmpl_maximum = 2;
  one.rules.require_single_socket = true;
  one.rules.require_alias_check = true;
  one.rules.require_ciphertext_hiding = true;
  one.rules.mitigations_required = 3;
  one.rules.guest_svn_minimum = 7;
  one.rules.host_data = {Filled<evidence::HostData>(1)};
  one.rules.family_id = Filled<evidence::SnpFamilyId>(2);
  one.rules.image_id = Filled<evidence::SnpImageId>(3);
  one.rules.id_key_digest = {Filled<evidence::IdKeyDigest>(9), Filled<evidence::IdKeyDigest>(4)};
  one.rules.author_key_digest = {Filled<evidence::IdKeyDigest>(5)};
  one.rules.chip_id = {Filled<evidence::ChipId>(0xC1)};
  EXPECT_EQ(one.Judged().outcome, Outcome::kTrusted) << Explain(one.Judged());
}

TEST(Snp, EverySignedBitCounts) {
  const Case one;
  const Bytes report = Amd().Sign(one.report);
  ASSERT_EQ(one.JudgedAs(report).outcome, Outcome::kTrusted);
  const Bytes expected = base::CopyBytes(base::AsBytes(RenderJson(one.JudgedAs(report))));
  for (std::size_t bit = 0; bit < report.size() * 8; bit += tests::BitStep(29)) {
    const Verdict verdict = one.JudgedAs(tests::WithBitFlipped(report, bit));
    if (bit / 8 < evidence::kSnpSignedSize) {
      ASSERT_EQ(verdict.outcome, Outcome::kRefused) << "bit " << bit;
    } else if (verdict.outcome != Outcome::kRefused) {
      ASSERT_EQ(RenderJson(verdict), base::AsText(expected)) << "bit " << bit;
    }
  }
}

TEST(Snp, EveryTruncationIsRefused) {
  const Case one;
  const Bytes report = Amd().Sign(one.report);
  for (std::size_t size = 0; size < report.size(); ++size) {
    ASSERT_TRUE(one.JudgedAs(base::ByteView(report).first(size)).Has("malformed")) << size;
  }
}

// ---- the table ----

struct Row {
  const tests::VectorRow& row;

  Bytes Report() const {
    const Bytes file = tests::ReadVector(row["report"]);
    if (row["how_to_get_1184_bytes"] == "hex text") return tests::FromHex(base::AsText(file));
    if (row["how_to_get_1184_bytes"] == "bytes 32..1215")
      return base::CopyBytes(base::ByteView(file).subspan(32, 1184));
    return file;
  }
  // Everything that the row says of the report is accepted: what is refused is not for a difference of taste.
  policy::SnpRules Rules() const {
    policy::SnpRules rules;
    if (!row["measurement"].empty()) {
      rules.measurement = {*encoding::HexDecodeFixed<evidence::LaunchMeasurement>(row["measurement"])};
      rules.host_data = {*encoding::HexDecodeFixed<evidence::HostData>(row["host_data"])};
    }
    rules.minimum_tcb = {{SnpProduct::kMilan, {}}, {SnpProduct::kGenoa, {}}, {SnpProduct::kTurin, {}}};
    rules.allow_vlek = true;
    return rules;
  }
  Verdict Judged(base::Time now, const policy::SnpRules& rules) const { return Judged(now, rules, Report()); }
  Verdict Judged(base::Time now, const policy::SnpRules& rules, base::ByteView report) const {
    Case one;
    one.endorsements = {};
    for (const char* name : {"leaf", "chain"}) {
      if (row[name].empty()) continue;
      EXPECT_TRUE(one.endorsements.Add(name, tests::ReadVector(row[name])).ok());
    }
    one.anchors = TrustAnchors::Production();
    one.rules = rules;
    one.now = now;
    return one.JudgedAs(report);
  }
};

TEST(Snp, RealReportsGetTheVerdictOfTheTable) {
  const auto rows = tests::ReadVectorTable("verdicts_snp.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  for (const auto& cells : rows) {
    SCOPED_TRACE("line " + std::to_string(cells.line()) + ": " + cells["report"]);
    const Row row{cells};
    const base::Time at =
        cells["evaluate_at"].empty() ? tests::kPkiNow : *base::ParseTime(cells["evaluate_at"]);
    const Verdict verdict = row.Judged(at, row.Rules());
    if (cells["verdict"] == "accept") {
      EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
      const Verdict late =
          row.Judged(*base::ParseTime(cells["valid_to"]) + std::chrono::days(1), row.Rules());
      EXPECT_EQ(late.outcome, Outcome::kRefused);
      EXPECT_TRUE(late.Has("expired")) << Explain(late);
    } else if (cells["verdict"] == "policy") {
      EXPECT_EQ(verdict.outcome, Outcome::kRefused);
      EXPECT_TRUE(verdict.Has(cells["code"])) << Explain(verdict);
      policy::SnpRules allowing = row.Rules();
      allowing.vmpl_maximum = 1;
      EXPECT_EQ(row.Judged(at, allowing).outcome, Outcome::kTrusted) << Explain(row.Judged(at, allowing));
    } else {
      EXPECT_EQ(verdict.outcome, cells["verdict"] == "reject" ? Outcome::kRefused : Outcome::kUndecided);
      EXPECT_TRUE(verdict.Has(cells["code"])) << Explain(verdict);
    }
  }
}

TEST(Snp, EverySignedBitOfARealReportCounts) {
  const auto rows = tests::ReadVectorTable("verdicts_snp.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  const auto cells =
      std::find_if(rows.begin(), rows.end(), [](const auto& one) { return one["verdict"] == "accept"; });
  ASSERT_NE(cells, rows.end());
  const Row row{*cells};
  const Bytes report = row.Report();
  for (std::size_t bit = 0; bit < evidence::kSnpSignedSize * 8; bit += tests::SignedBitStep(101)) {
    const Outcome outcome =
        row.Judged(*base::ParseTime((*cells)["evaluate_at"]), row.Rules(), tests::WithBitFlipped(report, bit))
            .outcome;
    ASSERT_EQ(outcome, Outcome::kRefused) << "bit " << bit;
  }
}

}  // namespace
}  // namespace blindai::verifier
