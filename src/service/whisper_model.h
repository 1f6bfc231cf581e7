// A Whisper model as the service knows it: the settings that come with its networks, and whether they go together.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "model/signature.h"
#include "service/model_catalogue.h"

namespace blindai::service {

// From the tokenizer.json, generation_config.json and preprocessor_config.json that are uploaded with it. Codes:
// tokenizer, generation-config, preprocessor.
base::Result<std::shared_ptr<const WhisperSettings>> MakeWhisperSettings(
    std::string_view tokenizer_json, std::string_view generation_config_json,
    std::string_view preprocessor_json);

// Whether the networks want such features and know these tokens. Code: model-not-speech.
base::Status CheckWhisperSignature(const model::ModelSignature& signature, const WhisperSettings& settings);

}  // namespace blindai::service
