#include "protocols/wire/realtime_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::MakeError;
using vocabulary::Transcript;

Transcript HelloWorld() {
  Transcript transcript;
  transcript.duration_s = 1;
  transcript.segments.push_back({.start_s = 1,
                                 .end_s = 2,
                                 .text = "HELLO WORLD",
                                 .words = {{"HELLO", 1, 1.4, 0.5}, {"WORLD", 1.5, 2, 1}}});
  return transcript;
}

json::object Object(const std::string& text) { return json::parse(text).as_object(); }

ServerEvent Read(const std::string& text) { return DecodeServerEvent(base::AsBytes(text)).value(); }

TEST(RealtimeEvents, EachHasItsOwnIdAndItsType) {
  RealtimeEncoder encoder("s");
  const json::object created = Object(encoder.SessionCreated({}));
  EXPECT_EQ(created.at("type"), "session.created");
  EXPECT_EQ(created.at("session").at("id"), "sess_s");
  EXPECT_EQ(created.at("session").at("audio").at("input").at("turn_detection").at("silence_duration_ms"),
            500);
  const json::object cleared = Object(encoder.Cleared());
  EXPECT_EQ(cleared.at("type"), "input_audio_buffer.cleared");
  EXPECT_NE(cleared.at("event_id"), created.at("event_id"));
}

TEST(RealtimeEvents, TheBetaIsAnsweredInItsWords) {
  RealtimeEncoder encoder("s");
  RealtimeSettings settings;
  settings.beta = true;
  EXPECT_EQ(Object(encoder.SessionUpdated(settings)).at("type"), "transcription_session.updated");
}

TEST(RealtimeEvents, AnItemIsToldWithAllRequiredFields) {
  RealtimeEncoder encoder("s");
  const json::object started = Object(encoder.SpeechStarted(1, 0.75));
  EXPECT_EQ(started.at("type"), "input_audio_buffer.speech_started");
  EXPECT_EQ(started.at("audio_start_ms"), 750);
  const json::object stopped = Object(encoder.SpeechStopped(1, 2));
  EXPECT_EQ(stopped.at("audio_end_ms"), 2000);
  EXPECT_EQ(stopped.at("item_id"), started.at("item_id"));
  const auto first = encoder.Committed(1);
  EXPECT_TRUE(Object(first[0]).at("previous_item_id").is_null());
  EXPECT_EQ(Object(first[1]).at("item").at("id"), started.at("item_id"));
  EXPECT_EQ(Object(encoder.Committed(2)[0]).at("previous_item_id"), started.at("item_id"));

  const auto completed = encoder.Completed(1, HelloWorld(), 0.75, 2, 0.52, true);
  ASSERT_EQ(completed.size(), 2u);
  const json::object delta = Object(completed[0]);
  const json::object whole = Object(completed[1]);
  EXPECT_EQ(delta.at("type"), "conversation.item.input_audio_transcription.delta");
  EXPECT_EQ(delta.at("delta"), whole.at("transcript")) << "deltas add up to the transcript";
  EXPECT_EQ(whole.at("transcript"), "HELLO WORLD");
  EXPECT_EQ(whole.at("content_index"), 0);
  EXPECT_EQ(whole.at("usage").at("type"), "duration");
  EXPECT_EQ(whole.at("latency_ms"), 520);
  EXPECT_EQ(whole.at("logprobs").as_array().size(), 2u);
  EXPECT_EQ(whole.at("words").at(1).at("word"), "WORLD");
}

// One segment as the next words of an item.
Transcript Next(std::string text, std::vector<std::string> words) {
  Transcript next;
  next.segments.emplace_back().text = std::move(text);
  for (std::string& word : words) next.segments.back().words.emplace_back().text = std::move(word);
  return next;
}

TEST(RealtimeEvents, DeltasAddUpToTheTranscriptHoweverMuchWasToldBefore) {
  RealtimeEncoder encoder("s");
  for (const bool all : {false, true}) {
    std::string text;
    const auto add = [&text](const std::string& event) {
      const json::object delta = Object(event);
      EXPECT_EQ(delta.at("type"), "conversation.item.input_audio_transcription.delta");
      EXPECT_EQ(std::get<ItemDelta>(Read(event)).text, delta.at("delta").as_string());
      text += delta.at("delta").as_string();
      EXPECT_EQ(delta.at("logprobs").as_array().size(), 1u);
    };
    add(encoder.Settled(1, Next("HELLO", {"HELLO"}), true));
    if (all) add(encoder.Settled(1, Next(" WORLD", {"WORLD"}), true));
    const auto events = encoder.Completed(1, HelloWorld(), 0, 1, 0.5, true);
    ASSERT_EQ(events.size(), all ? 1u : 2u);
    if (!all) add(events[0]);
    EXPECT_EQ(text, "HELLO WORLD");
    EXPECT_EQ(Object(events.back()).at("transcript").as_string(), text);
  }
  // The next item begins anew, also after one that failed.
  (void)encoder.Settled(2, Next("HELLO", {"HELLO"}), false);
  (void)encoder.Failed(2, {});
  EXPECT_EQ(Object(encoder.Completed(3, HelloWorld(), 0, 1, 0.5, false)[0]).at("delta"), "HELLO WORLD");
}

TEST(RealtimeEvents, AnItemInWhichNothingWasSaidHasNoDelta) {
  RealtimeEncoder encoder("s");
  const auto events = encoder.Completed(1, {}, 0, 1, 0.5, false);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(Object(events[0]).at("transcript"), "");
  EXPECT_FALSE(Object(events[0]).contains("logprobs"));
}

TEST(RealtimeEvents, AClientReadsWhatTheServerSays) {
  RealtimeEncoder encoder("s");
  EXPECT_TRUE(std::holds_alternative<SessionReady>(Read(encoder.SessionUpdated({}))));
  EXPECT_DOUBLE_EQ(std::get<ItemStarted>(Read(encoder.SpeechStarted(7, 0.5))).start_s, 0.5);
  EXPECT_DOUBLE_EQ(std::get<ItemStopped>(Read(encoder.SpeechStopped(7, 1.25))).end_s, 1.25);
  EXPECT_EQ(std::get<ItemCommitted>(Read(encoder.Committed(7)[0])).item_id, "item_s_7");
  EXPECT_EQ(std::get<ItemPartial>(Read(encoder.Partial(7, HelloWorld()))).text, "HELLO WORLD");
  const auto item =
      std::get<ItemCompleted>(Read(encoder.Completed(7, HelloWorld(), 0.75, 2, 0.52, false)[1]));
  EXPECT_EQ(item.item_id, "item_s_7");
  EXPECT_EQ(item.text, "HELLO WORLD");
  ASSERT_EQ(item.words.size(), 2u);
  EXPECT_EQ(item.words[0].text, "HELLO");
  EXPECT_DOUBLE_EQ(item.words[0].confidence, 0.5);
  EXPECT_DOUBLE_EQ(item.start_s, 0.75);
  EXPECT_DOUBLE_EQ(item.latency_s, 0.52);
  EXPECT_TRUE(std::holds_alternative<AudioCleared>(Read(encoder.Cleared())));
  EXPECT_TRUE(std::holds_alternative<OtherServerEvent>(Read(R"({"type":"of tomorrow"})")));
}

TEST(RealtimeEvents, ErrorsComeBackAsTheyWere) {
  RealtimeEncoder encoder("s");
  for (const auto kind : {base::ErrorKind::kInvalid, base::ErrorKind::kNotFound, base::ErrorKind::kExhausted,
                          base::ErrorKind::kDeadline}) {
    const base::Error error = MakeError(kind, "a-code", "what was \"seen\"", "model");
    const auto failed = std::get<ItemFailed>(Read(encoder.Failed(1, error)));
    EXPECT_EQ(failed.error.kind, kind);
    EXPECT_EQ(failed.error.code, "a-code");
    const auto told = std::get<SessionError>(Read(encoder.Error(error, "mine")));
    EXPECT_EQ(told.error.kind, kind);
    EXPECT_EQ(told.error.message, error.message);
    EXPECT_EQ(told.error.param, "model");
    EXPECT_EQ(told.event_id, "mine");
  }
  EXPECT_TRUE(Object(encoder.Error(MakeError({}, "c", "m"), "")).at("error").at("event_id").is_null());
}

TEST(RealtimeEvents, WhatIsNoEventIsAnError) {
  for (
      const char* text :
      {"", "x", "[]", "{}", R"({"type":"error"})", R"({"type":"error","error":7})",
       R"({"type":"conversation.item.input_audio_transcription.completed","item_id":"a"})",
       R"({"type":"conversation.item.input_audio_transcription.completed","item_id":"a","transcript":"A","words":[1]})",
       R"({"type":"conversation.item.input_audio_transcription.failed","item_id":"a"})",
       R"({"type":"input_audio_buffer.speech_started","item_id":"a","audio_start_ms":"soon"})"}) {
    const auto event = DecodeServerEvent(base::AsBytes(text));
    ASSERT_FALSE(event.ok()) << text;
    EXPECT_EQ(event.error().code, "realtime-event");
  }
}

}  // namespace
}  // namespace blindai::wire
