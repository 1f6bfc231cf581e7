#include "protocols/wire/audio_job.h"

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

TEST(AudioJob, SurvivesItsJson) {
  AudioJob job;
  job.id = "job-1";
  job.status = AudioJobStatus::kRunning;
  job.created_at = 1'700'000'000;
  job.seconds_done = 12.5;
  job.seconds_total = 3600;
  job.expires_at = 1'700'003'600;
  job.token = "ab";
  const auto decoded = DecodeAudioJob(base::AsBytes(EncodeAudioJob(job)));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->id, job.id);
  EXPECT_EQ(decoded->status, job.status);
  EXPECT_EQ(decoded->created_at, job.created_at);
  EXPECT_EQ(decoded->seconds_done, job.seconds_done);
  EXPECT_EQ(decoded->seconds_total, job.seconds_total);
  EXPECT_EQ(decoded->expires_at, job.expires_at);
  EXPECT_EQ(decoded->token, job.token);
}

TEST(AudioJob, HasItsErrorInOpenAIsShapeAndNoTokenUnlessThereIsOne) {
  AudioJob job;
  job.id = "job-1";
  job.status = AudioJobStatus::kFailed;
  job.error = base::MakeError(base::ErrorKind::kInvalid, "audio-empty", "empty", "file");
  EXPECT_EQ(EncodeAudioJob(job),
            R"({"id":"job-1","object":"audio.job","status":"failed","created_at":0,"expires_at":null,)"
            R"("seconds_done":0.000,"seconds_total":0.000,"error":{"message":"empty",)"
            R"("type":"invalid_request_error","param":"file","code":"audio-empty"}})");
  EXPECT_EQ(EncodeAudioJobDeleted("job-1"), R"({"id":"job-1","object":"audio.job","deleted":true})");
}

TEST(AudioJob, WhatIsNoJobIsAnError) {
  const std::string good = R"({"id":"a","status":"queued","seconds_done":0,"seconds_total":1.5})";
  ASSERT_TRUE(DecodeAudioJob(base::AsBytes(good)).ok());
  for (const char* bad :
       {"", "[]", "{}", R"({"id":1,"status":"queued","seconds_done":0,"seconds_total":0})",
        R"({"id":"a","status":"lost","seconds_done":0,"seconds_total":0})",
        R"({"id":"a","status":"queued","seconds_total":0})",
        R"({"id":"a","status":"queued","seconds_done":"0","seconds_total":0})",
        R"({"id":"a","status":"queued","seconds_done":0,"seconds_total":0,"token":1})",
        R"({"id":"a","status":"queued","seconds_done":0,"seconds_total":0,"expires_at":"x"})"}) {
    const auto decoded = DecodeAudioJob(base::AsBytes(bad));
    ASSERT_FALSE(decoded.ok()) << bad;
    EXPECT_EQ(decoded.error().code, "audio-job") << bad;
  }
}

}  // namespace
}  // namespace blindai::wire
