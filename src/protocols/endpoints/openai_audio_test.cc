// Transcriptions over HTTP with the real decoder, worker and engine, and the demo model.
#include "protocols/endpoints/openai_audio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/byte_writer.h"
#include "protocols/endpoints/audio_form.h"
#include "protocols/endpoints/models.h"
#include "protocols/wire/openai_audio_events.h"
#include "support/demo_speech.h"
#include "support/fake_exchange.h"
#include "support/multipart_body.h"
#include "support/paths.h"
#include "support/served_models.h"

namespace blindai::endpoints {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using tests::DemoText;
using tests::FakeAnswer;
using tests::FakeExchange;
using tests::FormPart;

std::string Request(const std::string& line) { return line + tests::kMultipartHeader; }

// A server with the demo model as "speech", shared by all tests because it loads for a second.
class OpenAIAudioTest : public ::testing::Test {
 protected:
  struct Shared {
    Shared() {
      service::DecoderOptions decoder;
      decoder.decoder_program = tests::ProgramsDir() / "blindai-decoder";
      RegisterModels(router, models.catalogue(), models.upload(), tests::EverybodyMay);
      RegisterOpenAIAudio(router, models.catalogue(), recordings, {.decoder = decoder}, tests::EverybodyMay);
      FakeExchange upload(Request("PUT /v1/models/speech?kind=ctc-speech"),
                          tests::MultipartBody({{"vocab", DemoText("vocab.json")},
                                                {"preprocessor", DemoText("preprocessor_config.json")},
                                                {"model", DemoText("blindai-demo-en.onnx")}}));
      EXPECT_EQ(tests::Serve(router, upload).status, 201);
    }
    tests::ServedModels models;
    service::Recordings recordings{{.max_bytes = 8 << 20, .max_total_bytes = 8 << 20, .max_recordings = 2}};
    Router router;
  };

  static void SetUpTestSuite() { shared_ = new Shared; }
  static void TearDownTestSuite() { delete shared_; }
  void TearDown() override { EXPECT_EQ(shared_->recordings.count(), 0u) << "a recording was kept"; }

  // `parts` beside the model and the file.
  static FakeAnswer Transcribe(std::vector<FormPart> parts, const char* recording = "hello_world.wav") {
    const std::string file = DemoText(recording);
    parts.push_back({"model", "speech"});
    parts.push_back({"file", file, recording});
    return Post(parts);
  }

  // session.wav with one channel: its first voice.
  static std::string OneVoice() {
    constexpr std::size_t kHeadBytes = 44;
    const std::string both = DemoText("session.wav");
    base::ByteWriter writer;
    const auto bytes = static_cast<std::uint32_t>((both.size() - kHeadBytes) / 2);
    writer.Append("RIFF").U32(36 + bytes).Append("WAVE").Append("fmt ").U32(16).U16(1).U16(1);
    writer.U32(16'000).U32(32'000).U16(2).U16(16).Append("data").U32(bytes);
    for (std::size_t at = kHeadBytes; at + 4 <= both.size(); at += 4) writer.Append(both.substr(at, 2));
    return std::string(base::AsText(writer.view()));
  }

  static FakeAnswer Post(const std::vector<FormPart>& parts) {
    FakeExchange exchange(Request("POST /v1/audio/transcriptions"), tests::MultipartBody(parts));
    return tests::Serve(shared_->router, exchange);
  }

  static std::string TypeOf(const FakeAnswer& answer) {
    return std::string(answer.headers.Find("Content-Type").value_or(""));
  }

  // Joined deltas and the last event's text of a stream; empty when it did not end.
  struct Streamed {
    std::string deltas;
    std::string text;
    std::string document;
    std::size_t progress = 0;
    std::size_t early_deltas = 0;  // with progress behind them
    std::string error;
  };
  static Streamed Read(const FakeAnswer& answer) {
    Streamed streamed;
    std::size_t deltas = 0;
    wire::EventStreamReader reader([&](std::string_view data) {
      auto event = wire::DecodeTranscriptionEvent(data);
      if (!event.ok()) {
        streamed.error = event.error().code;
      } else if (const auto* delta = std::get_if<wire::TextDelta>(&*event)) {
        streamed.deltas += delta->delta;
        ++deltas;
      } else if (const auto* done = std::get_if<wire::TextDone>(&*event)) {
        streamed.text = done->text;
        streamed.document = done->document;
      } else if (std::holds_alternative<wire::TranscriptionProgress>(*event)) {
        ++streamed.progress;
        streamed.early_deltas = deltas;
      }
      return base::Ok();
    });
    EXPECT_TRUE(reader.Feed(base::AsBytes(answer.body)).ok());
    return streamed;
  }

  static Shared* shared_;
};

OpenAIAudioTest::Shared* OpenAIAudioTest::shared_ = nullptr;

TEST_F(OpenAIAudioTest, ARecordingComesBackAsText) {
  const FakeAnswer answer = Transcribe({});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(TypeOf(answer), "application/json");
  EXPECT_THAT(answer.body, StartsWith(R"({"text":"HELLO)"));
  EXPECT_EQ(answer.headers.Find("Cache-Control"), "no-store");
}

TEST_F(OpenAIAudioTest, EveryFormatHasItsTypeAndItsShape) {
  struct Row {
    const char* format;
    const char* type;
    const char* holds;
  };
  for (const Row& row : {Row{"json", "application/json", R"("usage":{"type":"duration")"},
                         Row{"text", "text/plain; charset=utf-8", "HELLO"},
                         Row{"srt", "application/x-subrip; charset=utf-8", "1\n00:00:0"},
                         Row{"vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:0"},
                         Row{"verbose_json", "application/json", R"("no_speech_prob":)"},
                         Row{"diarized_json", "application/json", R"("speaker":"unknown")"}}) {
    const FakeAnswer answer = Transcribe({{"response_format", row.format}});
    EXPECT_EQ(answer.status, 200) << row.format;
    EXPECT_EQ(TypeOf(answer), row.type);
    EXPECT_THAT(answer.body, HasSubstr(row.holds)) << row.format;
  }
}

TEST_F(OpenAIAudioTest, EachChannelIsASpeaker) {
  const FakeAnswer answer = Transcribe(
      {{"response_format", "diarized_json"}, {"known_speaker_names[]", "Therapist"}}, "session.wav");
  EXPECT_THAT(answer.body, HasSubstr(R"("speaker":"Therapist")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("speaker":"B")"));
}

TEST_F(OpenAIAudioTest, KeywordsSilenceLogprobsAndCoverageAreHonoured) {
  const FakeAnswer answer = Transcribe({{"keywords[]", "WORLD"},
                                        {"include[]", "logprobs"},
                                        {"include[]", "coverage"},
                                        {"chunking_strategy[type]", "server_vad"},
                                        {"chunking_strategy[silence_duration_ms]", "500"}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("logprobs":[{"token":"HELLO")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("coverage":[{"start":0.000)"));
}

TEST_F(OpenAIAudioTest, TheDeltasOfAStreamAreTheTextOfTheWholeAnswer) {
  const std::string whole = Transcribe({{"response_format", "text"}}, "session.wav").body;
  const FakeAnswer answer = Transcribe({{"stream", "true"}, {"include[]", "progress"}}, "session.wav");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(TypeOf(answer), "text/event-stream");
  const Streamed streamed = Read(answer);
  EXPECT_EQ(streamed.deltas + "\n", whole);
  EXPECT_EQ(streamed.text, streamed.deltas);
  EXPECT_GT(streamed.progress, 3u);
  EXPECT_THAT(streamed.document, StartsWith(R"({"text":)"));
}

TEST_F(OpenAIAudioTest, TextThatNothingCanChangeIsSentWhileTheRecordingIsStillRead) {
  const std::string recording = OneVoice();
  const auto post = [&](std::vector<FormPart> parts) {
    parts.push_back({"model", "speech"});
    parts.push_back({"file", recording, "voice.wav"});
    return Post(parts);
  };
  const std::string whole = post({{"response_format", "text"}}).body;
  const Streamed streamed = Read(post({{"stream", "true"}, {"include[]", "progress"}}));
  EXPECT_GE(streamed.early_deltas, 2u);
  EXPECT_EQ(streamed.deltas + "\n", whole);
  EXPECT_EQ(streamed.text, streamed.deltas);
}

TEST_F(OpenAIAudioTest, AStreamEndsWithTheDocumentOfItsFormat) {
  const std::string whole = Transcribe({{"response_format", "srt"}}).body;
  EXPECT_EQ(Read(Transcribe({{"response_format", "srt"}, {"stream", "true"}})).document, whole);
}

TEST_F(OpenAIAudioTest, WhatIsWrongIsRefusedInOpenAIsShapeWithItsParam) {
  const std::string file = DemoText("hello_world.wav");
  struct Row {
    std::vector<FormPart> parts;
    int status;
    const char* code;
    const char* param;
  };
  for (const Row& row : {
           Row{{{"model", "speech"}}, 400, "form-field", "file"},
           Row{{{"model", "speech"}, {"file", file}, {"file", file}}, 400, "form-field", "file"},
           Row{{{"model", "nobody"}, {"file", file}}, 404, "model-not-found", "model"},
           Row{{{"file", file}, {"model", "../x"}}, 400, "model-id", "model"},
           Row{{{"model", "speech"}, {"temperature", "1"}, {"file", file}}, 400, "form-field", "temperature"},
           Row{{{"model", "speech"}, {"keywords[]", "CAFÉ 24"}, {"file", file}}, 400, "keyword", "keywords"},
           Row{{{"model", "speech"}, {"file", "a letter"}}, 400, "audio-not-recognised", "file"},
           Row{{{"model", "speech"}, {"file", ""}}, 400, "audio-empty", "file"},
       }) {
    const FakeAnswer answer = Post(row.parts);
    EXPECT_EQ(answer.status, row.status) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(R"("code":")" + std::string(row.code) + '"'));
    if (*row.param != '\0') {
      EXPECT_THAT(answer.body, HasSubstr(R"("param":")" + std::string(row.param) + '"'));
    }
  }
}

TEST_F(OpenAIAudioTest, ARecordingNeedNotNameTheOnlyModelThatTranscribes) {
  const std::string file = DemoText("hello_world.wav");
  const std::string named = Post({{"model", "speech"}, {"file", file}}).body;
  EXPECT_EQ(Post({{"file", file}}).body, named);
  EXPECT_EQ(Post({{"model", "whisper-1"}, {"file", file}}).body, named);
  EXPECT_EQ(Post({{"file", file}, {"model", "default"}}).body, named);
}

TEST_F(OpenAIAudioTest, ARecordingOverTheLimitIsRefusedWithoutBeingRead) {
  const std::string large(std::size_t{13} << 20, 'a');
  const FakeAnswer answer = Post({{"model", "speech"}, {"file", large}});
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body, HasSubstr(R"("code":"audio-too-large")"));
}

TEST_F(OpenAIAudioTest, AStreamThatCannotBeginHasAStatusOfItsOwn) {
  const FakeAnswer answer = Post({{"model", "speech"}, {"stream", "true"}, {"file", "a letter"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr(R"("code":"audio-not-recognised")"));
}

TEST_F(OpenAIAudioTest, AStreamThatFailsOnItsWayEndsWithAnErrorAndNotWithDone) {
  std::string cut = DemoText("session.wav");
  cut.resize(cut.size() / 2);
  const FakeAnswer answer =
      Post({{"model", "speech"}, {"stream", "true"}, {"include[]", "progress"}, {"file", cut}});
  EXPECT_EQ(answer.status, 200);
  const Streamed streamed = Read(answer);
  EXPECT_EQ(streamed.error, "audio-truncated");
  EXPECT_EQ(streamed.text, "");
}

TEST_F(OpenAIAudioTest, ACtcModelTranslatesNothingAndReadsNoPrompt) {
  const std::string recording = tests::DemoText("hello_world.wav");
  FakeExchange exchange(Request("POST /v1/audio/translations"),
                        tests::MultipartBody({{"model", "speech"}, {"file", recording, "a.wav"}}));
  EXPECT_THAT(tests::Serve(shared_->router, exchange).body, HasSubstr("translations-unsupported"));
  const FakeAnswer prompted =
      Post({{"model", "speech"}, {"prompt", "Dear model"}, {"file", recording, "a.wav"}});
  EXPECT_EQ(prompted.status, 400);
  EXPECT_THAT(prompted.body, HasSubstr("prompt-unsupported"));
}

}  // namespace
}  // namespace blindai::endpoints
