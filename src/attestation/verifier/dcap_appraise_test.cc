// The rules for enclaves and TDs, one bent field at a time.
#include "attestation/verifier/dcap_appraise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "support/fake_intel.h"

namespace blindai::verifier {
namespace {

using evidence::SgxReport;
using evidence::TcbStatus;
using evidence::TdReport;
using testing::ElementsAre;
using testing::IsEmpty;
using tests::FakeIntel;

DcapFacts GoodFacts(const tests::FakeQuoteParts& parts) {
  DcapFacts facts;
  facts.quote.tee = parts.tee;
  facts.quote.body = parts.body;
  facts.pck.ppid.bytes.fill(0xaa);
  facts.judged_at = FakeIntel::Now();
  TcbEvaluation& tcb = facts.tcb.emplace();
  tcb.status = TcbStatus::kUpToDate;
  tcb.tcb_date = *base::ParseTime("2026-01-01");
  tcb.issued = *base::ParseTime("2026-05-20");
  tcb.evaluation_data_number = 18;
  return facts;
}

policy::SgxRules SgxRules() {
  policy::SgxRules rules;
  rules.mrenclave.emplace_back().bytes.fill(0x11);
  return rules;
}
policy::TdxRules TdxRules() {
  policy::TdxRules rules;
  rules.mrtd.emplace_back().bytes.fill(0x11);
  return rules;
}

std::vector<std::string> FailedCodes(FindingList findings) {
  std::vector<std::string> codes;
  for (const Finding& finding : findings.findings()) {
    if (finding.status == CheckStatus::kFailed) codes.push_back(finding.code);
  }
  EXPECT_EQ(findings.Conclude() == Outcome::kTrusted, codes.empty());
  return codes;
}

std::vector<std::string> Sgx(const DcapFacts& facts, const policy::SgxRules& rules) {
  FindingList findings;
  AppraiseSgx(facts, rules, findings);
  return FailedCodes(std::move(findings));
}
std::vector<std::string> Tdx(const DcapFacts& facts, const policy::TdxRules& rules) {
  FindingList findings;
  AppraiseTdx(facts, rules, findings);
  return FailedCodes(std::move(findings));
}
// The codes for a report bent by `bend`.
std::vector<std::string> BentSgx(const std::function<void(SgxReport&)>& bend) {
  DcapFacts facts = GoodFacts(FakeIntel::Sgx());
  bend(std::get<SgxReport>(facts.quote.body));
  return Sgx(facts, SgxRules());
}
std::vector<std::string> BentTdx(const std::function<void(TdReport&)>& bend) {
  DcapFacts facts = GoodFacts(FakeIntel::Tdx());
  bend(std::get<TdReport>(facts.quote.body));
  return Tdx(facts, TdxRules());
}

TEST(AppraiseSgx, AcceptsWhatFits) {
  EXPECT_THAT(BentSgx([](SgxReport&) {}), IsEmpty());
}

TEST(AppraiseSgx, RefusesEachFieldThatDoesNotFit) {
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.attributes_flags |= evidence::kSgxDebug; }), ElementsAre("debug"));
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.attributes_flags &= ~evidence::kSgxInit; }),
              ElementsAre("attributes"));
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.attributes_flags |= evidence::kSgxProvisionKey; }),
              ElementsAre("attributes"));
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.attributes_flags |= evidence::kSgxEinitTokenKey; }),
              ElementsAre("attributes"));
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.attributes_flags |= std::uint64_t{1} << 60; }),
              ElementsAre("attributes"));
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.reserved_is_zero = false; }), ElementsAre("attributes"));
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.attributes_xfrm = 1; }), ElementsAre("xfam"));
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.attributes_xfrm |= std::uint64_t{1} << 17; }),
              ElementsAre("xfam"));
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.misc_select = 1; }), ElementsAre("misc-select"));
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.mrenclave.bytes[31] ^= 1; }), ElementsAre("measurement"));
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.config_id.bytes[63] = 1; }), ElementsAre("config-id"));
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.extended_product_id.bytes[0] = 1; }), ElementsAre("config-id"));
  EXPECT_THAT(BentSgx([](SgxReport& r) { r.family_id.bytes[0] = 1; }), ElementsAre("config-id"));
}

TEST(AppraiseSgx, AllReasonsAreReportedTogether) {
  const auto codes = BentSgx([](SgxReport& r) {
    r.attributes_flags |= evidence::kSgxDebug;
    r.mrenclave.bytes[0] ^= 1;
    r.misc_select = 1;
  });
  EXPECT_THAT(codes, testing::UnorderedElementsAre("debug", "measurement", "misc-select"));
}

TEST(AppraiseSgx, DebugIsAPermissionOfItsOwn) {
  DcapFacts facts = GoodFacts(FakeIntel::Sgx());
  std::get<SgxReport>(facts.quote.body).attributes_flags |= evidence::kSgxDebug;
  policy::SgxRules rules = SgxRules();
  rules.allow_debug = true;
  EXPECT_THAT(Sgx(facts, rules), IsEmpty());
  // A policy whose mask forgets the bit does not permit it.
  rules.allow_debug = false;
  rules.attributes_flags = {0x7, ~std::uint64_t{0}};
  EXPECT_THAT(Sgx(facts, rules), ElementsAre("debug"));
}

TEST(AppraiseSgx, AnEmptyListAcceptsNothing) {
  EXPECT_THAT(Sgx(GoodFacts(FakeIntel::Sgx()), policy::SgxRules{}), ElementsAre("measurement"));
}

TEST(AppraiseSgx, ASignerNeedsProductAndVersion) {
  const DcapFacts facts = GoodFacts(FakeIntel::Sgx());
  policy::SgxRules rules;
  rules.mrsigner.emplace_back().bytes.fill(0x22);
  EXPECT_THAT(Sgx(facts, rules), ElementsAre("measurement"));
  rules.isv_prod_id = 1;
  rules.isv_svn_minimum = 2;
  EXPECT_THAT(Sgx(facts, rules), IsEmpty());
  rules.isv_svn_minimum = 3;
  EXPECT_THAT(Sgx(facts, rules), ElementsAre("isv-svn"));
  rules.isv_svn_minimum = 2;
  rules.isv_prod_id = 2;
  EXPECT_THAT(Sgx(facts, rules), ElementsAre("measurement"));
  rules.isv_prod_id = 1;
  rules.mrsigner[0].bytes[0] ^= 1;
  EXPECT_THAT(Sgx(facts, rules), ElementsAre("measurement"));
  // With both lists, both must fit.
  rules.mrsigner[0].bytes[0] ^= 1;
  rules.mrenclave.emplace_back().bytes.fill(0x44);
  EXPECT_THAT(Sgx(facts, rules), ElementsAre("measurement"));
}

TEST(AppraiseTdx, AcceptsWhatFits) {
  EXPECT_THAT(BentTdx([](TdReport&) {}), IsEmpty());
  EXPECT_THAT(Tdx(GoodFacts(FakeIntel::Tdx(5, true)), TdxRules()), IsEmpty());
}

TEST(AppraiseTdx, RefusesEachFieldThatDoesNotFit) {
  for (int bit = 0; bit < 8; ++bit) {
    const auto codes = BentTdx([bit](TdReport& r) { r.td_attributes |= std::uint64_t{1} << bit; });
    EXPECT_THAT(codes, ElementsAre("debug", "td-attributes")) << bit;
  }
  for (int bit = 8; bit < 64; ++bit) {
    const auto codes = BentTdx([bit](TdReport& r) { r.td_attributes ^= std::uint64_t{1} << bit; });
    EXPECT_THAT(codes, ElementsAre("td-attributes")) << bit;
  }
  EXPECT_THAT(BentTdx([](TdReport& r) { r.xfam = 1; }), ElementsAre("xfam"));
  EXPECT_THAT(BentTdx([](TdReport& r) { r.xfam |= std::uint64_t{1} << 63; }), ElementsAre("xfam"));
  EXPECT_THAT(BentTdx([](TdReport& r) { r.seam_attributes = 1; }), ElementsAre("td-attributes"));
  EXPECT_THAT(BentTdx([](TdReport& r) { r.mrtd.bytes[47] ^= 1; }), ElementsAre("measurement"));
  EXPECT_THAT(BentTdx([](TdReport& r) { r.mr_config_id.bytes[0] = 1; }), ElementsAre("config-id"));
  EXPECT_THAT(BentTdx([](TdReport& r) { r.mr_owner.bytes[0] = 1; }), ElementsAre("owner"));
  EXPECT_THAT(BentTdx([](TdReport& r) { r.mr_owner_config.bytes[0] = 1; }), ElementsAre("owner"));
  EXPECT_THAT(BentTdx([](TdReport& r) { r.mr_service_td.emplace().bytes[0] = 1; }),
              ElementsAre("service-td"));
}

TEST(AppraiseTdx, XfamBitsThatTheArchitectureForbidAreRefusedWhateverThePolicySays) {
  DcapFacts facts = GoodFacts(FakeIntel::Tdx());
  std::get<TdReport>(facts.quote.body).xfam |= std::uint64_t{1} << 40;
  policy::TdxRules rules = TdxRules();
  rules.xfam = {0, 0};
  EXPECT_THAT(Tdx(facts, rules), ElementsAre("xfam"));
}

TEST(AppraiseTdx, RegistersAndModulesAreComparedWhenNamed) {
  const DcapFacts facts = GoodFacts(FakeIntel::Tdx());
  policy::TdxRules rules = TdxRules();
  rules.rtmr[2].emplace_back().bytes.fill(0x12);
  EXPECT_THAT(Tdx(facts, rules), IsEmpty());
  rules.rtmr[3].emplace_back().bytes.fill(0x13);
  EXPECT_THAT(Tdx(facts, rules), ElementsAre("measurement"));
  rules.rtmr = {{4, {evidence::Rtmr{}}}};
  EXPECT_THAT(Tdx(facts, rules), ElementsAre("measurement"));
  rules.rtmr = {{0, {}}};
  EXPECT_THAT(Tdx(facts, rules), ElementsAre("measurement"));
  rules.rtmr = {};
  rules.mrseam.emplace_back().bytes.fill(0x77);
  EXPECT_THAT(Tdx(facts, rules), ElementsAre("measurement"));
  rules.mrseam = {evidence::MrSeam{}};
  EXPECT_THAT(Tdx(facts, rules), IsEmpty());
  EXPECT_THAT(Tdx(facts, policy::TdxRules{}), ElementsAre("measurement"));
}

TEST(AppraiseTdx, AServiceTdThatIsWantedMustBeInTheReport) {
  policy::TdxRules rules = TdxRules();
  rules.mr_service_td.bytes[0] = 1;
  EXPECT_THAT(Tdx(GoodFacts(FakeIntel::Tdx()), rules), ElementsAre("service-td"));
}

TEST(AppraiseTcb, OnlyNamedStatusesPassAndRevokedNever) {
  const std::pair<TcbStatus, const char*> kCodes[] = {
      {TcbStatus::kSwHardeningNeeded, "tcb-status"},
      {TcbStatus::kConfigurationNeeded, "tcb-status"},
      {TcbStatus::kConfigurationAndSwHardeningNeeded, "tcb-status"},
      {TcbStatus::kOutOfDate, "tcb-out-of-date"},
      {TcbStatus::kOutOfDateConfigurationNeeded, "tcb-out-of-date"},
      {TcbStatus::kTdRelaunchAdvised, "tcb-status"},
      {TcbStatus::kTdRelaunchAdvisedConfigurationNeeded, "tcb-status"},
      {TcbStatus::kRevoked, "revoked"}};
  for (const auto& [status, code] : kCodes) {
    DcapFacts facts = GoodFacts(FakeIntel::Sgx());
    facts.tcb->status = status;
    policy::SgxRules rules = SgxRules();
    EXPECT_THAT(Sgx(facts, rules), ElementsAre(code));
    rules.tcb.statuses = {status};
    if (status == TcbStatus::kRevoked) {
      EXPECT_THAT(Sgx(facts, rules), ElementsAre(code));
    } else {
      EXPECT_THAT(Sgx(facts, rules), IsEmpty());
    }
  }
}

TEST(AppraiseTcb, EveryAdvisoryMustBeNamed) {
  DcapFacts facts = GoodFacts(FakeIntel::Sgx());
  facts.tcb->status = TcbStatus::kSwHardeningNeeded;
  facts.tcb->platform_advisories = {"INTEL-SA-1"};
  facts.tcb->module_advisories = {"INTEL-SA-2"};
  facts.tcb->qe_advisories = {"INTEL-SA-3"};
  policy::SgxRules rules = SgxRules();
  rules.tcb.statuses.push_back(TcbStatus::kSwHardeningNeeded);
  rules.tcb.advisories = {"INTEL-SA-1", "INTEL-SA-2"};
  EXPECT_THAT(Sgx(facts, rules), ElementsAre("advisories"));
  rules.tcb.advisories.push_back("INTEL-SA-3");
  EXPECT_THAT(Sgx(facts, rules), IsEmpty());
}

TEST(AppraiseTcb, AgesAreBoundedWhenThePolicySaysSo) {
  const DcapFacts facts = GoodFacts(FakeIntel::Sgx());
  policy::SgxRules rules = SgxRules();
  rules.tcb.minimum_tcb_date = *base::ParseTime("2026-01-01");
  rules.tcb.minimum_evaluation_data_number = 18;
  rules.tcb.maximum_collateral_age_days = 12;
  EXPECT_THAT(Sgx(facts, rules), IsEmpty());
  rules.tcb.minimum_tcb_date = *base::ParseTime("2026-01-02");
  rules.tcb.minimum_evaluation_data_number = 19;
  rules.tcb.maximum_collateral_age_days = 11;
  EXPECT_THAT(Sgx(facts, rules), ElementsAre("tcb-date", "evaluation-data-number", "collateral-age"));
}

TEST(AppraiseTcb, PlatformsCanBeListed) {
  DcapFacts facts = GoodFacts(FakeIntel::Sgx());
  policy::SgxRules rules = SgxRules();
  rules.platform.ppid.emplace_back().bytes.fill(0xab);
  EXPECT_THAT(Sgx(facts, rules), ElementsAre("platform"));
  rules.platform.ppid.emplace_back().bytes.fill(0xaa);
  EXPECT_THAT(Sgx(facts, rules), IsEmpty());
  rules.platform.ppid.clear();
  rules.platform.platform_instance_id.emplace_back().bytes.fill(0xbb);
  EXPECT_THAT(Sgx(facts, rules), ElementsAre("platform"));
  facts.pck.platform_instance_id.emplace().bytes.fill(0xbb);
  EXPECT_THAT(Sgx(facts, rules), IsEmpty());
}

TEST(AppraiseTcb, WithoutCollateralNothingIsTrusted) {
  DcapFacts facts = GoodFacts(FakeIntel::Sgx());
  facts.tcb.reset();
  FindingList findings;
  AppraiseSgx(facts, SgxRules(), findings);
  EXPECT_EQ(findings.Conclude(), Outcome::kUndecided);
}

std::vector<std::string> WithoutPolicy(const DcapFacts& facts) {
  FindingList findings;
  AppraiseDcapWithoutPolicy(facts, findings);
  return FailedCodes(std::move(findings));
}

TEST(AppraiseWithoutPolicy, RefusesWhatNobodyShouldAcceptUnsaid) {
  EXPECT_THAT(WithoutPolicy(GoodFacts(FakeIntel::Sgx())), IsEmpty());
  EXPECT_THAT(WithoutPolicy(GoodFacts(FakeIntel::Tdx())), IsEmpty());
  DcapFacts sgx = GoodFacts(FakeIntel::Sgx());
  std::get<SgxReport>(sgx.quote.body).attributes_flags |= evidence::kSgxDebug;
  EXPECT_THAT(WithoutPolicy(sgx), ElementsAre("debug"));
  DcapFacts tdx = GoodFacts(FakeIntel::Tdx());
  std::get<TdReport>(tdx.quote.body).td_attributes |= evidence::kTdMigratable | 1;
  EXPECT_THAT(WithoutPolicy(tdx), ElementsAre("debug", "td-attributes"));
  DcapFacts old = GoodFacts(FakeIntel::Tdx());
  old.tcb->status = TcbStatus::kOutOfDate;
  EXPECT_THAT(WithoutPolicy(old), ElementsAre("tcb-out-of-date"));
  old.tcb->status = TcbStatus::kRevoked;
  EXPECT_THAT(WithoutPolicy(old), ElementsAre("revoked"));
  old.tcb->status = TcbStatus::kSwHardeningNeeded;
  EXPECT_THAT(WithoutPolicy(old), IsEmpty());
}

TEST(AppraiseTdx, ARegisterThatNoReportHasIsNeverAccepted) {
  for (const int index : {-1, 4}) {
    policy::TdxRules rules = TdxRules();
    rules.rtmr[index].emplace_back();
    EXPECT_THAT(Tdx(GoodFacts(FakeIntel::Tdx()), rules), ElementsAre("measurement")) << index;
  }
}

TEST(AppraiseSgx, OneOfSeveralMeasurementsIsEnough) {
  policy::SgxRules rules = SgxRules();
  rules.mrenclave.insert(rules.mrenclave.begin(), evidence::MrEnclave{});
  EXPECT_THAT(Sgx(GoodFacts(FakeIntel::Sgx()), rules), IsEmpty());
  rules.mrenclave.pop_back();
  rules.mrenclave.emplace_back();
  EXPECT_THAT(Sgx(GoodFacts(FakeIntel::Sgx()), rules), ElementsAre("measurement"));
}

TEST(AppraiseSgx, ASignerWithoutAVersionIsNotEnoughInCodeEither) {
  policy::SgxRules rules;
  rules.mrsigner.emplace_back().bytes.fill(0x22);
  rules.isv_prod_id = 1;
  EXPECT_THAT(Sgx(GoodFacts(FakeIntel::Sgx()), rules), ElementsAre("measurement"));
}

TEST(AppraiseTcb, APlatformIsFoundByEitherOfItsNames) {
  DcapFacts facts = GoodFacts(FakeIntel::Sgx());
  facts.pck.platform_instance_id.emplace().bytes.fill(0xbb);
  policy::SgxRules rules = SgxRules();
  rules.platform.platform_instance_id.emplace_back().bytes.fill(0xbc);
  EXPECT_THAT(Sgx(facts, rules), ElementsAre("platform"));
  rules.platform.ppid.emplace_back().bytes.fill(0xaa);
  EXPECT_THAT(Sgx(facts, rules), IsEmpty());
}

}  // namespace
}  // namespace blindai::verifier
