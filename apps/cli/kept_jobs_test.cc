#include "kept_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace blindai::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class KeptJobsTest : public ::testing::Test {
 protected:
  ~KeptJobsTest() override { fs::remove_all(root_); }

  static fs::path NewFolder() {
    std::string pattern = (fs::temp_directory_path() / "blindai-jobs-XXXXXX").string();
    return mkdtemp(pattern.data());
  }

  static client::JobReference Job(const char* text) { return client::ParseJobReference(text).value(); }

  const fs::path root_ = NewFolder();
  const KeptJobs jobs_{root_ / "state/jobs"};
};

TEST_F(KeptJobsTest, AreFoundByTheirIdsAndForgotten) {
  EXPECT_TRUE(jobs_.Ids().empty());
  ASSERT_TRUE(jobs_.Keep(Job("job-1.ab")).ok());
  EXPECT_EQ(jobs_.Find("")->ToText(), "job-1.ab") << "there is just one";
  ASSERT_TRUE(jobs_.Keep(Job("job-2.cd@host:1")).ok());
  EXPECT_THAT(jobs_.Ids(), UnorderedElementsAre("job-1", "job-2"));
  EXPECT_EQ(jobs_.Find("job-2")->ToText(), "job-2.cd@host:1");
  jobs_.Forget(Job("job-2.cd"));
  EXPECT_THAT(jobs_.Ids(), UnorderedElementsAre("job-1"));
}

TEST_F(KeptJobsTest, AreTheirOwnersAlone) {
  ASSERT_TRUE(jobs_.Keep(Job("job-1.ab")).ok());
  EXPECT_EQ(fs::status(root_ / "state/jobs/job-1").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(fs::status(root_ / "state/jobs").permissions(), fs::perms::owner_all);
}

TEST_F(KeptJobsTest, WhatIsNotThereOrDamagedIsSaid) {
  EXPECT_THAT(jobs_.Find("").error().message, HasSubstr("no job is kept"));
  ASSERT_TRUE(jobs_.Keep(Job("job-1.ab")).ok());
  ASSERT_TRUE(jobs_.Keep(Job("job-2.ab")).ok());
  EXPECT_THAT(jobs_.Find("").error().message, HasSubstr("several jobs"));
  EXPECT_THAT(jobs_.Find("job-3").error().message, HasSubstr("no job by this id"));
  EXPECT_THAT(jobs_.Find("../jobs/job-1").error().message, HasSubstr("no job by this id"));
  std::ofstream(root_ / "state/jobs/job-1") << "job-2.ab\n";
  EXPECT_THAT(jobs_.Find("job-1").error().message, HasSubstr("damaged"));
  EXPECT_FALSE(jobs_.Keep(Job("job-2.other")).ok()) << "one that is kept already";
}

}  // namespace
}  // namespace blindai::cli
