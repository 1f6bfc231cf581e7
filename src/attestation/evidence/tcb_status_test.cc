#include "attestation/evidence/tcb_status.h"

#include <gtest/gtest.h>

namespace blindai::evidence {
namespace {

TEST(TcbStatus, IntelsWordsLeadToTheStatusAndBack) {
  for (const char* name : {"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded",
                           "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded",
                           "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded", "Revoked"}) {
    ASSERT_TRUE(TcbStatusFromName(name)) << name;
    EXPECT_EQ(TcbStatusName(*TcbStatusFromName(name)), name);
  }
}

TEST(TcbStatus, OtherWordsAreNoStatus) {
  for (const char* name : {"", "uptodate", "UpToDate ", "Fine"})
    EXPECT_EQ(TcbStatusFromName(name), std::nullopt);
}

}  // namespace
}  // namespace blindai::evidence
