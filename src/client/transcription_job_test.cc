#include "client/transcription_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/client.h"
#include "client/failure.h"
#include "support/fake_attested_server.h"

namespace blindai::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::FakeAttestedServer;
using tests::SeenRequest;

constexpr const char* kJob = "/v1/audio/jobs/job-1";

// Takes one job, which is completed; refuses what has not its token.
net::HttpResponse Serve(const SeenRequest& request) {
  wire::AudioJob job;
  job.id = "job-1";
  if (request.method == "POST") {
    job.token = "secret";
    return net::JsonResponse(202, wire::EncodeAudioJob(job));
  }
  if (request.headers.Find(wire::kJobTokenHeader) != "secret") {
    return net::ErrorResponse(base::MakeError(base::ErrorKind::kNotFound, "job-not-found", "no such job"));
  }
  if (request.method == "DELETE") return net::JsonResponse(200, wire::EncodeAudioJobDeleted(job.id));
  if (request.target == std::string(kJob) + "/result")
    return net::TextResponse(200, "HELLO", "text/plain; charset=utf-8");
  job.status = wire::AudioJobStatus::kCompleted;
  job.seconds_done = 60;
  return net::JsonResponse(200, wire::EncodeAudioJob(job));
}

class TranscriptionJobTest : public ::testing::Test {
 protected:
  static FakeAttestedServer::Options Serving() {
    FakeAttestedServer::Options options;
    options.answer = Serve;
    return options;
  }
  static ConnectOptions To(const FakeAttestedServer& server) {
    ConnectOptions options;
    options.server = {"127.0.0.1", server.port()};
    options.allow_simulation = verifier::AllowSimulation::kYes;
    return options;
  }
  static TranscribeOptions Wanted() {
    TranscribeOptions options;
    options.request.model = "demo";
    options.request.format = wire::TranscriptionFormat::kText;
    return options;
  }

  const FakeAttestedServer server_{Serving()};
  Client client_{To(server_)};
  const FileSource recording_ = FileSource::Memory(base::AsBytes("RIFF"));
};

TEST_F(TranscriptionJobTest, IsStartedLookedAtFetchedAndDeletedByItsReference) {
  const auto reference = client_.StartJob(recording_, Wanted());
  ASSERT_TRUE(reference.ok()) << reference.error().message;
  EXPECT_EQ(reference->ToText(), "job-1.secret");

  Client later(To(server_));
  const JobReference same = ParseJobReference(reference->ToText()).value();
  EXPECT_EQ(later.LookAtJob(same)->seconds_done, 60);
  const auto result = later.FetchJobResult(same);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(base::AsText(result->document.ExposeSecret()), "HELLO");
  EXPECT_EQ(result->content_type, "text/plain; charset=utf-8");
  EXPECT_TRUE(later.DeleteJob(same).ok());

  const std::vector<SeenRequest> seen = server_.data_requests();
  std::vector<std::string> lines;
  for (const SeenRequest& request : seen) lines.push_back(request.method + " " + request.target);
  EXPECT_THAT(lines, ElementsAre("POST /v1/audio/jobs", std::string("GET ") + kJob,
                                 std::string("GET ") + kJob + "/result", std::string("DELETE ") + kJob));
  const std::string body(base::AsText(seen[0].body));
  EXPECT_THAT(body, HasSubstr("name=\"response_format\"\r\n\r\ntext\r\n"));
  EXPECT_THAT(body, HasSubstr("name=\"file\"; filename=\"recording\""));
}

TEST_F(TranscriptionJobTest, WithoutItsTokenItIsUnknown) {
  const JobReference wrong{.id = "job-1", .token = "guessed", .server = std::nullopt};
  EXPECT_EQ(client_.LookAtJob(wrong).error().code, "job-not-found");
  EXPECT_EQ(client_.FetchJobResult(wrong).error().code, "job-not-found");
  EXPECT_EQ(client_.DeleteJob(wrong).error().code, "job-not-found");
}

TEST_F(TranscriptionJobTest, NothingIsSentToAServerThatIsNotAccepted) {
  ConnectOptions strict = To(server_);
  strict.allow_simulation = verifier::AllowSimulation::kNo;
  Client client(strict);
  EXPECT_EQ(FailureOf(client.StartJob(recording_, Wanted()).error()), FailureKind::kAttestation);
  const JobReference reference{.id = "job-1", .token = "secret", .server = std::nullopt};
  EXPECT_EQ(FailureOf(client.LookAtJob(reference).error()), FailureKind::kAttestation);
  EXPECT_TRUE(server_.data_requests().empty());
}

TEST_F(TranscriptionJobTest, ARecordingThatCannotBeReadIsTheCallersError) {
  EXPECT_EQ(FailureOf(client_.StartJob(FileSource::File("/nonexistent.wav"), Wanted()).error()),
            FailureKind::kArgument);
  EXPECT_TRUE(server_.data_requests().empty());
}

TEST(JobReference, SurvivesItsText) {
  for (const char* text : {"job-1.ab", "job-1.ab@example.org:8443", "job-1.ab@[::1]:1"}) {
    const auto reference = ParseJobReference(text);
    ASSERT_TRUE(reference.ok()) << text;
    EXPECT_EQ(reference->ToText(), text);
  }
}

TEST(JobReference, WhatIsNoneIsTheCallersError) {
  for (const std::string& text : {std::string(), std::string("job-1"), std::string("job-1."),
                                  std::string(".ab"), std::string("job 1.ab"), std::string("../x.ab"),
                                  std::string("job-1.ab@"), std::string("job-1.ab@host:99999"),
                                  std::string("a.b.c"), std::string(200, 'a') + ".b", std::string("a.b\n")}) {
    const auto reference = ParseJobReference(text);
    ASSERT_FALSE(reference.ok()) << text;
    EXPECT_EQ(FailureOf(reference.error()), FailureKind::kArgument) << text;
  }
}

}  // namespace
}  // namespace blindai::client
