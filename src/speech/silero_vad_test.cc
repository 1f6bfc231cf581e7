// Silero's network in the real worker, against models/silero-vad/reference.json, which its own program wrote.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstring>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "model/inspect_onnx.h"
#include "speech/voice_activity.h"
#include "support/paths.h"
#include "support/worker_fixture.h"

namespace blindai::speech {
namespace {

constexpr std::size_t kSecond = 16'000;
// White noise whose root mean square is a tenth of full scale: −20 dBFS.
constexpr float kLoudNoise = 0.1F;

// A 16-bit recording's first channel, from behind the 44 bytes of its header.
std::vector<float> Recording(const std::string& name, std::size_t channels) {
  const base::Bytes file = tests::ReadFile(tests::SourceDir() / "models" / "blindai-demo-en" / name);
  std::vector<float> samples;
  for (std::size_t at = 44; at + 1 < file.size(); at += 2 * channels) {
    const auto sample = static_cast<std::int16_t>(file[at] | file[at + 1] << 8);
    samples.push_back(static_cast<float>(sample) / 32'768);
  }
  return samples;
}
std::vector<float> Session() { return Recording("session.wav", 2); }

std::vector<float> Noise(std::size_t samples, float level) {
  std::mt19937 random(5);
  std::normal_distribution<float> noise(0, level);
  std::vector<float> values(samples);
  for (float& value : values) value = noise(random);
  return values;
}

float Level(const std::vector<float>& samples) {
  double power = 0;
  for (const float sample : samples) power += double{sample} * sample;
  return static_cast<float>(std::sqrt(power / static_cast<double>(samples.size())));
}

class SileroVad : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(tests::SileroFile())) GTEST_SKIP() << tests::kNoSilero;
    auto host = tests::StartHost(tests::ReadFile(tests::SileroFile()));
    ASSERT_TRUE(host.ok()) << host.error().message;
    host_ = *host;
  }
  void TearDown() override {
    if (host_) tests::StopHost(*host_);
  }

  // Everything that can be run now.
  void RunAll(VoiceActivity& activity) {
    while (auto inputs = activity.NextRun()) {
      const auto answer = tests::RunOn(*host_, std::move(*inputs));
      ASSERT_TRUE(answer.ok()) << answer.error().message;
      const base::Status taken = activity.TakeAnswer(answer->outputs);
      ASSERT_TRUE(taken.ok()) << taken.error().message;
    }
  }

  void Hear(VoiceActivity& activity, const std::vector<float>& samples, std::size_t piece) {
    for (std::size_t at = 0; at < samples.size(); at += piece) {
      activity.Feed(std::span(samples).subspan(at, std::min(piece, samples.size() - at)));
      RunAll(activity);
    }
    activity.End();
    RunAll(activity);
    ASSERT_TRUE(activity.done());
  }

  std::vector<VoiceSpan> Spans(const std::vector<float>& samples) {
    VoiceActivity activity;
    Hear(activity, samples, 7'001);
    return activity.done() ? activity.Hear().spans : std::vector<VoiceSpan>();
  }

  std::shared_ptr<model::ModelHost> host_;
};

TEST_F(SileroVad, PassesTheGate) {
  const auto passed = model::InspectOnnx(tests::ReadFile(tests::SileroFile()));
  EXPECT_TRUE(passed.ok()) << passed.error().message;
}

TEST_F(SileroVad, HearsWhatItsOwnProgramHears) {
  const base::Bytes text = tests::ReadFile(tests::SourceDir() / "models" / "silero-vad" / "reference.json");
  const boost::json::value reference = boost::json::parse(base::AsText(text));
  for (const auto& [name, channels] : {std::pair("hello_world.wav", 1U), std::pair("session.wav", 2U)}) {
    VoiceActivity activity;
    Hear(activity, Recording(name, channels), 7'001);
    const auto& expected = reference.at(name).at("probabilities").as_array();
    ASSERT_EQ(expected.size(), (activity.probabilities().size() + 24) / 25);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(activity.probabilities()[25 * i], expected[i].to_number<double>(), 2e-3)
          << name << ", " << i;
    }
    std::vector<VoiceSpan> spans;
    for (const auto& span : reference.at(name).at("spans").as_array()) {
      spans.push_back({span.at(0).to_number<std::int64_t>(), span.at(1).to_number<std::int64_t>()});
    }
    EXPECT_FALSE(spans.empty());
    EXPECT_TRUE(activity.Hear().spans == spans) << name;
  }
}

// Three minutes in pieces, a minute a run, against one run over the whole.
TEST_F(SileroVad, MinuteByMinuteItHearsWhatOneRunOverTheWholeHears) {
  std::vector<float> samples;
  for (int i = 0; i < 3; ++i) {
    const std::vector<float> session = Session();
    samples.insert(samples.end(), session.begin(), session.end());
  }
  samples.resize(samples.size() / kVoiceFrame * kVoiceFrame);
  VoiceActivity activity;
  Hear(activity, samples, 100'003);

  std::vector<float> rows;
  for (std::size_t at = 0; at < samples.size(); at += kVoiceFrame) {
    for (std::size_t i = 0; i < kVoiceContext + kVoiceFrame; ++i) {
      rows.push_back(at + i < kVoiceContext ? 0 : samples[at + i - kVoiceContext]);
    }
  }
  const auto frames = static_cast<std::int64_t>(samples.size()) / kVoiceFrame;
  ASSERT_GT(frames, 2 * kVoiceFramesPerRun);
  const std::vector<float> zeros(128);
  const auto whole =
      tests::RunOn(*host_, {tests::Floats("input", {frames, kVoiceContext + kVoiceFrame}, rows),
                            tests::Floats("h", {1, 1, 128}, zeros), tests::Floats("c", {1, 1, 128}, zeros)});
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  const auto wanted =
      tests::ValuesOf<float>(*std::ranges::find(whole->outputs, "speech_probs", &vocabulary::Tensor::name));
  ASSERT_EQ(wanted.size(), activity.probabilities().size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    ASSERT_NEAR(activity.probabilities()[i], wanted[i], 1e-4) << i;
  EXPECT_TRUE(activity.Hear().spans == VoiceSpansOf(wanted, std::ssize(samples)));
}

TEST_F(SileroVad, TenMinutesOfLoudNoiseAndOfSilenceHoldNoSpeech) {
  EXPECT_TRUE(Spans(Noise(600 * kSecond, kLoudNoise)).empty());
  EXPECT_TRUE(Spans(std::vector<float>(600 * kSecond)).empty());
}

// The voice 10 dB over the noise: at least nine tenths of the speech is found, and hardly any of the pauses.
TEST_F(SileroVad, SpeechInNoiseIsFound) {
  std::vector<float> samples = Session();
  const std::vector<VoiceSpan> clean = Spans(samples);
  ASSERT_FALSE(clean.empty());
  const std::vector<float> noise = Noise(samples.size(), Level(samples) / std::sqrt(10.0F));
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] += noise[i];
  std::vector<bool> found(samples.size());
  for (const auto& [begin, end] : Spans(samples)) std::fill(found.begin() + begin, found.begin() + end, true);
  std::int64_t spoken = 0;
  std::int64_t heard = 0;
  for (const auto& [begin, end] : clean) {
    spoken += end - begin;
    heard += std::count(found.begin() + begin, found.begin() + end, true);
  }
  EXPECT_GE(heard, spoken * 9 / 10);
  EXPECT_LE(std::ranges::count(found, true) - heard, spoken / 20);
}

// The same worker heard somebody else just before.
TEST_F(SileroVad, WhatARecordingSaysDoesNotDependOnTheOneBefore) {
  const std::vector<float> speech = Recording("hello_world.wav", 1);
  VoiceActivity first;
  Hear(first, speech, speech.size());
  VoiceActivity between;
  Hear(between, Session(), 7'001);
  VoiceActivity second;
  Hear(second, speech, speech.size());
  EXPECT_TRUE(std::ranges::equal(first.probabilities(), second.probabilities()));
}

}  // namespace
}  // namespace blindai::speech
