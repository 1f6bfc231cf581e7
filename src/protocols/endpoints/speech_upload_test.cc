#include "protocols/endpoints/speech_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/endpoints/models.h"
#include "support/demo_speech.h"
#include "support/fake_exchange.h"
#include "support/multipart_body.h"
#include "support/paths.h"
#include "support/served_models.h"
#include "support/toy_whisper.h"
#include "support/whisper_files.h"

namespace blindai::endpoints {
namespace {

using ::testing::HasSubstr;
using tests::FakeAnswer;
using tests::FakeExchange;
using tests::FormPart;

class SpeechUploadTest : public ::testing::Test {
 protected:
  SpeechUploadTest() { RegisterModels(router_, models_.catalogue(), models_.upload(), tests::EverybodyMay); }

  FakeAnswer Upload(const std::vector<FormPart>& parts, const char* kind = "ctc-speech") {
    FakeExchange exchange(
        "PUT /v1/models/speech?kind=" + std::string(kind) + std::string(tests::kMultipartHeader),
        tests::MultipartBody(parts));
    return tests::Serve(router_, exchange);
  }

  const std::string model_ = tests::DemoText("blindai-demo-en.onnx");
  const std::string vocab_ = tests::DemoText("vocab.json");
  const std::string preprocessor_ = tests::DemoText("preprocessor_config.json");
  tests::ServedModels models_;
  Router router_;
};

TEST_F(SpeechUploadTest, ASpeechModelIsTakenInWithItsFilesInAnyOrder) {
  const FakeAnswer answer = Upload({{"file", model_, "model.onnx"},
                                    {"colour", "blue"},
                                    {"preprocessor", preprocessor_},
                                    {"vocab", vocab_}});
  ASSERT_EQ(answer.status, 201) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("kind":"ctc-speech")"));
  EXPECT_EQ(models_.catalogue().size(), 1u);
}

std::vector<FormPart> WhisperParts() {
  static const tests::ToyWhisper toy = tests::MakeToyWhisper(tests::HelloChain());
  static const std::string tokenizer = tests::WhisperTokenizerJson(false);
  static const std::string generation_config = tests::WhisperGenerationJson(false);
  return {{"tokenizer", tokenizer},
          {"decoder", base::AsText(toy.decoder)},
          {"generation_config", generation_config},
          {"decoder_with_past", base::AsText(toy.decoder_with_past)},
          {"colour", "blue"},
          {"encoder", base::AsText(toy.encoder)},
          {"preprocessor", tests::kWhisperPreprocessorJson}};
}

TEST_F(SpeechUploadTest, AWhisperModelIsTakenInWithItsFilesInAnyOrder) {
  const FakeAnswer answer = Upload(WhisperParts(), "whisper");
  ASSERT_EQ(answer.status, 201) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("kind":"whisper")"));
  EXPECT_EQ(models_.catalogue().size(), 1u);
}

TEST_F(SpeechUploadTest, AWhisperModelMayComeWithoutADecoderWithAPast) {
  std::vector<FormPart> parts = WhisperParts();
  parts.erase(parts.begin() + 3);
  EXPECT_EQ(Upload(parts, "whisper").status, 201);
}

TEST_F(SpeechUploadTest, WhatAWhisperModelLacksOrHasTwiceIsNamed) {
  for (const std::size_t left_out : {0, 1, 2, 5, 6}) {
    std::vector<FormPart> parts = WhisperParts();
    const std::string name = parts[left_out].name;
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(left_out));
    const FakeAnswer answer = Upload(parts, "whisper");
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr("\"param\":\"" + name + '"'));
  }
  std::vector<FormPart> parts = WhisperParts();
  parts.push_back(parts[1]);
  EXPECT_THAT(Upload(parts, "whisper").body, HasSubstr("upload-part"));
  parts = WhisperParts();
  std::swap(parts[0].content, parts[2].content);
  EXPECT_THAT(Upload(parts, "whisper").body, HasSubstr(R"("code":"tokenizer")"));
  EXPECT_EQ(models_.catalogue().size(), 0u);
}

TEST_F(SpeechUploadTest, WhatIsMissingTwiceOrTooLongIsNamed) {
  const std::string large(std::size_t{2} << 20, ' ');
  struct Row {
    std::vector<FormPart> parts;
    const char* code;
    const char* param;
  };
  for (const Row& row : {
           Row{{{"vocab", vocab_}, {"preprocessor", preprocessor_}}, "upload-part", "model"},
           Row{{{"model", model_}, {"preprocessor", preprocessor_}}, "upload-part", "vocab"},
           Row{{{"model", model_}, {"vocab", vocab_}}, "upload-part", "preprocessor"},
           Row{{{"vocab", vocab_}, {"vocab", vocab_}, {"model", model_}}, "upload-part", "vocab"},
           Row{{{"model", model_}, {"file", model_}}, "upload-part", "model"},
           Row{{{"vocab", large}}, "upload-part", "vocab"},
       }) {
    const FakeAnswer answer = Upload(row.parts);
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr(R"("code":")" + std::string(row.code) + '"'));
    EXPECT_THAT(answer.body, HasSubstr(R"("param":")" + std::string(row.param) + '"'));
  }
  EXPECT_EQ(models_.catalogue().size(), 0u);
}

TEST_F(SpeechUploadTest, AFileThatDoesNotFitTheModelIsRefusedWithItsOwnCode) {
  const auto code_of = [&](std::string_view vocab, std::string_view preprocessor) {
    return Upload({{"vocab", vocab}, {"preprocessor", preprocessor}, {"model", model_}}).body;
  };
  EXPECT_THAT(code_of("{", preprocessor_), HasSubstr(R"("code":"vocabulary")"));
  EXPECT_THAT(code_of(R"({"<pad>":0,"|":1,"A":2})", preprocessor_),
              HasSubstr(R"("code":"model-not-speech")"));
  EXPECT_THAT(code_of(vocab_, R"({"sampling_rate":8000})"), HasSubstr(R"("code":"preprocessor")"));
  EXPECT_EQ(models_.catalogue().size(), 0u);
}

TEST_F(SpeechUploadTest, ABodyThatIsNoFormOrEndsEarlyIsRefused) {
  FakeExchange plain("PUT /v1/models/speech?kind=ctc-speech", base::CopyBytes(base::AsBytes(vocab_)));
  EXPECT_THAT(tests::Serve(router_, plain).body, HasSubstr(R"("code":"multipart-type")"));

  base::Bytes cut = tests::MultipartBody({{"vocab", vocab_}, {"model", model_}});
  cut.resize(cut.size() / 2);
  FakeExchange half("PUT /v1/models/speech?kind=ctc-speech" + std::string(tests::kMultipartHeader), cut);
  EXPECT_THAT(tests::Serve(router_, half).body, HasSubstr(R"("code":"multipart")"));
  EXPECT_EQ(models_.catalogue().size(), 0u);
}

TEST_F(SpeechUploadTest, AModelThatIsAnnouncedTooLargeIsRefusedBeforeItIsRead) {
  models_.upload().max_model_bytes = 1000;
  Router router;
  RegisterModels(router, models_.catalogue(), models_.upload(), tests::EverybodyMay);
  FakeExchange exchange("PUT /v1/models/speech?kind=ctc-speech" + std::string(tests::kMultipartHeader),
                        tests::MultipartBody({{"model", model_}}));
  const FakeAnswer answer = tests::Serve(router, exchange);
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body, HasSubstr(R"("code":"model-too-large")"));
}

}  // namespace
}  // namespace blindai::endpoints
