// A recording on its way to text, as the client asks for it (wire/openai_audio_request.h). The recording goes out in
// pieces from where it lies; the answer's memory is wiped when it dies.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "client/request_body.h"
#include "net/http_client.h"
#include "protocols/wire/openai_audio_events.h"
#include "protocols/wire/openai_audio_request.h"

namespace blindai::client {

struct TranscribeOptions {
  // What is wanted. Without a model: the caller's default, which the server knows. `stream` follows from `on_event`.
  wire::TranscriptionRequest request;
  // Called on the calling thread: bytes sent with the next piece, bytes in all. False ends it (code cancelled).
  RequestBody::Progress upload_progress;
  // Called on the calling thread with each event while the server works: text as it is known, how far it is. False ends
  // it (code cancelled).
  std::function<bool(const wire::TranscriptionEvent& event)> on_event;
  // The whole of upload, work and answer.
  std::chrono::milliseconds timeout{3'600'000};
};

// The answer: the document in the format that was asked for.
class Transcription {
 public:
  explicit Transcription(base::SecretBytes document) : document_(std::move(document)) {}
  std::string_view document() const { return base::AsText(document_.ExposeSecret()); }

 private:
  base::SecretBytes document_;
};

// `options` and `recording` must outlive the request. Code: argument (the recording cannot be read).
base::Result<net::HttpRequest> MakeTranscriptionRequest(std::string target, const FileSource& recording,
                                                        const wire::TranscriptionRequest& request,
                                                        const TranscribeOptions& options,
                                                        std::string boundary = FormBody::RandomBoundary());

// One transcription over HTTP; the client makes its request once, and the same again where the answer was lost.
class TranscriptionExchange {
 public:
  // `recording` and `options` must outlive it.
  TranscriptionExchange(const FileSource& recording, const TranscribeOptions& options, std::string model);

  // Codes: argument (the recording cannot be read), connection-lost (the answer had begun when it broke).
  base::Result<net::HttpRequest> MakeRequest();
  // Codes: event-stream (the stream ended before its last event).
  base::Result<Transcription> Finish(net::HttpResponse response);

 private:
  base::Status TakeEvent(std::string_view data);

  const FileSource& recording_;
  const TranscribeOptions& options_;
  wire::TranscriptionRequest request_;
  const std::string boundary_ = FormBody::RandomBoundary();
  std::optional<wire::EventStreamReader> events_;
  bool answer_began_ = false;
  std::optional<std::string> document_;  // of a stream
};

}  // namespace blindai::client
