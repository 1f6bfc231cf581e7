#include "attestation/verifier/azure.h"

#include <gtest/gtest.h>

#include "attestation/verifier/appraise.h"
#include "support/fake_azure.h"
#include "support/fake_td.h"
#include "support/verdict_rows.h"

namespace blindai::verifier {
namespace {

using base::Bytes;
using tests::Explain;
using tests::FakeAmd;
using tests::FakeTpm;
using tests::HclSpec;

const FakeAmd& Amd() {
  static const FakeAmd amd;
  return amd;
}
const FakeTpm& Tpm() {
  static const FakeTpm tpm;
  return tpm;
}

template <typename Fixed>
Fixed Filled(std::uint8_t value) {
  Fixed fixed;
  fixed.bytes.fill(value);
  return fixed;
}

struct Case {
  HclSpec hcl;
  std::vector<evidence::NamedBytes> endorsements;
  policy::TpmRules rules;
  TrustAnchors anchors = Amd().Anchors();

  Case() {
    for (const auto& entry : AmdEndorsements().entries()) endorsements.push_back({entry.name, entry.bytes});
    rules.pcr_sha256 = {{4, {Filled<evidence::PcrSha256>(4)}}};
    rules.over_snp.emplace();
    rules.over_snp->measurement = {Filled<evidence::LaunchMeasurement>(0x4D)};
    rules.over_snp->minimum_tcb = {{evidence::SnpProduct::kMilan, {}}};
  }
  static const endorsements::Endorsements& AmdEndorsements() {
    static const endorsements::Endorsements bundle = Amd().VcekEndorsements();
    return bundle;
  }
  Verdict Judged() const { return JudgedWith(tests::MakeHclReport(Amd(), Tpm().ak(), hcl)); }
  Verdict JudgedWith(Bytes hcl_report, const policy::TpmRules* other_rules = nullptr) const {
    policy::Policy policy;
    policy.accept.push_back({other_rules == nullptr ? rules : *other_rules, "", 0});
    Question question;
    question.policy = &policy;
    question.now = tests::kPkiNow;
    evidence::EvidenceBundle bundle{evidence::TeeKind::kTpm, Tpm().Quote(), endorsements};
    bundle.endorsements.push_back({"hardware-report", std::move(hcl_report)});
    return JudgeBundle(bundle, anchors, question);
  }
  testing::AssertionResult RefusedFor(std::string_view code) const {
    const Verdict verdict = Judged();
    if (verdict.outcome == Outcome::kRefused && verdict.Has(code)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << Explain(verdict);
  }
  testing::AssertionResult Trusted() const {
    const Verdict verdict = Judged();
    if (verdict.outcome == Outcome::kTrusted) return testing::AssertionSuccess();
    return testing::AssertionFailure() << Explain(verdict);
  }
};

TEST(Azure, AKeyThatHardwareNamesIsTrusted) {
  EXPECT_TRUE(Case().Trusted());
  for (const std::uint32_t hash : {2u, 3u}) {
    Case one;
    one.hcl.hash = hash;
    EXPECT_TRUE(one.Trusted());
  }
}

TEST(Azure, TheClaimsNameTheHardwareBelow) {
  const Verdict verdict = Case().Judged();
  bool named = false;
  for (const auto& [name, text] : verdict.claims) named |= name == "under_it_hardware";
  EXPECT_TRUE(named);
}

TEST(Azure, ProductionAnchorsRefuseTheTestRoot) {
  Case one;
  one.anchors = TrustAnchors::Production();
  EXPECT_TRUE(one.RefusedFor("wrong-root"));
}

TEST(Azure, RuntimeDataThatTheHardwareDidNotSignIsRefused) {
  Case other_hash;
  other_hash.hcl.hashed_with = 2;
  EXPECT_TRUE(other_hash.RefusedFor("hardware-report"));
  const Case one;
  const Bytes good = tests::MakeHclReport(Amd(), Tpm().ak());
  const std::size_t start = 0x4D4;
  const std::size_t end = good.size() - 64;
  for (std::size_t bit = start * 8; bit < end * 8; bit += tests::BitStep(41)) {
    ASSERT_EQ(one.JudgedWith(tests::WithBitFlipped(good, bit)).outcome, Outcome::kRefused) << bit;
  }
}

TEST(Azure, EveryBitOfTheSnpReportCounts) {
  const Case one;
  const Bytes good = tests::MakeHclReport(Amd(), Tpm().ak());
  for (std::size_t bit = 32 * 8; bit < (32 + evidence::kSnpSignedSize) * 8; bit += tests::BitStep(97)) {
    ASSERT_EQ(one.JudgedWith(tests::WithBitFlipped(good, bit)).outcome, Outcome::kRefused) << bit;
  }
}

TEST(Azure, TheKeyOfAnotherMachineIsRefused) {
  const FakeTpm other;
  const Case one;
  const Verdict verdict = one.JudgedWith(tests::MakeHclReport(Amd(), other.ak()));
  EXPECT_EQ(verdict.outcome, Outcome::kRefused);
  EXPECT_TRUE(verdict.Has("bad-signature"));
  Case sent;
  sent.endorsements.push_back({"ak", other.PublicArea()});
  EXPECT_TRUE(sent.RefusedFor("hardware-report"));
}

TEST(Azure, TheHardwareMustMeetRulesOfItsOwn) {
  Case unnamed;
  unnamed.rules.over_snp.reset();
  EXPECT_TRUE(unnamed.RefusedFor("hardware-report"));
  unnamed.rules.over_tdx.emplace();
  EXPECT_TRUE(unnamed.RefusedFor("hardware-report"));
  Case debug;
  debug.hcl.report.U64(0x08, 0x30000 | 1 << 19);
  EXPECT_TRUE(debug.RefusedFor("debug"));
  Case other;
  other.rules.over_snp->measurement = {Filled<evidence::LaunchMeasurement>(1)};
  EXPECT_TRUE(other.RefusedFor("measurement"));
}

TEST(Azure, WithoutTheChipsCertificateItIsUndecided) {
  Case one;
  one.endorsements.clear();
  EXPECT_EQ(one.Judged().outcome, Outcome::kUndecided);
  EXPECT_TRUE(one.Judged().Has("no-vcek"));
}

TEST(Azure, SecureBootIsReadFromTheRuntimeData) {
  Case one;
  one.rules.require_secure_boot = true;
  EXPECT_TRUE(one.Trusted());
  one.hcl.secure_boot = false;
  EXPECT_TRUE(one.RefusedFor("secure-boot"));
}

TEST(Azure, DamagedHardwareReportsAreRefused) {
  const Case one;
  Bytes damaged = tests::MakeHclReport(Amd(), Tpm().ak());
  damaged[32] = 9;
  EXPECT_TRUE(one.JudgedWith(damaged).Has("malformed"));
  damaged = tests::MakeHclReport(Amd(), Tpm().ak());
  damaged[0x4C8] = 4;  // calls itself TDX
  EXPECT_TRUE(one.JudgedWith(damaged).Has("malformed"));
}

// ---- over TDX ----

struct TdxCase {
  tests::FakeIntel intel;
  tests::FakeQuoteParts quote = tests::FakeIntel::Tdx();
  std::string runtime = tests::HclRuntime(Tpm().ak(), true);
  bool with_quote = true;
  Bytes damaged_quote;  // instead of the good one
  policy::TpmRules rules;

  TdxCase() {
    Report().report_data = tests::TdxReportData(runtime);
    rules.pcr_sha256 = {{4, {Filled<evidence::PcrSha256>(4)}}};
    rules.over_tdx.emplace();
    rules.over_tdx->mrtd = {Report().mrtd};
  }
  evidence::TdReport& Report() { return std::get<evidence::TdReport>(quote.body); }
  const evidence::TdReport& Report() const { return std::get<evidence::TdReport>(quote.body); }

  Bytes LocalReport() const { return tests::MakeTdReportLocal(Report()); }
  Verdict Judged() const { return JudgedOver(LocalReport()); }
  Verdict JudgedOver(const Bytes& local) const {
    policy::Policy policy;
    policy.accept.push_back({rules, "", 0});
    Question question;
    question.policy = &policy;
    question.now = tests::FakeIntel::Now();
    TrustAnchors anchors = TrustAnchors::Production();
    anchors.AddExtra("fake Intel", intel.root.certificate.public_key().SpkiSha256(),
                     intel.root.certificate.der());
    evidence::EvidenceBundle bundle{evidence::TeeKind::kTpm, Tpm().Quote(), {}};
    const auto collateral = intel.Collateral(evidence::TeeKind::kTdx);
    for (const auto& entry : collateral.entries()) bundle.endorsements.push_back({entry.name, entry.bytes});
    bundle.endorsements.push_back({"hardware-report", tests::MakeHclReportOverTdx(local, runtime)});
    if (with_quote) {
      bundle.endorsements.push_back({"td-quote", damaged_quote.empty() ? intel.Quote(quote) : damaged_quote});
    }
    return JudgeBundle(bundle, anchors, question);
  }
  testing::AssertionResult RefusedFor(std::string_view code) const { return Refused(Judged(), code); }
  static testing::AssertionResult Refused(const Verdict& verdict, std::string_view code) {
    if (verdict.outcome == Outcome::kRefused && verdict.Has(code)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << Explain(verdict);
  }
};

TEST(AzureOverTdx, AKeyThatHardwareNamesIsTrusted) {
  const Verdict verdict = TdxCase().Judged();
  EXPECT_EQ(verdict.outcome, Outcome::kTrusted) << Explain(verdict);
}

TEST(AzureOverTdx, WithoutTheQuoteItIsUndecided) {
  TdxCase one;
  one.with_quote = false;
  EXPECT_EQ(one.Judged().outcome, Outcome::kUndecided);
  EXPECT_TRUE(one.Judged().Has("no-quote"));
}

TEST(AzureOverTdx, AQuoteThatDoesNotFitTheReportIsRefused) {
  const TdxCase one;
  const Bytes local = one.LocalReport();
  for (const std::size_t offset : {32u, 80u, 128u, 256u, 512u, 528u, 1000u}) {
    Bytes bent = local;
    bent[offset] ^= 1;
    EXPECT_TRUE(TdxCase::Refused(one.JudgedOver(bent), "td-quote")) << offset;
  }
  TdxCase other_data;
  other_data.runtime = tests::HclRuntime(Tpm().ak(), false);
  EXPECT_TRUE(other_data.RefusedFor("hardware-report"));
  TdxCase enclave;
  enclave.quote = tests::FakeIntel::Sgx();
  EXPECT_TRUE(TdxCase::Refused(enclave.JudgedOver(local), "td-quote"));
}

TEST(AzureOverTdx, TheHardwareMustMeetRulesOfItsOwn) {
  TdxCase unnamed;
  unnamed.rules.over_tdx.reset();
  EXPECT_TRUE(unnamed.RefusedFor("hardware-report"));
  TdxCase other;
  other.rules.over_tdx->mrtd = {Filled<evidence::Mrtd>(0x99)};
  EXPECT_TRUE(other.RefusedFor("measurement"));
}

TEST(AzureOverTdx, ATdQuoteThatCannotBeReadIsRefused) {
  TdxCase one;
  one.damaged_quote = Bytes(40, 1);
  EXPECT_TRUE(one.RefusedFor("malformed"));
}

TEST(Azure, AHardwareReportThatNamesNoUsableKeyIsRefused) {
  Case one;
  one.hcl.runtime =
      R"({"keys":[{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"AQAB","n":"AQAB"}],)"
      R"("vm-configuration":{"secure-boot":true,"tpm-enabled":true,"vmUniqueId":"TEST"},"user-data":"00"})";
  EXPECT_TRUE(one.RefusedFor("malformed"));
}

}  // namespace
}  // namespace blindai::verifier
