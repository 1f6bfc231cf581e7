#include "service/recognizer.h"

#include <gtest/gtest.h>

#include "model/whisper_run.h"
#include "support/demo_speech.h"
#include "support/whisper_upload.h"

namespace blindai::service {
namespace {

ModelRecord RecordOf(bool whisper, bool aligns = false) {
  ModelRecord record{.id = *vocabulary::ModelId::Parse("a"), .created = {}, .signature = {}};
  if (whisper) {
    record.whisper = tests::ToyWhisperSettings();
    record.signature =
        model::WhisperSignature({.bins = 80, .frames = 3'000, .vocabulary = 1'769, .aligns = aligns});
  } else {
    record.speech = tests::DemoSettings();
    record.signature.inputs = {{"input_values", vocabulary::Datatype::kFp32, {-1, -1}}};
  }
  return record;
}

std::string CodeOf(const ModelRecord& record, TranscribeRequest request) {
  const auto status = CheckRecognition(record, request);
  return status.ok() ? "" : status.error().code;
}

TEST(CheckRecognition, EachKindRefusesWhatItCannotDo) {
  const ModelRecord ctc = RecordOf(false);
  const ModelRecord whisper = RecordOf(true);
  TranscribeRequest request;
  EXPECT_EQ(CodeOf(ctc, request), "");
  EXPECT_EQ(CodeOf(whisper, request), "");
  request.needs_words = true;
  EXPECT_EQ(CodeOf(ctc, request), "");
  EXPECT_EQ(CodeOf(whisper, request), "words-unsupported");
  EXPECT_EQ(CodeOf(RecordOf(true, /*aligns=*/true), request), "");
  request = {};
  request.alignment = "hello";
  EXPECT_EQ(CodeOf(ctc, request), "");
  EXPECT_EQ(CodeOf(whisper, request), "alignment-unsupported");
  request = {};
  request.prompt = "Haldol";
  EXPECT_EQ(CodeOf(ctc, request), "prompt-unsupported");
  EXPECT_EQ(CodeOf(whisper, request), "");
  request = {};
  request.beams = 5;
  EXPECT_EQ(CodeOf(ctc, request), "beam-size-unsupported");
  EXPECT_EQ(CodeOf(whisper, request), "");
  request = {};
  request.keywords = {"世界"};
  EXPECT_EQ(CodeOf(ctc, request), "keyword");
  EXPECT_EQ(CodeOf(whisper, request), "");
  request = {};
  request.translate = true;
  EXPECT_EQ(CodeOf(ctc, request), "translations-unsupported");
  EXPECT_EQ(CodeOf(whisper, request), "translations-unsupported");  // English only
  request = {};
  request.language = "fr";
  EXPECT_EQ(CodeOf(ctc, request), "");  // it is told, and has no say
  EXPECT_EQ(CodeOf(whisper, request), "language");
}

TEST(CheckRecognition, AModelOfTensorsTranscribesNothing) {
  const ModelRecord tensors{.id = *vocabulary::ModelId::Parse("a"), .created = {}, .signature = {}};
  EXPECT_EQ(CodeOf(tensors, {}), "model-not-speech");
}

TEST(Recognizer, EachKindAsksForItsOwnInputs) {
  const std::vector<std::vector<float>> sound = {std::vector<float>(16'000, 0.1F)};
  for (const bool whisper : {false, true}) {
    const ModelRecord record = RecordOf(whisper);
    const auto recognizer = MakeRecognizer(record, {}, 1);
    recognizer->Feed(sound);
    recognizer->End();
    const auto inputs = recognizer->NextRun();
    ASSERT_TRUE(inputs);
    EXPECT_EQ(inputs->size(), whisper ? 7U : 1U);
    EXPECT_EQ(inputs->front().name, whisper ? "features" : "input_values");
    EXPECT_FALSE(recognizer->done());
  }
}

TEST(Recognizer, KeywordsAreAWhisperModelsPrompt) {
  const ModelRecord record = RecordOf(true);
  TranscribeRequest request;
  request.prompt = "x";
  request.keywords = {"hello"};
  const auto recognizer = MakeRecognizer(record, request, 1);
  recognizer->Feed(std::vector<std::vector<float>>{std::vector<float>(16'000, 0.1F)});
  recognizer->End();
  const auto inputs = recognizer->NextRun();
  // <|startofprev|>, " ", "x", ",", " hell", "o", <|startoftranscript|>
  EXPECT_EQ(inputs->at(model::kPrompt).shape, (vocabulary::Shape{7}));
}

}  // namespace
}  // namespace blindai::service
