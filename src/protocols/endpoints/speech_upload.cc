#include "protocols/endpoints/speech_upload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "service/transcribe.h"
#include "service/whisper_model.h"

namespace blindai::endpoints {

// A part that is known: a network, which goes on, or a file of at most so many bytes.
struct SpeechUpload::Part {
  std::string_view name;
  bool is_network = false;
  bool is_optional = false;
  std::size_t max_bytes = 0;
};

namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxTokenizerBytes = std::size_t{8} << 20;
constexpr std::size_t kMaxLanguageModelBytes = std::size_t{64} << 20;

base::Error WrongPart(std::string message, std::string_view part) {
  return base::MakeError(base::ErrorKind::kInvalid, "upload-part", std::move(message), std::string(part));
}

}  // namespace

std::span<const SpeechUpload::Part> SpeechUpload::parts() const {
  static constexpr std::array<Part, 4> kCtc = {
      {{.name = "model", .is_network = true},
       {.name = "vocab", .max_bytes = kMaxFileBytes},
       {.name = "preprocessor", .max_bytes = kMaxFileBytes},
       {.name = "language_model", .is_optional = true, .max_bytes = kMaxLanguageModelBytes}}};
  static constexpr std::array<Part, 6> kWhisper = {
      {{.name = "encoder", .is_network = true},
       {.name = "decoder", .is_network = true},
       {.name = "decoder_with_past", .is_network = true, .is_optional = true},
       {.name = "tokenizer", .max_bytes = kMaxTokenizerBytes},
       {.name = "generation_config", .max_bytes = kMaxFileBytes},
       {.name = "preprocessor", .max_bytes = kMaxFileBytes}}};
  if (kind_ == wire::ModelKind::kWhisper) return kWhisper;
  return kCtc;
}

base::Result<std::unique_ptr<SpeechUpload>> SpeechUpload::Make(wire::ModelKind kind,
                                                               std::string_view content_type,
                                                               service::ModelUpload& upload) {
  std::unique_ptr<SpeechUpload> made(new SpeechUpload(kind, upload));
  SpeechUpload* const self = made.get();
  wire::PartHandler handler{.begin = [self](const wire::PartHead& head) { return self->Begin(head); },
                            .data = [self](base::ByteView bytes) { return self->Take(bytes); },
                            .end = [] { return base::Ok(); }};
  BLINDAI_TRY(made->reader_, wire::MultipartReader::Make(content_type, std::move(handler)));
  return made;
}

base::Status SpeechUpload::Begin(const wire::PartHead& head) {
  const bool is_file = head.name == "file" && kind_ == wire::ModelKind::kCtcSpeech;
  const auto known = std::ranges::find(parts(), is_file ? "model" : std::string_view(head.name), &Part::name);
  part_ = known == parts().end() ? nullptr : &*known;
  if (part_ == nullptr) return base::Ok();
  std::string name(part_->name);
  if (!files_.try_emplace(name).second) {
    return WrongPart(fmt::format("part '{}' is there twice; send it once", name), name);
  }
  if (part_->is_network && kind_ == wire::ModelKind::kWhisper) return upload_.BeginPart(name);
  return base::Ok();
}

base::Status SpeechUpload::Take(base::ByteView bytes) {
  if (part_ == nullptr) return base::Ok();
  if (part_->is_network) return upload_.Feed(bytes);
  std::string& file = files_.find(part_->name)->second;
  if (bytes.size() > part_->max_bytes - file.size()) {
    return WrongPart(fmt::format("part '{}' is larger than {} bytes", part_->name, part_->max_bytes),
                     part_->name);
  }
  file += base::AsText(bytes);
  return base::Ok();
}

const std::string& SpeechUpload::FileOf(std::string_view part) const {
  static const std::string kNone;
  const auto found = files_.find(part);
  return found == files_.end() ? kNone : found->second;
}

base::Status SpeechUpload::Finish() {
  BLINDAI_RETURN_IF_ERROR(reader_->Finish());
  const bool whisper = kind_ == wire::ModelKind::kWhisper;
  for (const Part& part : parts()) {
    if (part.is_optional || files_.contains(part.name)) continue;
    return WrongPart(
        fmt::format(
            "part '{}' is missing; {}", part.name,
            whisper ? "a Whisper model is its encoder_model.onnx (encoder), decoder_model.onnx (decoder), "
                      "tokenizer.json (tokenizer), generation_config.json (generation_config) and "
                      "preprocessor_config.json (preprocessor)"
                    : "a speech model is its ONNX file (model), its vocab.json (vocab) and its "
                      "preprocessor_config.json (preprocessor)"),
        part.name);
  }
  if (whisper) {
    BLINDAI_TRY(auto settings, service::MakeWhisperSettings(FileOf("tokenizer"), FileOf("generation_config"),
                                                            FileOf("preprocessor")));
    upload_.SetWhisper(std::move(settings));
    return base::Ok();
  }
  BLINDAI_TRY(auto settings,
              service::MakeSpeechSettings(FileOf("vocab"), FileOf("preprocessor"), FileOf("language_model")));
  upload_.SetSpeech(std::move(settings));
  return base::Ok();
}

}  // namespace blindai::endpoints
