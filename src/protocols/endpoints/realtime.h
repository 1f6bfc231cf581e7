// `GET /v1/realtime?intent=transcription`: OpenAI's realtime transcription over a WebSocket (wire/realtime.h).
// The server speaks first, then hears settings and sound, and says what it has understood. What is wrong is told as an
// `error` event and the connection stays. A client is not heard again before it has been told all that there is, and
// not before the model has kept up: what waits is bounded. When the connection ends, everything of it is freed.
#pragma once

#include "protocols/endpoints/authentication.h"
#include "protocols/endpoints/router.h"
#include "service/model_catalogue.h"
#include "service/stream_transcription.h"

namespace blindai::endpoints {

// Catalogue and streams must outlive the router.
void RegisterRealtime(Router& router, const service::ModelCatalogue& catalogue, service::LiveStreams& streams,
                      IdentifyCaller identify);

}  // namespace blindai::endpoints
