#include "protocols/wire/wyoming.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

namespace blindai::wire {
namespace {

using base::AsBytes;
using ::testing::HasSubstr;

// All events of these bytes, fed in pieces of this size; the code of the error that ended it, or "".
std::pair<std::vector<WyomingEvent>, std::string> Read(std::string_view bytes, std::size_t piece = 1 << 20) {
  std::pair<std::vector<WyomingEvent>, std::string> read;
  WyomingReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.Feed(AsBytes(bytes.substr(at, piece)));
    while (true) {
      auto event = reader.Next();
      if (!event.ok()) {
        read.second = event.error().code;
        return read;
      }
      if (!*event) break;
      read.first.push_back(**std::move(event));
    }
  }
  return read;
}

// What is wrong with one event; "" when nothing is.
std::string Wrong(std::string_view bytes) {
  const auto [events, code] = Read(bytes);
  EXPECT_EQ(events.size(), code.empty() ? 1u : 0u) << bytes;
  return code;
}

template <typename T>
T Only(std::string_view bytes) {
  auto [events, code] = Read(bytes);
  EXPECT_EQ(code, "");
  EXPECT_EQ(events.size(), 1u);
  return std::get<T>(std::move(events.at(0)));
}

std::string Chunk(std::string_view sound, std::string_view samples) {
  return fmt::format("{{\"type\":\"audio-chunk\",\"data\":{},\"payload_length\":{}}}\n{}", sound,
                     samples.size(), samples);
}

constexpr std::string_view kSound = R"({"rate":16000,"width":2,"channels":1})";

TEST(Wyoming, AConversationIsTheSameInPiecesOfAnySize) {
  const std::string data = R"({"name":"speech","language":"en-GB","context":{"a":[1]}})";
  const std::string conversation =
      "{\"type\":\"describe\"}\n" +
      fmt::format("{{\"type\":\"transcribe\",\"data_length\":{},\"version\":\"1.8\"}}\n{}", data.size(),
                  data) +
      fmt::format("{{\"type\":\"audio-start\",\"data\":{}}}\n", kSound) + Chunk(kSound, "a\nb{") +
      "{\"type\":\"audio-stop\",\"data\":{\"timestamp\":null}}\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, conversation.size()}) {
    const auto [events, code] = Read(conversation, piece);
    EXPECT_EQ(code, "");
    ASSERT_EQ(events.size(), 5u);
    EXPECT_TRUE(std::holds_alternative<WyomingDescribe>(events[0]));
    EXPECT_EQ(std::get<WyomingTranscribe>(events[1]).model, "speech");
    EXPECT_EQ(std::get<WyomingTranscribe>(events[1]).language, "en-GB");
    EXPECT_EQ(std::get<WyomingAudioStart>(events[2]).sound, (WyomingSound{16'000, 2, 1}));
    EXPECT_EQ(base::AsText(std::get<WyomingAudioChunk>(events[3]).samples.ExposeSecret()), "a\nb{");
    EXPECT_TRUE(std::holds_alternative<WyomingAudioStop>(events[4]));
  }
}

TEST(Wyoming, DataBehindTheLineGoesOverDataInIt) {
  EXPECT_EQ(
      Only<WyomingPing>("{\"type\":\"ping\",\"data\":{\"text\":\"a\"},\"data_length\":12}\n{\"text\":\"b\"}")
          .text,
      "b");
}

TEST(Wyoming, AnUnknownEventIsReadToItsEndAndIsNoError) {
  const auto [events, code] = Read(
      "{\"type\":\"of tomorrow\",\"data_length\":2,\"payload_length\":3}\n{}abc{\"type\":\"describe\"}\n");
  EXPECT_EQ(code, "");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<WyomingOther>(events[0]));
}

TEST(Wyoming, ABrowsersRequestIsNoEvent) {
  EXPECT_EQ(Wrong("POST / HTTP/1.1\r\nHost: 127.0.0.1:10300\r\n\r\n{\"type\":\"describe\"}\n"),
            "wyoming-event");
}

TEST(Wyoming, WhatIsNoEventIsRefused) {
  for (const std::string_view bytes :
       {"\n", "[]\n", "{}\n", "{\"type\":1}\n", "{\"type\":\"describe\"\n",
        "{\"type\":\"describe\",\"type\":\"ping\"}\n", "{\"type\":\"describe\",\"data\":[]}\n",
        "{\"type\":\"describe\",\"data_length\":-1}\n", "{\"type\":\"describe\",\"data_length\":2}\n[]",
        "{\"type\":\"describe\",\"data_length\":1.5}\n", "{\"type\":\"describe\",\"payload_length\":\"1\"}\n",
        "{\"type\":\"ping\",\"data\":{\"text\":1}}\n",
        "{\"type\":\"transcribe\",\"data\":{\"name\":[]}}\n"}) {
    EXPECT_EQ(Wrong(bytes), "wyoming-event") << bytes;
  }
}

TEST(Wyoming, NothingIsKeptForALengthAboveTheLimit) {
  EXPECT_EQ(Wrong(fmt::format("{{\"type\":\"a\",\"payload_length\":{}}}\n", kMaxWyomingPayload + 1)),
            "wyoming-event");
  EXPECT_EQ(Wrong(fmt::format("{{\"type\":\"a\",\"data_length\":{}}}\n", kMaxWyomingData + 1)),
            "wyoming-event");
  EXPECT_EQ(Wrong("{\"type\":\"a\",\"payload_length\":18446744073709551615}\n"), "wyoming-event");
  EXPECT_EQ(Wrong(std::string(kMaxWyomingLine + 1, ' ')), "wyoming-event");
}

TEST(Wyoming, TheLargestEventIsRead) {
  const std::string samples(kMaxWyomingPayload, 'x');
  EXPECT_EQ(Read(Chunk(kSound, samples), 4096).first.size(), 1u);
  const std::string line = "{\"type\":\"describe\"}";
  EXPECT_EQ(Read(line + std::string(kMaxWyomingLine - line.size(), ' ') + "\n").first.size(), 1u);
}

TEST(Wyoming, SoundOutsideTheBoundsIsRefused) {
  for (const std::string_view sound :
       {R"({})", R"({"rate":16000,"width":2})", R"({"rate":0,"width":2,"channels":1})",
        R"({"rate":7999,"width":2,"channels":1})", R"({"rate":192001,"width":2,"channels":1})",
        R"({"rate":16000,"width":0,"channels":1})", R"({"rate":16000,"width":5,"channels":1})",
        R"({"rate":16000,"width":2,"channels":0})", R"({"rate":16000,"width":2,"channels":9})",
        R"({"rate":-16000,"width":2,"channels":1})", R"({"rate":"16000","width":2,"channels":1})"}) {
    EXPECT_EQ(Wrong(fmt::format("{{\"type\":\"audio-start\",\"data\":{}}}\n", sound)), "wyoming-event")
        << sound;
  }
}

TEST(Wyoming, HalfASampleIsRefused) {
  EXPECT_EQ(Wrong(Chunk(kSound, "abc")), "wyoming-event");
  EXPECT_EQ(Wrong(Chunk(R"({"rate":16000,"width":3,"channels":2})", "abc")), "wyoming-event");
  EXPECT_EQ(Wrong(Chunk(R"({"rate":16000,"width":3,"channels":2})", "abcdef")), "");
}

TEST(Wyoming, InfoTellsTheModelsThatTranscribeAndNoOthers) {
  ModelInfo speech;
  speech.id = "speech";
  speech.owned_by = "operator";
  speech.kind = ModelKind::kCtcSpeech;
  ModelInfo tensor;
  tensor.id = "adder";
  const std::string info = EncodeWyomingInfo({{speech, tensor}, {"en", "de"}, "Simulation"});
  EXPECT_THAT(info,
              HasSubstr(R"("name":"speech","attribution":{"name":"operator","url":""},"installed":true)"));
  EXPECT_THAT(info, HasSubstr(R"("languages":["en","de"])"));
  EXPECT_THAT(info, HasSubstr(R"("description":"Simulation")"));
  EXPECT_EQ(info.find("adder"), std::string::npos);
}

TEST(Wyoming, AnAnswerSaysHowLongItsDataIs) {
  EXPECT_EQ(EncodeWyomingTranscriptChunk("a\n"),
            "{\"type\":\"transcript-chunk\",\"data_length\":14}\n{\"text\":\"a\\n\"}");
  EXPECT_EQ(EncodeWyomingTranscriptStop(), "{\"type\":\"transcript-stop\"}\n");
  EXPECT_EQ(EncodeWyomingPong({}), "{\"type\":\"pong\"}\n");
  EXPECT_THAT(EncodeWyomingTranscript("HELLO", "simulation"),
              HasSubstr(R"({"text":"HELLO","verdict":"simulation"})"));
  EXPECT_THAT(EncodeWyomingError(base::Malformed("why", "the-code")),
              HasSubstr(R"({"text":"why","code":"the-code"})"));
}

TEST(Wyoming, AWaveHeadSaysTheFormatAndNoLength) {
  const base::Bytes head = StreamedWavHead({44'100, 3, 2});
  const base::Bytes wanted = {'R', 'I', 'F', 'F', 255, 255, 255, 255, 'W', 'A',  'V',  'E', 'f', 'm',  't',
                              ' ', 16,  0,   0,   0,   1,   0,   2,   0,   0x44, 0xac, 0,   0,   0x98, 0x09,
                              4,   0,   6,   0,   24,  0,   'd', 'a', 't', 'a',  255,  255, 255, 255};
  EXPECT_EQ(head, wanted);
}

}  // namespace
}  // namespace blindai::wire
