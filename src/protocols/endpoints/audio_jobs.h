// `POST /v1/audio/jobs`, and `GET` and `DELETE /v1/audio/jobs/{id}` and `GET /v1/audio/jobs/{id}/result`: a recording
// is accepted with the form of `POST /v1/audio/transcriptions`, and its text is fetched later. Whoever asks has the
// account and the job's token (service/transcription_jobs.h); a place is taken before the recording is read, so that a
// server that is full says so early.
#pragma once

#include "protocols/endpoints/authentication.h"
#include "protocols/endpoints/router.h"
#include "service/model_catalogue.h"
#include "service/recordings.h"
#include "service/transcription_jobs.h"

namespace blindai::endpoints {

// All of them must outlive the router.
void RegisterAudioJobs(Router& router, const service::ModelCatalogue& catalogue,
                       service::Recordings& recordings, service::TranscriptionJobs& jobs,
                       IdentifyCaller identify);

}  // namespace blindai::endpoints
