// Jobs over HTTP with the real decoder, worker and engine, and the demo model. Who may do what with a job is the last
// table of docs/formats/access.md.
#include "protocols/endpoints/audio_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <map>

#include "model/supervisor.h"
#include "protocols/endpoints/models.h"
#include "protocols/endpoints/openai_audio.h"
#include "protocols/wire/audio_job.h"
#include "support/demo_speech.h"
#include "support/fake_exchange.h"
#include "support/multipart_body.h"
#include "support/paths.h"
#include "support/served_models.h"
#include "support/until.h"

namespace blindai::endpoints {
namespace {

using service::Caller;
using ::testing::HasSubstr;
using tests::DemoText;
using tests::FakeAnswer;
using tests::FakeExchange;
using tests::FormPart;

// Whoever asks says so in the Authorization header.
base::Result<Caller> Identify(const net::RequestHead& head) {
  static const std::map<std::string_view, Caller> callers = {
      {"owner", {"anna", 1, true, true}},        {"owners-other-key", {"anna", 1, false, true}},
      {"other", {"bert", 2, true, true}},        {"anonymous", Caller::AnonymousWithAllRights()},
      {"without-run", {"anna", 1, true, false}},
  };
  return callers.at(head.headers.Find("Authorization").value_or(""));
}

// A server with the demo model as "speech", shared by all tests because it loads for a second.
class AudioJobsTest : public ::testing::Test {
 protected:
  struct Shared {
    Shared() {
      RegisterModels(router, models.catalogue(), models.upload(), Identify);
      RegisterOpenAIAudio(router, models.catalogue(), recordings, {.decoder = Decoder()}, Identify);
      RegisterAudioJobs(router, models.catalogue(), recordings, jobs, Identify);
      FakeExchange upload(Request("PUT /v1/models/speech?kind=ctc-speech", "owner"),
                          tests::MultipartBody({{"vocab", DemoText("vocab.json")},
                                                {"preprocessor", DemoText("preprocessor_config.json")},
                                                {"model", DemoText("blindai-demo-en.onnx")}}));
      EXPECT_EQ(tests::Serve(router, upload).status, 201);
    }
    static service::DecoderOptions Decoder() {
      service::DecoderOptions decoder;
      decoder.decoder_program = tests::ProgramsDir() / "blindai-decoder";
      return decoder;
    }
    tests::ServedModels models;
    service::Recordings recordings{{}};
    service::TranscriptionJobs jobs{models.catalogue(), Decoder(), {.per_tenant = 3}};
    Router router;
  };

  static void SetUpTestSuite() { shared_ = new Shared; }
  static void TearDownTestSuite() { delete shared_; }
  void TearDown() override {
    for (const Job& job : made_) Ask("DELETE", job);
    EXPECT_TRUE(tests::Until([&] { return shared_->jobs.stats().running == 0; }));
    EXPECT_EQ(shared_->jobs.stats().kept, 0u);
  }

  struct Job {
    std::string id;
    std::string token;
    std::string caller = "owner";
  };

  static std::string Request(const std::string& line, const std::string& caller) {
    return line + tests::kMultipartHeader + "\r\nAuthorization: " + caller;
  }
  // `parts` beside the model and the file.
  static FakeAnswer Post(std::vector<FormPart> parts = {}, const std::string& caller = "owner",
                         const std::string& file = DemoText("hello_world.wav")) {
    parts.push_back({"model", "speech"});
    parts.push_back({"file", file, "recording"});
    FakeExchange exchange(Request("POST /v1/audio/jobs", caller), tests::MultipartBody(parts));
    return tests::Serve(shared_->router, exchange);
  }
  Job Make(std::vector<FormPart> parts = {}, const std::string& caller = "owner",
           const std::string& file = DemoText("hello_world.wav")) {
    const FakeAnswer answer = Post(std::move(parts), caller, file);
    EXPECT_EQ(answer.status, 202) << answer.body;
    const auto job = wire::DecodeAudioJob(base::AsBytes(answer.body)).value();
    made_.push_back({job.id, job.token, caller});
    return made_.back();
  }
  static FakeAnswer Ask(const std::string& method, const Job& job, const std::string& what = "") {
    std::string request = method + " /v1/audio/jobs/" + job.id + what;
    if (!job.token.empty()) request += "\r\nBlindai-Job-Token: " + job.token;
    FakeExchange exchange(request + "\r\nAuthorization: " + job.caller);
    return tests::Serve(shared_->router, exchange);
  }
  static wire::AudioJob Ended(const Job& job) {
    wire::AudioJob status;
    EXPECT_TRUE(tests::Until([&] {
      status = wire::DecodeAudioJob(base::AsBytes(Ask("GET", job).body)).value();
      return status.expires_at.has_value();
    }));
    return status;
  }
  static std::string Transcribed(std::vector<FormPart> parts) {
    const std::string file = DemoText("hello_world.wav");
    parts.push_back({"model", "speech"});
    parts.push_back({"file", file, "recording"});
    FakeExchange exchange(Request("POST /v1/audio/transcriptions", "owner"), tests::MultipartBody(parts));
    return tests::Serve(shared_->router, exchange).body;
  }

  static inline Shared* shared_ = nullptr;
  std::vector<Job> made_;
};

TEST_F(AudioJobsTest, IsAcceptedWithAnIdAPlaceAndATokenThatIsToldOnce) {
  const FakeAnswer answer = Post();
  EXPECT_EQ(answer.status, 202) << answer.body;
  EXPECT_EQ(answer.headers.Find("Cache-Control"), "no-store");
  const auto job = wire::DecodeAudioJob(base::AsBytes(answer.body)).value();
  EXPECT_EQ(answer.headers.Find("Location"), "/v1/audio/jobs/" + job.id);
  EXPECT_EQ(job.token.size(), 64u);
  made_.push_back({job.id, job.token});
  EXPECT_THAT(Ask("GET", made_[0]).body, testing::Not(HasSubstr("token")));
  Ended(made_[0]);
  EXPECT_THAT(Ask("GET", made_[0]).body, testing::Not(HasSubstr("HELLO"))) << "the status has no text";
}

TEST_F(AudioJobsTest, EveryFormatIsTheAnswerOfATranscription) {
  for (const char* format : {"json", "text", "srt", "vtt", "verbose_json", "diarized_json"}) {
    const Job job = Make({{"response_format", format}});
    EXPECT_EQ(Ended(job).status, wire::AudioJobStatus::kCompleted);
    const FakeAnswer answer = Ask("GET", job, "/result");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers.Find("Cache-Control"), "no-store");
    EXPECT_EQ(answer.body, Transcribed({{"response_format", format}})) << format;
    EXPECT_EQ(Ask("DELETE", job).status, 200);
  }
}

TEST_F(AudioJobsTest, OneThatFailsSaysWhyAsTheTranscriptionWould) {
  const Job job = Make({}, "owner", "a letter");
  EXPECT_EQ(Ended(job).status, wire::AudioJobStatus::kFailed);
  EXPECT_THAT(Ask("GET", job).body, HasSubstr(R"("code":"audio-not-recognised")"));
  const FakeAnswer answer = Ask("GET", job, "/result");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr(R"("param":"file","code":"audio-not-recognised")"));
}

TEST_F(AudioJobsTest, WhatIsWrongIsRefusedBeforeThereIsAJob) {
  struct Row {
    std::vector<FormPart> parts;
    int status;
    const char* code;
  };
  for (const Row& row :
       {Row{{{"stream", "true"}}, 400, "form-field"}, Row{{{"temperature", "1"}}, 400, "form-field"},
        Row{{{"keywords[]", "CAFÉ 24"}}, 400, "keyword"}, Row{{{"file", "x"}}, 400, "form-field"}}) {
    const FakeAnswer answer = Post(row.parts);
    EXPECT_EQ(answer.status, row.status) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(R"("code":")" + std::string(row.code) + '"'));
  }
  EXPECT_EQ(Post({}, "without-run").status, 403);
  EXPECT_EQ(shared_->jobs.stats().kept, 0u);
}

TEST_F(AudioJobsTest, AFullServerSaysSoWithoutReadingTheRecording) {
  for (int i = 0; i < 3; ++i) Make();
  FakeExchange exchange(Request("POST /v1/audio/jobs", "owner"), base::Bytes(100, 'x'));
  const FakeAnswer answer = tests::Serve(shared_->router, exchange);
  EXPECT_EQ(answer.status, 429);
  EXPECT_THAT(answer.body, HasSubstr(R"("code":"jobs-full")"));
  EXPECT_EQ(answer.headers.Find("Retry-After"), "30");
  Make({}, "other");  // it has places of its own
}

TEST_F(AudioJobsTest, AResultThatIsNotThereYetIsAConflict) {
  const Job job = Make({}, "owner", DemoText("session.wav"));
  const FakeAnswer answer = Ask("GET", job, "/result");
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body, HasSubstr(R"("code":"job-not-finished")"));
  EXPECT_EQ(Ask("DELETE", job).body, R"({"id":")" + job.id + R"(","object":"audio.job","deleted":true})");
  EXPECT_EQ(Ask("GET", job).status, 404);
}

// ---- who may do what

struct Row {
  const char* caller;
  enum { kRight, kNone, kAnothers } token;
  int status;
};
class AudioJobsAccessTest : public AudioJobsTest, public ::testing::WithParamInterface<Row> {};

constexpr Row kTable[] = {
    {"owner", Row::kRight, 200},           {"owner", Row::kNone, 404},
    {"owner", Row::kAnothers, 404},        {"owners-other-key", Row::kRight, 200},
    {"owners-other-key", Row::kNone, 404}, {"owners-other-key", Row::kAnothers, 404},
    {"other", Row::kRight, 404},           {"other", Row::kNone, 404},
    {"other", Row::kAnothers, 404},        {"anonymous", Row::kRight, 404},
    {"anonymous", Row::kNone, 404},        {"anonymous", Row::kAnothers, 404},
    {"without-run", Row::kRight, 403},     {"without-run", Row::kNone, 403},
    {"without-run", Row::kAnothers, 403},
};

INSTANTIATE_TEST_SUITE_P(Table, AudioJobsAccessTest, ::testing::ValuesIn(kTable));

// Status and text of what is not theirs are those of a job that never was.
TEST_P(AudioJobsAccessTest, IsAsTheTableSays) {
  const Row& row = GetParam();
  Job job = Make();
  const Job second = Make();
  Ended(job);
  job.caller = row.caller;
  if (row.token != Row::kRight) job.token = row.token == Row::kNone ? "" : second.token;
  const Job unknown = {"job-" + std::string(32, '0'), job.token, row.caller};
  for (const auto& [method, what] : {std::pair("GET", ""), {"GET", "/result"}, {"DELETE", ""}}) {
    const FakeAnswer answer = Ask(method, job, what);
    EXPECT_EQ(answer.status, row.status) << method << what;
    if (row.status == 200) continue;
    const FakeAnswer never_was = Ask(method, unknown, what);
    EXPECT_EQ(answer.status, never_was.status);
    EXPECT_EQ(answer.body, never_was.body);
  }
  job = made_[0];
  EXPECT_EQ(Ask("GET", job).status, row.status == 200 ? 404 : 200)
      << "deleted by whoever may, and by nobody else";
}

}  // namespace
}  // namespace blindai::endpoints
