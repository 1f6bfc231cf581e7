// A voice assistant at a gateway, to a server that shows evidence. The published client is in tests/python.
#include "gateway/wyoming_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>

#include "gateway/gateway_test_support.h"
#include "protocols/wire/wyoming.h"
#include "support/fake_attested_server.h"
#include "support/until.h"

namespace blindai::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using tests::FakeAttestedServer;

constexpr std::string_view kStart =
    "{\"type\":\"audio-start\",\"data\":{\"rate\":16000,\"width\":2,\"channels\":1}}\n";
constexpr std::string_view kChunk =
    "{\"type\":\"audio-chunk\",\"data\":{\"rate\":16000,\"width\":2,\"channels\":1},\"payload_length\":6}"
    "\nSAMPLE";
constexpr std::string_view kStop = "{\"type\":\"audio-stop\"}\n";
constexpr std::string_view kDescribe = "{\"type\":\"describe\"}\n";

std::string Transcribe(std::string_view model) {
  return "{\"type\":\"transcribe\",\"data\":{\"name\":\"" + std::string(model) +
         "\",\"language\":\"en-GB\"}}\n";
}

net::HttpResponse Events(std::string_view events) {
  net::HttpResponse response;
  response.headers.Set("Content-Type", "text/event-stream");
  response.body = base::CopyBytes(base::AsBytes(events));
  return response;
}

class WyomingDoorTest : public ::testing::Test {
 protected:
  void Start(
      const std::function<void(FakeAttestedServer::Options&)>& server = [](auto&) {},
      const std::function<void(GatewayOptions&)>& change = [](auto&) {}) {
    FakeAttestedServer::Options fake;
    fake.answer = [this](const tests::SeenRequest& request) { return Answer(request); };
    server(fake);
    server_.emplace(std::move(fake));
    GatewayOptions options = OptionsFor(server_->port());
    options.wyoming.emplace();
    options.wyoming->port = 0;
    change(options);
    auto gateway = Gateway::Start(std::move(options));
    ASSERT_TRUE(gateway.ok()) << gateway.error().message;
    gateway_ = *std::move(gateway);
  }

  net::HttpResponse Answer(const tests::SeenRequest& request) {
    if (request.target == "/v1/models") return net::JsonResponse(200, wire::EncodeModelList(models_));
    return transcription_;
  }

  static wire::ModelInfo Model(std::string_view id, wire::ModelKind kind) {
    wire::ModelInfo model;
    model.id = id;
    model.kind = kind;
    return model;
  }

  // All that comes back until the gateway closes, or `end` has come.
  std::string Say(std::string_view words, std::string_view end = "\x01never") const {
    const RawSocket assistant(gateway_->wyoming_port());
    assistant.Send(words);
    return assistant.ReceiveUntil(end);
  }

  std::vector<wire::ModelInfo> models_ = {Model("adder", wire::ModelKind::kTensor),
                                          Model("speech", wire::ModelKind::kCtcSpeech)};
  net::HttpResponse transcription_ = Events(
      "data: {\"type\":\"transcript.text.delta\",\"delta\":\"HELLO\"}\n\n"
      "data: {\"type\":\"transcript.text.delta\",\"delta\":\" WORLD\"}\n\n"
      "data: {\"type\":\"transcript.text.done\",\"text\":\"HELLO WORLD\"}\n\n");
  std::optional<FakeAttestedServer> server_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(WyomingDoorTest, WhoAsksIsToldTheModelsThatTranscribeAndThatItIsASimulation) {
  Start();
  const std::string info = Say(kDescribe, "\"snd\":[]}");
  EXPECT_THAT(info, StartsWith("{\"type\":\"info\""));
  EXPECT_THAT(info, HasSubstr("\"name\":\"speech\""));
  EXPECT_THAT(info, HasSubstr("\"description\":\"Simulation: "));
  EXPECT_EQ(info.find("adder"), std::string::npos);
}

TEST_F(WyomingDoorTest, WhatIsSaidIsOneRecordingAndItsTextComesBackAsItGrows) {
  Start();
  const std::string text = Say(Transcribe("speech") + std::string(kStart) + std::string(kChunk) +
                                   std::string(kChunk) + std::string(kStop),
                               "transcript-stop\"}\n");
  EXPECT_EQ(
      text,
      "{\"type\":\"transcript-start\"}\n"
      "{\"type\":\"transcript-chunk\",\"data_length\":16}\n{\"text\":\"HELLO\"}"
      "{\"type\":\"transcript-chunk\",\"data_length\":17}\n{\"text\":\" WORLD\"}"
      "{\"type\":\"transcript\",\"data_length\":45}\n{\"text\":\"HELLO WORLD\",\"verdict\":\"simulation\"}"
      "{\"type\":\"transcript-stop\"}\n");
  const std::vector<tests::SeenRequest> seen = server_->data_requests();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].target, "/v1/audio/transcriptions");
  EXPECT_EQ(seen[0].headers.Find("Authorization"), "Bearer servers-key");
  const std::string body(base::AsText(seen[0].body));
  EXPECT_THAT(body, HasSubstr("name=\"model\"\r\n\r\nspeech\r\n"));
  EXPECT_THAT(body, HasSubstr("name=\"language\"\r\n\r\nen\r\n"));
  EXPECT_THAT(body, HasSubstr("SAMPLESAMPLE\r\n--"));
}

TEST_F(WyomingDoorTest, AConnectionIsGoodForMoreThanOneCommand) {
  Start();
  const RawSocket assistant(gateway_->wyoming_port());
  for (int i = 0; i < 2; ++i) {
    assistant.Send(std::string(kStart) + std::string(kChunk) + std::string(kStop));
    EXPECT_THAT(assistant.ReceiveUntil("transcript-stop\"}\n"), HasSubstr("HELLO WORLD"));
  }
  assistant.Send("{\"type\":\"ping\",\"data\":{\"text\":\"a\"}}\n");
  EXPECT_EQ(assistant.ReceiveUntil("}\n{\"text\":\"a\"}"),
            "{\"type\":\"pong\",\"data_length\":12}\n{\"text\":\"a\"}");
}

TEST_F(WyomingDoorTest, AnAssistantThatNamesNoModelGetsTheServersChoiceOrTheOneOfTheOptions) {
  models_.push_back(Model("other", wire::ModelKind::kWhisper));
  Start();
  const std::string command = std::string(kStart) + std::string(kChunk) + std::string(kStop);
  EXPECT_THAT(Say(command, "transcript-stop\"}\n"), HasSubstr("HELLO WORLD"));
  ASSERT_EQ(server_->data_requests().size(), 1u) << "nobody asks for a list of models";
  EXPECT_EQ(std::string(base::AsText(server_->data_requests().back().body)).find("name=\"model\""),
            std::string::npos);
  gateway_.reset();
  Start([](auto&) {}, [](GatewayOptions& options) { options.wyoming->model = "other"; });
  EXPECT_THAT(Say(command, "transcript-stop\"}\n"), HasSubstr("HELLO WORLD"));
  EXPECT_THAT(std::string(base::AsText(server_->data_requests().back().body)),
              HasSubstr("\r\n\r\nother\r\n"));
}

TEST_F(WyomingDoorTest, ARefusedServerGetsNothingAndTheAssistantTheFindings) {
  Start([](auto&) {},
        [](GatewayOptions& options) { options.server.allow_simulation = verifier::AllowSimulation::kNo; });
  for (const std::string& words : {std::string(kDescribe), Transcribe("speech") + std::string(kStart)}) {
    const std::string answer = Say(words);
    EXPECT_THAT(answer, StartsWith("{\"type\":\"error\""));
    EXPECT_THAT(answer, HasSubstr("\"code\":\"server-not-trusted\""));
    EXPECT_THAT(answer, HasSubstr("[simulation]"));
  }
  EXPECT_TRUE(server_->data_requests().empty());
}

TEST_F(WyomingDoorTest, WhatTheServerRefusesIsToldAndEndsTheConnection) {
  transcription_ =
      net::ErrorResponse(base::MakeError(base::ErrorKind::kNotFound, "model-not-found", "no such model"));
  Start();
  const std::string answer =
      Say(Transcribe("nobody") + std::string(kStart) + std::string(kChunk) + std::string(kStop));
  EXPECT_THAT(answer, HasSubstr("{\"text\":\"no such model\",\"code\":\"model-not-found\"}"));
}

TEST_F(WyomingDoorTest, AnErrorInTheMiddleOfATextIsTold) {
  transcription_ = Events(
      "data: {\"type\":\"transcript.text.delta\",\"delta\":\"HELLO\"}\n\n"
      "data: {\"error\":{\"message\":\"too "
      "slow\",\"type\":\"server_error\",\"param\":null,\"code\":\"deadline\"}}\n\n");
  Start();
  const std::string answer = Say(std::string(kStart) + std::string(kChunk) + std::string(kStop));
  EXPECT_THAT(answer, HasSubstr("\"code\":\"deadline\""));
  EXPECT_EQ(answer.find("\"transcript\""), std::string::npos);
}

TEST_F(WyomingDoorTest, ATextThatIsCutIsNoText) {
  transcription_ = Events("data: {\"type\":\"transcript.text.delta\",\"delta\":\"HELLO\"}\n\n");
  Start();
  EXPECT_THAT(Say(std::string(kStart) + std::string(kChunk) + std::string(kStop)),
              HasSubstr("\"code\":\"server-connection-lost\""));
  gateway_.reset();
  Start([](FakeAttestedServer::Options& fake) { fake.cut_answers = true; });
  EXPECT_THAT(Say(Transcribe("speech") + std::string(kStart) + std::string(kChunk) + std::string(kStop)),
              HasSubstr("\"code\":\"server-connection-lost\""));
}

TEST_F(WyomingDoorTest, ABrowsersRequestReachesNobody) {
  Start();
  const std::string answer =
      Say("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + Transcribe("speech") + std::string(kStart));
  EXPECT_THAT(answer, HasSubstr("\"code\":\"wyoming-event\""));
  EXPECT_TRUE(server_->data_requests().empty());
}

TEST_F(WyomingDoorTest, SoundInTheWrongOrderIsRefused) {
  Start();
  EXPECT_THAT(Say(kChunk), HasSubstr("wyoming-order"));
  EXPECT_THAT(Say(std::string(kStart) + std::string(kDescribe)), HasSubstr("wyoming-order"));
  const std::string other =
      "{\"type\":\"audio-chunk\",\"data\":{\"rate\":8000,\"width\":2,\"channels\":1}}\n";
  EXPECT_THAT(Say(std::string(kStart) + other), HasSubstr("wyoming-order"));
}

TEST_F(WyomingDoorTest, AnAssistantThatLeavesEndsItsRequestAtTheServer) {
  std::atomic<bool> gone = false;
  std::atomic<bool> began = false;
  Start([&](FakeAttestedServer::Options& fake) {
    fake.serve = [&](net::HttpExchange& exchange) -> net::Task<void> {
      base::Bytes block(4096);
      std::string body;
      while (true) {
        const std::span<std::uint8_t> space(block);
        const base::Result<std::size_t> count = co_await exchange.ReadBody(space);
        if (!count.ok()) {
          gone = true;
          co_return;
        }
        body += base::AsText(base::ByteView(block).first(*count));
        if (body.find("SAMPLE") != std::string::npos) began = true;
      }
    };
  });
  RawSocket assistant(gateway_->wyoming_port());
  assistant.Send(Transcribe("speech") + std::string(kStart) + std::string(kChunk));
  EXPECT_TRUE(tests::Until([&] { return began.load(); }));
  assistant.Close();
  EXPECT_TRUE(tests::Until([&] { return gone.load(); }));
}

TEST_F(WyomingDoorTest, AnIdleAssistantDoesNotHoldTheGateway) {
  Start();
  const RawSocket assistant(gateway_->wyoming_port());
  assistant.Send("{\"type\":\"ping\"}\n");
  assistant.ReceiveUntil("\n");
  gateway_->Stop(std::chrono::hours(1));
  EXPECT_EQ(assistant.ReceiveAll(), "");
}

TEST(WyomingOptions, AreForLoopbackWithoutTokensOnly) {
  for (const char* address : {"0.0.0.0", "192.0.2.1", "::"}) {
    GatewayOptions options = OptionsFor(1);
    options.wyoming.emplace();
    options.wyoming->address = address;
    const auto gateway = Gateway::Start(std::move(options));
    ASSERT_FALSE(gateway.ok());
    EXPECT_EQ(gateway.error().param, "wyoming");
  }
  GatewayOptions options = OptionsFor(1);
  options.wyoming.emplace();
  options.token_for_programs = true;
  const auto gateway = Gateway::Start(std::move(options));
  ASSERT_FALSE(gateway.ok());
  EXPECT_EQ(gateway.error().param, "wyoming");
}

}  // namespace
}  // namespace blindai::gateway
