// A Whisper model from its upload to a transcript, with the real decoder, worker and engine: one in miniature, and the
// real one where it has been made.
#include "service/whisper_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <future>
#include <random>

#include "model/whisper_run.h"
#include "service/stored_record.h"
#include "service/transcribe.h"
#include "support/demo_speech.h"
#include "support/onnx_builder.h"
#include "support/whisper_upload.h"

namespace blindai::service {
namespace {

using tests::HelloChain;
using tests::MakeToyWhisper;
using tests::ToyWhisper;
using tests::ToyWhisperSettings;
using vocabulary::ModelId;
using vocabulary::Transcript;

std::string CodeOf(const auto& result) { return result.ok() ? "" : result.error().code; }

// 16-bit samples of `seconds` by a function of time.
template <typename Function>
base::Bytes Sound(double seconds, Function level) {
  base::Bytes sound;
  for (int i = 0; i < static_cast<int>(seconds * 16'000); ++i) {
    const auto sample = static_cast<std::int16_t>(std::lround(32'767 * level(i / 16'000.0)));
    sound.push_back(static_cast<std::uint8_t>(sample & 0xff));
    sound.push_back(static_cast<std::uint8_t>((sample >> 8) & 0xff));
  }
  return sound;
}
base::Bytes Tone(double seconds) {
  return Sound(seconds, [](double at) { return 0.3 * std::sin(6.283185307 * 300 * at); });
}

base::Result<Transcript> Transcribed(tests::ServedModels& models, base::ByteView recording,
                                     TranscribeRequest request = {}) {
  std::shared_ptr<speech::AudioFile> audio = speech::AudioFile::Create(std::uint64_t{1} << 30).value();
  audio->Append(recording).value();
  audio->Seal().value();
  request.audio = audio;
  DecoderOptions decoder;
  decoder.decoder_program = tests::ProgramsDir() / "blindai-decoder";
  std::promise<base::Result<TranscribeDone>> done;
  Transcribe(models.catalogue(), decoder, Caller::AnonymousWithAllRights(), *ModelId::Parse("whisper"),
             std::move(request),
             [&](base::Result<TranscribeDone> result) { done.set_value(std::move(result)); });
  BLINDAI_TRY(TranscribeDone answer, done.get_future().get());
  return std::move(answer.transcript);
}

TEST(WhisperModel, IsUploadedInPartsAndTranscribes) {
  tests::ServedModels models;
  const auto record = UploadToyWhisper(models, "whisper");
  ASSERT_EQ(CodeOf(record), "");
  EXPECT_TRUE(model::WhisperDimensionsOf(record->signature));
  EXPECT_EQ(record->sha256.size(), 64U);
  EXPECT_GT(record->bytes, 0U);
  EXPECT_GT(record->parameters, 0U);
  const auto transcript = Transcribed(models, tests::WavOf(Tone(2)));
  ASSERT_EQ(CodeOf(transcript), "");
  EXPECT_EQ(transcript->Text(), "hello");
  ASSERT_EQ(transcript->segments.size(), 1U);
  // As far as its word, which the model says is in the first second.
  EXPECT_NEAR(transcript->segments[0].end_s, 1, 1e-6);
  ASSERT_EQ(transcript->segments[0].words.size(), 1U);
  EXPECT_EQ(transcript->segments[0].words[0].text, "hello");
  EXPECT_NEAR(transcript->segments[0].words[0].end_s, 1, 1e-6);
  EXPECT_GT(transcript->segments[0].words[0].confidence, 0.9);
}

TEST(WhisperModel, WhereItsAttentionIsNotFoundSegmentsHaveTheTimesThatItClaimsAndWordsAreRefused) {
  tests::ServedModels models;
  const ToyWhisper networks = MakeToyWhisper(HelloChain(), 1'769, 266, tests::ToyAttention::kNone);
  ASSERT_EQ(CodeOf(UploadWhisper(models, "whisper", networks, ToyWhisperSettings())), "");
  const auto transcript = Transcribed(models, tests::WavOf(Tone(2)));
  ASSERT_EQ(CodeOf(transcript), "");
  ASSERT_EQ(transcript->segments.size(), 1U);
  EXPECT_NEAR(transcript->segments[0].end_s, 1.5, 1e-6);
  EXPECT_TRUE(transcript->segments[0].words.empty());
  TranscribeRequest request;
  request.needs_words = true;
  EXPECT_EQ(CodeOf(Transcribed(models, tests::WavOf(Tone(2)), std::move(request))), "words-unsupported");
}

TEST(WhisperModel, EveryNetworkPassesTheGate) {
  tests::ServedModels models;
  ToyWhisper networks = MakeToyWhisper(HelloChain());
  tests::OnnxGraph graph;
  graph.Input("x", tests::kOnnxFloat, {1}).Output("y", tests::kOnnxFloat, {1});
  graph.Node(tests::OnnxNode("NoSuchOperator", {"x"}, {"y"}));
  networks.decoder = tests::OnnxModel(graph).Bytes();
  EXPECT_EQ(CodeOf(UploadWhisper(models, "whisper", networks, ToyWhisperSettings())), "operator-unsupported");
  networks = MakeToyWhisper(HelloChain());
  networks.decoder_with_past.resize(networks.decoder_with_past.size() / 2);
  EXPECT_NE(CodeOf(UploadWhisper(models, "whisper", networks, ToyWhisperSettings())), "");
  // Nothing is left of them.
  EXPECT_TRUE(models.catalogue().All().empty());
  EXPECT_EQ(CodeOf(UploadToyWhisper(models, "whisper")), "");
}

TEST(WhisperModel, APartThatIsThereTwiceIsRefused) {
  tests::ServedModels models;
  const ToyWhisper networks = MakeToyWhisper(HelloChain());
  auto upload = ModelUpload::Begin(models.catalogue(), models.upload(), Caller::AnonymousWithAllRights(),
                                   {.id = *ModelId::Parse("whisper")})
                    .value();
  ASSERT_TRUE(upload->BeginPart("encoder").ok());
  ASSERT_TRUE(upload->Feed(networks.encoder).ok());
  EXPECT_EQ(CodeOf(upload->BeginPart("encoder")), "upload-part");
}

TEST(WhisperModel, NetworksAndFilesThatDoNotGoTogetherAreRefused) {
  tests::ServedModels models;
  // The tokenizer has more tokens than the decoder has scores.
  EXPECT_EQ(
      CodeOf(UploadWhisper(models, "whisper", MakeToyWhisper(HelloChain(), 1'768), ToyWhisperSettings())),
      "model-not-speech");
  const auto bins = MakeWhisperSettings(tests::WhisperTokenizerJson(false),
                                        tests::WhisperGenerationJson(false), R"({"feature_size":128})");
  EXPECT_EQ(CodeOf(UploadWhisper(models, "whisper", MakeToyWhisper(HelloChain()), *bins)),
            "model-not-speech");
  EXPECT_TRUE(models.catalogue().All().empty());
}

TEST(WhisperModel, SettingsAreCheckedOneByOne) {
  const std::string tokenizer = tests::WhisperTokenizerJson(false);
  const std::string generation = tests::WhisperGenerationJson(false);
  EXPECT_EQ(CodeOf(MakeWhisperSettings("{}", generation, "{}")), "tokenizer");
  EXPECT_EQ(CodeOf(MakeWhisperSettings(tokenizer, "[]", "{}")), "generation-config");
  EXPECT_EQ(CodeOf(MakeWhisperSettings(tokenizer, generation, "[]")), "preprocessor");
}

TEST(WhisperModel, IsStoredWithItsFiles) {
  ModelRecord record{
      .id = *ModelId::Parse("whisper"),
      .created = {},
      .signature = model::WhisperSignature({.bins = 80, .frames = 3'000, .vocabulary = 1'769})};
  record.whisper = ToyWhisperSettings();
  const auto back = FromStored(ToStored(record));
  ASSERT_EQ(CodeOf(back), "");
  ASSERT_NE(back->whisper, nullptr);
  EXPECT_EQ(back->speech, nullptr);
  EXPECT_EQ(back->whisper->tokenizer_json, record.whisper->tokenizer_json);
  EXPECT_EQ(back->whisper->tokens.size(), record.whisper->tokens.size());
  EXPECT_TRUE(model::WhisperDimensionsOf(back->signature));
}

TEST(WhisperModel, SegmentsAreSentWhileTheRecordingIsRead) {
  tests::ServedModels models;
  ASSERT_EQ(CodeOf(UploadToyWhisper(models, "whisper")), "");
  std::size_t finished = 0;
  TranscribeRequest request;
  request.finished = [&finished](const std::vector<vocabulary::Segment>& segments) {
    finished += segments.size();
  };
  const auto transcript = Transcribed(models, tests::WavOf(Tone(70)), std::move(request));
  ASSERT_EQ(CodeOf(transcript), "");
  EXPECT_GT(finished, 5U);
  EXPECT_LE(finished, transcript->segments.size());
}

// ---- the real model

struct Clip {
  const char* file;
  const char* text;
};

class RealWhisper : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!tests::HasWhisperModel()) return;
    models_ = new tests::ServedModels;
    ASSERT_EQ(CodeOf(tests::UploadRealWhisper(*models_, "whisper")), "");
  }
  static void TearDownTestSuite() {
    delete models_;
    models_ = nullptr;
  }
  void SetUp() override {
    if (models_ == nullptr) GTEST_SKIP() << tests::kNoWhisperModel;
  }

  static tests::ServedModels* models_;
};

tests::ServedModels* RealWhisper::models_ = nullptr;

TEST_F(RealWhisper, WritesASessionOfTwoPeople) {
  const auto transcript = Transcribed(*models_, tests::DemoFile("session.wav"));
  ASSERT_EQ(CodeOf(transcript), "");
  ASSERT_GE(transcript->segments.size(), 4U);
  EXPECT_EQ(transcript->segments.front().speaker, 0);
  EXPECT_NEAR(transcript->segments.front().start_s, 0.5, 0.6);
  EXPECT_EQ(transcript->language, "en");
}

// models/whisper-tiny-en/recipe/reference.py has written down what faster-whisper says.
TEST_F(RealWhisper, ItsWordTimesAreNearThoseOfFasterWhisper) {
  const boost::json::value reference = boost::json::parse(base::AsText(
      tests::ReadFile(tests::SourceDir() / "models" / "whisper-tiny-en" / "recipe" / "reference.json")));
  std::vector<double> distances;
  for (const char* name : {"hello_world.wav", "session.wav"}) {
    const auto transcript = Transcribed(*models_, tests::DemoFile(name));
    ASSERT_EQ(CodeOf(transcript), "");
    std::vector<vocabulary::Word> words;
    for (const vocabulary::Segment& segment : transcript->segments) {
      if (segment.speaker <= 0) words.insert(words.end(), segment.words.begin(), segment.words.end());
    }
    const auto& wanted = reference.at("words").at(name).as_array();
    ASSERT_GE(words.size(), wanted.size()) << name;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_EQ(words[i].text, wanted[i].at(0).as_string()) << name;
      distances.push_back(std::abs(words[i].start_s - wanted[i].at(1).to_number<double>()));
      distances.push_back(std::abs(words[i].end_s - wanted[i].at(2).to_number<double>()));
    }
  }
  std::ranges::sort(distances);
  EXPECT_LE(distances[distances.size() / 2], 0.1);
  EXPECT_LE(distances[distances.size() * 9 / 10], 0.35);
}

TEST_F(RealWhisper, ItsWordsAreInOrderWithinTheirSegmentsAndAreTheText) {
  const auto transcript = Transcribed(*models_, tests::DemoFile("session.wav"));
  ASSERT_EQ(CodeOf(transcript), "");
  std::array<double, 2> at_s = {};
  for (const vocabulary::Segment& segment : transcript->segments) {
    double& before_s = at_s.at(static_cast<std::size_t>(segment.speaker));
    ASSERT_FALSE(segment.words.empty());
    EXPECT_EQ(segment.start_s, segment.words.front().start_s);
    EXPECT_EQ(segment.end_s, segment.words.back().end_s);
    std::string text;
    for (const vocabulary::Word& word : segment.words) {
      EXPECT_LE(before_s, word.start_s) << word.text;
      EXPECT_LT(word.start_s, word.end_s) << word.text;
      before_s = word.end_s;
      text += (text.empty() || word.is_attached ? "" : " ") + word.text;
    }
    EXPECT_EQ(text, segment.text);
  }
}

TEST_F(RealWhisper, NobodyEndsWhenTheOtherHasBegun) {
  const boost::json::value script = boost::json::parse(base::AsText(tests::DemoFile("session.json")));
  const auto transcript = Transcribed(*models_, tests::DemoFile("session.wav"));
  ASSERT_EQ(CodeOf(transcript), "");
  for (const vocabulary::Segment& segment : transcript->segments) {
    double end_s = 0;  // of the speaker's turn in which the segment begins
    for (const auto& turn : script.at("turns").as_array()) {
      if (turn.at("channel").as_int64() == segment.speaker &&
          turn.at("start").to_number<double>() <= segment.start_s + 0.1)
        end_s = turn.at("end").to_number<double>();
    }
    EXPECT_LE(segment.end_s, end_s + 0.1) << segment.text;
  }
}

TEST_F(RealWhisper, InventsNothingInTenMinutesOfSilenceNoiseHumAndMusic) {
  // A sanitizer makes ten minutes of noise an hour of waiting.
#ifdef BLINDAI_SANITIZED
  constexpr int kSeconds = 40;
#else
  constexpr int kSeconds = 600;
#endif
  std::mt19937 dice(1);
  const auto noise = [&dice](double level) {
    return [&dice, level](double) { return level * (static_cast<double>(dice()) / 2147483648.0 - 1); };
  };
  const auto hum = [](double at) {
    return 0.1 * std::sin(6.283185307 * 50 * at) + 0.05 * std::sin(6.283185307 * 100 * at) +
           0.02 * std::sin(6.283185307 * 150 * at);
  };
  // Chords that change twice a second.
  const auto music = [](double at) {
    constexpr std::array<double, 4> kRoots = {220, 174.61, 261.63, 196};
    const double root = kRoots[static_cast<std::size_t>(at * 2) % 4];
    const double fade = 1 - std::fmod(at * 2, 1) * 0.8;
    double level = 0;
    for (const double step : {1.0, 1.25, 1.5, 2.0})
      level += 0.06 * fade * std::sin(6.283185307 * root * step * at);
    return level;
  };
  const std::array<std::pair<const char*, base::Bytes>, 5> sounds = {
      {{"silence", Sound(kSeconds, [](double) { return 0; })},
       {"quiet noise", Sound(kSeconds, noise(0.01))},
       {"loud noise", Sound(kSeconds, noise(0.2))},
       {"hum", Sound(kSeconds, hum)},
       {"music", Sound(kSeconds, music)}}};
  for (const auto& [name, sound] : sounds) {
    const auto transcript = Transcribed(*models_, tests::WavOf(sound));
    ASSERT_EQ(CodeOf(transcript), "") << name;
    EXPECT_EQ(transcript->Text(), "") << name;
    for (const auto& span : transcript->coverage)
      EXPECT_EQ(span.kind, vocabulary::CoverageKind::kSilence) << name;
  }
}

}  // namespace
}  // namespace blindai::service
