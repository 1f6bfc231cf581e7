// The decoder's side of decoder_protocol.h: one recording, answered piece by piece, then the end of the process.
#pragma once

namespace blindai::speech {

// After the lock-down. Returns the process's exit status.
int ServeRecording(int socket);

}  // namespace blindai::speech
