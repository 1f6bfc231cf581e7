#include "client/transcription.h"

#include <utility>

namespace blindai::client {

using base::ErrorKind;
using base::MakeError;
using base::Result;

Result<net::HttpRequest> MakeTranscriptionRequest(std::string target, const FileSource& recording,
                                                  const wire::TranscriptionRequest& wanted,
                                                  const TranscribeOptions& options, std::string boundary) {
  FormBody form(options.upload_progress, std::move(boundary));
  for (const auto& [name, value] : wire::EncodeTranscriptionRequest(wanted)) form.AddField(name, value);
  // The server hears no file name: it may say whose recording it is.
  BLINDAI_RETURN_IF_ERROR(form.AddFile("file", "recording", recording));
  net::HttpRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.headers.Set("Content-Type", form.ContentType());
  const auto body = std::make_shared<RequestBody>(std::move(form).Finish());
  request.source = [body](std::span<std::uint8_t> into) { return body->Read(into); };
  request.source_bytes = body->total();
  request.expect_continue = true;
  request.timeout = options.timeout;
  return request;
}

TranscriptionExchange::TranscriptionExchange(const FileSource& recording, const TranscribeOptions& options,
                                             std::string model)
    : recording_(recording), options_(options), request_(options.request) {
  request_.model = std::move(model);
  request_.stream = options.on_event != nullptr;
}

Result<net::HttpRequest> TranscriptionExchange::MakeRequest() {
  if (answer_began_) {
    return MakeError(ErrorKind::kUnavailable, "connection-lost",
                     "the connection broke while the answer came");
  }
  BLINDAI_TRY(net::HttpRequest request, MakeTranscriptionRequest("/v1/audio/transcriptions", recording_,
                                                                 request_, options_, boundary_));
  if (request_.stream) {
    events_.emplace([this](std::string_view data) { return TakeEvent(data); });
    request.sink = [this](base::ByteView bytes) {
      answer_began_ = true;
      return events_->Feed(bytes);
    };
  }
  return request;
}

base::Status TranscriptionExchange::TakeEvent(std::string_view data) {
  BLINDAI_TRY(const wire::TranscriptionEvent event, wire::DecodeTranscriptionEvent(data));
  if (const auto* done = std::get_if<wire::TextDone>(&event)) document_ = done->document;
  if (options_.on_event(event)) return base::Ok();
  return MakeError(ErrorKind::kCancelled, "cancelled", "the transcription was ended by its caller");
}

Result<Transcription> TranscriptionExchange::Finish(net::HttpResponse response) {
  if (!request_.stream) return Transcription(base::SecretBytes(std::move(response.body)));
  if (!document_)
    return base::Malformed("the stream ended before the transcription did; try again", "event-stream");
  Transcription transcription(base::SecretBytes::CopyOf(base::AsBytes(*document_)));
  base::Wipe(document_->data(), document_->size());
  return transcription;
}

}  // namespace blindai::client
