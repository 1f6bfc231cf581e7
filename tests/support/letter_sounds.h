// A recording that says its own text, and a model that hears it, for tests of transcription: each frame's loudness says
// which character is in it. The sound of id i alternates between plus and minus (i + 1) / 16, and silence is silent.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "speech/chunking.h"
#include "speech/ctc_vocabulary.h"

namespace blindai::tests {

constexpr int kBlankId = 0;
constexpr int kNoiseId = 3;  // the unknown token: loud, and no text
constexpr int kSpaceId = 4;
constexpr int kLetterA = 5;

inline const speech::CtcVocabulary& Letters() {
  static const speech::CtcVocabulary vocabulary =
      speech::CtcVocabulary::Parse(R"({"<pad>":0,"<s>":1,"</s>":2,"<unk>":3,"|":4,"A":5,"B":6,"C":7,"D":8})")
          .value();
  return vocabulary;
}

inline std::vector<float> SoundOf(std::span<const int> ids) {
  std::vector<float> samples;
  for (const int id : ids) {
    for (int i = 0; i < speech::kSamplesPerFrame; ++i) {
      samples.push_back(id == kBlankId ? 0 : static_cast<float>(id + 1) / 16 * (i % 2 == 0 ? 1.F : -1.F));
    }
  }
  return samples;
}

// One frame for each character: letters A to D, '|' between words, '.' for silence, '~' for noise.
inline std::vector<int> Ids(std::string_view text) {
  std::vector<int> ids;
  for (const char c : text) {
    ids.push_back(c == '.' ? kBlankId : c == '|' ? kSpaceId : c == '~' ? kNoiseId : c - 'A' + kLetterA);
  }
  return ids;
}

inline std::vector<float> SoundOf(std::string_view text) { return SoundOf(std::span<const int>(Ids(text))); }

inline std::string Times(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

inline std::int64_t FramesIn(std::size_t samples) {
  return samples < 400 ? 0 : (static_cast<std::int64_t>(samples) - 400) / 320 + 1;
}

// The model: one row for each whole frame.
inline std::vector<float> Hear(std::span<const float> window) {
  std::vector<float> logits;
  for (std::int64_t frame = 0; frame < FramesIn(window.size()); ++frame) {
    const float loudness = std::abs(window[static_cast<std::size_t>(frame * speech::kSamplesPerFrame)]);
    const int id = loudness == 0 ? kBlankId : static_cast<int>(std::lround(loudness * 16)) - 1;
    for (std::size_t i = 0; i < Letters().size(); ++i)
      logits.push_back(static_cast<int>(i) == id ? 10.F : 0.F);
  }
  return logits;
}

}  // namespace blindai::tests
