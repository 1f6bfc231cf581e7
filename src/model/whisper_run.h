// What a Whisper model is from outside of its worker: one model whose run is one window, from log-mel features to
// tokens. The worker holds its networks (model_bundle.h), the cache of keys and values lives and dies within a run, and
// no score of a token crosses the wall. The ports have these names and orders:
//
//   features             FP32  [1, bins, frames]   speech/log_mel.h
//   prompt               INT32 [1 to the most that the decoder holds]
//   suppressed           INT32 [any]               never said
//   suppressed_at_begin  INT32 [any]               never said first
//   alignment_heads      INT32 [any]               pairs of layer and head
//   settings             INT32 [8]                 the numbers of WhisperRules, in its order
//   temperature          FP32  [1]
//   → tokens INT32 [n] · log_probabilities FP32 [n, or n + 1 with the end] · start_probabilities FP32 [vocabulary]
//   → token_starts INT32 [texts among the tokens + 1, or 0]   of a model whose attention can be seen
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/signature.h"
#include "model/whisper_search.h"
#include "vocabulary/tensor.h"

namespace blindai::model {

// Names of a bundle's parts; the last one may be missing: then each token is computed from all before it.
inline constexpr const char* kWhisperEncoder = "encoder";
inline constexpr const char* kWhisperDecoder = "decoder";
inline constexpr const char* kWhisperDecoderWithPast = "decoder_with_past";

enum WhisperInput {
  kFeatures,
  kPrompt,
  kSuppressed,
  kSuppressedAtBegin,
  kAlignmentHeads,
  kSettings,
  kTemperature,
  kWhisperInputs
};
enum WhisperOutput { kTokens, kLogProbabilities, kStartProbabilities, kTokenStarts, kWhisperOutputs };
inline constexpr std::int64_t kWhisperSettings = 8;
// The encoder makes one position of 20 ms from two frames of features.
inline constexpr std::int64_t kFramesPerPosition = 2;

struct WhisperDimensions {
  std::int64_t bins = 0;
  std::int64_t frames = 0;
  std::int64_t vocabulary = 0;
  bool aligns = false;  // it can say when each token was said
};
ModelSignature WhisperSignature(const WhisperDimensions& dimensions);
// What a model of this signature holds; nothing when it is no Whisper model.
std::optional<WhisperDimensions> WhisperDimensionsOf(const ModelSignature& signature);

// The inputs of a run. `features` are copied.
std::vector<vocabulary::Tensor> WhisperInputs(const WhisperDimensions& dimensions,
                                              std::span<const float> features, const WhisperRules& rules);
// Its outputs, all of them in order. Code: model-tokens (they do not go together; kUnsupported).
base::Result<WhisperText> WhisperTextOf(std::span<const vocabulary::Tensor> outputs,
                                        const WhisperDimensions& dimensions);

// In the worker: the rules in a run's inputs, by port without the features. Nothing: they cannot be meant.
std::optional<WhisperRules> WhisperRulesOf(std::span<const base::ByteView> inputs, std::int64_t vocabulary);

}  // namespace blindai::model
