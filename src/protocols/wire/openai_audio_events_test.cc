#include "protocols/wire/openai_audio_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/wire/openai_audio.h"

namespace blindai::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using vocabulary::Transcript;

Transcript Spoken() {
  Transcript transcript;
  transcript.duration_s = 3;
  transcript.segments = {{0, 1, 0, "HELLO", {{"HELLO", 0, 1, 0.9}}, 0}, {1, 2, 1, "YOU TOO", {}, 0}};
  return transcript;
}

std::string StreamOf(const TranscriptionRequest& request, const Transcript& transcript) {
  std::string stream = EncodeProgressEvent({1, 3});
  std::size_t number = 0;
  for (const auto& segment : transcript.segments) stream += EncodeSegmentEvents(request, segment, ++number);
  return stream + EncodeDoneEvent(request, transcript);
}

// Events of a stream that arrives in pieces of `piece` bytes; errors as their codes.
std::vector<std::string> Events(std::string_view stream, std::size_t piece) {
  std::vector<std::string> events;
  EventStreamReader reader([&](std::string_view data) {
    auto event = DecodeTranscriptionEvent(data);
    if (!event.ok()) {
      events.push_back("error " + event.error().code);
    } else if (const auto* delta = std::get_if<TextDelta>(&*event)) {
      events.push_back("delta " + delta->delta);
    } else if (const auto* segment = std::get_if<TextSegment>(&*event)) {
      events.push_back("segment " + segment->speaker + " " + segment->text);
    } else if (const auto* done = std::get_if<TextDone>(&*event)) {
      events.push_back("done " + done->text);
    } else if (const auto* progress = std::get_if<TranscriptionProgress>(&*event)) {
      events.push_back("progress " + std::to_string(static_cast<int>(progress->seconds_done)));
    } else {
      events.push_back("other");
    }
    return base::Ok();
  });
  for (std::size_t at = 0; at < stream.size(); at += piece)
    EXPECT_TRUE(reader.Feed(base::AsBytes(stream.substr(at, piece))).ok());
  return events;
}

TEST(TranscriptionEvents, DeltasJoinedAreTheTextForEveryPieceSize) {
  const std::string stream = StreamOf({}, Spoken());
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    EXPECT_THAT(Events(stream, piece),
                ElementsAre("progress 1", "delta HELLO", "delta  YOU TOO", "done HELLO YOU TOO"));
  }
}

TEST(TranscriptionEvents, DiarizedJsonHasSegmentEvents) {
  TranscriptionRequest request;
  request.format = TranscriptionFormat::kDiarizedJson;
  EXPECT_THAT(Events(StreamOf(request, Spoken()), 100),
              ElementsAre("progress 1", "delta HELLO", "segment A HELLO", "delta  YOU TOO",
                          "segment B YOU TOO", "done HELLO YOU TOO"));
}

TEST(TranscriptionEvents, DoneCarriesTheDocumentOfTheFormat) {
  TranscriptionRequest request;
  request.format = TranscriptionFormat::kSrt;
  const std::string event = EncodeDoneEvent(request, Spoken());
  const auto decoded = DecodeTranscriptionEvent(std::string_view(event).substr(6));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(std::get<TextDone>(*decoded).document, EncodeTranscription(request, Spoken()));
}

TEST(TranscriptionEvents, LogprobsComeWithTheirDelta) {
  TranscriptionRequest request;
  request.logprobs = true;
  EXPECT_THAT(EncodeSegmentEvents(request, Spoken().segments[0], 1),
              HasSubstr(R"("logprobs":[{"token":"HELLO")"));
  EXPECT_THAT(EncodeSegmentEvents(request, Spoken().segments[0], 2),
              HasSubstr(R"("logprobs":[{"token":" HELLO")"));
  EXPECT_THAT(EncodeDoneEvent(request, Spoken()), HasSubstr(R"("logprobs":[{"token":"HELLO")"));
}

TEST(TranscriptionEvents, AnErrorComesAsTheServerWordedIt) {
  const base::Error error =
      base::MakeError(base::ErrorKind::kDeadline, "deadline", "it took too long", "file");
  const std::string event = EncodeErrorEvent(error);
  const auto decoded = DecodeTranscriptionEvent(std::string_view(event).substr(6));
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().kind, base::ErrorKind::kDeadline);
  EXPECT_EQ(decoded.error().code, "deadline");
  EXPECT_EQ(decoded.error().message, "it took too long");
  EXPECT_EQ(decoded.error().param, "file");
}

TEST(TranscriptionEvents, WhatIsUnknownIsIgnoredAndWhatIsWrongIsAnError) {
  EXPECT_THAT(
      Events("data: {\"type\":\"transcript.new\"}\n\n: comment\n\nevent: x\nid: 1\ndata: {\"type\":\r\n"
             "data: \"transcript.new\"}\r\n\r\n",
             3),
      ElementsAre("other", "other"));
  for (const char* wrong :
       {"[]", "{", "{}", R"({"type":7})", R"({"type":"transcript.text.delta"})",
        R"({"type":"transcript.text.done"})", R"({"type":"transcript.text.segment","id":"a"})",
        R"({"type":"transcript.progress","seconds_done":"1"})"}) {
    EXPECT_EQ(DecodeTranscriptionEvent(wrong).error().code, "event-stream") << wrong;
  }
}

TEST(TranscriptionEvents, AnEndlessEventIsCutOff) {
  EventStreamReader reader([](std::string_view) { return base::Ok(); });
  const base::Bytes piece(std::size_t{1} << 20, 'a');
  base::Status fed = base::Ok();
  for (int i = 0; i < 65 && fed.ok(); ++i) fed = reader.Feed(piece);
  ASSERT_FALSE(fed.ok());
  EXPECT_EQ(fed.error().code, "event-stream");
}

TEST(TranscriptionEvents, AnErrorOfTheCallbackEndsTheReading) {
  EventStreamReader reader([](std::string_view) -> base::Status { return base::Malformed("enough"); });
  EXPECT_FALSE(reader.Feed(base::AsBytes("data: x\n\n")).ok());
}

}  // namespace
}  // namespace blindai::wire
