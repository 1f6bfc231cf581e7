// `POST /v1/audio/transcriptions`, as OpenAI's clients send it: a form with the recording and what is wanted, answered
// in one of six formats, or with stream=true as server-sent events (protocols/wire/openai_audio*.h). The recording and
// the text are in memory for the time of the request and nowhere else; a client that goes away ends the work.
#pragma once

#include <chrono>

#include "protocols/endpoints/authentication.h"
#include "protocols/endpoints/router.h"
#include "service/model_catalogue.h"
#include "service/recordings.h"
#include "service/transcribe.h"

namespace blindai::endpoints {

struct OpenAIAudioOptions {
  service::DecoderOptions decoder;
  // From a complete upload to its answer.
  std::chrono::milliseconds deadline{3'600'000};
};

// Catalogue and recordings must outlive the router.
void RegisterOpenAIAudio(Router& router, const service::ModelCatalogue& catalogue,
                         service::Recordings& recordings, OpenAIAudioOptions options,
                         IdentifyCaller identify);

}  // namespace blindai::endpoints
