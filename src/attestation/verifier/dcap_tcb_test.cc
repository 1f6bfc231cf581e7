// The matching rules of verifier/dcap_tcb.h, one by one, without signatures.
#include "attestation/verifier/dcap_tcb.h"

#include <gtest/gtest.h>

#include "support/fake_intel.h"

namespace blindai::verifier {
namespace {

using endorsements::SvnLevel;
using endorsements::TcbLevel;
using evidence::TcbStatus;
using evidence::TdReport;

TcbLevel Level(std::uint16_t component, std::uint16_t pce_svn, std::uint16_t tdx, TcbStatus status) {
  TcbLevel level;
  level.sgx_components.fill(component);
  level.pce_svn = pce_svn;
  level.tdx_components.fill(tdx);
  level.status = status;
  return level;
}

endorsements::PckExtension Platform(std::uint16_t component, std::uint16_t pce_svn) {
  endorsements::PckExtension pck;
  pck.component_svns.fill(component);
  pck.pce_svn = pce_svn;
  return pck;
}

TdReport Td(std::uint8_t svn, std::uint8_t major) {
  TdReport td;
  td.tee_tcb_svn.fill(svn);
  td.tee_tcb_svn[1] = major;
  return td;
}

TEST(DcapTcb, TheFirstLevelThatIsReachedIsTaken) {
  endorsements::TcbInfo info;
  info.levels = {Level(9, 13, 0, TcbStatus::kUpToDate), Level(7, 13, 0, TcbStatus::kSwHardeningNeeded),
                 Level(5, 5, 0, TcbStatus::kOutOfDate)};
  EXPECT_EQ(MatchPlatform(info, Platform(9, 13), nullptr).effective, &info.levels[0]);
  EXPECT_EQ(MatchPlatform(info, Platform(8, 13), nullptr).effective, &info.levels[1]);
  EXPECT_EQ(MatchPlatform(info, Platform(9, 12), nullptr).effective, &info.levels[2]);
  EXPECT_EQ(MatchPlatform(info, Platform(4, 13), nullptr).effective, nullptr);
}

TEST(DcapTcb, AllSixteenComponentsAreCompared) {
  endorsements::TcbInfo info;
  info.levels = {Level(7, 13, 7, TcbStatus::kUpToDate)};
  for (std::size_t i = 0; i < 16; ++i) {
    endorsements::PckExtension pck = Platform(200, 13);
    pck.component_svns[i] = 6;
    EXPECT_EQ(MatchPlatform(info, pck, nullptr).effective, nullptr) << i;
    TdReport td = Td(200, 0);
    td.tee_tcb_svn[1] = 200;
    td.tee_tcb_svn[i] = 6;
    const bool own_of_module = i < 2;  // with a major version they are the module's, rule 6
    EXPECT_EQ(MatchPlatform(info, Platform(7, 13), &td).effective != nullptr, own_of_module) << i;
  }
}

TEST(DcapTcb, WithoutAMajorVersionTheModulesBytesAreComponents) {
  endorsements::TcbInfo info;
  info.levels = {Level(7, 13, 0, TcbStatus::kUpToDate)};
  info.levels[0].tdx_components[0] = 5;
  TdReport td = Td(4, 0);
  EXPECT_EQ(MatchPlatform(info, Platform(7, 13), &td).effective, nullptr);
  td.tee_tcb_svn[0] = 5;
  EXPECT_NE(MatchPlatform(info, Platform(7, 13), &td).effective, nullptr);
}

TEST(DcapTcb, TheTdxLevelIsSoughtFromTheSgxLevelOn) {
  endorsements::TcbInfo info;
  info.levels = {Level(7, 13, 9, TcbStatus::kUpToDate), Level(7, 13, 5, TcbStatus::kConfigurationNeeded),
                 Level(1, 1, 1, TcbStatus::kOutOfDate)};
  const TdReport td = Td(6, 6);
  const PlatformLevel match = MatchPlatform(info, Platform(7, 13), &td);
  EXPECT_EQ(match.sgx, &info.levels[0]);
  EXPECT_EQ(match.effective, &info.levels[1]);
}

TEST(DcapTcb, StatusesMergeToTheWorse) {
  using S = TcbStatus;
  const std::tuple<S, S, S> kTable[] = {
      {S::kUpToDate, S::kUpToDate, S::kUpToDate},
      {S::kSwHardeningNeeded, S::kUpToDate, S::kSwHardeningNeeded},
      {S::kUpToDate, S::kOutOfDate, S::kOutOfDate},
      {S::kSwHardeningNeeded, S::kOutOfDate, S::kOutOfDate},
      {S::kConfigurationNeeded, S::kOutOfDate, S::kOutOfDateConfigurationNeeded},
      {S::kConfigurationAndSwHardeningNeeded, S::kOutOfDate, S::kOutOfDateConfigurationNeeded},
      {S::kOutOfDate, S::kOutOfDate, S::kOutOfDate},
      {S::kOutOfDateConfigurationNeeded, S::kOutOfDate, S::kOutOfDateConfigurationNeeded},
      {S::kOutOfDate, S::kUpToDate, S::kOutOfDate},
      {S::kUpToDate, S::kRevoked, S::kRevoked},
      {S::kRevoked, S::kUpToDate, S::kRevoked},
      {S::kRevoked, S::kOutOfDate, S::kRevoked},
      {S::kUpToDate, S::kSwHardeningNeeded, S::kOutOfDate},  // no word of Intel's for modules and enclaves
  };
  for (const auto& [platform, part, merged] : kTable) EXPECT_EQ(MergeStatus(platform, part), merged);
}

TEST(DcapTcb, LevelsOfEnclavesAndModulesAreFloors) {
  const std::vector<SvnLevel> levels = {{6, {}, TcbStatus::kUpToDate, {}},
                                        {4, {}, TcbStatus::kOutOfDate, {}}};
  EXPECT_EQ(MatchSvn(levels, 7), &levels[0]);
  EXPECT_EQ(MatchSvn(levels, 6), &levels[0]);
  EXPECT_EQ(MatchSvn(levels, 5), &levels[1]);
  EXPECT_EQ(MatchSvn(levels, 3), nullptr);
}

// Rule 9 and what keeps it from applying.
class Relaunch : public testing::Test {
 protected:
  Relaunch() {
    info.levels = {Level(7, 13, 3, TcbStatus::kUpToDate)};
    endorsements::TdxModule module;
    module.levels = {{7, {}, TcbStatus::kUpToDate, {}}, {3, {}, TcbStatus::kOutOfDate, {"INTEL-SA-1"}}};
    info.tdx_identities[1] = module;
    td = Td(4, 1);
    td.tee_tcb_svn2 = Td(7, 1).tee_tcb_svn;
    qe = {8, {}, TcbStatus::kUpToDate, {}};
    old_module = module.levels[1];
  }
  TcbStatus Status() {
    const PlatformLevel platform{&info.levels[0], &info.levels[0]};
    return EvaluateTcb(info, {}, platform, qe, &old_module, &td).status;
  }

  endorsements::TcbInfo info;
  TdReport td;
  SvnLevel qe;
  SvnLevel old_module;
};

TEST_F(Relaunch, IsAdvisedWhenTheModuleThatRunsIsCurrent) {
  EXPECT_EQ(Status(), TcbStatus::kTdRelaunchAdvised);
  info.levels[0].status = TcbStatus::kConfigurationNeeded;
  EXPECT_EQ(Status(), TcbStatus::kTdRelaunchAdvisedConfigurationNeeded);
}

TEST_F(Relaunch, IsNotAdvisedWhenItWouldNotHelp) {
  td.tee_tcb_svn2.reset();
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  td.tee_tcb_svn2 = Td(6, 1).tee_tcb_svn;  // below the newest module level
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  td.tee_tcb_svn2 = Td(7, 2).tee_tcb_svn;  // a module that Intel does not list
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  td.tee_tcb_svn2 = Td(7, 1).tee_tcb_svn;
  (*td.tee_tcb_svn2)[2] = 2;  // the platform below the highest level
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
}

TEST_F(Relaunch, IsNotAdvisedWhenSomethingElseIsOutOfDate) {
  qe.status = TcbStatus::kOutOfDate;
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  qe.status = TcbStatus::kUpToDate;
  info.levels[0].status = TcbStatus::kOutOfDate;
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
  info.levels[0].status = TcbStatus::kRevoked;
  EXPECT_EQ(Status(), TcbStatus::kRevoked);
}

TEST_F(Relaunch, IsAdvisedWhateverSettingsThePlatformLacks) {
  for (const TcbStatus status :
       {TcbStatus::kSwHardeningNeeded, TcbStatus::kConfigurationAndSwHardeningNeeded}) {
    info.levels[0].status = status;
    EXPECT_EQ(Status(), status == TcbStatus::kSwHardeningNeeded
                            ? TcbStatus::kTdRelaunchAdvised
                            : TcbStatus::kTdRelaunchAdvisedConfigurationNeeded);
  }
}

TEST(DcapTcb, AModuleThatIntelDoesNotDescribeIsUnknown) {
  endorsements::TcbInfo info;
  EXPECT_FALSE(MatchModule(info, Td(3, 0)).known);
  info.tdx_module.emplace();
  EXPECT_TRUE(MatchModule(info, Td(3, 0)).known);
  EXPECT_FALSE(MatchModule(info, Td(3, 1)).known);
  // Intel lists an attribute that the module does not have.
  info.tdx_module->attributes = 1;
  info.tdx_module->attributes_mask = 1;
  EXPECT_FALSE(MatchModule(info, Td(3, 0)).known);
}

TEST_F(Relaunch, OldStyleModulesAreComparedWithThePlatformsComponents) {
  td.tee_tcb_svn2 = Td(3, 0).tee_tcb_svn;
  EXPECT_EQ(Status(), TcbStatus::kTdRelaunchAdvised);
  (*td.tee_tcb_svn2)[0] = 2;
  EXPECT_EQ(Status(), TcbStatus::kOutOfDate);
}

TEST_F(Relaunch, AdvisoriesOfAllPartsAreCollected) {
  info.levels[0].advisories = {"INTEL-SA-2"};
  qe.advisories = {"INTEL-SA-3"};
  const PlatformLevel platform{&info.levels[0], &info.levels[0]};
  const TcbEvaluation tcb = EvaluateTcb(info, {}, platform, qe, &old_module, &td);
  EXPECT_EQ(tcb.module_advisories, (std::vector<std::string>{"INTEL-SA-1"}));
  EXPECT_EQ(tcb.platform_advisories, (std::vector<std::string>{"INTEL-SA-2"}));
  EXPECT_EQ(tcb.qe_advisories, (std::vector<std::string>{"INTEL-SA-3"}));
}

TEST(DcapTcb, ARevokedSgxLevelIsNotHiddenByALowerTdxLevel) {
  endorsements::TcbInfo info;
  info.levels = {Level(7, 13, 9, TcbStatus::kRevoked), Level(5, 5, 5, TcbStatus::kUpToDate)};
  const PlatformLevel platform{&info.levels[0], &info.levels[1]};
  const SvnLevel good{8, {}, TcbStatus::kUpToDate, {}};
  const TdReport td = Td(6, 1);
  EXPECT_EQ(EvaluateTcb(info, {}, platform, good, &good, &td).status, TcbStatus::kRevoked);
}

}  // namespace
}  // namespace blindai::verifier
