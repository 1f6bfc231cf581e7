// The form of a transcription request on its way in: fields become a request, the part `file` goes into a recording
// (kernel memory) as it arrives; nothing of it is written anywhere. What can be refused is refused early: a recording
// that is announced too large before its first byte, an unknown model as soon as it is named.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "net/http_exchange.h"
#include "net/task.h"
#include "protocols/wire/multipart.h"
#include "protocols/wire/openai_audio_request.h"
#include "service/caller.h"
#include "service/model_catalogue.h"
#include "service/recordings.h"
#include "service/transcribe.h"

namespace blindai::endpoints {

struct AudioSubmission {
  wire::TranscriptionRequest request;
  vocabulary::ModelId model;
  std::shared_ptr<const speech::AudioFile> audio;
};

// What the service is asked for: the recording goes over to it.
service::TranscribeRequest TakeTranscription(AudioSubmission& submission);

// Reads the whole body. Codes: those of RequireRun, SpeechModelOf, MultipartReader, TranscriptionFields, Recordings,
// ModelCatalogue::Find and HttpExchange::ReadBody; form-field (no `file`, or two).
net::Task<base::Result<AudioSubmission>> ReadAudioForm(net::HttpExchange& exchange,
                                                       const service::Caller& caller,
                                                       const service::ModelCatalogue& catalogue,
                                                       service::Recordings& recordings);

}  // namespace blindai::endpoints
