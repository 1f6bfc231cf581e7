// Realtime sessions over real WebSockets, with the real worker and engine, and the demo model.
#include "protocols/endpoints/realtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "net/blocking_websocket.h"
#include "net/http_server.h"
#include "protocols/wire/realtime_events.h"
#include "support/demo_speech.h"

namespace blindai::endpoints {
namespace {

using testing::HasSubstr;
using wire::ItemCommitted;
using wire::ItemCompleted;
using wire::ItemFailed;
using wire::ItemPartial;
using wire::ItemStarted;
using wire::ServerEvent;
using wire::SessionError;
using wire::SessionReady;

// A server with the demo model as "speech".
class RealtimeTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    models_ = new tests::ServedModels;
    ASSERT_TRUE(tests::UploadDemoSpeech(*models_, "speech").ok());
  }
  static void TearDownTestSuite() { delete models_; }

  explicit RealtimeTest(service::LiveLimits limits = {}) : streams_(limits) {
    RegisterRealtime(router_, models_->catalogue(), streams_,
                     [this](const net::RequestHead&) { return base::Result<service::Caller>(caller_); });
    net::HttpServerOptions options;
    options.pool = std::make_shared<net::IoPool>(2);
    server_ = net::HttpServer::Listen(options, [this](net::HttpExchange& exchange) {
                return router_.Handle(exchange);
              }).value();
  }

  base::Result<std::unique_ptr<net::BlockingWebSocket>> Open(
      const std::string& target = "/v1/realtime?intent=transcription",
      const net::WebSocketOptions& options = {}) {
    net::ConnectOptions to;
    to.host = "127.0.0.1";
    to.port = server_->port();
    net::HttpRequest request;
    request.target = target;
    return net::BlockingWebSocket::Open(net::BlockingHttpConnection::Connect(to).value(), request, options);
  }

  static tests::ServedModels* models_;
  service::Caller caller_ = service::Caller::AnonymousWithAllRights();
  service::LiveStreams streams_;
  Router router_;
  std::unique_ptr<net::HttpServer> server_;
};

tests::ServedModels* RealtimeTest::models_ = nullptr;

class ImpatientRealtimeTest : public RealtimeTest {
 protected:
  ImpatientRealtimeTest() : RealtimeTest({.idle_limit = std::chrono::seconds(1)}) {}
};

wire::RealtimeSettings Settings(std::optional<wire::TurnDetection> turns = wire::TurnDetection{}) {
  wire::RealtimeSettings settings;
  settings.model = "speech";
  settings.format.rate_hz = 16'000;
  settings.turn_detection = turns;
  return settings;
}

// The client's side of one session.
class Talk {
 public:
  explicit Talk(std::unique_ptr<net::BlockingWebSocket> socket) : socket_(std::move(socket)) {
    Await<SessionReady>();
  }

  void Say(const std::string& text) { EXPECT_TRUE(socket_->SendText(text).ok()); }
  void Update(const wire::RealtimeSettings& settings) {
    Say(wire::EncodeSessionUpdate(settings));
    Await<SessionReady>();
  }
  void Append(base::ByteView sound, std::size_t piece = 3'200) {
    for (std::size_t at = 0; at < sound.size(); at += piece) {
      Say(wire::EncodeAppend(sound.subspan(at, std::min(piece, sound.size() - at))));
    }
  }
  std::string Next() {
    const auto message = socket_->Read();
    if (!message.ok()) return message.error().code;
    return std::string(base::AsText(message->bytes));
  }
  // The next event of this kind; others are left out, but for errors and failures.
  template <typename Event>
  Event Await() {
    while (true) {
      const std::string text = Next();
      auto event = wire::DecodeServerEvent(base::AsBytes(text));
      if (!event.ok()) {
        ADD_FAILURE() << text;
        return {};
      }
      if (auto* wanted = std::get_if<Event>(&*event)) return std::move(*wanted);
      if (const auto* error = std::get_if<SessionError>(&*event)) {
        ADD_FAILURE() << error->error.code << ": " << error->error.message;
        return {};
      }
      if (const auto* failed = std::get_if<ItemFailed>(&*event)) {
        ADD_FAILURE() << failed->error.code << ": " << failed->error.message;
        return {};
      }
    }
  }
  std::string CodeOfError() { return Await<SessionError>().error.code; }
  net::BlockingWebSocket& socket() { return *socket_; }

 private:
  std::unique_ptr<net::BlockingWebSocket> socket_;
};

TEST_F(RealtimeTest, AnUtteranceIsHeardFromItsStartToItsFinal) {
  Talk talk(Open().value());
  wire::RealtimeSettings settings = Settings();
  settings.partials = true;
  talk.Update(settings);
  base::Bytes sound = tests::DemoSound("hello_world.wav");
  sound.insert(sound.end(), 32'000, 0);
  // A partial needs a model that has kept up: the rest comes when it has.
  const base::ByteView whole(sound);
  talk.Append(whole.first(25'600));
  const auto started = talk.Await<ItemStarted>();
  EXPECT_EQ(talk.Await<ItemPartial>().item_id, started.item_id);
  talk.Append(whole.subspan(25'600));
  EXPECT_EQ(talk.Await<ItemCommitted>().item_id, started.item_id);
  const auto completed = talk.Await<ItemCompleted>();
  EXPECT_EQ(completed.item_id, started.item_id);
  EXPECT_THAT(completed.text, HasSubstr("WORLD"));
  ASSERT_FALSE(completed.words.empty());
  EXPECT_GE(completed.words[0].start_s, completed.start_s);
  EXPECT_GE(completed.latency_s, 0.4);
}

TEST_F(RealtimeTest, WithoutANameTheCallersDefaultModelHears) {
  for (const char* name : {"", "default", "whisper-1"}) {
    Talk talk(Open().value());
    wire::RealtimeSettings settings = Settings(std::nullopt);
    settings.model = name;
    talk.Update(settings);
    talk.Append(tests::DemoSound("hello_world.wav"));
    talk.Say(wire::EncodeCommit("c"));
    EXPECT_EQ(talk.Await<ItemCompleted>().text, "HELLO WORLD") << name;
  }
}

TEST_F(RealtimeTest, ADefaultModelIsAskedWhetherItCanDoThat) {
  Talk talk(Open().value());
  wire::RealtimeSettings settings = Settings();
  settings.model.clear();
  settings.keywords = {"24"};
  talk.Say(wire::EncodeSessionUpdate(settings));
  EXPECT_EQ(talk.CodeOfError(), "keyword");
}

TEST(RealtimeWithoutAModel, IsToldSoAndMayNameOneLater) {
  tests::ServedModels models;
  service::LiveStreams streams({});
  Router router;
  RegisterRealtime(router, models.catalogue(), streams, tests::EverybodyMay);
  net::HttpServerOptions options;
  options.pool = std::make_shared<net::IoPool>(2);
  const auto server = net::HttpServer::Listen(options, [&](net::HttpExchange& exchange) {
                        return router.Handle(exchange);
                      }).value();
  net::ConnectOptions to;
  to.host = "127.0.0.1";
  to.port = server->port();
  net::HttpRequest request;
  request.target = "/v1/realtime?intent=transcription";
  Talk talk(
      net::BlockingWebSocket::Open(net::BlockingHttpConnection::Connect(to).value(), request, {}).value());
  wire::RealtimeSettings settings = Settings();
  settings.model.clear();
  talk.Update(settings);
  talk.Append(base::Bytes(640));
  EXPECT_EQ(talk.CodeOfError(), "default-model");
  settings.model = "default";
  talk.Say(wire::EncodeSessionUpdate(settings));
  EXPECT_EQ(talk.CodeOfError(), "default-model");
}

TEST_F(RealtimeTest, CommittedByHandItIsOneItem) {
  Talk talk(Open("/v1/realtime?intent=transcription&model=speech").value());
  talk.Update(Settings(std::nullopt));
  for (int round = 0; round < 2; ++round) {
    talk.Append(tests::DemoSound("hello_world.wav"));
    talk.Say(wire::EncodeCommit("c"));
    const auto committed = talk.Await<ItemCommitted>();
    const auto completed = talk.Await<ItemCompleted>();
    EXPECT_EQ(completed.item_id, committed.item_id);
    EXPECT_EQ(completed.text, "HELLO WORLD");
  }
}

TEST_F(RealtimeTest, ErrorsAreToldAndTheConnectionStays) {
  Talk talk(Open().value());
  talk.Say("no JSON");
  EXPECT_EQ(talk.CodeOfError(), "realtime-event");
  talk.Say(R"({"type":"response.create"})");
  EXPECT_EQ(talk.CodeOfError(), "realtime-unsupported");
  talk.Say(R"({"type":"input_audio_buffer.append","audio":"!"})");
  EXPECT_EQ(talk.CodeOfError(), "realtime-event");
  talk.Say(wire::EncodeCommit("mine"));
  const auto empty = talk.Await<SessionError>();
  EXPECT_EQ(empty.error.code, "input_audio_buffer_commit_empty");
  EXPECT_EQ(empty.event_id, "mine");
  wire::RealtimeSettings unknown = Settings();
  unknown.model = "nobody";
  talk.Say(wire::EncodeSessionUpdate(unknown));
  EXPECT_EQ(talk.CodeOfError(), "model-not-found");
  wire::RealtimeSettings keyword = Settings();
  keyword.keywords = {"24"};
  talk.Say(wire::EncodeSessionUpdate(keyword));
  EXPECT_EQ(talk.CodeOfError(), "keyword");

  talk.Update(Settings(std::nullopt));
  talk.Append(tests::DemoSound("hello_world.wav"));
  wire::RealtimeSettings other = Settings(std::nullopt);
  other.format.rate_hz = 24'000;
  talk.Say(wire::EncodeSessionUpdate(other));
  EXPECT_EQ(talk.CodeOfError(), "realtime-session-started");
  talk.Update(Settings(std::nullopt));
  talk.Say(wire::EncodeCommit(""));
  EXPECT_EQ(talk.Await<ItemCompleted>().text, "HELLO WORLD");
}

TEST_F(RealtimeTest, WhatIsClearedIsNotHeard) {
  Talk talk(Open().value());
  talk.Update(Settings(std::nullopt));
  talk.Append(tests::DemoSound("session.wav"));
  talk.Say(wire::EncodeClear());
  EXPECT_THAT(talk.Next(), HasSubstr("input_audio_buffer.cleared"));
  talk.Append(tests::DemoSound("hello_world.wav"));
  talk.Say(wire::EncodeCommit(""));
  EXPECT_EQ(talk.Await<ItemCompleted>().text, "HELLO WORLD");
}

TEST_F(RealtimeTest, AConnectionThatDropsGivesItsPlaceBack) {
  {
    Talk talk(Open().value());
    talk.Update(Settings());
    talk.Append(tests::DemoSound("session.wav"));
    talk.Await<ItemStarted>();
    EXPECT_EQ(streams_.stats().open, 1u);
  }
  // The server stops only when every handler has ended, and then the stream is on its way out.
  server_->Stop(std::chrono::milliseconds(0));
  while (streams_.stats().open != 0) std::this_thread::yield();
}

TEST_F(ImpatientRealtimeTest, AStreamWithoutSoundIsEndedWithAWord) {
  Talk talk(Open().value());
  talk.Update(Settings());
  talk.Append(base::Bytes(640));
  EXPECT_EQ(talk.CodeOfError(), "live-idle");
  EXPECT_EQ(talk.Next(), "websocket-closed");
}

TEST_F(ImpatientRealtimeTest, ASessionThatNeverHearsASoundIsEndedToo) {
  Talk talk(Open().value());
  talk.Update(Settings());
  EXPECT_EQ(talk.CodeOfError(), "live-idle");
  EXPECT_EQ(talk.Next(), "websocket-closed");
}

TEST_F(RealtimeTest, AMessageOverTheLimitEndsTheConnection) {
  Talk talk(Open().value());
  talk.Say(std::string(wire::kMaxRealtimeMessageBytes + 1, 'x'));
  EXPECT_EQ(talk.Next(), "websocket-closed");
}

TEST_F(RealtimeTest, TheServerOutlivesFramesOfAllKinds) {
  for (const std::string& text : {std::string(), std::string(1 << 20, '['), std::string(1 << 20, '"'),
                                  std::string("{\"type\":\"\xff\xfe\"}"), std::string("\0\0\0", 3)}) {
    Talk talk(Open().value());
    // Text that is no UTF-8 ends a WebSocket (RFC 6455 section 8.1); all else is an error of the session.
    talk.Say(text);
    EXPECT_THAT(talk.Next(), testing::AnyOf(HasSubstr("\"type\":\"error\""), "websocket-closed"));
  }
  Talk talk(Open().value());
  talk.Update(Settings(std::nullopt));
  talk.Append(tests::DemoSound("hello_world.wav"));
  talk.Say(wire::EncodeCommit(""));
  EXPECT_EQ(talk.Await<ItemCompleted>().text, "HELLO WORLD");
}

TEST_F(RealtimeTest, WhoMayNotAskIsAnsweredInHttp) {
  caller_ = service::Caller{};
  EXPECT_THAT(Open().error().message, HasSubstr("401"));
  caller_ = service::Caller::AnonymousWithAllRights();
  EXPECT_THAT(Open("/v1/realtime?intent=conversation").error().message, HasSubstr("400"));
  net::ConnectOptions to;
  to.host = "127.0.0.1";
  to.port = server_->port();
  net::HttpRequest request;
  request.target = "/v1/realtime";
  EXPECT_EQ(net::BlockingHttpConnection::Connect(to).value()->Send(request)->status, 426);
}

}  // namespace
}  // namespace blindai::endpoints
