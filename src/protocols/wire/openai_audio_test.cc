#include "protocols/wire/openai_audio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace blindai::wire {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;
using vocabulary::Segment;
using vocabulary::Transcript;

Transcript TwoSpeakers() {
  Transcript transcript;
  transcript.duration_s = 4.5;
  transcript.segments = {
      {0.5, 1.25, 0, "HELLO WORLD", {{"HELLO", 0.5, 0.9, 0.5}, {"WORLD", 1, 1.25, 1}}, -0.25},
      {2, 3, 1, "SAY \"HI\"", {{"SAY", 2, 2.5, 0.9}, {"\"HI\"", 2.5, 3, 0.9}}, -0.1}};
  transcript.coverage = {{0, 4.5, vocabulary::CoverageKind::kTranscribed, 0},
                         {0, 4.5, vocabulary::CoverageKind::kLowConfidence, 1}};
  return transcript;
}

TranscriptionRequest In(TranscriptionFormat format) {
  TranscriptionRequest request;
  request.format = format;
  return request;
}

json::object Json(const TranscriptionRequest& request, const Transcript& transcript = TwoSpeakers()) {
  return json::parse(EncodeTranscription(request, transcript)).as_object();
}

double Number(const json::value& value) { return value.to_number<double>(); }

TEST(OpenAIAudio, JsonHasTheTextAndCountsSeconds) {
  const json::object body = Json(In(TranscriptionFormat::kJson));
  EXPECT_EQ(body.at("text"), "HELLO WORLD SAY \"HI\"");
  EXPECT_EQ(body.at("usage").at("type"), "duration");
  EXPECT_EQ(Number(body.at("usage").at("seconds")), 4.5);
  EXPECT_EQ(body.size(), 2u);
}

TEST(OpenAIAudio, LogprobsAreOneForEachWordAndJoinToTheText) {
  TranscriptionRequest request = In(TranscriptionFormat::kJson);
  request.logprobs = true;
  const json::object body = Json(request);
  std::string joined;
  for (const json::value& entry : body.at("logprobs").as_array()) {
    const std::string token(entry.at("token").as_string());
    joined += token;
    std::string bytes;
    for (const json::value& byte : entry.at("bytes").as_array()) bytes += static_cast<char>(byte.as_int64());
    EXPECT_EQ(bytes, token);
  }
  EXPECT_EQ(joined, body.at("text").as_string());
  EXPECT_NEAR(Number(body.at("logprobs").at(0).at("logprob")), std::log(0.5), 1e-4);
}

TEST(OpenAIAudio, VerboseJsonHasAllTenFieldsOfASegment) {
  TranscriptionRequest request = In(TranscriptionFormat::kVerboseJson);
  request.language = "en";
  const json::object body = Json(request);
  EXPECT_EQ(body.at("task"), "transcribe");
  EXPECT_EQ(body.at("language"), "en");
  EXPECT_EQ(Number(body.at("duration")), 4.5);
  const json::object& segment = body.at("segments").at(1).as_object();
  EXPECT_EQ(segment.size(), 10u);
  EXPECT_EQ(segment.at("id"), 1);
  EXPECT_EQ(segment.at("text"), "SAY \"HI\"");
  EXPECT_EQ(Number(segment.at("start")), 2);
  EXPECT_EQ(Number(segment.at("end")), 3);
  EXPECT_EQ(Number(segment.at("avg_logprob")), -0.1);
  EXPECT_GT(Number(segment.at("compression_ratio")), 0);
  for (const char* name : {"seek", "temperature", "no_speech_prob"})
    EXPECT_EQ(Number(segment.at(name)), 0) << name;
  EXPECT_TRUE(segment.at("tokens").as_array().empty());
  EXPECT_FALSE(body.contains("words"));
}

TEST(OpenAIAudio, WordsStandThereWhenTheyAreAskedFor) {
  TranscriptionRequest request = In(TranscriptionFormat::kVerboseJson);
  request.words = true;
  request.segments = false;
  const json::object body = Json(request);
  EXPECT_FALSE(body.contains("segments"));
  ASSERT_EQ(body.at("words").as_array().size(), 4u);
  EXPECT_EQ(body.at("words").at(1).at("word"), "WORLD");
  EXPECT_EQ(Number(body.at("words").at(1).at("end")), 1.25);
  EXPECT_EQ(body.at("language"), "und") << "nobody said which";
}

TEST(OpenAIAudio, AWordHasItsConfidenceAndItsSpeakerWhereThereAreSome) {
  TranscriptionRequest request = In(TranscriptionFormat::kVerboseJson);
  request.words = true;
  request.speaker_names = {"Therapist"};
  const json::object body = Json(request);
  EXPECT_EQ(Number(body.at("words").at(0).at("confidence")), 0.5);
  EXPECT_EQ(body.at("words").at(0).at("speaker"), "Therapist");
  EXPECT_EQ(body.at("words").at(2).at("speaker"), "B");

  Transcript mono = TwoSpeakers();
  for (auto& segment : mono.segments) segment.speaker = vocabulary::kNoSpeaker;
  EXPECT_FALSE(Json(request, mono).at("words").at(0).as_object().contains("speaker"));
}

TEST(OpenAIAudio, ATextThatRepeatsItselfHasAHighCompressionRatio) {
  Transcript transcript;
  transcript.segments = {{0, 1, vocabulary::kNoSpeaker, "A NEW WORD", {}, 0},
                         {1, 2, vocabulary::kNoSpeaker, std::string(300, 'A'), {}, 0}};
  const json::object body = Json(In(TranscriptionFormat::kVerboseJson), transcript);
  EXPECT_LT(Number(body.at("segments").at(0).at("compression_ratio")), 1);
  EXPECT_GT(Number(body.at("segments").at(1).at("compression_ratio")), 10);
}

TEST(OpenAIAudio, ASegmentHasTheMeasuresOfItsDecoder) {
  Transcript transcript;
  Segment heard;
  heard.end_s = 1;
  heard.text = "a new word";
  heard.mean_log_probability = -0.3125;
  heard.temperature = 0.4;
  heard.no_speech_probability = 0.0625;
  heard.compression_ratio = 1.5;
  transcript.segments = {heard};
  const json::object body = Json(In(TranscriptionFormat::kVerboseJson), transcript);
  const json::value& segment = body.at("segments").at(0);
  EXPECT_EQ(Number(segment.at("avg_logprob")), -0.3125);
  EXPECT_EQ(Number(segment.at("temperature")), 0.4);
  EXPECT_EQ(Number(segment.at("no_speech_prob")), 0.0625);
  EXPECT_EQ(Number(segment.at("compression_ratio")), 1.5);
}

TEST(OpenAIAudio, DiarizedJsonNamesTheSpeakers) {
  TranscriptionRequest request = In(TranscriptionFormat::kDiarizedJson);
  request.speaker_names = {"Therapist"};
  const json::object body = Json(request);
  const json::object& segment = body.at("segments").at(0).as_object();
  EXPECT_EQ(segment.size(), 6u);
  EXPECT_EQ(segment.at("type"), "transcript.text.segment");
  EXPECT_EQ(segment.at("id"), "seg_001");
  EXPECT_EQ(segment.at("speaker"), "Therapist");
  EXPECT_EQ(body.at("segments").at(1).at("speaker"), "B");
  EXPECT_EQ(body.at("task"), "transcribe");

  Transcript mono = TwoSpeakers();
  mono.segments.front().speaker = vocabulary::kNoSpeaker;
  EXPECT_EQ(Json(request, mono).at("segments").at(0).at("speaker"), "unknown");
}

TEST(OpenAIAudio, CoverageStandsThereWhenItIsAskedFor) {
  for (const auto format :
       {TranscriptionFormat::kJson, TranscriptionFormat::kVerboseJson, TranscriptionFormat::kDiarizedJson}) {
    TranscriptionRequest request = In(format);
    EXPECT_FALSE(Json(request).contains("coverage"));
    request.coverage = true;
    const json::object body = Json(request);
    ASSERT_EQ(body.at("coverage").as_array().size(), 2u);
    EXPECT_EQ(body.at("coverage").at(0).at("kind"), "transcribed");
    EXPECT_EQ(body.at("coverage").at(1).at("kind"), "low_confidence");
    EXPECT_EQ(body.at("coverage").at(1).at("speaker"), "B");
  }
}

TEST(OpenAIAudio, TextAndSubtitlesArePlain) {
  EXPECT_EQ(EncodeTranscription(In(TranscriptionFormat::kText), TwoSpeakers()), "HELLO WORLD SAY \"HI\"\n");
  TranscriptionRequest srt = In(TranscriptionFormat::kSrt);
  srt.speaker_names = {"Ann", "B<b>\nob"};
  EXPECT_THAT(EncodeTranscription(srt, TwoSpeakers()),
              HasSubstr("00:00:00,500 --> 00:00:01,250\nAnn: HELLO WORLD\n"));
  TranscriptionRequest vtt = srt;
  vtt.format = TranscriptionFormat::kVtt;
  EXPECT_THAT(EncodeTranscription(vtt, TwoSpeakers()), HasSubstr("<v B&lt;b&gt; ob>SAY"));
}

TEST(OpenAIAudio, NothingThatWasSaidBreaksTheJson) {
  Transcript transcript;
  transcript.segments = {{0, 1, vocabulary::kNoSpeaker, "A\"B\\C\n\x01", {{"A\"B\\C\n\x01", 0, 1, 0}}, -700}};
  for (const auto format :
       {TranscriptionFormat::kJson, TranscriptionFormat::kVerboseJson, TranscriptionFormat::kDiarizedJson}) {
    TranscriptionRequest request = In(format);
    request.words = request.logprobs = true;
    EXPECT_EQ(Json(request, transcript).at("text"), "A\"B\\C\n\x01");
  }
}

TEST(OpenAIAudio, ARecordingWithoutWordsIsAnAnswerToo) {
  const Transcript empty;
  EXPECT_EQ(Json(In(TranscriptionFormat::kVerboseJson), empty).at("text"), "");
  EXPECT_TRUE(Json(In(TranscriptionFormat::kDiarizedJson), empty).at("segments").as_array().empty());
  EXPECT_EQ(EncodeTranscription(In(TranscriptionFormat::kVtt), empty), "WEBVTT\n\n");
  EXPECT_THAT(EncodeTranscription(In(TranscriptionFormat::kJson), empty), Not(HasSubstr("coverage")));
}

}  // namespace
}  // namespace blindai::wire
