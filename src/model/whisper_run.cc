#include "model/whisper_run.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace blindai::model {
namespace {

using vocabulary::Datatype;
using vocabulary::kAnyDimension;
using vocabulary::Shape;
using vocabulary::Tensor;
using vocabulary::TensorSpec;

template <typename Number>
base::Bytes BytesOf(std::span<const Number> numbers) {
  base::Bytes bytes(numbers.size_bytes());
  if (!numbers.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

template <typename Number>
std::vector<Number> NumbersOf(base::ByteView bytes) {
  std::vector<Number> numbers(bytes.size() / sizeof(Number));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(Number));
  return numbers;
}

bool SameSpecs(const std::vector<TensorSpec>& a, const std::vector<TensorSpec>& b) {
  return std::ranges::equal(a, b, [](const TensorSpec& x, const TensorSpec& y) {
    return x.name == y.name && x.datatype == y.datatype && x.shape == y.shape;
  });
}

base::Error WrongAnswer() {
  return base::MakeError(base::ErrorKind::kUnsupported, "model-tokens",
                         "the model's answer is not tokens with their probabilities", "model");
}

}  // namespace

ModelSignature WhisperSignature(const WhisperDimensions& dimensions) {
  ModelSignature signature;
  signature.inputs = {{"features", Datatype::kFp32, {1, dimensions.bins, dimensions.frames}},
                      {"prompt", Datatype::kInt32, {kAnyDimension}},
                      {"suppressed", Datatype::kInt32, {kAnyDimension}},
                      {"suppressed_at_begin", Datatype::kInt32, {kAnyDimension}},
                      {"alignment_heads", Datatype::kInt32, {kAnyDimension}},
                      {"settings", Datatype::kInt32, {kWhisperSettings}},
                      {"temperature", Datatype::kFp32, {1}}};
  signature.outputs = {{"tokens", Datatype::kInt32, {kAnyDimension}},
                       {"log_probabilities", Datatype::kFp32, {kAnyDimension}},
                       {"start_probabilities", Datatype::kFp32, {dimensions.vocabulary}}};
  if (dimensions.aligns) signature.outputs.push_back({"token_starts", Datatype::kInt32, {kAnyDimension}});
  return signature;
}

std::optional<WhisperDimensions> WhisperDimensionsOf(const ModelSignature& signature) {
  if (signature.inputs.size() != kWhisperInputs || signature.outputs.size() < kTokenStarts)
    return std::nullopt;
  const Shape& features = signature.inputs[kFeatures].shape;
  const Shape& start = signature.outputs[kStartProbabilities].shape;
  if (features.size() != 3 || start.size() != 1) return std::nullopt;
  const WhisperDimensions dimensions{.bins = features[1],
                                     .frames = features[2],
                                     .vocabulary = start[0],
                                     .aligns = signature.outputs.size() > kTokenStarts};
  const ModelSignature wanted = WhisperSignature(dimensions);
  if (!SameSpecs(signature.inputs, wanted.inputs) || !SameSpecs(signature.outputs, wanted.outputs))
    return std::nullopt;
  return dimensions;
}

std::vector<Tensor> WhisperInputs(const WhisperDimensions& dimensions, std::span<const float> features,
                                  const WhisperRules& rules) {
  BLINDAI_CHECK(static_cast<std::int64_t>(features.size()) == dimensions.bins * dimensions.frames);
  const std::vector<std::int32_t> settings = {rules.end_of_text,
                                              rules.first_timestamp,
                                              rules.last_initial_timestamp,
                                              rules.aligned_positions,
                                              rules.start_position,
                                              rules.most_tokens,
                                              rules.beams,
                                              static_cast<std::int32_t>(rules.seed)};
  std::vector<std::int32_t> heads;
  for (const AttentionHead& head : rules.alignment_heads) heads.insert(heads.end(), {head.layer, head.head});
  const auto list = [](const char* name, std::span<const std::int32_t> numbers) {
    return Tensor{name, Datatype::kInt32, {static_cast<std::int64_t>(numbers.size())}, BytesOf(numbers)};
  };
  std::vector<Tensor> inputs;
  inputs.push_back({"features", Datatype::kFp32, {1, dimensions.bins, dimensions.frames}, BytesOf(features)});
  inputs.push_back(list("prompt", rules.prompt));
  inputs.push_back(list("suppressed", rules.suppressed));
  inputs.push_back(list("suppressed_at_begin", rules.suppressed_at_begin));
  inputs.push_back(list("alignment_heads", heads));
  inputs.push_back(list("settings", settings));
  inputs.push_back(
      {"temperature", Datatype::kFp32, {1}, BytesOf(std::span<const float>(&rules.temperature, 1))});
  return inputs;
}

base::Result<WhisperText> WhisperTextOf(std::span<const Tensor> outputs,
                                        const WhisperDimensions& dimensions) {
  if (outputs.size() != (dimensions.aligns ? kWhisperOutputs : kTokenStarts)) return WrongAnswer();
  WhisperText text;
  text.tokens = NumbersOf<std::int32_t>(outputs[kTokens].data);
  text.log_probabilities = NumbersOf<float>(outputs[kLogProbabilities].data);
  text.start_probabilities = NumbersOf<float>(outputs[kStartProbabilities].data);
  const std::size_t said = text.tokens.size();
  const bool lengths = (text.log_probabilities.size() == said || text.log_probabilities.size() == said + 1) &&
                       static_cast<std::int64_t>(text.start_probabilities.size()) == dimensions.vocabulary;
  const auto is_token = [&dimensions](std::int32_t token) {
    return token >= 0 && token < dimensions.vocabulary;
  };
  const auto is_number = [](float value) { return std::isfinite(value); };
  if (dimensions.aligns) text.token_starts = NumbersOf<std::int32_t>(outputs[kTokenStarts].data);
  const auto positions = static_cast<std::int32_t>(dimensions.frames / kFramesPerPosition);
  const auto is_position = [positions](std::int32_t start) { return start >= 0 && start <= positions; };
  if (!std::ranges::is_sorted(text.token_starts) || !std::ranges::all_of(text.token_starts, is_position))
    return WrongAnswer();
  if (!lengths || !std::ranges::all_of(text.tokens, is_token) ||
      !std::ranges::all_of(text.log_probabilities, is_number) ||
      !std::ranges::all_of(text.start_probabilities, is_number)) {
    return WrongAnswer();
  }
  return text;
}

std::optional<WhisperRules> WhisperRulesOf(std::span<const base::ByteView> inputs, std::int64_t vocabulary) {
  if (inputs.size() != kWhisperInputs) return std::nullopt;
  const auto settings = NumbersOf<std::int32_t>(inputs[kSettings]);
  const auto temperature = NumbersOf<float>(inputs[kTemperature]);
  if (settings.size() != kWhisperSettings || temperature.size() != 1) return std::nullopt;
  WhisperRules rules;
  rules.prompt = NumbersOf<std::int32_t>(inputs[kPrompt]);
  rules.suppressed = NumbersOf<std::int32_t>(inputs[kSuppressed]);
  rules.suppressed_at_begin = NumbersOf<std::int32_t>(inputs[kSuppressedAtBegin]);
  rules.end_of_text = settings[0];
  rules.first_timestamp = settings[1];
  rules.last_initial_timestamp = settings[2];
  rules.aligned_positions = settings[3];
  rules.start_position = settings[4];
  rules.most_tokens = settings[5];
  rules.beams = settings[6];
  rules.seed = static_cast<std::uint32_t>(settings[7]);
  const auto heads = NumbersOf<std::int32_t>(inputs[kAlignmentHeads]);
  for (std::size_t i = 0; i + 1 < heads.size(); i += 2)
    rules.alignment_heads.push_back({heads[i], heads[i + 1]});
  rules.temperature = temperature.front();
  const auto is_token = [vocabulary](std::int32_t token) { return token >= 0 && token < vocabulary; };
  const bool good =
      !rules.prompt.empty() && std::ranges::all_of(rules.prompt, is_token) && rules.end_of_text >= 0 &&
      rules.first_timestamp > rules.end_of_text && is_token(rules.first_timestamp) &&
      rules.last_initial_timestamp < vocabulary && rules.start_position >= 0 &&
      static_cast<std::size_t>(rules.start_position) < rules.prompt.size() && rules.most_tokens >= 0 &&
      rules.beams >= 1 && rules.beams <= static_cast<std::int32_t>(kMostBeams) &&
      rules.aligned_positions >= 0 && heads.size() % 2 == 0 && rules.alignment_heads.size() <= kMostHeads &&
      std::ranges::all_of(heads, [](std::int32_t number) { return number >= 0; }) &&
      std::isfinite(rules.temperature) && rules.temperature >= 0 && rules.temperature <= 2 &&
      (rules.beams == 1 || rules.temperature == 0);
  if (!good) return std::nullopt;
  return rules;
}

}  // namespace blindai::model
