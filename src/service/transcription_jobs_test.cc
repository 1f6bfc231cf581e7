// Jobs with the real decoder, worker and engine, and the demo model.
#include "service/transcription_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>

#include "model/supervisor.h"
#include "service/job_token.h"
#include "service/recordings.h"
#include "service/upload_model.h"
#include "support/demo_speech.h"
#include "support/paths.h"
#include "support/until.h"

namespace blindai::service {
namespace {

using base::Result;
using testing::HasSubstr;
using tests::DemoFile;
using vocabulary::ModelId;

std::string CodeOf(const auto& result) { return result.ok() ? "" : result.error().code; }

const Caller kAnna{"anna", 1, true, true};
const Caller kBert{"bert", 2, true, true};

// A catalogue with the demo model as "speech", shared by all tests because it loads for a second.
class TranscriptionJobsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    models_ = new tests::ServedModels;
    auto upload = ModelUpload::Begin(
        models_->catalogue(), models_->upload(), kAnna,
        UploadRequest{.id = Speech(), .visibility = Visibility::kPublic, .speech = tests::DemoSettings()});
    ASSERT_TRUE(upload.ok() && (*upload)->Feed(DemoFile("blindai-demo-en.onnx")).ok());
    std::promise<bool> uploaded;
    ModelUpload::Finish(std::move(*upload), [&](const auto& record) { uploaded.set_value(record.ok()); });
    ASSERT_TRUE(uploaded.get_future().get());
  }
  static void TearDownTestSuite() { delete models_; }
  void TearDown() override {
    jobs_.reset();
    ExpectNoRecording();
  }

  // A decoder that was ended lets go of its recording a moment later.
  void ExpectNoRecording() {
    EXPECT_TRUE(tests::Until([&] { return recordings_.count() == 0; })) << "a recording was kept";
  }

  static ModelId Speech() { return *ModelId::Parse("speech"); }

  TranscriptionJobs& Jobs(JobLimits limits = {}) {
    limits.now = [this] { return now_.load(); };
    DecoderOptions decoder;
    decoder.decoder_program = tests::ProgramsDir() / "blindai-decoder";
    jobs_ = std::make_unique<TranscriptionJobs>(models_->catalogue(), decoder, limits);
    return *jobs_;
  }

  JobRequest RequestFor(base::ByteView recording) {
    auto incoming = recordings_.Begin(recording.size()).value();
    incoming->Append(recording).value();
    TranscribeRequest transcription;
    transcription.audio = Recordings::Incoming::Finish(std::move(incoming)).value();
    return {.model = Speech(),
            .transcription = std::move(transcription),
            .encode = [](const vocabulary::Transcript& transcript) { return transcript.Text(); },
            .content_type = "text/plain"};
  }
  JobRequest Hello() { return RequestFor(DemoFile("hello_world.wav")); }
  JobRequest Session() { return RequestFor(DemoFile("session.wav")); }

  struct Submitted {
    std::string id;
    std::string token;
  };
  Result<Submitted> TrySubmit(const Caller& caller, JobRequest request) {
    BLINDAI_TRY(auto place, jobs_->Reserve(caller));
    BLINDAI_TRY(const JobTicket ticket, jobs_->Submit(std::move(place), caller, std::move(request)));
    return Submitted{ticket.id, JobTokenText(ticket.token)};
  }
  Submitted Submit(const Caller& caller, JobRequest request) {
    return TrySubmit(caller, std::move(request)).value();
  }
  JobStatus Ended(const Submitted& job, const Caller& caller = kAnna) {
    JobStatus status;
    EXPECT_TRUE(tests::Until([&] {
      status = jobs_->Look(caller, job.id, job.token).value();
      return status.expires.has_value();
    }));
    return status;
  }
  std::string TextOf(const Submitted& job, const Caller& caller = kAnna) {
    return std::string(base::AsText(jobs_->Fetch(caller, job.id, job.token).value().document.ExposeSecret()));
  }

  // A job that has its text and does not end before it is let go.
  struct Held {
    std::promise<void> reached;
    std::promise<void> go;
  };
  JobRequest HeldBack(Held& held) {
    JobRequest request = Hello();
    request.encode = [&held](const vocabulary::Transcript& transcript) {
      held.reached.set_value();
      held.go.get_future().wait();
      return transcript.Text();
    };
    return request;
  }

  static inline tests::ServedModels* models_ = nullptr;
  std::atomic<base::Time> now_ = base::Time(std::chrono::seconds(1'000'000));
  Recordings recordings_{{}};
  std::unique_ptr<TranscriptionJobs> jobs_;
};

TEST_F(TranscriptionJobsTest, TheTextIsThereForWhoeverHasIdAndTokenAsOftenAsWanted) {
  Jobs();
  const Submitted job = Submit(kAnna, Session());
  const JobStatus status = Ended(job);
  EXPECT_EQ(status.state, JobState::kCompleted);
  EXPECT_NEAR(status.seconds_total, 60, 0.1);
  EXPECT_NEAR(status.seconds_done, 60, 0.1);
  EXPECT_EQ(*status.expires, now_.load() + std::chrono::hours(1));
  EXPECT_THAT(TextOf(job), HasSubstr("HELLO"));
  EXPECT_EQ(TextOf(job), TextOf(job));
  EXPECT_EQ(jobs_->Fetch(kAnna, job.id, job.token)->content_type, "text/plain");
  ExpectNoRecording();
  EXPECT_EQ(jobs_->stats().kept, 1u);
}

TEST_F(TranscriptionJobsTest, WhatIsUnknownAnothersOrOverIsAnsweredAlike) {
  Jobs();
  const Submitted job = Submit(kAnna, Hello());
  Ended(job);
  const base::Error unknown = jobs_->Look(kAnna, "job-0", job.token).error();
  EXPECT_EQ(unknown.code, "job-not-found");
  const auto expect_unknown = [&](const Caller& caller, const std::string& id, const std::string& token) {
    for (const base::Error& error :
         {jobs_->Look(caller, id, token).error(), jobs_->Fetch(caller, id, token).error(),
          jobs_->Cancel(caller, id, token).error()}) {
      EXPECT_EQ(error.code, unknown.code);
      EXPECT_EQ(error.message, unknown.message);
      EXPECT_EQ(error.kind, unknown.kind);
    }
  };
  expect_unknown(kBert, job.id, job.token);
  expect_unknown({"bert", kAnna.number, true, true}, job.id, job.token);
  expect_unknown(kAnna, job.id, "");
  expect_unknown(kAnna, job.id, std::string(64, '0'));
  expect_unknown(kAnna, job.id, job.token.substr(1));
  expect_unknown(kAnna, job.id + "0", job.token);
  expect_unknown(kAnna, job.id, Submit(kAnna, Hello()).token);
  EXPECT_EQ(CodeOf(jobs_->Look({"anna", 1, true, false}, job.id, job.token)), "not-allowed");
  EXPECT_EQ(CodeOf(jobs_->Look({}, job.id, job.token)), "login-required");

  EXPECT_THAT(TextOf(job), HasSubstr("HELLO"));
  now_.store(now_.load() + std::chrono::seconds(3'599));
  EXPECT_THAT(TextOf(job), HasSubstr("HELLO"));
  now_.store(now_.load() + std::chrono::seconds(1));
  expect_unknown(kAnna, job.id, job.token);
}

TEST_F(TranscriptionJobsTest, WhatIsOverIsForgottenAndItsPlaceIsFree) {
  Jobs({.per_tenant = 1});
  const Submitted job = Submit(kAnna, Hello());
  Ended(job);
  EXPECT_EQ(CodeOf(jobs_->Reserve(kAnna)), "jobs-full");
  now_.store(now_.load() + std::chrono::hours(1));
  jobs_->DeleteExpired();
  EXPECT_EQ(jobs_->stats().kept, 0u);
  EXPECT_EQ(CodeOf(jobs_->Reserve(kAnna)), "");
}

TEST_F(TranscriptionJobsTest, AJobThatFailsSaysWhyInItsStatusAndInPlaceOfItsResult) {
  Jobs();
  const Submitted job = Submit(kAnna, RequestFor(base::AsBytes("a letter")));
  const JobStatus status = Ended(job);
  EXPECT_EQ(status.state, JobState::kFailed);
  EXPECT_EQ(status.error->code, "audio-not-recognised");
  EXPECT_EQ(CodeOf(jobs_->Fetch(kAnna, job.id, job.token)), "audio-not-recognised");
  EXPECT_EQ(jobs_->stats().failed_total, 1u);
}

TEST_F(TranscriptionJobsTest, WhatCanBeKnownBeforeIsRefusedBefore) {
  Jobs();
  JobRequest wrong_keyword = Hello();
  wrong_keyword.transcription.keywords = {"CAFÉ 24"};
  EXPECT_EQ(CodeOf(TrySubmit(kAnna, std::move(wrong_keyword))), "keyword");
  JobRequest wrong_model = Hello();
  wrong_model.model = *ModelId::Parse("nobody");
  EXPECT_EQ(CodeOf(TrySubmit(kAnna, std::move(wrong_model))), "model-not-found");
  EXPECT_EQ(CodeOf(jobs_->Reserve({})), "login-required");
  EXPECT_EQ(jobs_->stats().total, 0u);
}

TEST_F(TranscriptionJobsTest, ATenantAndAllTogetherHaveOnlySoManyPlaces) {
  Jobs({.per_tenant = 2, .in_all = 3});
  auto first = jobs_->Reserve(kAnna).value();
  const Submitted second = Submit(kAnna, Hello());
  const auto refused = jobs_->Reserve(kAnna);
  EXPECT_EQ(CodeOf(refused), "jobs-full");
  EXPECT_EQ(refused.error().kind, base::ErrorKind::kExhausted);
  EXPECT_GT(refused.error().retry_after_s, 0);
  auto third = jobs_->Reserve(kBert).value();
  EXPECT_EQ(CodeOf(jobs_->Reserve(kBert)), "jobs-full") << "three in all";
  EXPECT_EQ(jobs_->stats().refused_total, 2u);
  first.reset();
  EXPECT_EQ(CodeOf(jobs_->Reserve(kBert)), "") << "an upload that broke off";
  Ended(second);
  EXPECT_EQ(CodeOf(jobs_->Cancel(kAnna, second.id, second.token)), "");
  EXPECT_EQ(CodeOf(jobs_->Reserve(kAnna)), "");
}

TEST_F(TranscriptionJobsTest, TheQueueIsShortAndTenantsTakeTurns) {
  Jobs({.running = 1});
  Held held;
  std::mutex mutex;
  std::vector<std::string> order;
  const auto named = [&](const char* name) {
    JobRequest request = Hello();
    request.encode = [&, name](const vocabulary::Transcript&) {
      const std::lock_guard lock(mutex);
      order.emplace_back(name);
      return std::string();
    };
    return request;
  };
  const Submitted first = Submit(kAnna, HeldBack(held));
  held.reached.get_future().wait();
  const std::vector<Submitted> annas = {Submit(kAnna, named("a1")), Submit(kAnna, named("a2"))};
  const Submitted berts = Submit(kBert, named("b"));
  EXPECT_EQ(jobs_->stats().running, 1u);
  EXPECT_EQ(jobs_->stats().waiting, 3u);
  EXPECT_EQ(jobs_->Look(kAnna, first.id, first.token)->state, JobState::kRunning);
  EXPECT_EQ(jobs_->Look(kBert, berts.id, berts.token)->state, JobState::kQueued);
  EXPECT_EQ(CodeOf(jobs_->Fetch(kBert, berts.id, berts.token)), "job-not-finished");
  held.go.set_value();
  for (const Submitted& job : annas) Ended(job);
  Ended(berts, kBert);
  EXPECT_THAT(order, testing::ElementsAre("a1", "b", "a2"));
}

TEST_F(TranscriptionJobsTest, OneThatIsCancelledIsGoneAtOnceWhereverItWas) {
  Jobs({.running = 1});
  Held held;
  const Submitted running = Submit(kAnna, HeldBack(held));
  const Submitted waiting = Submit(kAnna, Session());
  held.reached.get_future().wait();
  EXPECT_EQ(CodeOf(jobs_->Cancel(kAnna, waiting.id, waiting.token)), "");
  ExpectNoRecording();
  EXPECT_EQ(CodeOf(jobs_->Cancel(kAnna, running.id, running.token)), "");
  for (const Submitted& job : {running, waiting}) {
    EXPECT_EQ(CodeOf(jobs_->Look(kAnna, job.id, job.token)), "job-not-found");
  }
  held.go.set_value();
  EXPECT_TRUE(tests::Until([&] { return jobs_->stats().running == 0; }));

  // In the middle of its recording.
  const Submitted long_one = Submit(kAnna, Session());
  EXPECT_TRUE(
      tests::Until([&] { return jobs_->Look(kAnna, long_one.id, long_one.token)->seconds_done > 0; }));
  EXPECT_EQ(CodeOf(jobs_->Cancel(kAnna, long_one.id, long_one.token)), "");
  EXPECT_TRUE(tests::Until([&] { return jobs_->stats().running == 0; }));
  ExpectNoRecording();
  EXPECT_EQ(jobs_->stats().kept, 0u);
}

TEST_F(TranscriptionJobsTest, AfterItsDeadlineItFailsWhetherItRunsOrWaits) {
  Jobs({.running = 1, .deadline = std::chrono::milliseconds(0)});
  const Submitted runs = Submit(kAnna, Session());
  EXPECT_EQ(Ended(runs).error->code, "deadline");

  Jobs({.running = 0, .deadline = std::chrono::milliseconds(0)});
  const Submitted waits = Submit(kAnna, Session());
  jobs_->DeleteExpired();
  EXPECT_EQ(Ended(waits).error->code, "deadline");
  ExpectNoRecording();
}

TEST_F(TranscriptionJobsTest, TheEndOfTheServerEndsAndForgetsThemAll) {
  Jobs({.running = 1});
  const Submitted runs = Submit(kAnna, Session());
  const Submitted waits = Submit(kAnna, Session());
  auto place = jobs_->Reserve(kAnna).value();
  jobs_->Stop();
  EXPECT_EQ(jobs_->stats().running, 0u);
  EXPECT_EQ(CodeOf(jobs_->Look(kAnna, runs.id, runs.token)), "job-not-found");
  EXPECT_EQ(CodeOf(jobs_->Look(kAnna, waits.id, waits.token)), "job-not-found");
  EXPECT_EQ(CodeOf(jobs_->Reserve(kAnna)), "server-stopping");
  EXPECT_EQ(CodeOf(jobs_->Submit(std::move(place), kAnna, Hello())), "server-stopping");
}

TEST_F(TranscriptionJobsTest, AResultThatIsTooLargeIsAnErrorAndNotCut) {
  Jobs({.result_bytes = 4});
  const Submitted job = Submit(kAnna, Hello());
  EXPECT_EQ(Ended(job).error->code, "job-result-too-large");
}

TEST_F(TranscriptionJobsTest, AWorkerThatDiesIsStartedAgainAndTheTextIsTheSame) {
  Jobs();
  const Submitted whole = Submit(kAnna, Session());
  Ended(whole);
  const auto served = models_->catalogue().Find(kAnna, Speech()).value();
  const std::uint64_t before = served->host->stats().restarts;
  const auto pid = static_cast<pid_t>(served->host->stats().pid);
  kill(pid, SIGSTOP);
  const Submitted hit = Submit(kAnna, Session());
  EXPECT_TRUE(tests::Until([&] { return served->host->stats().queued > 0; }));
  kill(pid, SIGKILL);
  EXPECT_EQ(Ended(hit).state, JobState::kCompleted);
  EXPECT_GT(served->host->stats().restarts, before);
  EXPECT_EQ(TextOf(hit), TextOf(whole));
}

}  // namespace
}  // namespace blindai::service
