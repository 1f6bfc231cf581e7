#include "server/operator_models.h"

#include <fmt/format.h>

#include <fstream>
#include <future>
#include <iterator>

#include "crypto/digest.h"
#include "encoding/hex.h"
#include "service/transcribe.h"

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

// The digest is taken of the very bytes that the worker gets.
Status FeedFile(const OperatorModel& model, service::ModelUpload& upload) {
  std::ifstream file(model.file, std::ios::binary);
  crypto::Sha256Hasher hasher;
  base::Bytes piece(kPieceBytes);
  while (file) {
    file.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
    const base::ByteView read(piece.data(), static_cast<std::size_t>(file.gcount()));
    hasher.Update(read);
    BLINDAI_RETURN_IF_ERROR(upload.Feed(read));
  }
  if (!file.eof()) return Unreadable(model.file);
  const std::string seen = encoding::HexEncode(hasher.Finish().view());
  if (seen != model.sha256) {
    return MakeError(ErrorKind::kInvalid, "model-sha256",
                     fmt::format("the file has the SHA-256 {}, wanted {}", seen, model.sha256));
  }
  return base::Ok();
}

Status Load(const OperatorModel& model, service::ModelCatalogue& catalogue,
            const service::UploadOptions& options) {
  BLINDAI_TRY(vocabulary::ModelId id, vocabulary::ModelId::Parse(model.id));
  service::UploadRequest request{.id = std::move(id)};
  request.visibility =
      model.visibility == "tenants" ? service::Visibility::kTenants : service::Visibility::kPublic;
  if (!model.vocab_file.empty()) {
    BLINDAI_TRY(const std::string vocab, ReadTextFile(model.vocab_file));
    BLINDAI_TRY(const std::string preprocessor, ReadTextFile(model.preprocessor_file));
    BLINDAI_TRY(request.speech, service::MakeSpeechSettings(vocab, preprocessor));
  }
  BLINDAI_TRY(auto upload, service::ModelUpload::BeginForOperator(catalogue, options, std::move(request)));
  BLINDAI_RETURN_IF_ERROR(FeedFile(model, *upload));
  std::promise<Status> loaded;
  service::ModelUpload::Finish(std::move(upload), [&loaded](Result<service::ModelRecord> record) {
    loaded.set_value(record.ok() ? base::Ok() : Status(std::move(record).error()));
  });
  return loaded.get_future().get();
}

}  // namespace

Status LoadOperatorModels(const ServerConfig& config, service::ModelCatalogue& catalogue,
                          const service::UploadOptions& options) {
  for (const OperatorModel& model : config.models) {
    BLINDAI_RETURN_IF_ERROR(Load(model, catalogue, options).Within("[[model]] " + model.id));
  }
  return base::Ok();
}

}  // namespace blindai::server
