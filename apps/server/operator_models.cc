#include "server/operator_models.h"

#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <optional>
#include <utility>

#include "model/whisper_run.h"
#include "service/speech_model.h"
#include "service/transcribe.h"
#include "service/whisper_model.h"

namespace blindai::server {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxTextFileBytes = std::size_t{16} << 20;

base::Error Unreadable(const std::string& path) {
  return MakeError(ErrorKind::kInvalid, "model-file", "cannot be read: " + path);
}

Result<std::string> ReadTextFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file || text.empty() || text.size() > kMaxTextFileBytes) return Unreadable(path);
  return text;
}

Status FeedFile(const std::string& path, service::ModelUpload& upload) {
  std::ifstream file(path, std::ios::binary);
  base::Bytes piece(kPieceBytes);
  while (file) {
    file.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
    BLINDAI_RETURN_IF_ERROR(
        upload.Feed(base::ByteView(piece.data(), static_cast<std::size_t>(file.gcount()))));
  }
  return file.eof() ? base::Ok() : Status(Unreadable(path));
}

Status FeedWhisper(const std::string& folder, service::ModelUpload& upload) {
  const auto path = [&folder](const char* name) { return (std::filesystem::path(folder) / name).string(); };
  constexpr std::pair<const char*, const char*> kNetworks[] = {
      {model::kWhisperEncoder, "encoder_model.onnx"},
      {model::kWhisperDecoder, "decoder_model.onnx"},
      {model::kWhisperDecoderWithPast, "decoder_with_past_model.onnx"}};
  for (const auto& [part, name] : kNetworks) {
    const std::string file = path(name);
    if (part == model::kWhisperDecoderWithPast && !std::filesystem::exists(file)) continue;
    BLINDAI_RETURN_IF_ERROR(upload.BeginPart(part));
    BLINDAI_RETURN_IF_ERROR(FeedFile(file, upload));
  }
  BLINDAI_TRY(const std::string tokenizer, ReadTextFile(path("tokenizer.json")));
  BLINDAI_TRY(const std::string generation_config, ReadTextFile(path("generation_config.json")));
  BLINDAI_TRY(const std::string preprocessor, ReadTextFile(path("preprocessor_config.json")));
  BLINDAI_TRY(auto settings, service::MakeWhisperSettings(tokenizer, generation_config, preprocessor));
  upload.SetWhisper(std::move(settings));
  return base::Ok();
}

Status Load(const OperatorModel& model, service::ModelCatalogue& catalogue,
            const service::UploadOptions& options) {
  BLINDAI_TRY(vocabulary::ModelId id, vocabulary::ModelId::Parse(model.id));
  service::UploadRequest request{.id = std::move(id)};
  request.wanted_sha256 = model.sha256;
  request.visibility = service::VisibilityNamed(model.visibility);
  if (!model.vocab_file.empty()) {
    BLINDAI_TRY(const std::string vocab, ReadTextFile(model.vocab_file));
    BLINDAI_TRY(const std::string preprocessor, ReadTextFile(model.preprocessor_file));
    BLINDAI_TRY(request.speech, service::MakeSpeechSettings(vocab, preprocessor));
  }
  BLINDAI_TRY(auto upload, service::ModelUpload::BeginForOperator(catalogue, options, std::move(request)));
  BLINDAI_RETURN_IF_ERROR(model.whisper_folder.empty() ? FeedFile(model.file, *upload)
                                                       : FeedWhisper(model.whisper_folder, *upload));
  std::promise<Status> loaded;
  service::ModelUpload::Finish(std::move(upload), [&loaded](Result<service::ModelRecord> record) {
    loaded.set_value(record.ok() ? base::Ok() : Status(std::move(record).error()));
  });
  return loaded.get_future().get();
}

// The network of [voice_activity]; nothing: it is not there.
std::optional<OperatorModel> VoiceNetworkOf(const ServerConfig& config) {
  if (config.voice_activity_file.empty()) return std::nullopt;
  OperatorModel network;
  network.id = "voice-activity";
  network.file = config.voice_activity_file;
  network.sha256 = config.voice_activity_sha256;
  // No tenant has the operator's name: what is private to it, nobody lists or runs.
  network.visibility = "private";
  return network;
}

Status LoadVoiceNetwork(const OperatorModel& network, service::ModelCatalogue& catalogue,
                        const service::UploadOptions& options) {
  BLINDAI_RETURN_IF_ERROR(Load(network, catalogue, options));
  BLINDAI_TRY(const vocabulary::ModelId id, vocabulary::ModelId::Parse(network.id));
  BLINDAI_RETURN_IF_ERROR(catalogue.UseVoiceNetwork(id));
  return service::CheckVoiceSignature(catalogue.voice_network()->record.signature);
}

}  // namespace

std::vector<OperatorModel> OperatorModelsOf(const ServerConfig& config) {
  std::vector<OperatorModel> models = config.models;
  if (const auto network = VoiceNetworkOf(config)) models.push_back(*network);
  return models;
}

Status LoadOperatorModels(const ServerConfig& config, service::ModelCatalogue& catalogue,
                          const service::UploadOptions& options) {
  for (const OperatorModel& model : config.models) {
    BLINDAI_RETURN_IF_ERROR(Load(model, catalogue, options).Within("[[model]] " + model.id));
  }
  if (const auto network = VoiceNetworkOf(config))
    return LoadVoiceNetwork(*network, catalogue, options).Within("[voice_activity]");
  return base::Ok();
}

}  // namespace blindai::server
