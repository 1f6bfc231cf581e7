#include "client/live_transcription.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "client/client.h"
#include "client/failure.h"
#include "protocols/endpoints/realtime.h"
#include "support/demo_speech.h"
#include "support/fake_attested_server.h"

namespace blindai::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::FakeAttestedServer;

ConnectOptions To(const FakeAttestedServer& server) {
  ConnectOptions options;
  options.server = {"127.0.0.1", server.port()};
  options.allow_simulation = verifier::AllowSimulation::kYes;
  return options;
}

LiveOptions With(const std::string& model) {
  LiveOptions options;
  options.settings.model = model;
  options.settings.format.rate_hz = 16'000;
  return options;
}

// What came until the end, as words, and the code of the error that it ended with.
std::vector<std::string> Listen(LiveTranscription& live) {
  std::vector<std::string> heard;
  while (true) {
    auto event = live.Next();
    if (!event.ok()) {
      heard.push_back("error " + event.error().code);
      return heard;
    }
    if (!*event) return heard;
    if (std::holds_alternative<wire::ItemStarted>(**event)) heard.emplace_back("started");
    if (std::holds_alternative<wire::ItemStopped>(**event)) heard.emplace_back("stopped");
    if (const auto* partial = std::get_if<wire::ItemPartial>(&**event))
      heard.push_back("partial " + partial->text);
    if (const auto* completed = std::get_if<wire::ItemCompleted>(&**event))
      heard.push_back("final " + completed->text);
    if (const auto* failed = std::get_if<wire::ItemFailed>(&**event))
      heard.push_back("failed " + failed->error.code);
  }
}

// ---- A server that says what the test wants ----

vocabulary::Transcript Spoken(const std::string& text) {
  vocabulary::Transcript transcript;
  transcript.segments = {{0, 1, vocabulary::kNoSpeaker, text, {}, 0}};
  return transcript;
}

// Answers each message of the client with the messages that `answer` gives; an empty one cuts the connection.
class ScriptedServer {
 public:
  using Answer =
      std::function<std::vector<std::string>(const std::string& type, wire::RealtimeEncoder& encoder)>;

  explicit ScriptedServer(Answer answer) : answer_(std::move(answer)), server_(Options()) {}

  FakeAttestedServer& server() { return server_; }

 private:
  FakeAttestedServer::Options Options() {
    FakeAttestedServer::Options options;
    options.serve = [this](net::HttpExchange& exchange) { return Serve(exchange); };
    return options;
  }

  net::Task<void> Serve(net::HttpExchange& exchange) {
    const net::WebSocketOptions options;
    const auto socket = co_await exchange.AcceptWebSocket(options);
    if (!socket.ok()) co_return;
    wire::RealtimeEncoder encoder("s");
    std::vector<std::string> texts = {encoder.SessionCreated({})};
    while (true) {
      for (const std::string& text : texts) {
        if (text.empty()) co_return;
        const base::Status sent = co_await (*socket)->SendText(text);
        if (!sent.ok()) co_return;
      }
      const auto message = co_await (*socket)->Read();
      if (!message.ok()) co_return;
      const std::string said(base::AsText(message->bytes));
      const std::string_view start = R"({"type":")";
      const std::string type = said.substr(start.size(), said.find('"', start.size()) - start.size());
      texts = type == "session.update" ? std::vector{encoder.SessionUpdated({})} : answer_(type, encoder);
    }
  }

  const Answer answer_;
  FakeAttestedServer server_;
};

constexpr std::string_view kAppend = "input_audio_buffer.append";
constexpr std::string_view kCommit = "input_audio_buffer.commit";
constexpr std::string_view kClear = "input_audio_buffer.clear";

base::Error NothingToCommit() {
  return base::MakeError(base::ErrorKind::kInvalid, "input_audio_buffer_commit_empty", "less than 100 ms");
}

TEST(LiveTranscription, ARefusedServerHearsNothing) {
  ScriptedServer scripted(
      [](const std::string&, wire::RealtimeEncoder&) { return std::vector<std::string>(); });
  ConnectOptions options = To(scripted.server());
  options.allow_simulation = verifier::AllowSimulation::kNo;
  Client client(options);
  const auto live = client.TranscribeLive(With("demo"));
  EXPECT_EQ(FailureOf(live.error()), FailureKind::kAttestation);
  EXPECT_TRUE(client.verdict()->Has("simulation"));
  EXPECT_TRUE(scripted.server().data_requests().empty());
}

TEST(LiveTranscription, TheKeyGoesOverItsOwnVerifiedConnection) {
  ScriptedServer scripted(
      [](const std::string&, wire::RealtimeEncoder&) { return std::vector<std::string>(); });
  ConnectOptions options = To(scripted.server());
  options.api_key = std::make_shared<base::SecretBytes>(base::SecretBytes::CopyOf(base::AsBytes("key")));
  Client client(options);
  ASSERT_TRUE(client.Connect().ok());
  ASSERT_TRUE(client.TranscribeLive(With("demo")).ok());
  const auto seen = scripted.server().seen();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_NE(seen[1].connection, seen[0].connection) << "verified for it alone";
  EXPECT_EQ(seen[2].connection, seen[1].connection);
  EXPECT_EQ(seen[2].target, "/v1/realtime?intent=transcription");
  EXPECT_EQ(seen[2].headers.Find("Authorization"), "Bearer key");
}

TEST(LiveTranscription, ARefusalComesAsTheServerWordedIt) {
  FakeAttestedServer::Options options;
  options.answer = [](const tests::SeenRequest&) {
    return net::ErrorResponse(
        base::MakeError(base::ErrorKind::kUnauthorized, "login-required", "say who you are"));
  };
  const FakeAttestedServer server(options);
  Client client(To(server));
  const auto live = client.TranscribeLive(With("demo"));
  EXPECT_EQ(live.error().code, "login-required");
  EXPECT_EQ(FailureOf(live.error()), FailureKind::kAccess);
}

TEST(LiveTranscription, EventsComeInOrderAndEndWithTheLastText) {
  ScriptedServer scripted([](const std::string& type, wire::RealtimeEncoder& encoder) {
    std::vector<std::string> texts;
    if (type == kAppend) {
      texts = {encoder.SpeechStarted(1, 0.5), encoder.Partial(1, Spoken("HEL")), encoder.SpeechStopped(1, 2)};
      for (std::string& text : encoder.Committed(1)) texts.push_back(std::move(text));
    }
    // The end is known before the text is.
    if (type == kCommit) texts = {encoder.Error(NothingToCommit(), "commit")};
    if (type == kClear) {
      texts = {encoder.Cleared()};
      for (std::string& text : encoder.Completed(1, Spoken("HELLO"), 0.5, 2, 0.4, false))
        texts.push_back(std::move(text));
    }
    return texts;
  });
  Client client(To(scripted.server()));
  const auto live = client.TranscribeLive(With("demo")).value();
  ASSERT_TRUE(live->Append(base::Bytes(640)).ok());
  ASSERT_TRUE(live->Finish().ok());
  EXPECT_THAT(Listen(*live), ElementsAre("started", "partial HEL", "stopped", "final HELLO"));
  EXPECT_FALSE(live->Next()->has_value()) << "the end stays the end";
}

TEST(LiveTranscription, WhereNothingWasSaidThereIsNothing) {
  ScriptedServer scripted(
      [](const std::string& type, wire::RealtimeEncoder& encoder) -> std::vector<std::string> {
        if (type == kCommit) return {encoder.Error(NothingToCommit(), "commit")};
        return {encoder.Cleared()};
      });
  Client client(To(scripted.server()));
  const auto live = client.TranscribeLive(With("demo")).value();
  ASSERT_TRUE(live->Finish().ok());
  EXPECT_THAT(Listen(*live), ElementsAre());
}

TEST(LiveTranscription, AnUtteranceWithoutATextIsTold) {
  ScriptedServer scripted(
      [](const std::string& type, wire::RealtimeEncoder& encoder) -> std::vector<std::string> {
        if (type == kCommit) {
          return {encoder.Committed(1)[0], encoder.Failed(1, base::MakeError(base::ErrorKind::kUnavailable,
                                                                             "worker-failed", "it failed"))};
        }
        return {encoder.Cleared()};
      });
  Client client(To(scripted.server()));
  const auto live = client.TranscribeLive(With("demo")).value();
  ASSERT_TRUE(live->Finish().ok());
  EXPECT_THAT(Listen(*live), ElementsAre("failed worker-failed"));
}

TEST(LiveTranscription, AnErrorOfTheServerEndsItWithItsName) {
  ScriptedServer scripted([](const std::string&, wire::RealtimeEncoder& encoder) -> std::vector<std::string> {
    return {encoder.Partial(1, Spoken("HEL")),
            encoder.Error(base::MakeError(base::ErrorKind::kExhausted, "live-streams-full", "full"), "")};
  });
  Client client(To(scripted.server()));
  const auto live = client.TranscribeLive(With("demo")).value();
  ASSERT_TRUE(live->Append(base::Bytes(640)).ok());
  EXPECT_THAT(Listen(*live), ElementsAre("partial HEL", "error live-streams-full"));
  EXPECT_EQ(FailureOf(live->Next().error()), FailureKind::kQuota);
  EXPECT_EQ(live->Append(base::Bytes(640)).error().code, "live-streams-full");
}

TEST(LiveTranscription, AConnectionThatIsLostIsAnError) {
  ScriptedServer scripted(
      [](const std::string&, wire::RealtimeEncoder&) { return std::vector<std::string>(1); });
  Client client(To(scripted.server()));
  const auto live = client.TranscribeLive(With("demo")).value();
  ASSERT_TRUE(live->Append(base::Bytes(640)).ok());
  EXPECT_THAT(Listen(*live), ElementsAre("error connection-lost"));
  EXPECT_EQ(FailureOf(live->Next().error()), FailureKind::kConnection);
}

TEST(LiveTranscription, AMessageThatIsNoEventIsAnError) {
  ScriptedServer scripted(
      [](const std::string&, wire::RealtimeEncoder&) { return std::vector<std::string>{"no JSON"}; });
  Client client(To(scripted.server()));
  const auto live = client.TranscribeLive(With("demo")).value();
  ASSERT_TRUE(live->Append(base::Bytes(640)).ok());
  EXPECT_THAT(Listen(*live), ElementsAre("error realtime-event"));
}

TEST(LiveTranscription, SettingsThatAreRefusedStartNothing) {
  FakeAttestedServer::Options options;
  options.serve = [](net::HttpExchange& exchange) -> net::Task<void> {
    const net::WebSocketOptions plain;
    const auto socket = co_await exchange.AcceptWebSocket(plain);
    wire::RealtimeEncoder encoder("s");
    const std::string created = encoder.SessionCreated({});
    base::Status said = co_await (*socket)->SendText(created);
    const auto update = co_await (*socket)->Read();
    const std::string error = encoder.Error(
        base::MakeError(base::ErrorKind::kNotFound, "model-not-found", "no such model", "model"), "");
    said = co_await (*socket)->SendText(error);
    const auto end = co_await (*socket)->Read();
  };
  const FakeAttestedServer server(options);
  Client client(To(server));
  const auto live = client.TranscribeLive(With("nobody"));
  EXPECT_EQ(live.error().code, "model-not-found");
  EXPECT_EQ(live.error().param, "model");
}

TEST(LiveTranscription, CancelEndsTheCallsThatWait) {
  std::promise<void> heard;
  ScriptedServer scripted([&](const std::string&, wire::RealtimeEncoder&) {
    heard.set_value();
    return std::vector<std::string>();
  });
  Client client(To(scripted.server()));
  const auto live = client.TranscribeLive(With("demo")).value();
  std::thread other([&] {
    heard.get_future().wait();
    live->Cancel();
  });
  ASSERT_TRUE(live->Append(base::Bytes(640)).ok());
  EXPECT_THAT(Listen(*live), ElementsAre("error cancelled"));
  other.join();
  EXPECT_EQ(live->Append(base::Bytes(640)).error().code, "cancelled");
}

TEST(LiveTranscription, ACallerThatDoesNotWantToWaitIsNotKept) {
  ScriptedServer scripted(
      [](const std::string&, wire::RealtimeEncoder&) { return std::vector<std::string>(); });
  ConnectOptions options = To(scripted.server());
  std::atomic<bool> patient = true;
  options.keep_waiting = [&] { return patient.load(); };
  Client client(options);
  const auto live = client.TranscribeLive(With("demo")).value();
  patient = false;
  EXPECT_THAT(Listen(*live), ElementsAre("error cancelled"));
}

TEST(LiveTranscription, FloatsBecomeSixteenBits) {
  const std::vector<float> samples = {0, 0.5F, -1, 1, 2, -2, std::nanf("")};
  const base::Bytes sound = Pcm16Of(samples);
  const std::vector<int> wanted = {0, 16'384, -32'768, 32'767, 32'767, -32'768, 0};
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(static_cast<std::int16_t>(sound[2 * i] | sound[2 * i + 1] << 8), wanted[i]) << i;
  }
}

// ---- The server's own endpoint, worker and demo model ----

class LiveWithTheEndpoint : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    models_ = new tests::ServedModels;
    ASSERT_TRUE(tests::UploadDemoSpeech(*models_, "speech").ok());
  }
  static void TearDownTestSuite() { delete models_; }

  LiveWithTheEndpoint() {
    endpoints::RegisterRealtime(router_, models_->catalogue(), streams_, tests::EverybodyMay);
    FakeAttestedServer::Options options;
    options.serve = [this](net::HttpExchange& exchange) { return router_.Handle(exchange); };
    server_ = std::make_unique<FakeAttestedServer>(options);
    client_ = std::make_unique<Client>(To(*server_));
  }

  std::vector<std::string> Hear(const LiveOptions& options, const base::Bytes& sound) {
    const auto live = client_->TranscribeLive(options).value();
    // The sender waits while the model is behind: that is a thread's work.
    std::thread sender([&] {
      EXPECT_TRUE(live->Append(sound).ok());
      EXPECT_TRUE(live->Finish().ok());
    });
    std::vector<std::string> heard = Listen(*live);
    sender.join();
    return heard;
  }

  static tests::ServedModels* models_;
  service::LiveStreams streams_{{}};
  endpoints::Router router_;
  std::unique_ptr<FakeAttestedServer> server_;
  std::unique_ptr<Client> client_;
};

tests::ServedModels* LiveWithTheEndpoint::models_ = nullptr;

TEST_F(LiveWithTheEndpoint, AnUtteranceIsHeardFromItsStartToItsText) {
  base::Bytes sound = tests::DemoSound("hello_world.wav");
  sound.insert(sound.end(), 32'000, 0);
  const std::vector<std::string> heard = Hear(With("speech"), sound);
  ASSERT_EQ(heard.size(), 3u);
  EXPECT_EQ(heard[0], "started");
  EXPECT_EQ(heard[1], "stopped");
  EXPECT_THAT(heard[2], HasSubstr("WORLD"));
}

TEST_F(LiveWithTheEndpoint, TheEndOfTheSoundEndsTheLastUtterance) {
  LiveOptions options = With("speech");
  options.settings.turn_detection.reset();
  EXPECT_THAT(Hear(options, tests::DemoSound("hello_world.wav")), ElementsAre("final HELLO WORLD"));
}

TEST_F(LiveWithTheEndpoint, WithoutANameTheServersDefaultModelHears) {
  LiveOptions options = With("");
  options.settings.turn_detection.reset();
  EXPECT_THAT(Hear(options, tests::DemoSound("hello_world.wav")), ElementsAre("final HELLO WORLD"));
}

TEST_F(LiveWithTheEndpoint, SilenceHasNoTextAndNoSoundHasNoEvents) {
  EXPECT_THAT(Hear(With("speech"), base::Bytes(64'000)), ElementsAre());
  EXPECT_THAT(Hear(With("speech"), {}), ElementsAre());
  EXPECT_EQ(streams_.stats().total, 1u);
}

TEST_F(LiveWithTheEndpoint, WhatItIsToldIsCheckedAtOnce) {
  EXPECT_EQ(client_->TranscribeLive(With("nobody")).error().code, "model-not-found");
  LiveOptions options = With("speech");
  options.settings.keywords = {"24"};
  EXPECT_EQ(client_->TranscribeLive(options).error().code, "keyword");
  EXPECT_EQ(FailureOf(client_->TranscribeLive(options).error()), FailureKind::kModel);
}

}  // namespace
}  // namespace blindai::client
