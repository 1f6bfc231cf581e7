// The worker's side of worker_protocol.h: receives, lets the engine work, answers, and cleans up when idle.
#pragma once

#include "model/engine.h"

namespace blindai::model {

// Serves until the server closes its side, then ends the process. The first thread listens, so that a cancel
// or the server's end is heard during a run; a second one works.
[[noreturn]] void ServeModel(int socket, Engine& engine);

}  // namespace blindai::model
