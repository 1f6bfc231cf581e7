// The demo speech model and its recordings, for tests of services and endpoints.
#pragma once

#include <cstring>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "service/transcribe.h"
#include "service/upload_model.h"
#include "support/paths.h"
#include "support/served_models.h"

namespace blindai::tests {

inline base::Bytes DemoFile(const char* name) {
  return ReadFile(SourceDir() / "models/blindai-demo-en" / name);
}

inline std::string DemoText(const char* name) { return std::string(base::AsText(DemoFile(name))); }

inline std::shared_ptr<const service::SpeechSettings> DemoSettings() {
  const base::Bytes vocab = DemoFile("vocab.json");
  const base::Bytes preprocessor = DemoFile("preprocessor_config.json");
  return service::MakeSpeechSettings(base::AsText(vocab), base::AsText(preprocessor)).value();
}

// Uploads it under this id.
inline base::Result<service::ModelRecord> UploadDemoSpeech(ServedModels& models, std::string_view id) {
  BLINDAI_TRY(auto upload, service::ModelUpload::Begin(
                               models.catalogue(), models.upload(), service::Caller::AnonymousWithAllRights(),
                               {.id = *vocabulary::ModelId::Parse(id), .speech = DemoSettings()}));
  BLINDAI_RETURN_IF_ERROR(upload->Feed(DemoFile("blindai-demo-en.onnx")));
  std::promise<base::Result<service::ModelRecord>> record;
  service::ModelUpload::Finish(std::move(upload), [&](base::Result<service::ModelRecord> result) {
    record.set_value(std::move(result));
  });
  return record.get_future().get();
}

// The samples of one channel of a 16-bit WAV file of the demo, as bytes.
inline base::Bytes DemoSound(const char* name, int channel = 0) {
  const base::Bytes file = DemoFile(name);
  const int channels = file.at(22);
  const std::size_t data = base::AsText(file).find("data") + 8;
  base::Bytes sound;
  for (std::size_t at = data + 2 * static_cast<std::size_t>(channel); at + 1 < file.size();
       at += 2 * static_cast<std::size_t>(channels)) {
    sound.insert(sound.end(), {file[at], file[at + 1]});
  }
  return sound;
}

// 16-bit samples of one channel at 16 kHz as a WAV file.
inline base::Bytes WavOf(base::ByteView sound) {
  base::Bytes wav;
  const auto text = [&wav](std::string_view word) { wav.insert(wav.end(), word.begin(), word.end()); };
  const auto number = [&wav](std::size_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) wav.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  text("RIFF");
  number(36 + sound.size(), 4);
  text("WAVEfmt ");
  number(16, 4);
  number(1, 2);
  number(1, 2);
  number(16'000, 4);
  number(32'000, 4);
  number(2, 2);
  number(16, 2);
  text("data");
  number(sound.size(), 4);
  wav.insert(wav.end(), sound.begin(), sound.end());
  return wav;
}

}  // namespace blindai::tests
