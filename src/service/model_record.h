// What is known about one version of a served model: small, copied freely, no bytes of the model in it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/inspect_onnx.h"
#include "model/model_host.h"
#include "speech/ctc_vocabulary.h"
#include "speech/language_model.h"
#include "speech/wav2vec2_features.h"
#include "speech/whisper_tokens.h"
#include "vocabulary/model_id.h"
#include "vocabulary/version_policy.h"

namespace blindai::service {

using Precision = model::Precision;

// Who may run a model besides its owner. `link`: whoever knows the id. `tenants`: those that the owner lists,
// or, without a list, everybody with an account.
enum class Visibility : std::uint8_t { kPrivate, kLink, kTenants, kPublic };
std::string_view VisibilityName(Visibility visibility);
// By one of those names.
Visibility VisibilityNamed(std::string_view name);

// What a CTC speech model needs beside its file (service/transcribe.h).
struct SpeechSettings {
  speech::CtcVocabulary vocabulary;
  speech::FeatureSettings features;
  std::optional<speech::LanguageModel> language_model;
  // What they were read from, to be stored with the model.
  std::string vocab_json;
  std::string preprocessor_json;
  std::string language_model_file;  // empty: none
};

// The same of a Whisper model (service/whisper_model.h).
struct WhisperSettings {
  speech::WhisperTokens tokens;
  int bins = 0;  // of its features
  std::string tokenizer_json;
  std::string generation_config_json;
  std::string preprocessor_json;
};

struct ModelRecord {
  vocabulary::ModelId id;
  std::string owner = {};
  std::string sha256 =
      {};  // of the ONNX file, or of the bundle of them (model/model_bundle.h); lower-case hex
  std::uint64_t bytes = 0;
  std::uint64_t parameters = 0;
  std::int64_t opset = 0;
  std::uint64_t version = 1;  // counts the uploads of this id
  Precision precision = Precision::kF32;
  Visibility visibility = Visibility::kLink;
  base::Time created;
  model::ModelSignature signature;
  // Of a model that transcribes one of the two; none: a model of tensors only.
  std::shared_ptr<const SpeechSettings> speech = nullptr;
  std::shared_ptr<const WhisperSettings> whisper = nullptr;
  std::vector<std::string> tenants = {};             // for Visibility::kTenants
  std::optional<base::Time> expires = std::nullopt;  // from then on it is not found any more
  bool is_saved = false;
  // Its owner's transcriptions that name no model use it. Of one owner one at most is, the newest.
  bool is_default = false;
  // Named in the operator's configuration: no client owns, replaces or deletes it.
  bool is_operators = false;
  // The stored file was found damaged or missing; it does not run, and its owner may replace or delete it.
  bool is_damaged = false;
  // Names of this version: the other versions of the id have others.
  std::vector<std::string> labels = {};
  // Of the id, the same in all its versions: which are served, and the number that was given last. No number is
  // given twice.
  vocabulary::VersionPolicy policy = {};
  std::uint64_t numbered_to = 1;
};

// The owner of the operator's own models; no tenant has this name.
inline constexpr std::string_view kOperator = "operator";

}  // namespace blindai::service
