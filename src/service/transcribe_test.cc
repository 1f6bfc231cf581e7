// Transcriptions with the real decoder, worker and engine, and the demo model.
#include "service/transcribe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <filesystem>
#include <future>
#include <random>
#include <sstream>
#include <string>
#include <thread>

#include "base/byte_writer.h"
#include "service/speech_model.h"
#include "service/upload_model.h"
#include "support/demo_speech.h"
#include "support/onnx_builder.h"
#include "support/paths.h"
#include "support/two_speakers.h"

namespace blindai::service {
namespace {

using base::Result;
using tests::DemoFile;
using tests::DemoSettings;
using vocabulary::ModelId;
using vocabulary::Transcript;

std::string CodeOf(const auto& result) { return result.ok() ? "" : result.error().code; }

// A catalogue with the demo model as "speech", shared by all tests because it loads for a second.
class TranscribeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    models_ = new tests::ServedModels;
    ASSERT_EQ(CodeOf(Upload("speech", DemoFile("blindai-demo-en.onnx"), DemoSettings())), "");
  }
  static void TearDownTestSuite() { delete models_; }

  static Result<ModelRecord> Upload(std::string_view id, base::ByteView file,
                                    std::shared_ptr<const SpeechSettings> speech,
                                    UploadOptions options = {}) {
    options.worker.worker_program = tests::ProgramsDir() / "blindai-worker";
    BLINDAI_TRY(auto upload,
                ModelUpload::Begin(models_->catalogue(), options, Caller::AnonymousWithAllRights(),
                                   UploadRequest{.id = *ModelId::Parse(id), .speech = std::move(speech)}));
    BLINDAI_RETURN_IF_ERROR(upload->Feed(file));
    std::promise<Result<ModelRecord>> record;
    ModelUpload::Finish(std::move(upload),
                        [&](Result<ModelRecord> result) { record.set_value(std::move(result)); });
    return record.get_future().get();
  }

  static TranscribeRequest RequestFor(base::ByteView recording) {
    std::shared_ptr<speech::AudioFile> audio = speech::AudioFile::Create(std::uint64_t{1} << 30).value();
    audio->Append(recording).value();
    audio->Seal().value();
    TranscribeRequest request;
    request.audio = audio;
    return request;
  }

  static DecoderOptions Decoder() {
    DecoderOptions options;
    options.decoder_program = tests::ProgramsDir() / "blindai-decoder";
    return options;
  }

  static Result<Transcript> Run(TranscribeRequest request, const char* id = "speech",
                                const Caller& caller = Caller::AnonymousWithAllRights(),
                                bool cancel = false) {
    std::promise<Result<TranscribeDone>> done;
    TranscribeTicket ticket =
        Transcribe(models_->catalogue(), Decoder(), caller, *ModelId::Parse(id), std::move(request),
                   [&](Result<TranscribeDone> result) { done.set_value(std::move(result)); });
    if (cancel) ticket.Cancel();
    BLINDAI_TRY(TranscribeDone answer, done.get_future().get());
    EXPECT_EQ(answer.record.id.text(), id);
    return std::move(answer.transcript);
  }

  static tests::ServedModels* models_;
};

tests::ServedModels* TranscribeTest::models_ = nullptr;

void ExpectWholeCoverage(const Transcript& transcript, int speaker) {
  double at = 0;
  for (const auto& span : transcript.coverage) {
    if (span.speaker != speaker) continue;
    EXPECT_DOUBLE_EQ(span.start_s, at);
    at = span.end_s;
  }
  EXPECT_DOUBLE_EQ(at, transcript.duration_s);
}

TEST_F(TranscribeTest, HelloWorldIsHeard) {
  const Transcript transcript = Run(RequestFor(DemoFile("hello_world.wav"))).value();
  EXPECT_THAT(transcript.Text(), testing::HasSubstr("HELLO"));
  ExpectWholeCoverage(transcript, vocabulary::kNoSpeaker);
}

TEST_F(TranscribeTest, ASessionOfTwoChannelsHasTwoSpeakersWhoTakeTurns) {
  std::vector<double> steps;
  TranscribeRequest request = RequestFor(DemoFile("session.wav"));
  request.progress = [&](double done_s, double announced_s) {
    EXPECT_NEAR(announced_s, 60, 0.01);
    steps.push_back(done_s);
  };
  const Transcript transcript = Run(std::move(request)).value();
  EXPECT_NEAR(transcript.duration_s, 60, 0.01);
  ExpectWholeCoverage(transcript, 0);
  ExpectWholeCoverage(transcript, 1);
  // session.json: the therapist speaks first, from 0.5 to 4.953 s, then the patient from 6.553 s.
  const auto& segments = transcript.segments;
  ASSERT_GE(segments.size(), 4u);
  EXPECT_EQ(segments.front().speaker, 0);
  EXPECT_NEAR(segments.front().start_s, 0.5, 0.4);
  EXPECT_THAT(segments.front().text, testing::HasSubstr("HELLO"));
  const auto second = std::ranges::find(segments, 1, &vocabulary::Segment::speaker);
  ASSERT_NE(second, segments.end());
  EXPECT_NEAR(second->start_s, 6.553, 0.4);
  EXPECT_TRUE(std::ranges::is_sorted(segments, {}, &vocabulary::Segment::start_s));
  EXPECT_TRUE(std::ranges::is_sorted(steps));
}

// A WAV file (Microsoft's RIFF, WAVE_FORMAT_IEEE_FLOAT) of two channels at 16 kHz.
base::Bytes StereoWav(const tests::TwoChannels& channels) {
  base::ByteWriter writer;
  const auto bytes = static_cast<std::uint32_t>(channels[0].size() * 8);
  writer.Append("RIFF").U32(36 + bytes).Append("WAVE").Append("fmt ").U32(16).U16(3).U16(2);
  writer.U32(16'000).U32(128'000).U16(8).U16(32).Append("data").U32(bytes);
  for (std::size_t i = 0; i < channels[0].size(); ++i) {
    for (const auto& channel : channels) writer.U32(std::bit_cast<std::uint32_t>(channel[i]));
  }
  return std::move(writer).Take();
}

TEST_F(TranscribeTest, AVoiceThatLeaksIntoTheOtherMicrophoneIsWrittenOnce) {
  const Transcript clean = Run(RequestFor(DemoFile("session.wav"))).value();
  tests::TwoChannels channels = tests::Session();
  const tests::TwoChannels voices = channels;
  tests::Leak(tests::InARoom(voices[0]), channels[1], 0.1F, 80);
  tests::Leak(tests::InARoom(voices[1]), channels[0], 0.1F, 80);
  const Transcript mixed = Run(RequestFor(StereoWav(channels))).value();
  const auto words = [](const Transcript& transcript, int speaker) {
    std::size_t count = 0;
    for (const auto& segment : transcript.segments) {
      if (segment.speaker == speaker) count += segment.words.size();
    }
    return static_cast<double>(count);
  };
  for (const int speaker : {0, 1}) {
    EXPECT_GT(words(clean, speaker), 50);
    EXPECT_NEAR(words(mixed, speaker), words(clean, speaker), 4) << "twice as many would be heard";
    ExpectWholeCoverage(mixed, speaker);
  }
}

TEST_F(TranscribeTest, TheSameRecordingGivesTheSameTextAgain) {
  const base::Bytes recording = DemoFile("hello_world.wav");
  EXPECT_EQ(Run(RequestFor(recording))->Text(), Run(RequestFor(recording))->Text());
}

TEST_F(TranscribeTest, WhatIsNoRecordingIsRefusedWithTheDecodersCode) {
  EXPECT_EQ(CodeOf(Run(RequestFor(base::AsBytes("a letter")))), "audio-not-recognised");
}

TEST_F(TranscribeTest, AKeywordThatTheModelCannotWriteIsRefused) {
  TranscribeRequest request = RequestFor(DemoFile("hello_world.wav"));
  request.keywords = {"CAFÉ 24"};
  EXPECT_EQ(CodeOf(Run(std::move(request))), "keyword");
}

TEST_F(TranscribeTest, KeywordsGiveATranscriptToo) {
  TranscribeRequest request = RequestFor(DemoFile("hello_world.wav"));
  request.keywords = {"WORLD"};
  EXPECT_THAT(Run(std::move(request))->Text(), testing::HasSubstr("HELLO"));
}

TEST_F(TranscribeTest, ALanguageModelMakesWordsOfWhatIsSpeltByEar) {
  const std::vector<std::string> known = {"HELLO", "IT",   "IS",   "GOOD",  "TO", "SEE",  "YOU",  "AGAIN",
                                          "HOW",   "HAVE", "BEEN", "SINCE", "WE", "LAST", "SPOKE"};
  std::string arpa = "\\data\\\nngram 1=" + std::to_string(known.size()) + "\n\\1-grams:\n";
  for (const std::string& word : known) arpa += "-1.2 " + word + "\n";
  arpa += "\\end\\\n";
  const auto settings =
      MakeSpeechSettings(tests::DemoText("vocab.json"), tests::DemoText("preprocessor_config.json"), arpa);
  ASSERT_EQ(CodeOf(settings), "");
  ASSERT_EQ(CodeOf(Upload("weighed", DemoFile("blindai-demo-en.onnx"), *settings)), "");
  // The therapist's first turn, of fifteen words.
  tests::TwoChannels session = tests::Session();
  session[0].resize(85'000);
  const base::Bytes recording = StereoWav({session[0], session[0]});
  const auto right = [&](const char* id) {
    std::size_t at = 0;
    std::istringstream text(Run(RequestFor(recording), id).value().Text());
    std::size_t found = 0;
    for (std::string word; text >> word;) {
      const auto next = std::find(known.begin() + static_cast<std::ptrdiff_t>(at), known.end(), word);
      if (next == known.end()) continue;
      at = static_cast<std::size_t>(next - known.begin()) + 1;
      ++found;
    }
    return found;
  };
  const std::size_t without = right("speech");
  EXPECT_GT(right("weighed"), without);
  EXPECT_LT(without, known.size());
}

TEST_F(TranscribeTest, AKenlmBinaryGivesTheTranscriptOfTheArpaFileItWasBuiltFrom) {
  const auto text_with = [&](const std::string& file) {
    const auto bytes = tests::ReadFile(tests::SourceDir() / "tests" / "support" / "language_models" / file);
    const auto settings = MakeSpeechSettings(
        tests::DemoText("vocab.json"), tests::DemoText("preprocessor_config.json"), base::AsText(bytes));
    EXPECT_EQ(CodeOf(settings), "");
    EXPECT_EQ(CodeOf(Upload(file, DemoFile("blindai-demo-en.onnx"), *settings)), "");
    return Run(RequestFor(DemoFile("hello_world.wav")), file.c_str()).value().Text();
  };
  const std::string text = text_with("letters.probing.bin");
  EXPECT_FALSE(text.empty());
  EXPECT_EQ(text, text_with("letters.arpa"));
}

TEST_F(TranscribeTest, AKnownTextIsPlacedInTime) {
  tests::TwoChannels session = tests::Session();
  session[0].resize(85'000);
  TranscribeRequest request = RequestFor(StereoWav({session[0], session[0]}));
  request.alignment = "Hello, it is good to see you again. How have you been since we last spoke?";
  const Transcript transcript = Run(std::move(request)).value();
  EXPECT_EQ(transcript.Text(), "Hello, it is good to see you again. How have you been since we last spoke?");
  // session.json: from 0.5 to 4.953 s.
  EXPECT_NEAR(transcript.segments.front().start_s, 0.5, 0.3);
  EXPECT_NEAR(transcript.segments.back().end_s, 4.953, 0.3);
  ExpectWholeCoverage(transcript, vocabulary::kNoSpeaker);

  TranscribeRequest both = RequestFor(DemoFile("session.wav"));
  both.alignment = "Hello";
  EXPECT_EQ(CodeOf(Run(std::move(both))), "alignment-channels");
}

TEST_F(TranscribeTest, UnknownModelsAndCallersWithoutTheRightAreRefused) {
  EXPECT_EQ(CodeOf(Run(RequestFor(base::AsBytes("x")), "nobody")), "model-not-found");
  EXPECT_EQ(CodeOf(Run(RequestFor(base::AsBytes("x")), "speech", Caller{})), "login-required");
}

TEST_F(TranscribeTest, CancelledItEndsAtOnce) {
  EXPECT_EQ(
      CodeOf(Run(RequestFor(DemoFile("session.wav")), "speech", Caller::AnonymousWithAllRights(), true)),
      "cancelled");
}

TEST_F(TranscribeTest, AfterItsDeadlineItIsRefused) {
  TranscribeRequest request = RequestFor(DemoFile("session.wav"));
  request.deadline = std::chrono::steady_clock::now();
  EXPECT_EQ(CodeOf(Run(std::move(request))), "deadline");
}

TEST_F(TranscribeTest, WhereItMayWaitAFullQueueEndsNothing) {
  UploadOptions options;
  options.worker.max_queue = 1;
  ASSERT_EQ(CodeOf(Upload("narrow", DemoFile("blindai-demo-en.onnx"), DemoSettings(), options)), "");
  const auto served =
      models_->catalogue().Find(Caller::AnonymousWithAllRights(), *ModelId::Parse("narrow")).value();
  const auto pid = static_cast<pid_t>(served->host->stats().pid);
  // Two fill it, one that runs and one that waits, and stay there while the worker is stopped.
  kill(pid, SIGSTOP);
  std::array<std::promise<Result<TranscribeDone>>, 4> done;
  const auto start = [&](std::size_t i, WhenBusy when_busy) {
    TranscribeRequest request = RequestFor(DemoFile("hello_world.wav"));
    request.when_busy = when_busy;
    Transcribe(models_->catalogue(), Decoder(), Caller::AnonymousWithAllRights(), *ModelId::Parse("narrow"),
               std::move(request),
               [&done, i](Result<TranscribeDone> result) { done[i].set_value(std::move(result)); });
  };
  start(0, WhenBusy::kWait);
  start(1, WhenBusy::kWait);
  while (served->host->stats().queued < 2) std::this_thread::yield();
  start(2, WhenBusy::kFail);
  EXPECT_EQ(CodeOf(done[2].get_future().get()), "queue-full");
  start(3, WhenBusy::kWait);
  kill(pid, SIGCONT);
  for (const std::size_t i : {0, 1, 3}) EXPECT_EQ(CodeOf(done[i].get_future().get()), "");
}

TEST_F(TranscribeTest, AModelThatIsNoSpeechModelIsRefused) {
  tests::OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {2}).Output("y", tests::kOnnxFloat, {2});
  graph.Node(tests::OnnxNode("Add", {"x", "x"}, {"y"}));
  const base::Bytes doubling = tests::OnnxModel(graph).Opset(17).Bytes();
  EXPECT_EQ(CodeOf(Upload("doubling", doubling, DemoSettings())), "model-not-speech") << "at upload";
  EXPECT_EQ(CodeOf(Upload("doubling", doubling, nullptr)), "");
  EXPECT_EQ(CodeOf(Run(RequestFor(base::AsBytes("x")), "doubling")), "model-not-speech") << "when used";
}

TEST_F(TranscribeTest, AVocabularyOfAnotherModelIsRefusedAtUpload) {
  const auto settings = MakeSpeechSettings(R"({"<pad>":0,"|":1,"A":2})", "{}");
  ASSERT_EQ(CodeOf(settings), "");
  EXPECT_EQ(CodeOf(Upload("wrong", DemoFile("blindai-demo-en.onnx"), *settings)), "model-not-speech");
}

// With the network that tells voices from noise, in a worker of its own.
class TranscribeVoicesTest : public TranscribeTest {
 protected:
  static void SetUpTestSuite() {
    TranscribeTest::SetUpTestSuite();
    if (!std::filesystem::exists(tests::SileroFile())) return;
    ASSERT_EQ(CodeOf(UploadSilero()), "");
    ASSERT_EQ(CodeOf(models_->catalogue().UseVoiceNetwork(*ModelId::Parse("voices"))), "");
  }
  void SetUp() override {
    if (models_->catalogue().voice_network() == nullptr) GTEST_SKIP() << tests::kNoSilero;
  }

  static base::Status UploadSilero() {
    BLINDAI_TRY(auto upload, ModelUpload::BeginForOperator(
                                 models_->catalogue(), models_->upload(),
                                 {.id = *ModelId::Parse("voices"), .visibility = Visibility::kPrivate}));
    BLINDAI_RETURN_IF_ERROR(upload->Feed(tests::ReadFile(tests::SileroFile())));
    std::promise<base::Status> loaded;
    ModelUpload::Finish(std::move(upload), [&](Result<ModelRecord> record) {
      loaded.set_value(record.ok() ? base::Ok() : base::Status(std::move(record).error()));
    });
    return loaded.get_future().get();
  }

  static model::ModelHost& Host(const char* id) {
    return *models_->catalogue().Find(Caller::AnonymousWithAllRights(), *ModelId::Parse(id)).value()->host;
  }
  static model::ModelHost& VoiceHost() { return *models_->catalogue().voice_network()->host; }
  // Of the worker that hears voices. There is one once it has run.
  static pid_t VoicePid() {
    EXPECT_EQ(CodeOf(Run(RequestFor(DemoFile("hello_world.wav")))), "");
    const auto pid = static_cast<pid_t>(VoiceHost().stats().pid);
    BLINDAI_CHECK(pid > 0);
    return pid;
  }

  // The first channel of the session, so much louder.
  static base::Bytes Session(float gain) {
    tests::TwoChannels channels = tests::Session();
    for (float& sample : channels[0]) sample *= gain;
    return StereoWav({channels[0], channels[0]});
  }
};

TEST_F(TranscribeVoicesTest, WhatIsCheckedIsTheNetworksInputsAndOutputs) {
  EXPECT_EQ(CodeOf(CheckVoiceSignature(models_->catalogue().voice_network()->record.signature)), "");
  EXPECT_EQ(CodeOf(CheckVoiceSignature(Host("speech").signature())), "voice-activity");
}

TEST_F(TranscribeVoicesTest, LoudNoiseIsNeverRun) {
  std::mt19937 random(5);
  std::normal_distribution<float> noise(0, 0.1F);
  std::vector<float> channel(90 * 16'000);
  for (float& sample : channel) sample = noise(random);
  const std::uint64_t runs = Host("speech").stats().runs;
  const Transcript transcript = Run(RequestFor(StereoWav({channel, channel}))).value();
  EXPECT_EQ(transcript.Text(), "");
  EXPECT_NEAR(transcript.duration_s, 90, 1e-6);
  ExpectWholeCoverage(transcript, vocabulary::kNoSpeaker);
  EXPECT_EQ(Host("speech").stats().runs, runs);
}

// 45 dB quieter, which loudness takes for silence.
TEST_F(TranscribeVoicesTest, AVoiceFarFromTheMicrophoneIsHeard) {
  const std::string loud = Run(RequestFor(Session(1)))->Text();
  const std::string quiet = Run(RequestFor(Session(5.6e-3F)))->Text();
  EXPECT_GT(loud.size(), 300u);
  EXPECT_GT(quiet.size(), loud.size() * 9 / 10);
  EXPECT_THAT(quiet, testing::StartsWith("HELLO"));
}

TEST_F(TranscribeVoicesTest, TwoSpeakersTakeTurnsAtTheTimesOfTheRecording) {
  const Transcript transcript = Run(RequestFor(DemoFile("session.wav"))).value();
  for (const int speaker : {0, 1}) ExpectWholeCoverage(transcript, speaker);
  const auto& segments = transcript.segments;
  ASSERT_GE(segments.size(), 4u);
  EXPECT_EQ(segments.front().speaker, 0);
  EXPECT_NEAR(segments.front().start_s, 0.5, 0.4);
  const auto second = std::ranges::find(segments, 1, &vocabulary::Segment::speaker);
  ASSERT_NE(second, segments.end());
  EXPECT_NEAR(second->start_s, 6.553, 0.4);
}

TEST_F(TranscribeVoicesTest, SegmentsThatAreFinishedEarlyAreThoseOfTheTranscript) {
  TranscribeRequest request = RequestFor(tests::WavOf(tests::DemoSound("session.wav")));
  std::string told;
  request.finished = [&](const std::vector<vocabulary::Segment>& segments) {
    for (const auto& segment : segments) told += (told.empty() ? "" : " ") + segment.text;
  };
  const std::string text = Run(std::move(request))->Text();
  EXPECT_FALSE(told.empty());
  EXPECT_TRUE(text.starts_with(told)) << told;
}

TEST_F(TranscribeVoicesTest, AWorkerThatEndsWhileItHearsVoicesIsAnErrorOrWaitedFor) {
  const std::string text = Run(RequestFor(DemoFile("session.wav")))->Text();
  for (const auto& [when_busy, wanted] :
       {std::pair(WhenBusy::kFail, "worker-crashed"), std::pair(WhenBusy::kWait, "")}) {
    const pid_t pid = VoicePid();
    kill(pid, SIGSTOP);
    TranscribeRequest request = RequestFor(DemoFile("session.wav"));
    request.when_busy = when_busy;
    std::promise<Result<TranscribeDone>> done;
    Transcribe(models_->catalogue(), Decoder(), Caller::AnonymousWithAllRights(), *ModelId::Parse("speech"),
               std::move(request), [&](Result<TranscribeDone> result) { done.set_value(std::move(result)); });
    while (VoiceHost().stats().queued == 0) std::this_thread::yield();
    kill(pid, SIGKILL);
    const auto result = done.get_future().get();
    EXPECT_EQ(CodeOf(result), wanted);
    if (when_busy == WhenBusy::kWait) {
      EXPECT_EQ(result->transcript.Text(), text);
    }
  }
}

TEST_F(TranscribeVoicesTest, ItsDeadlineHoldsWhileVoicesAreHeard) {
  const pid_t pid = VoicePid();
  kill(pid, SIGSTOP);
  TranscribeRequest request = RequestFor(DemoFile("session.wav"));
  request.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  EXPECT_EQ(CodeOf(Run(std::move(request))), "deadline");
  kill(pid, SIGCONT);
  EXPECT_EQ(CodeOf(Run(RequestFor(DemoFile("hello_world.wav")))), "");
}

TEST(SpeechSettings, FilesThatAreNoneAreRefused) {
  EXPECT_EQ(CodeOf(MakeSpeechSettings("[]", "{}")), "vocabulary");
  EXPECT_EQ(CodeOf(MakeSpeechSettings(R"({"<pad>":0,"|":1,"A":2})", R"({"sampling_rate":8000})")),
            "preprocessor");
  EXPECT_EQ(CodeOf(MakeSpeechSettings(R"({"<pad>":0,"|":1,"A":2})", "{}", "no ARPA")), "language-model");
}

}  // namespace
}  // namespace blindai::service
