#include "protocols/endpoints/speech_upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "service/transcribe.h"

namespace blindai::endpoints {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxLanguageModelBytes = std::size_t{64} << 20;
constexpr std::string_view kModel = "model";
constexpr std::string_view kVocab = "vocab";
constexpr std::string_view kPreprocessor = "preprocessor";
constexpr std::string_view kLanguageModel = "language_model";

base::Error WrongPart(std::string message, std::string_view part) {
  return base::MakeError(base::ErrorKind::kInvalid, "upload-part", std::move(message), std::string(part));
}

}  // namespace

base::Result<std::unique_ptr<SpeechUpload>> SpeechUpload::Make(std::string_view content_type,
                                                               service::ModelUpload& upload) {
  std::unique_ptr<SpeechUpload> made(new SpeechUpload(upload));
  SpeechUpload* const self = made.get();
  wire::PartHandler handler{.begin = [self](const wire::PartHead& head) { return self->Begin(head); },
                            .data = [self](base::ByteView bytes) { return self->Take(bytes); },
                            .end = [] { return base::Ok(); }};
  BLINDAI_TRY(made->reader_, wire::MultipartReader::Make(content_type, std::move(handler)));
  return made;
}

base::Status SpeechUpload::Begin(const wire::PartHead& head) {
  constexpr std::array kKnown = {kModel, kVocab, kPreprocessor, kLanguageModel};
  const std::string_view name = head.name == "file" ? kModel : std::string_view(head.name);
  part_ = std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end() ? "" : name;
  if (part_.empty() || files_.try_emplace(part_).second) return base::Ok();
  return WrongPart(fmt::format("part '{}' is there twice; send it once", part_), part_);
}

base::Status SpeechUpload::Take(base::ByteView bytes) {
  if (part_.empty()) return base::Ok();
  if (part_ == kModel) return upload_.Feed(bytes);
  std::string& file = files_[part_];
  const std::size_t most = part_ == kLanguageModel ? kMaxLanguageModelBytes : kMaxFileBytes;
  if (bytes.size() > most - file.size()) {
    return WrongPart(fmt::format("part '{}' is larger than {} bytes", part_, most), part_);
  }
  file += base::AsText(bytes);
  return base::Ok();
}

base::Status SpeechUpload::Finish() {
  BLINDAI_RETURN_IF_ERROR(reader_->Finish());
  for (const std::string_view name : {kModel, kVocab, kPreprocessor}) {
    if (files_.contains(name)) continue;
    return WrongPart(
        fmt::format("part '{}' is missing; a speech model is its ONNX file (model), its vocab.json (vocab) "
                    "and its preprocessor_config.json (preprocessor)",
                    name),
        name);
  }
  const auto language_model = files_.find(kLanguageModel);
  BLINDAI_TRY(auto settings,
              service::MakeSpeechSettings(
                  files_.find(kVocab)->second, files_.find(kPreprocessor)->second,
                  language_model == files_.end() ? std::string_view() : language_model->second));
  upload_.SetSpeech(std::move(settings));
  return base::Ok();
}

}  // namespace blindai::endpoints
