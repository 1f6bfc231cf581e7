#include "protocols/wire/openai_audio_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

base::Result<TranscriptionRequest> Decode(const Fields& fields) {
  TranscriptionFields form;
  for (const auto& [name, value] : fields) BLINDAI_RETURN_IF_ERROR(form.Take(name, value));
  return form.Finish();
}

// With the model, which every request needs.
base::Result<TranscriptionRequest> Ask(Fields fields) {
  fields.emplace_back("model", "demo");
  return Decode(fields);
}

std::string ParamOf(const base::Result<TranscriptionRequest>& result) {
  if (result.ok()) return "none";
  EXPECT_EQ(result.error().code, "form-field");
  return result.error().param;
}

TEST(TranscriptionFields, WithTheModelAloneEverythingIsOpenAIsDefault) {
  const auto request = Ask({});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->model, "demo");
  EXPECT_EQ(request->format, TranscriptionFormat::kJson);
  EXPECT_FALSE(request->words);
  EXPECT_TRUE(request->segments);
  EXPECT_FALSE(request->stream);
}

TEST(TranscriptionFields, EveryFieldIsRead) {
  const auto request =
      Ask({{"language", "en"},
           {"keywords[]", "HALDOL"},
           {"keywords", "JOHANNA"},
           {"response_format", "verbose_json"},
           {"temperature", "0.0"},
           {"beam_size", "5"},
           {"include[]", "coverage"},
           {"include[]", "progress"},
           {"timestamp_granularities[]", "word"},
           {"timestamp_granularities[]", "segment"},
           {"stream", "true"},
           {"chunking_strategy", R"({"type":"server_vad","prefix_padding_ms":300,"silence_duration_ms":200,)"
                                 R"("threshold":0.5})"},
           {"known_speaker_names[]", "Therapist"}});
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request->language, "en");
  EXPECT_THAT(request->keywords, ElementsAre("HALDOL", "JOHANNA"));
  EXPECT_EQ(request->format, TranscriptionFormat::kVerboseJson);
  EXPECT_TRUE(request->words && request->segments && request->coverage && request->progress &&
              request->stream);
  EXPECT_EQ(request->silence_ms, 200u);
  EXPECT_EQ(request->beam_size, 5u);
  EXPECT_THAT(request->speaker_names, ElementsAre("Therapist"));
}

TEST(TranscriptionFields, UnknownFieldsAreIgnored) {
  EXPECT_TRUE(Ask({{"colour", "blue"}, {"seed", "7"}, {"colour", "red"}}).ok());
}

TEST(TranscriptionFields, ChunkingComesAsOneObjectOrAsBrackets) {
  EXPECT_EQ(Ask({{"chunking_strategy", "auto"}})->silence_ms, std::nullopt);
  const auto request =
      Ask({{"chunking_strategy[type]", "server_vad"}, {"chunking_strategy[silence_duration_ms]", "500"}});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->silence_ms, 500u);
  for (const char* wrong :
       {"vad", "[]", "{}", R"({"type":"semantic_vad"})", R"({"type":"server_vad","threshold":0.7})",
        R"({"type":"server_vad","silence_duration_ms":1})",
        R"({"type":"server_vad","silence_duration_ms":"x"})",
        R"({"type":"server_vad","prefix_padding_ms":-1})"}) {
    EXPECT_EQ(ParamOf(Ask({{"chunking_strategy", wrong}})), "chunking_strategy") << wrong;
  }
  EXPECT_TRUE(Ask({{"chunking_strategy", R"({"type":"server_vad","silence_duration_ms":null})"}}).ok());
}

TEST(TranscriptionFields, ARefusalSaysWhichNumberWasSeenAndWhatIsWanted) {
  const auto message = [](const char* name, const char* value) {
    return Ask({{name, value}}).error().message;
  };
  EXPECT_EQ(message("temperature", "0.25"),
            "'temperature' is 0.25 and must be 0: a transcript is what is likeliest");
  EXPECT_EQ(message("beam_size", "9"), "'beam_size' is 9 and not a whole number from 1 to 5");
  EXPECT_EQ(message("chunking_strategy", R"({"type":"server_vad","silence_duration_ms":1})"),
            "'chunking_strategy' has a silence_duration_ms of 1; wanted 20 to 10000");
  EXPECT_EQ(message("chunking_strategy[silence_duration_ms]", "x"),
            "'chunking_strategy' has a silence_duration_ms that is not a number");
  EXPECT_EQ(message("chunking_strategy[threshold]", "0.75"),
            "'chunking_strategy' has a threshold of 0.75; only 0.5 is done here");
}

TEST(TranscriptionFields, AGivenTextIsAlignedAndAFreePromptIsRefused) {
  const auto request = Ask({{"prompt", "HELLO WORLD"}, {"prompt_alignment", "true"}});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->alignment, "HELLO WORLD");
  EXPECT_EQ(Ask({{"prompt", "Dear model"}})->prompt, "Dear model");
  EXPECT_EQ(Ask({{"prompt", "Dear model"}})->alignment, "");
  EXPECT_EQ(ParamOf(Ask({{"prompt_alignment", "true"}})), "prompt");
  EXPECT_EQ(ParamOf(Ask({{"prompt", "A"}, {"prompt_alignment", "true"}, {"keywords[]", "A"}})), "keywords");
  EXPECT_EQ(ParamOf(Ask({{"prompt", ""}})), "none");
}

TEST(TranscriptionFields, OneGranularityAloneLeavesTheOtherOut) {
  const auto request = Ask({{"response_format", "verbose_json"}, {"timestamp_granularities[]", "word"}});
  ASSERT_TRUE(request.ok());
  EXPECT_TRUE(request->words);
  EXPECT_FALSE(request->segments);
}

TEST(TranscriptionFields, WhatCannotBeHonouredIsRefusedAndNamed) {
  struct Row {
    Fields fields;
    const char* param;
  };
  const std::string long_value(kMaxFieldBytes + 1, 'a');
  for (const Row& row : {
           Row{{{"language", "english"}}, "language"},
           Row{{{"language", "zz"}}, "language"},
           Row{{{"language", ""}}, "language"},
           Row{{{"languages[]", "en"}, {"languages[]", "fr"}}, "languages"},
           Row{{{"response_format", "yaml"}}, "response_format"},
           Row{{{"temperature", "0.7"}}, "temperature"},
           Row{{{"temperature", "warm"}}, "temperature"},
           Row{{{"beam_size", "0"}}, "beam_size"},
           Row{{{"beam_size", "6"}}, "beam_size"},
           Row{{{"beam_size", "2.5"}}, "beam_size"},
           Row{{{"beam_size", "nan"}}, "beam_size"},
           Row{{{"beam_size", "wide"}}, "beam_size"},
           Row{{{"beam_size", "2"}, {"beam_size", "2"}}, "beam_size"},
           Row{{{"include[]", "everything"}}, "include"},
           Row{{{"include[]", "logprobs"}, {"response_format", "srt"}}, "include"},
           Row{{{"include[]", "coverage"}, {"response_format", "vtt"}}, "include"},
           Row{{{"include[]", "progress"}}, "include"},
           Row{{{"timestamp_granularities[]", "word"}}, "timestamp_granularities"},
           Row{{{"timestamp_granularities[]", "letter"}}, "timestamp_granularities"},
           Row{{{"stream", "perhaps"}}, "stream"},
           Row{{{"stream", "true"}, {"stream", "true"}}, "stream"},
           Row{{{"known_speaker_references[]", "data:audio/wav;base64,AA"}}, "known_speaker_references"},
           Row{Fields(5, {"known_speaker_names[]", "A"}), "known_speaker_names"},
           Row{{{"known_speaker_names[]", ""}}, "known_speaker_names"},
           Row{Fields(kMaxListedValues + 1, {"keywords[]", "A"}), "keywords"},
           Row{{{"prompt", long_value}}, "prompt"},
           Row{{{"keywords[]", "\xFF"}}, "keywords"},
       }) {
    EXPECT_EQ(ParamOf(Ask(row.fields)), row.param);
  }
}

TEST(TranscriptionFields, ARequestNeedNotNameAModel) {
  const auto request = Decode({});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->model, "");
  for (const auto& [name, value] : EncodeTranscriptionRequest(*request)) EXPECT_NE(name, "model");
}

TEST(TranscriptionRequest, WhatIsEncodedIsDecodedAgain) {
  TranscriptionRequest request;
  request.model = "demo";
  request.language = "en";
  request.keywords = {"ONE", "TWO"};
  request.format = TranscriptionFormat::kVerboseJson;
  request.words = true;
  request.segments = false;
  request.coverage = request.progress = request.stream = true;
  request.silence_ms = 250;
  request.beam_size = 4;
  request.speaker_names = {"Ann", "Bob"};
  const Fields fields = EncodeTranscriptionRequest(request);
  const auto decoded = Decode(fields);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(EncodeTranscriptionRequest(*decoded), fields);
  EXPECT_TRUE(decoded->words && !decoded->segments && decoded->progress);

  TranscriptionRequest align;
  align.model = "demo";
  align.alignment = "HELLO";
  align.logprobs = true;
  EXPECT_EQ(Decode(EncodeTranscriptionRequest(align))->alignment, "HELLO");
  EXPECT_THAT(Decode(EncodeTranscriptionRequest(align))->keywords, IsEmpty());
}

TEST(TranscriptionFormat, EveryNameIsReadAgain) {
  for (const char* name : {"json", "text", "srt", "verbose_json", "vtt", "diarized_json"})
    EXPECT_EQ(TranscriptionFormatName(*TranscriptionFormatFromName(name)), name);
  EXPECT_EQ(TranscriptionFormatFromName("JSON"), std::nullopt);
}

}  // namespace
}  // namespace blindai::wire
