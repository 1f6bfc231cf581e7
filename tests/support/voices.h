// A voice activity network for tests of what is done with its answers: a function of the samples of a frame.
#pragma once

#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "speech/voice_activity.h"
#include "speech/voices.h"
#include "vocabulary/tensor.h"

namespace blindai::tests {

// The probability that somebody speaks in these kVoiceFrame samples.
using HearVoice = std::function<float(std::span<const float> frame)>;

// What the network says of such inputs.
inline std::vector<vocabulary::Tensor> VoiceOutputs(std::span<const vocabulary::Tensor> inputs,
                                                    const HearVoice& hear) {
  const auto tensor = [](const char* name, const std::vector<float>& values) {
    base::Bytes data(values.size() * sizeof(float));
    std::memcpy(data.data(), values.data(), data.size());
    return vocabulary::Tensor{name, vocabulary::Datatype::kFp32, {std::ssize(values)}, std::move(data)};
  };
  std::vector<float> rows(inputs[0].data.size() / sizeof(float));
  std::memcpy(rows.data(), inputs[0].data.data(), inputs[0].data.size());
  std::vector<float> probabilities;
  constexpr std::size_t kWidth = speech::kVoiceContext + speech::kVoiceFrame;
  for (std::size_t at = 0; at < rows.size(); at += kWidth)
    probabilities.push_back(hear(std::span(rows).subspan(at + speech::kVoiceContext, speech::kVoiceFrame)));
  const std::vector<float> state(128);
  std::vector<vocabulary::Tensor> outputs;
  outputs.push_back(tensor("speech_probs", probabilities));
  outputs.push_back(tensor("hn", state));
  outputs.push_back(tensor("cn", state));
  return outputs;
}

// Runs what can be run. False: an answer was refused.
inline bool RunVoices(speech::Voices& voices, const HearVoice& hear) {
  while (const auto inputs = voices.NextRun()) {
    if (!voices.TakeAnswer(VoiceOutputs(*inputs, hear)).ok()) return false;
  }
  return true;
}

// Who speaks in a whole recording.
inline void HearAll(speech::Voices& voices, std::span<const std::vector<float>> channels,
                    const HearVoice& hear) {
  voices.Feed(channels);
  voices.End();
  BLINDAI_CHECK(RunVoices(voices, hear));
}

}  // namespace blindai::tests
