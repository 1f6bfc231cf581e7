#include "service/whisper_model.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "model/whisper_run.h"
#include "speech/log_mel.h"

namespace blindai::service {

base::Result<std::shared_ptr<const WhisperSettings>> MakeWhisperSettings(
    std::string_view tokenizer_json, std::string_view generation_config_json,
    std::string_view preprocessor_json) {
  BLINDAI_TRY(speech::WhisperTokens tokens,
              speech::WhisperTokens::Parse(tokenizer_json, generation_config_json));
  BLINDAI_TRY(const int bins, speech::ParseWhisperPreprocessor(preprocessor_json));
  return std::shared_ptr<const WhisperSettings>(std::make_shared<WhisperSettings>(WhisperSettings{
      .tokens = std::move(tokens),
      .bins = bins,
      .tokenizer_json = std::string(tokenizer_json),
      .generation_config_json = std::string(generation_config_json),
      .preprocessor_json = std::string(preprocessor_json),
  }));
}

base::Status CheckWhisperSignature(const model::ModelSignature& signature, const WhisperSettings& settings) {
  const auto dimensions = model::WhisperDimensionsOf(signature);
  if (dimensions && dimensions->bins == settings.bins && dimensions->frames == speech::kWhisperFrames &&
      dimensions->vocabulary >= settings.tokens.size()) {
    return base::Ok();
  }
  return base::MakeError(base::ErrorKind::kInvalid, "model-not-speech",
                         fmt::format("the networks do not go with their files: wanted {} bins and {} frames "
                                     "(preprocessor_config.json) and "
                                     "scores for at least {} tokens (tokenizer.json)",
                                     settings.bins, speech::kWhisperFrames, settings.tokens.size()),
                         "model");
}

}  // namespace blindai::service
