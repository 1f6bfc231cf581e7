#include "output.h"

#include <gtest/gtest.h>

#include "client/failure.h"

namespace blindai::cli {
namespace {

using base::ErrorKind;
using base::MakeError;

TEST(Output, SizesAreReadable) {
  EXPECT_EQ(ByteText(0), "0 B");
  EXPECT_EQ(ByteText(999), "999 B");
  EXPECT_EQ(ByteText(1'000), "1 kB");
  EXPECT_EQ(ByteText(377'600'000), "378 MB");
  EXPECT_EQ(ByteText(2'147'483'648), "2.15 GB");
}

TEST(Output, TimesAreWrittenAsOnAClock) {
  EXPECT_EQ(ClockText(0), "0:00");
  EXPECT_EQ(ClockText(59.5), "1:00");
  EXPECT_EQ(ClockText(3'599), "59:59");
  EXPECT_EQ(ClockText(7'203), "2:00:03");
}

TEST(Output, EachSortOfFailureHasItsExitCode) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(Fail(MakeError(ErrorKind::kInvalid, "model-id", "wrong")), ExitCode::kUsage);
  EXPECT_EQ(Fail(MakeError(ErrorKind::kDenied, std::string(client::kAttestationRefused), "refused")),
            ExitCode::kRefused);
  EXPECT_EQ(Fail(MakeError(ErrorKind::kDenied, std::string(client::kAttestationUndecided), "?")),
            ExitCode::kUndecided);
  EXPECT_EQ(Fail(MakeError(ErrorKind::kInvalid, std::string(client::kAttestationAnswer), "?")),
            ExitCode::kUndecided);
  EXPECT_EQ(Fail(MakeError(ErrorKind::kNotFound, "model-not-found", "gone")), ExitCode::kFailed);
  EXPECT_EQ(Fail(MakeError(ErrorKind::kUnavailable, "connection-refused", "nobody")), ExitCode::kFailed);
  EXPECT_TRUE(
      testing::internal::GetCapturedStderr().starts_with("blindai: wrong [model-id]\nblindai: refused "));
}

TEST(Output, AVerdictAloneHasItsExitCode) {
  EXPECT_EQ(CodeOf(verifier::Outcome::kTrusted), ExitCode::kDone);
  EXPECT_EQ(CodeOf(verifier::Outcome::kSimulation), ExitCode::kDone);
  EXPECT_EQ(CodeOf(verifier::Outcome::kRefused), ExitCode::kRefused);
  EXPECT_EQ(CodeOf(verifier::Outcome::kUndecided), ExitCode::kUndecided);
}

}  // namespace
}  // namespace blindai::cli
