// Uploads a Whisper model to served models: the one in miniature, or the one that `./run model` makes.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <string_view>

#include "service/upload_model.h"
#include "service/whisper_model.h"
#include "support/served_models.h"
#include "support/toy_whisper.h"
#include "support/whisper_files.h"

namespace blindai::tests {

inline std::shared_ptr<const service::WhisperSettings> ToyWhisperSettings() {
  return service::MakeWhisperSettings(WhisperTokenizerJson(false), WhisperGenerationJson(false),
                                      kWhisperPreprocessorJson)
      .value();
}

inline base::Result<service::ModelRecord> UploadWhisper(
    ServedModels& models, std::string_view id, const ToyWhisper& networks,
    std::shared_ptr<const service::WhisperSettings> settings) {
  BLINDAI_TRY(auto upload, service::ModelUpload::Begin(models.catalogue(), models.upload(),
                                                       service::Caller::AnonymousWithAllRights(),
                                                       {.id = *vocabulary::ModelId::Parse(id)}));
  const auto feed = [&upload](const char* part, base::ByteView file) -> base::Status {
    if (file.empty()) return base::Ok();
    BLINDAI_RETURN_IF_ERROR(upload->BeginPart(part));
    return upload->Feed(file);
  };
  BLINDAI_RETURN_IF_ERROR(feed("decoder", networks.decoder));
  BLINDAI_RETURN_IF_ERROR(feed("encoder", networks.encoder));
  BLINDAI_RETURN_IF_ERROR(feed("decoder_with_past", networks.decoder_with_past));
  upload->SetWhisper(std::move(settings));
  std::promise<base::Result<service::ModelRecord>> record;
  service::ModelUpload::Finish(std::move(upload), [&](base::Result<service::ModelRecord> result) {
    record.set_value(std::move(result));
  });
  return record.get_future().get();
}

inline base::Result<service::ModelRecord> UploadToyWhisper(ServedModels& models, std::string_view id) {
  return UploadWhisper(models, id, MakeToyWhisper(HelloChain()), ToyWhisperSettings());
}

// Only where HasWhisperModel().
inline base::Result<service::ModelRecord> UploadRealWhisper(ServedModels& models, std::string_view id) {
  const auto text = [](const char* name) {
    const auto bytes = WhisperModelFile(name);
    return std::string(bytes.begin(), bytes.end());
  };
  const ToyWhisper networks{.encoder = WhisperModelFile("encoder_model.onnx"),
                            .decoder = WhisperModelFile("decoder_model.onnx"),
                            .decoder_with_past = WhisperModelFile("decoder_with_past_model.onnx")};
  BLINDAI_TRY(auto settings,
              service::MakeWhisperSettings(text("tokenizer.json"), text("generation_config.json"),
                                           text("preprocessor_config.json")));
  return UploadWhisper(models, id, networks, std::move(settings));
}

}  // namespace blindai::tests
