// The real Whisper in the real worker against models/whisper-tiny-en/recipe/reference.json, which another program wrote
// and a third one, CTranslate2, agreed with: from sound to features to tokens, without anything in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

#include "base/bytes.h"
#include "model/inspect_onnx.h"
#include "model/whisper_run.h"
#include "speech/log_mel.h"
#include "speech/whisper_tokens.h"
#include "support/paths.h"
#include "support/toy_whisper.h"
#include "support/whisper_files.h"
#include "support/worker_fixture.h"

namespace blindai::speech {
namespace {

constexpr int kBins = 80;
constexpr model::WhisperDimensions kTinyEn{
    .bins = kBins, .frames = kWhisperFrames, .vocabulary = 51'864, .aligns = true};

std::string TextOf(const std::filesystem::path& path) {
  return std::string(base::AsText(tests::ReadFile(path)));
}

// The first window of a WAV file's first channel, from behind the 44 bytes of its header.
std::vector<float> FirstWindow(const std::filesystem::path& path, std::size_t channels) {
  const base::Bytes file = tests::ReadFile(path);
  std::vector<float> samples;
  for (std::size_t at = 44; at + 1 < file.size() && samples.size() < kWhisperWindow; at += 2 * channels) {
    const auto sample = static_cast<std::int16_t>(file[at] | file[at + 1] << 8);
    samples.push_back(static_cast<float>(sample) / 32'768);
  }
  return samples;
}

struct Clip {
  const char* name;
  std::size_t channels;
};
constexpr Clip kClips[] = {{"hello_world.wav", 1}, {"session.wav", 2}};

std::vector<float> SamplesOf(const Clip& clip) {
  return FirstWindow(tests::SourceDir() / "models" / "blindai-demo-en" / clip.name, clip.channels);
}

const boost::json::value& Expected() {
  static const boost::json::value reference = boost::json::parse(
      TextOf(tests::SourceDir() / "models" / "whisper-tiny-en" / "recipe" / "reference.json"));
  return reference;
}

TEST(WhisperTinyEn, FeaturesAreTheReferences) {
  LogMel features(kBins);
  for (const Clip& clip : kClips) {
    const std::vector<float> mel = features.Of(SamplesOf(clip));
    const auto& expected = Expected().at("log_mel").at(clip.name).as_array();
    ASSERT_FALSE(expected.empty());
    for (const auto& value : expected) {
      const auto at = value.at(0).as_int64() * kWhisperFrames + value.at(1).as_int64();
      EXPECT_NEAR(mel.at(static_cast<std::size_t>(at)), value.at(2).to_number<double>(), 1e-4)
          << clip.name << ", value " << at;
    }
  }
}

class WhisperTinyEnModel : public testing::Test {
 protected:
  void SetUp() override {
    if (!tests::HasWhisperModel()) GTEST_SKIP() << tests::kNoWhisperModel;
  }

  static tests::ToyWhisper Files() {
    return {tests::WhisperModelFile("encoder_model.onnx"), tests::WhisperModelFile("decoder_model.onnx"),
            tests::WhisperModelFile("decoder_with_past_model.onnx")};
  }

  static WhisperTokens Tokens() {
    return *WhisperTokens::Parse(TextOf(tests::WhisperModelDir() / "tokenizer.json"),
                                 TextOf(tests::WhisperModelDir() / "generation_config.json"));
  }

  static model::WhisperRules Rules(const WhisperTokens& tokens) {
    model::WhisperRules rules;
    rules.prompt = {tokens.special().start_of_transcript};
    rules.suppressed = tokens.suppressed();
    rules.suppressed_at_begin = tokens.suppressed_at_begin();
    rules.end_of_text = tokens.special().end_of_text;
    rules.first_timestamp = tokens.first_timestamp();
    rules.last_initial_timestamp = tokens.last_initial_timestamp();
    rules.most_tokens = 224;
    rules.alignment_heads = tokens.alignment_heads();
    return rules;
  }

  // To the position, but for one in ten, that lies between two that are as good.
  static void ExpectTheReferencesStarts(const std::vector<std::int32_t>& starts, const char* clip) {
    const auto wanted = boost::json::value_to<std::vector<std::int32_t>>(Expected().at("starts").at(clip));
    ASSERT_EQ(starts.size(), wanted.size());
    std::size_t others = 0;
    for (std::size_t i = 0; i < starts.size(); ++i) others += starts[i] == wanted[i] ? 0 : 1;
    EXPECT_LE(others, starts.size() / 10) << clip << ": " << testing::PrintToString(starts);
  }

  // All tokens that the model says to each clip are the reference's.
  static void ExpectTheReferencesTokens(bool with_past, std::span<const Clip> clips) {
    const auto host = tests::StartHost(tests::ToyBundle(Files(), with_past));
    ASSERT_TRUE(host.ok()) << host.error().message;
    const WhisperTokens tokens = Tokens();
    LogMel features(kBins);
    for (const Clip& clip : clips) {
      const std::vector<float> samples = SamplesOf(clip);
      const std::vector<float> mel = features.Of(samples);
      model::WhisperRules rules = Rules(tokens);
      rules.aligned_positions = static_cast<std::int32_t>(samples.size() / 160 / 2);
      const auto answer = tests::RunOn(**host, model::WhisperInputs(kTinyEn, mel, rules));
      ASSERT_TRUE(answer.ok()) << answer.error().message;
      const auto text = model::WhisperTextOf(answer->outputs, kTinyEn);
      ASSERT_TRUE(text.ok()) << text.error().message;
      EXPECT_EQ(text->tokens,
                boost::json::value_to<std::vector<std::int32_t>>(Expected().at("tokens").at(clip.name)))
          << clip.name;
      EXPECT_EQ(tokens.Decode(text->tokens),
                " " + std::string(Expected().at("texts").at(clip.name).as_string()))
          << clip.name;
      ExpectTheReferencesStarts(text->token_starts, clip.name);
    }
    tests::StopHost(**host);
  }
};

TEST_F(WhisperTinyEnModel, PassesTheGate) {
  const tests::ToyWhisper files = Files();
  for (const base::Bytes& file : {files.encoder, files.decoder, files.decoder_with_past}) {
    const auto passed = model::InspectOnnx(file);
    EXPECT_TRUE(passed.ok()) << passed.error().message;
  }
}

TEST_F(WhisperTinyEnModel, SaysTheReferencesTokens) { ExpectTheReferencesTokens(/*with_past=*/true, kClips); }

TEST_F(WhisperTinyEnModel, SaysTheSameWithoutACache) {
  ExpectTheReferencesTokens(/*with_past=*/false, std::span(kClips).first(1));
}

}  // namespace
}  // namespace blindai::speech
