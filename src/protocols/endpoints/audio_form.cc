#include "protocols/endpoints/audio_form.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/secret.h"
#include "service/speech_model.h"

namespace blindai::endpoints {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;
using vocabulary::ModelId;

// Pieces of an upload, and what a form's fields, boundaries and heads take beside its file.
constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
constexpr std::uint64_t kFieldsBytes = std::uint64_t{4} << 20;
constexpr std::size_t kMaxParts = 4096;

class AudioForm {
 public:
  AudioForm(const service::Caller& caller, const service::ModelCatalogue& catalogue,
            service::Recordings& recordings, std::uint64_t announced_bytes)
      : caller_(caller), catalogue_(catalogue), recordings_(recordings), announced_bytes_(announced_bytes) {}

  wire::PartHandler Handler() {
    return {.begin = [this](const wire::PartHead& head) { return Begin(head); },
            .data = [this](base::ByteView bytes) { return Take(bytes); },
            .end = [this] { return End(); }};
  }

  Result<AudioSubmission> Finish() {
    BLINDAI_TRY(wire::TranscriptionRequest request, fields_.Finish());
    BLINDAI_TRY(ModelId model, CheckModel(request.model));
    if (incoming_ == nullptr) {
      return MakeError(ErrorKind::kInvalid, "form-field",
                       "'file' is missing; send the recording as this part", "file");
    }
    BLINDAI_TRY(auto audio, service::Recordings::Incoming::Finish(std::move(incoming_)));
    return AudioSubmission{std::move(request), std::move(model), std::move(audio)};
  }

 private:
  Status Begin(const wire::PartHead& head) {
    name_ = head.name;
    value_.clear();
    if (name_ != "file") return base::Ok();
    if (incoming_ != nullptr) {
      return MakeError(ErrorKind::kInvalid, "form-field",
                       "'file' is there twice; send one recording at a time", "file");
    }
    BLINDAI_TRY(incoming_, recordings_.Begin(announced_bytes_));
    return base::Ok();
  }

  Status Take(base::ByteView bytes) {
    if (name_ == "file") return incoming_->Append(bytes);
    // A field over its limit is refused at its end; what is beyond is not kept.
    value_ += base::AsText(bytes).substr(0, wire::kMaxFieldBytes + 1 - value_.size());
    return base::Ok();
  }

  Status End() {
    if (name_ == "file") return base::Ok();
    fields_bytes_ += value_.size();
    if (fields_bytes_ > kFieldsBytes) {
      return MakeError(ErrorKind::kTooLarge, "form-field",
                       fmt::format("the fields beside the file are more than {} bytes", kFieldsBytes), name_);
    }
    BLINDAI_RETURN_IF_ERROR(fields_.Take(name_, std::move(value_)));
    if (name_ == "model") BLINDAI_RETURN_IF_ERROR(CheckModel(fields_.model()));
    return base::Ok();
  }

  Result<ModelId> CheckModel(const std::string& text) const {
    Result<ModelId> id = service::SpeechModelOf(catalogue_, caller_, text);
    if (!id.ok()) {
      base::Error error = id.error();
      error.param = "model";  // as the field is called here
      return error;
    }
    BLINDAI_RETURN_IF_ERROR(catalogue_.Find(caller_, *id));
    return id;
  }

  const service::Caller& caller_;
  const service::ModelCatalogue& catalogue_;
  service::Recordings& recordings_;
  const std::uint64_t announced_bytes_;
  wire::TranscriptionFields fields_;
  std::unique_ptr<service::Recordings::Incoming> incoming_;
  std::string name_;   // of the part that is read
  std::string value_;  // of a field
  std::uint64_t fields_bytes_ = 0;
};

}  // namespace

service::TranscribeRequest TakeTranscription(AudioSubmission& submission) {
  const wire::TranscriptionRequest& asked = submission.request;
  service::TranscribeRequest request;
  request.audio = std::move(submission.audio);
  request.keywords = asked.keywords;
  request.alignment = asked.alignment;
  request.language = asked.language;
  request.translate = asked.translate;
  request.prompt = asked.prompt;
  request.beams = asked.beam_size;
  request.needs_words = asked.words || asked.logprobs;
  request.silence_ms = asked.silence_ms;
  return request;
}

net::Task<Result<AudioSubmission>> ReadAudioForm(net::HttpExchange& exchange, const service::Caller& caller,
                                                 const service::ModelCatalogue& catalogue,
                                                 service::Recordings& recordings) {
  const Status allowed = service::RequireRun(caller);
  if (!allowed.ok()) co_return allowed.error();
  const net::RequestHead& head = exchange.head();
  const std::uint64_t length = head.content_length.value_or(0);
  AudioForm form(caller, catalogue, recordings, length > kFieldsBytes ? length - kFieldsBytes : 0);
  Result<wire::MultipartReader> reader = wire::MultipartReader::Make(
      head.headers.Find("Content-Type").value_or(""), form.Handler(), {.max_parts = kMaxParts});
  if (!reader.ok()) co_return reader.error();

  base::SecretBytes piece(kPieceBytes);
  while (true) {
    const std::span<std::uint8_t> into = piece.ExposeSecretForWriting();
    const Result<std::size_t> read = co_await exchange.ReadBody(into);
    if (!read.ok()) co_return read.error();
    if (*read == 0) break;
    const Status fed = reader->Feed(piece.ExposeSecret().first(*read));
    if (!fed.ok()) co_return fed.error();
  }
  const Status ended = reader->Finish();
  if (!ended.ok()) co_return ended.error();
  Result<AudioSubmission> submission = form.Finish();
  co_return submission;
}

}  // namespace blindai::endpoints
