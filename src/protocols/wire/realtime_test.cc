#include "protocols/wire/realtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace blindai::wire {
namespace {

using testing::HasSubstr;

ClientMessage Decode(std::string_view text, const RealtimeSettings& now = {}) {
  return DecodeClientEvent(base::AsBytes(text), now);
}

RealtimeSettings SettingsOf(std::string_view session, const RealtimeSettings& now = {}) {
  const auto message = Decode(R"({"type":"session.update","session":)" + std::string(session) + "}", now);
  EXPECT_TRUE(message.event.ok()) << message.event.error().message;
  return std::get<SessionUpdate>(*message.event).settings;
}

// "code param" of a refusal.
std::string Refusal(std::string_view session) {
  const auto message = Decode(R"({"type":"session.update","session":)" + std::string(session) + "}");
  return message.event.ok() ? "" : message.event.error().code + " " + message.event.error().param;
}

std::string Input(std::string_view fields) {
  return R"({"type":"transcription","audio":{"input":{)" + std::string(fields) + "}}}";
}

TEST(Realtime, AnUpdateSaysAllThatASessionHas) {
  const RealtimeSettings settings = SettingsOf(R"({"type":"transcription",
    "audio":{"input":{"format":{"type":"audio/pcm","rate":16000},
      "transcription":{"model":"speech","language":"en","keywords":["METFORMIN","ANNA"],"prompt":""},
      "noise_reduction":null,
      "turn_detection":{"type":"server_vad","threshold":0.25,"prefix_padding_ms":100,"silence_duration_ms":700,
        "create_response":false}}},
    "include":["item.input_audio_transcription.logprobs","item.input_audio_transcription.partials"],
    "a field of tomorrow":1})");
  EXPECT_EQ(settings.model, "speech");
  EXPECT_EQ(settings.language, "en");
  EXPECT_EQ(settings.keywords, (std::vector<std::string>{"METFORMIN", "ANNA"}));
  EXPECT_EQ(settings.format, (RealtimeFormat{RealtimeEncoding::kPcm16, 16'000}));
  ASSERT_TRUE(settings.turn_detection);
  EXPECT_EQ(*settings.turn_detection, (TurnDetection{0.25, 100, 700}));
  EXPECT_TRUE(settings.logprobs && settings.partials);
}

TEST(Realtime, WhatAnUpdateDoesNotSayStaysAsItWas) {
  RealtimeSettings now;
  now.model = "speech";
  now.keywords = {"ANNA"};
  now.partials = true;
  now.turn_detection = TurnDetection{0.1, 200, 900};
  EXPECT_EQ(SettingsOf(R"({})", now), now);
  EXPECT_EQ(SettingsOf(Input(""), now), now);
  const RealtimeSettings changed = SettingsOf(Input(R"("turn_detection":{"silence_duration_ms":400})"), now);
  EXPECT_EQ(*changed.turn_detection, (TurnDetection{0.1, 200, 400}));
  EXPECT_EQ(changed.model, "speech");
  EXPECT_FALSE(SettingsOf(Input(R"("turn_detection":null)"), now).turn_detection);
  EXPECT_FALSE(SettingsOf(R"({"include":[]})", now).partials);
}

TEST(Realtime, PromptAndDelayAreRead) {
  const RealtimeSettings settings = SettingsOf(Input(R"("transcription":{"prompt":"Dr. Ó","delay":"low"})"));
  EXPECT_EQ(settings.prompt, "Dr. Ó");
  EXPECT_EQ(settings.delay, RealtimeDelay::kLow);
  EXPECT_EQ(SettingsOf(EncodeRealtimeSession(settings, "")), settings);
  EXPECT_EQ(SettingsOf(Input(R"("transcription":{"delay":"xhigh"})")).delay, RealtimeDelay::kXHigh);
  EXPECT_FALSE(SettingsOf(Input(R"("transcription":{})")).delay);
  const std::string longest(16'385, 'x');
  EXPECT_EQ(Refusal(Input(R"("transcription":{"prompt":")" + longest + R"("})")),
            "realtime-event session.audio.input.transcription.prompt");
}

TEST(Realtime, G711HasItsOneRate) {
  EXPECT_EQ(SettingsOf(Input(R"("format":{"type":"audio/pcmu"})")).format,
            (RealtimeFormat{RealtimeEncoding::kMulaw, 8'000}));
  EXPECT_EQ(SettingsOf(Input(R"("format":{"type":"audio/pcma","rate":8000})")).format,
            (RealtimeFormat{RealtimeEncoding::kAlaw, 8'000}));
  EXPECT_EQ(Refusal(Input(R"("format":{"type":"audio/pcmu","rate":16000})")),
            "realtime-event session.audio.input.format.rate");
}

TEST(Realtime, TheBetaIsUnderstood) {
  const auto message =
      Decode(R"({"type":"transcription_session.update","session":{"input_audio_format":"g711_ulaw",
    "input_audio_transcription":{"model":"speech"},
    "turn_detection":{"type":"server_vad","silence_duration_ms":300}}})");
  ASSERT_TRUE(message.event.ok());
  const RealtimeSettings& settings = std::get<SessionUpdate>(*message.event).settings;
  EXPECT_TRUE(settings.beta);
  EXPECT_EQ(settings.model, "speech");
  EXPECT_EQ(settings.format.encoding, RealtimeEncoding::kMulaw);
  EXPECT_EQ(settings.turn_detection->silence_duration_ms, 300);
  EXPECT_THAT(EncodeRealtimeSession(settings, "s"), HasSubstr(R"("input_audio_format":"g711_ulaw")"));
}

TEST(Realtime, WhatCannotBeHonouredIsRefusedByName) {
  EXPECT_EQ(Refusal(R"({"type":"realtime"})"), "realtime-unsupported session.type");
  EXPECT_EQ(Refusal(Input(R"("noise_reduction":{"type":"near_field"})")),
            "realtime-unsupported session.audio.input.noise_reduction");
  EXPECT_EQ(Refusal(Input(R"("turn_detection":{"type":"semantic_vad"})")),
            "realtime-unsupported session.audio.input.turn_detection.type");
  EXPECT_EQ(Refusal(Input(R"("turn_detection":{"idle_timeout_ms":5000})")),
            "realtime-unsupported session.audio.input.turn_detection.idle_timeout_ms");
  EXPECT_EQ(Refusal(Input(R"("transcription":{"delay":"soon"})")),
            "realtime-unsupported session.audio.input.transcription.delay");
  EXPECT_EQ(Refusal(Input(R"("transcription":{"languages":["en","de"]})")),
            "realtime-unsupported session.audio.input.transcription.languages");
  EXPECT_EQ(Refusal(Input(R"("transcription":{"language":"en","languages":["de"]})")),
            "realtime-unsupported session.audio.input.transcription.languages");
  for (const char* wrong : {"english", "zz", "EN"}) {
    EXPECT_EQ(Refusal(Input(R"("transcription":{"language":")" + std::string(wrong) + "\"}")),
              "realtime-event session.audio.input.transcription.language")
        << wrong;
  }
  EXPECT_EQ(Refusal(Input(R"("format":{"type":"audio/opus"})")),
            "realtime-unsupported session.audio.input.format.type");
  EXPECT_EQ(Refusal(R"({"include":["the weather"]})"), "realtime-unsupported session.include");
}

TEST(Realtime, ValuesOutOfRangeAndOfAnotherTypeAreRefused) {
  const std::string turns = "realtime-event session.audio.input.turn_detection.";
  EXPECT_EQ(Refusal(Input(R"("turn_detection":{"threshold":1.01})")), turns + "threshold");
  EXPECT_EQ(Refusal(Input(R"("turn_detection":{"threshold":"loud"})")), turns + "threshold");
  EXPECT_EQ(Refusal(Input(R"("turn_detection":{"silence_duration_ms":99})")), turns + "silence_duration_ms");
  EXPECT_EQ(Refusal(Input(R"("turn_detection":{"prefix_padding_ms":5001})")), turns + "prefix_padding_ms");
  EXPECT_EQ(Refusal(Input(R"("turn_detection":7)")), "realtime-event session.audio.input.turn_detection");
  EXPECT_EQ(Refusal(Input(R"("format":{"type":"audio/pcm","rate":192000})")),
            "realtime-event session.audio.input.format.rate");
  EXPECT_EQ(Refusal(Input(R"("format":{})")), "realtime-event session.audio.input.format.type");
  EXPECT_EQ(Refusal(Input(R"("transcription":{"keywords":[1]})")),
            "realtime-event session.audio.input.transcription.keywords");
  EXPECT_EQ(Refusal("[]"), "realtime-event session");
  EXPECT_EQ(Refusal("null"), "realtime-event session");
}

TEST(Realtime, AnAppendCarriesSound) {
  const base::Bytes sound = {0, 1, 2, 253, 254, 255};
  const auto message = DecodeClientEvent(base::AsBytes(EncodeAppend(sound)), {});
  ASSERT_TRUE(message.event.ok());
  const base::ByteView heard = std::get<AppendAudio>(*message.event).audio.ExposeSecret();
  EXPECT_EQ(base::Bytes(heard.begin(), heard.end()), sound);
}

TEST(Realtime, AnAppendThatIsNoneIsRefusedAndNeverQuoted) {
  for (const char* audio : {R"("not base64!")", R"("QQ")", "7", "null"}) {
    const auto message =
        Decode(R"({"type":"input_audio_buffer.append","event_id":"e1","audio":)" + std::string(audio) + "}");
    ASSERT_FALSE(message.event.ok());
    EXPECT_EQ(message.event.error().param, "audio");
    EXPECT_EQ(message.event_id, "e1");
    EXPECT_EQ(message.event.error().message.find("not base64!"), std::string::npos);
  }
  const auto large = Decode(R"({"type":"input_audio_buffer.append","audio":")" +
                            std::string(kMaxAppendBytes + 4, 'A') + "\"}");
  ASSERT_FALSE(large.event.ok());
  EXPECT_EQ(large.event.error().kind, base::ErrorKind::kTooLarge);
}

TEST(Realtime, CommitAndClearAreRead) {
  const auto commit = DecodeClientEvent(base::AsBytes(EncodeCommit("last")), {});
  EXPECT_EQ(commit.event_id, "last");
  EXPECT_TRUE(std::holds_alternative<CommitAudio>(*commit.event));
  EXPECT_TRUE(std::holds_alternative<ClearAudio>(*DecodeClientEvent(base::AsBytes(EncodeClear()), {}).event));
}

TEST(Realtime, WhatIsNoEventIsAnError) {
  for (const char* text : {"", "hello", "[]", "{}", R"({"type":7})", R"({"type":"response.create"})",
                           R"({"type":"input_audio_buffer.commit","type":"input_audio_buffer.clear"})"}) {
    const auto message = Decode(text);
    ASSERT_FALSE(message.event.ok()) << text;
    EXPECT_THAT(message.event.error().code, testing::AnyOf("realtime-event", "realtime-unsupported"));
  }
  EXPECT_FALSE(Decode(std::string(100'000, '[')).event.ok());
}

TEST(Realtime, AnUpdateIsReadAsItWasWritten) {
  for (const bool beta : {false, true}) {
    RealtimeSettings settings;
    settings.beta = beta;
    settings.model = "name/with \"quotes\"";
    settings.language = "en";
    settings.keywords = {"ÉTÉ", "A"};
    settings.format = {RealtimeEncoding::kAlaw, 8'000};
    settings.turn_detection = TurnDetection{0.125, 250, 1'000};
    settings.logprobs = true;
    settings.partials = true;
    for (int again = 0; again < 2; ++again) {
      const auto message = DecodeClientEvent(base::AsBytes(EncodeSessionUpdate(settings)), {});
      ASSERT_TRUE(message.event.ok()) << message.event.error().message;
      EXPECT_EQ(std::get<SessionUpdate>(*message.event).settings, settings);
      settings.turn_detection.reset();
    }
  }
}

}  // namespace
}  // namespace blindai::wire
